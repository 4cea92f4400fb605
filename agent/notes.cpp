#include "agent/notes.h"

#include <algorithm>
#include <utility>

#include "agent/work_plan.h"
#include "base/json.h"
#include "base/utf8.h"

namespace agent {
namespace {

using nlohmann::json;

constexpr const char* kRequest = "request";
constexpr const char* kAnswer = "answer";
constexpr size_t kMaxArguments = 2000, kMaxResult = 2000;

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
  head.resize(head.size() - base::utf8_unfinished(head));
  return head + " … " + base::utf8_repaired(line.substr(line.size() - most / 3));
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
    if (call.step == 0) {
      lines +=
          call.tool + ": " + short_line(call.result, std::max<size_t>(result_bytes, 120)) + "\n";
      continue;
    }
    lines += std::to_string(call.step) + ". " + call.tool;
    if (about_bytes > 0) lines += " (" + about(call, about_bytes) + ")";
    lines +=
        ": " +
        short_line(call.result, call.error ? std::min<size_t>(result_bytes, 60) : result_bytes) +
        "\n";
  }
  return lines;
}

/// Of a message that begins with notes and profiles of files, what the person said.
std::string request_in(const std::string& text) {
  const size_t blank = text.rfind("\n\n");
  return blank == text.npos ? text : text.substr(blank + 2);
}

}  // namespace

std::string notes_text(std::string_view begin, const Notes& notes, std::span<const MadeCall> calls,
                       size_t most) {
  std::string head =
      std::string(begin) +
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

PastNotes notes_of(std::span<const model::Message> past) {
  PastNotes notes;
  int step = 0;
  for (size_t i = 0; i < past.size(); ++i) {
    const model::Message& message = past[i];
    if (message.role == model::Role::user && !message.text.empty())
      notes.calls.push_back(
          {.tool = kRequest, .arguments = {}, .result = request_in(message.text)});
    if (message.role != model::Role::model) continue;
    if (message.calls.empty() && !message.text.empty())
      notes.calls.push_back({.tool = kAnswer, .arguments = {}, .result = message.text});
    size_t next = i + 1;  // results stand in the order of their calls
    for (const model::FunctionCall& call : message.calls) {
      MadeCall made{
          .step = ++step,
          .tool = call.name,
          .arguments = call.arguments.dump(-1, ' ', false, json::error_handler_t::replace),
          .result = {}};
      if (call.name == "update_plan")
        if (const base::Result<WorkPlan> plan = read_plan(call.arguments); plan)
          notes.plan = plan->text();
      made.arguments = made.arguments.substr(0, kMaxArguments);
      if (next < past.size() && past[next].role == model::Role::tool) {
        made.result = cut_in_middle(past[next].text, kMaxResult);
        made.error = made.result.starts_with("error: ");
        ++next;
      }
      notes.calls.push_back(std::move(made));
    }
  }
  return notes;
}

std::string cut_in_middle(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t head = most * 2 / 3, tail = text.size() - most / 3;
  if (const size_t line = text.rfind('\n', head); line != text.npos && line > head / 2)
    head = line + 1;
  if (const size_t line = text.find('\n', tail); line != text.npos && line - tail < most / 6)
    tail = line + 1;
  std::string begin = text.substr(0, head);
  begin.resize(begin.size() - base::utf8_unfinished(begin));
  return begin + "… " + std::to_string(tail - head) + " bytes left out …\n" +
         base::utf8_repaired(text.substr(tail));
}

}  // namespace agent
