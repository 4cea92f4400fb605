#include "agent/endpoint/endpoint_model.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <thread>

#include "base/json.h"

namespace agent {

using base::Errc;
using base::Error;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxBody = 4 << 20;  // of a list of models, of an error
constexpr size_t kMaxListed = 8;      // names in a sentence
constexpr auto kProbeTime = std::chrono::seconds(20);

int tokens_at(const json& object, const char* key) {
  const json& n = base::member(object, key);
  if (!n.is_number()) return 0;
  const double value = n.get<double>();
  return value > 0 && value < 1e9 ? static_cast<int>(value) : 0;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// How long a server that is full asks to be left alone, in seconds; else twice as long each time.
std::chrono::milliseconds wait_for(const std::string& retry_after, int tries) {
  double seconds = 0;
  const char* end = retry_after.data() + retry_after.size();
  if (std::from_chars(retry_after.data(), end, seconds).ec == std::errc() && seconds >= 0 &&
      seconds < 1e6)
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  return std::chrono::seconds(1 << std::min(tries, 6));
}

}  // namespace

EndpointModel::EndpointModel(EndpointUrl url, EndpointOptions options)
    : options_(std::move(options)), client_(std::move(url), options_.http) {
  wire_.model = options_.id;
  wire_.max_tokens = options_.max_reply_tokens;
}

base::Result<std::unique_ptr<EndpointModel>> EndpointModel::connect(EndpointOptions options,
                                                                    std::stop_token stop) {
  base::Result<EndpointUrl> url = parse_endpoint(options.url);
  if (!url) return url.error();
  std::unique_ptr<EndpointModel> model(new EndpointModel(*url, std::move(options)));
  // Said before the first byte is sent.
  if (!url->is_local())
    model->notice("the conversation, the profiles of files and what tools show go to " +
                  url->authority() + (url->tls ? "" : ", unencrypted"));
  if (base::Status found = model->find_model(stop); !found) return found.error();
  model->read_props(stop);
  if (model->options_.context > 0) model->context_ = model->options_.context;
  return model;
}

base::Result<EndpointModel::Answer> EndpointModel::get(const std::string& path,
                                                       std::stop_token stop) const {
  Answer answer;
  const base::Result<HttpReplyHead> head = client_.ask(
      path, nullptr,
      [&](const HttpReplyHead&, std::string_view piece) {
        answer.body += piece;
        return answer.body.size() < kMaxBody;
      },
      Clock::now() + kProbeTime, stop);
  if (!head) return head.error();
  answer.head = *head;
  return answer;
}

Error EndpointModel::error_of(const Answer& answer) const {
  const int status = answer.head.status;
  const std::string who = client_.url().authority();
  if (status >= 300 && status < 400)
    return {Errc::refused,
            who + " sends to another address, which is not followed; give --endpoint that URL" +
                (answer.head.location.empty() ? "" : ": " + error_sentence(answer.head.location))};
  const std::string said = error_sentence(answer.body);
  std::string why = who + " answered " + std::to_string(status) + (said.empty() ? "" : ": " + said);
  if (is_context_overflow(answer.body)) return {Errc::limit, why};
  if (status == 401 || status == 403)
    return {Errc::refused, why + " (the key of --endpoint-key-file is missing or wrong)"};
  if (status == 404)
    return {Errc::not_found, why + " (" + client_.url().base +
                                 "/chat/completions is not there; is the URL complete?)"};
  return {Errc::internal, why};
}

base::Status EndpointModel::find_model(std::stop_token stop) {
  base::Result<Answer> answer = get(client_.url().base + "/models", stop);
  for (int tries = 0; answer && answer->head.status == 503 && tries < options_.max_waits; ++tries) {
    // llama.cpp answers so while it reads its model.
    const auto wait = std::min(wait_for(answer->head.retry_after, tries), options_.longest_wait);
    notice(client_.url().authority() + " is not ready; asking again");
    const auto end = Clock::now() + wait;
    while (Clock::now() < end && !stop.stop_requested())
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = get(client_.url().base + "/models", stop);
  }
  if (!answer) return answer.error();
  const int status = answer->head.status;
  if (status != 200) {
    // Not every server lists its models.
    const bool unlisted = status == 404 || status == 405 || status == 501;
    if (unlisted && !wire_.model.empty()) return base::Ok{};
    Error error = error_of(*answer);
    if (unlisted)
      error.message = client_.url().authority() +
                      " does not list its models; name one with --endpoint-model, or correct the "
                      "URL";
    return error;
  }
  const json body = parse_bounded(answer->body);
  const json& list = base::member(body, "data").is_array() ? base::member(body, "data")
                                                           : base::member(body, "models");
  if (!list.is_array()) {
    const std::string said = error_sentence(answer->body);
    return Error{Errc::corrupt, client_.url().authority() + client_.url().base +
                                    "/models is no list of models" +
                                    (said.empty() ? "" : ", but: " + said)};
  }
  std::string names;
  size_t n_names = 0;
  const json* found = nullptr;
  for (const json& one : list) {
    const json& name =
        base::member(one, "id").is_string() ? base::member(one, "id") : base::member(one, "name");
    if (!name.is_string() || name.get_ref<const std::string&>().empty()) continue;
    const std::string& id = name.get_ref<const std::string&>();
    if (++n_names <= kMaxListed)
      names += (names.empty() ? "" : ", ") + error_sentence("\"" + id + "\"");
    // Without a name the first that can chat; Ollama adds ":latest" to names.
    const json& aliases = base::member(one, "aliases");
    const bool alias = aliases.is_array() &&
                       std::find(aliases.begin(), aliases.end(), options_.id) != aliases.end();
    const bool fits = options_.id.empty()
                          ? lower(id).find("embed") == id.npos
                          : id == options_.id || id == options_.id + ":latest" || alias;
    if (found == nullptr && fits) {
      found = &one;
      wire_.model = id;
    }
  }
  if (n_names > kMaxListed) names += " and " + std::to_string(n_names - kMaxListed) + " more";
  if (found == nullptr)
    return Error{Errc::usage, client_.url().authority() + " has no model " +
                                  (options_.id.empty() ? "that chats" : options_.id) +
                                  (names.empty() ? "; it lists none" : "; it has " + names)};
  if (options_.id.empty() && n_names > 1)
    notice("using the model " + error_sentence("\"" + wire_.model + "\"") + " of " + names +
           " (--endpoint-model)");
  for (const char* key : {"max_model_len", "context_length", "max_context_length"})
    if (context_ == 0) context_ = tokens_at(*found, key);
  if (context_ == 0) context_ = tokens_at(base::member(*found, "meta"), "n_ctx");
  return base::Ok{};
}

void EndpointModel::read_props(std::stop_token stop) {
  const base::Result<Answer> answer = get(client_.url().root + "/props", stop);
  if (!answer || answer->head.status != 200) return;
  const json body = parse_bounded(answer->body);
  if (const int n = tokens_at(base::member(body, "default_generation_settings"), "n_ctx"); n > 0)
    context_ = n;
  const json& vision = base::member(base::member(body, "modalities"), "vision");
  if (vision.is_boolean()) wire_.images = vision.get<bool>();
}

bool EndpointModel::do_without(const Answer& answer, bool has_tools) {
  const int status = answer.head.status;
  // llama.cpp says 500 where others say 400.
  if (status != 400 && status != 415 && status != 422 && status != 500 && status != 501)
    return false;
  if (is_context_overflow(answer.body)) return false;
  const std::string body = lower(answer.body);
  const auto names = [&](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return body.find(word) != body.npos; });
  };
  // What fails for other reasons may quote words of the conversation.
  if (status >= 500 && !names({"not support", "unsupported", "jinja", "mmproj"})) return false;
  const std::string who = client_.url().authority();
  if (wire_.usage_in_stream && wire_.stream && names({"stream_options"})) {
    wire_.usage_in_stream = false;
    return true;
  }
  if (!wire_.completion_name && names({"max_tokens"}) && names({"max_completion_tokens"})) {
    wire_.completion_name = true;
    return true;
  }
  if (wire_.schemas && names({"response_format", "json_schema"})) {
    wire_.schemas = false;
    return true;
  }
  if (wire_.reasoning && names({"reasoning_content"})) {
    wire_.reasoning = false;
    return true;
  }
  if (wire_.images && names({"image", "vision", "multimodal", "mmproj", "multi-modal"})) {
    wire_.images = false;
    notice(who + " takes no pictures; going on without them");
    return true;
  }
  if (wire_.tools && has_tools && names({"tool", "function call", "jinja"})) {
    wire_.tools = false;
    notice(who + " takes no tools; they are described in the text");
    return true;
  }
  if (wire_.stream && names({"stream"})) {
    wire_.stream = false;
    notice(who + " takes no streaming; waiting for whole replies");
    return true;
  }
  return false;
}

base::Result<ModelReply> EndpointModel::reply(std::span<const model::Message> conversation,
                                              std::span<const model::ToolDeclaration> tools,
                                              const ReplyRequest& request,
                                              const std::function<void(std::string_view)>& on_text,
                                              std::stop_token stop) {
  std::vector<std::string> names;
  for (const model::ToolDeclaration& tool : tools) names.push_back(tool.name);
  // do_without() leaves away one thing at a time, so this ends.
  for (int waits = 0;;) {
    WireOptions wire = wire_;
    // Servers refuse a prompt that leaves less room than the reply may take.
    if (context_ > 0) wire.max_tokens = std::min(wire.max_tokens, std::max(256, context_ / 4));
    wire.schema = wire_.schemas ? request.schema : "";
    const std::string body = request_body(conversation, tools, wire);
    ReplyReader reader(names);
    Answer answer;
    std::string told;
    const auto tell = [&](std::string_view text) {
      told += text;
      if (on_text && !text.empty()) on_text(text);
    };
    const base::Result<HttpReplyHead> head = client_.ask(
        client_.url().base + "/chat/completions", &body,
        [&](const HttpReplyHead& from, std::string_view piece) {
          if (from.status == 200) {
            const bool more = reader.push(piece);
            tell(reader.fresh_text());
            return more;
          }
          answer.body += piece;
          return answer.body.size() < kMaxBody;
        },
        request.deadline, stop);
    // What is complete is not lost because the connection ended badly.
    if (!head && !reader.complete()) return head.error();
    if (!head || head->status == 200) {
      base::Result<ModelReply> reply = reader.finish();
      if (!reply) {
        reply.error().message = client_.url().authority() + ": " + reply.error().message;
        return reply.error();
      }
      const std::string& text = reply->message.text;
      if (text.starts_with(told)) tell(std::string_view(text).substr(told.size()));
      return reply;
    }
    answer.head = *head;
    if (do_without(answer, !tools.empty())) continue;
    const bool full = head->status == 429 || head->status == 503;
    if (!full || waits >= options_.max_waits) {
      if (const int said = context_in(answer.body); said > 0 && is_context_overflow(answer.body))
        context_ = context_ > 0 ? std::min(context_, said) : said;
      return error_of(answer);
    }
    const std::chrono::milliseconds wait = wait_for(head->retry_after, waits++);
    if (wait > options_.longest_wait || Clock::now() + wait >= request.deadline) {
      Error error = error_of(answer);
      error.code = Errc::limit;
      error.message += "; it asks to come back in " + std::to_string((wait.count() + 999) / 1000) +
                       " s, which is too long";
      return error;
    }
    notice(client_.url().authority() + " is busy (" + std::to_string(head->status) +
           "); asking again in " + std::to_string((wait.count() + 999) / 1000) + " s");
    const auto end = Clock::now() + wait;
    while (Clock::now() < end) {
      if (stop.stop_requested()) return Error{Errc::cancelled, "stopped while waiting"};
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

}  // namespace agent
