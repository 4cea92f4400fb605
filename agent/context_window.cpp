// A turn is what the model said and the results of its calls; it stays or goes as a whole, since
// servers refuse results without their calls. In place of those that go stands one message: the
// plan, the files, and a line for each call with what came of it. It is made anew from the run's
// calls each time, so nothing is lost by doing it often.

#include "agent/context_window.h"

#include <algorithm>
#include <cstdint>

#include "base/json.h"
#include "model/utf8.h"

namespace agent {
namespace {

using nlohmann::json;

constexpr int kBytesOfToken = 3;
constexpr int kTokensOfMessage = 8;
constexpr int kTokensOfPicture = 1200;
constexpr int kMostReply = 4096;
constexpr std::string_view kNotesBegin = "Notes on the work so far";

size_t bytes_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).size();
}

int tokens_of(const model::Message& message) {
  size_t bytes = message.text.size() + message.reasoning.size();
  for (const model::FunctionCall& call : message.calls)
    bytes += call.name.size() + 40 + bytes_of(call.arguments);
  return static_cast<int>(bytes) / kBytesOfToken + kTokensOfMessage +
         kTokensOfPicture * static_cast<int>(message.media.size());
}

/// On one line, at most `most` bytes, the middle left out.
std::string short_line(const std::string& text, size_t most) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += c == '\n' ? ';' : ' ';
  }
  if (line.size() <= most) return line;
  std::string head = line.substr(0, most * 2 / 3);
  head.resize(head.size() - model::utf8_unfinished(head));
  return head + " … " + model::utf8_repaired(line.substr(line.size() - most / 3));
}

/// What a call was about, without the braces of its JSON.
std::string about(const MadeCall& call, size_t most) {
  const json arguments = json::parse(call.arguments, nullptr, false);
  std::string text;
  if (arguments.is_object())
    for (const auto& [name, value] : arguments.items())
      text += (text.empty() ? "" : ", ") +
              (value.is_string() ? value.get<std::string>()
                                 : value.dump(-1, ' ', false, json::error_handler_t::replace));
  else
    text = call.arguments;
  return short_line(text, most);
}

/// Of one level of detail; the oldest calls are left out if that is not enough.
std::string call_lines(std::span<const MadeCall> calls, size_t about_bytes, size_t result_bytes) {
  std::string lines;
  for (const MadeCall& call : calls) {
    if (call.tool == "update_plan") continue;
    lines += std::to_string(call.step) + ". " + call.tool;
    if (about_bytes > 0) lines += " (" + about(call, about_bytes) + ")";
    lines +=
        ": " +
        short_line(call.result, call.error ? std::min<size_t>(result_bytes, 60) : result_bytes) +
        "\n";
  }
  return lines;
}

std::string notes_text(const Notes& notes, std::span<const MadeCall> calls, size_t most) {
  std::string head =
      std::string(kNotesBegin) +
      " (older turns were left out to save space; what stands here need not be done again):\n";
  if (!notes.plan.empty()) head += "Plan:\n" + cut_in_middle(notes.plan, most / 2) + "\n";
  if (!notes.files.empty()) {
    head += "Files made:";
    for (const std::string& file : notes.files) head += " " + file;
    head = cut_in_middle(head, most * 3 / 4) + "\n";
  }
  if (calls.empty()) return head;
  head += "Calls and their results:\n";
  const size_t left = most > head.size() ? most - head.size() : 0;
  for (const auto& [about_bytes, result_bytes] :
       {std::pair<size_t, size_t>{160, 400}, {100, 200}, {60, 100}, {40, 60}, {30, 36}}) {
    std::string lines = call_lines(calls, about_bytes, result_bytes);
    if (lines.size() <= left) return head + lines;
  }
  std::string lines = call_lines(calls, 30, 36);
  const size_t from = lines.find('\n', lines.size() - std::min(left, lines.size()));
  return head + "(the first are left out)\n" + (from == lines.npos ? "" : lines.substr(from + 1));
}

}  // namespace

int ContextWindow::room() const {
  return tokens_ == 0 ? 0 : tokens_ - std::min(kMostReply, tokens_ / 4);
}

size_t ContextWindow::most_result_bytes(size_t n) const {
  if (tokens_ == 0) return SIZE_MAX;
  return std::max<size_t>(400, static_cast<size_t>(tokens_) / 2 / std::max<size_t>(n, 1));
}

void ContextWindow::counted(size_t n_messages, int tokens) {
  if (n_first_ == 0) {
    n_first_ = n_messages;
    first_ = tokens;
  }
  n_counted_ = n_messages;
  counted_ = tokens;
}

void ContextWindow::changed(size_t first) {
  n_counted_ = n_first_ <= first ? n_first_ : 0;
  counted_ = n_counted_ > 0 ? first_ : 0;
}

int ContextWindow::estimate(std::span<const model::Message> conversation,
                            std::span<const model::ToolDeclaration> tools) const {
  const size_t known = n_counted_ <= conversation.size() ? n_counted_ : 0;
  int tokens = known > 0 ? counted_ : 0;
  if (known == 0)
    for (const model::ToolDeclaration& tool : tools)
      tokens +=
          static_cast<int>(tool.name.size() + tool.description.size() + bytes_of(tool.parameters)) /
              kBytesOfToken +
          kTokensOfMessage;
  for (const model::Message& message : conversation.subspan(known)) tokens += tokens_of(message);
  return tokens;
}

std::string cut_in_middle(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t head = most * 2 / 3, tail = text.size() - most / 3;
  if (const size_t line = text.rfind('\n', head); line != text.npos && line > head / 2)
    head = line + 1;
  if (const size_t line = text.find('\n', tail); line != text.npos && line - tail < most / 6)
    tail = line + 1;
  std::string begin = text.substr(0, head);
  begin.resize(begin.size() - model::utf8_unfinished(begin));
  return begin + "… " + std::to_string(tail - head) + " bytes left out …\n" +
         model::utf8_repaired(text.substr(tail));
}

bool compact(std::vector<model::Message>& conversation, size_t first,
             std::span<const model::ToolDeclaration> tools, const Notes& notes, int room,
             ContextWindow& window) {
  const std::span<model::Message> all(conversation);
  window.changed(first);
  const int fixed = window.estimate(all.first(std::min(first, all.size())), tools);
  // Notes of an earlier time are made anew.
  size_t begin = first;
  if (begin < all.size() && all[begin].role == model::Role::user &&
      all[begin].text.starts_with(kNotesBegin))
    ++begin;
  const int for_notes = std::max(200, room / 4);
  int left = std::max(0, room - fixed - for_notes);
  size_t kept = all.size();
  for (size_t i = all.size(); i-- > begin;) {
    left -= tokens_of(all[i]);
    // At least the newest turn stays.
    if (left < 0 && kept < all.size()) break;
    if (all[i].role == model::Role::model) kept = i;
  }
  if (kept == all.size()) kept = begin;
  bool changed = kept > begin;
  // One turn that is too long by itself: its results are cut.
  int turns = 0, tokens = 0;
  size_t n_results = 0, n_calls = 0;
  for (size_t i = kept; i < all.size(); ++i) {
    turns += all[i].role == model::Role::model ? 1 : 0;
    n_results += all[i].role == model::Role::tool ? 1 : 0;
    n_calls += all[i].calls.size();
    tokens += tokens_of(all[i]);
  }
  const int for_turns = std::max(300, room - fixed - for_notes);
  if (turns <= 1 && tokens > for_turns && n_results > 0) {
    const size_t each = static_cast<size_t>(for_turns) * kBytesOfToken / 2 / n_results;
    for (size_t i = kept; i < all.size(); ++i) {
      if (all[i].role != model::Role::tool) continue;
      changed = changed || all[i].text.size() > each || !all[i].media.empty();
      all[i].text = cut_in_middle(all[i].text, each);
      all[i].media.clear();
    }
  }
  if (!changed) return false;
  const size_t noted = notes.calls.size() - std::min(notes.calls.size(), n_calls);
  model::Message note{.role = model::Role::user,
                      .text = notes_text(notes, notes.calls.first(noted),
                                         static_cast<size_t>(for_notes) * kBytesOfToken)};
  std::vector<model::Message> shorter(
      std::make_move_iterator(conversation.begin()),
      std::make_move_iterator(conversation.begin() + static_cast<std::ptrdiff_t>(first)));
  shorter.push_back(std::move(note));
  shorter.insert(shorter.end(),
                 std::make_move_iterator(conversation.begin() + static_cast<std::ptrdiff_t>(kept)),
                 std::make_move_iterator(conversation.end()));
  conversation = std::move(shorter);
  return true;
}

}  // namespace agent
