#include "server/api/history.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "media/image.h"
#include "server/api/generation.h"

namespace server {

using nlohmann::json;

void History::add(model::Message message, std::string path) {
  if (message.role == model::Role::tool) {
    add_result(std::move(message), path);
    return;
  }
  for (const model::FunctionCall& call : message.calls)
    unanswered_[call.id].push_back(entries_.size());
  entries_.push_back({std::move(message), std::move(path), {}});
}

// Clients put what came between call and result, such as a person's remark, in either order; the
// model reads a result only right behind its call.
void History::add_result(model::Message message, const std::string& path) {
  const auto at = unanswered_.find(message.call_id);
  if (at == unanswered_.end()) {
    problem_.say(path, path + " is the result of " + in_quotes(message.call_id) +
                           ", but no call before it has this id or it was answered already");
    return;
  }
  entries_[at->second.back()].results.push_back(std::move(message));
  at->second.pop_back();
  if (at->second.empty()) unanswered_.erase(at);
}

void History::add_text(model::Message& message, std::string_view text) {
  const bool behind_media =
      !message.media.empty() && message.media.back().at == message.text.size();
  if (!message.text.empty() && !text.empty() && !behind_media && !message.text.ends_with('\n'))
    message.text += '\n';
  message.text += text;
}

void History::add_media(model::Message& message, model::MediaKind kind, std::string_view base64,
                        const std::string& path) {
  if (problem_) return;
  if (++n_media_ > kMaxMedia) {
    problem_.say(path, path + ": more than " + std::to_string(kMaxMedia) +
                           " pictures and recordings in one request");
    return;
  }
  if (base64.size() / 4 * 3 > kMaxMediaBytes) {
    problem_.say(path, path + " holds more than " + std::to_string(kMaxMediaBytes >> 20) + " MiB");
    return;
  }
  std::optional<std::string> bytes = base::base64_decoded(base64);
  if (!bytes || bytes->empty()) {
    problem_.say(path, path + (bytes ? " is empty" : " is not base64"));
    return;
  }
  media_bytes_ += bytes->size();
  if (media_bytes_ > kMaxAllMediaBytes) {
    problem_.say(path, path + ": more than " + std::to_string(kMaxAllMediaBytes >> 20) +
                           " MiB of pictures and recordings in one request");
    return;
  }
  if (kind == model::MediaKind::image && media::format_of(*bytes) == media::Format::unknown) {
    problem_.say(path, path + " is not a PNG, JPEG, WebP or GIF file");
    return;
  }
  message.media.push_back({kind, message.text.size(), std::move(*bytes)});
}

void History::add_image(model::Message& message, std::string_view base64, const std::string& path) {
  add_media(message, model::MediaKind::image, base64, path);
}

void History::add_image_url(model::Message& message, std::string_view url,
                            const std::string& path) {
  if (!url.starts_with("data:")) {
    problem_.say(path, path + " is " + in_quotes(url) +
                           ": only data: URLs are read, nothing is fetched and no file is opened");
    return;
  }
  const size_t comma = url.find(',');
  const std::string_view head = url.substr(0, std::min<size_t>(comma, 200));
  if (comma == std::string_view::npos || !head.starts_with("data:image/") ||
      !head.ends_with(";base64")) {
    problem_.say(path, path + " does not begin with data:image/TYPE;base64,");
    return;
  }
  add_image(message, url.substr(comma + 1), path);
}

void History::add_audio(model::Message& message, std::string_view base64, const std::string& path) {
  add_media(message, model::MediaKind::audio, base64, path);
}

void History::detail(Fields& fields, std::string_view name) {
  const auto wish = fields.choice(name, {"auto", "low", "high", "original"});
  if (!wish || *wish == "auto") return;
  image_budget_ = std::max(image_budget_, *wish == "low" ? 70 : 1120);
}

void History::add_call(model::Message& message, std::string id, std::string name,
                       std::string_view arguments, const std::string& path) {
  if (!is_function_name(name, ":")) {
    problem_.say(path,
                 path + " is of a call to " + in_quotes(name) + ", which is no function's name");
    return;
  }
  if (id.empty() || message.calls.size() >= kMaxCallsOfMessage) {
    problem_.say(path, path + (id.empty() ? " is of a call without an id"
                                          : ": more than " + std::to_string(kMaxCallsOfMessage) +
                                                " calls in one message"));
    return;
  }
  message.calls.push_back(
      {.name = std::move(name), .arguments = parse_past_arguments(arguments), .id = std::move(id)});
}

void History::finish(Request& request) {
  std::vector<model::Message>& messages = request.messages;
  bool at_beginning = true;
  for (Entry& entry : entries_) {
    const bool is_system = entry.message.role == model::Role::system;
    if (is_system && at_beginning && !messages.empty()) {
      std::string& text = messages.front().text;
      if (!text.empty() && !entry.message.text.empty()) text += "\n\n";
      text += entry.message.text;
      continue;
    }
    at_beginning = at_beginning && is_system;
    const bool is_last = &entry == &entries_.back();
    if (is_last && entry.results.size() < entry.message.calls.size())
      problem_.say(entry.path, entry.path + " ends with calls that have no result");
    messages.push_back(std::move(entry.message));
    for (model::Message& result : entry.results) messages.push_back(std::move(result));
  }
  if (request.image_budget == 0) request.image_budget = image_budget_;
}

}  // namespace server
