#include "cli/session_text.h"

#include <algorithm>
#include <ctime>

#include "base/utf8.h"

namespace cli {

using agent::session::Info;
using agent::session::Saved;
using agent::session::Step;
using base::line_of;
using nlohmann::json;

namespace {

/// A block of code whose fence is longer than any in the text.
std::string fenced(const std::string& text, const char* language) {
  size_t longest = 0, run = 0;
  for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(std::max<size_t>(3, longest + 1), '`');
  return fence + language + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n\n";
}

std::string call_text(const model::FunctionCall& call) {
  std::string text = "**" + call.name + "**\n\n";
  const bool code = call.arguments.size() == 1 && call.arguments.contains("code") &&
                    call.arguments["code"].is_string();
  if (code)
    return text + fenced(call.arguments["code"].get<std::string>(),
                         call.name == "run_lua" ? "lua" : "python");
  return text + fenced(line_of(call.arguments), "json");
}

std::string message_text(const model::Message& m) {
  std::string text;
  if (!m.text.empty()) text += m.role == model::Role::model ? m.text + "\n\n" : fenced(m.text, "");
  for (const model::FunctionCall& call : m.calls) text += call_text(call);
  for (const model::Media& media : m.media)
    text += "(a picture of " + std::to_string(media.bytes.size()) + " bytes)\n\n";
  return text;
}

}  // namespace

std::string state_of(const Info& info, const agent::session::Store& store) {
  if (info.status == "stopped") return "interrupted";
  if (info.status != "running") return info.status;
  return store.locked(info.id) ? "running" : "interrupted";
}

json summary_json(const Info& info, const std::string& state) {
  return {{"id", info.id},           {"created_ms", info.created_ms},
          {"status", state},         {"workspace", info.workspace},
          {"request", info.request}, {"model", info.model},
          {"parent", info.parent},   {"task", info.task}};
}

base::Result<json> session_json(const Saved& saved, const std::string& state) {
  json session = summary_json(saved.info, state);
  session["prompt"] = saved.info.prompt;
  session["setup"] = saved.info.setup;
  session["n_past"] = saved.info.n_past;
  json steps = json::array(), messages = json::array(), events = json::array();
  for (const Step& step : saved.happened.steps) {
    base::Result<json> outcome = json();
    if (step.outcome) outcome = agent::session::parse_line(*step.outcome);
    if (!outcome) return outcome.error();
    steps.push_back({{"kind", step.kind},
                     {"asked", step.asked},
                     {"outcome", *outcome},
                     {"n_events", step.n_events},
                     {"run", step.run}});
  }
  for (const auto& [seq, line] : saved.happened.messages) {
    base::Result<json> message = agent::session::parse_line(line);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
  }
  for (const auto& [seq, line] : saved.happened.events) {
    base::Result<json> event = agent::session::parse_line(line);
    if (!event) return event.error();
    events.push_back(std::move(*event));
  }
  return json{{"format", "tessera-session"}, {"version", 1},
              {"session", session},          {"steps", steps},
              {"messages", messages},        {"events", events}};
}

std::string session_markdown(const Saved& saved, const std::string& state,
                             const std::vector<model::Message>& conversation) {
  const Info& info = saved.info;
  std::string text = "# " + first_words(info.request, 80) + "\n\n" + "session " + info.id + ", " +
                     state + ", " + when(info.created_ms) + ", model " + info.model + ", in " +
                     info.workspace + "\n\n";
  if (!info.parent.empty()) text += "It goes on with session " + info.parent + ".\n\n";
  int steps = 0;
  for (size_t i = 0; i < conversation.size(); ++i) {
    const model::Message& m = conversation[i];
    const bool past = i < static_cast<size_t>(info.n_past);
    if (m.role == model::Role::user) text += past ? "## Asked before\n\n" : "## Asked\n\n";
    if (m.role == model::Role::model)
      text += past ? "## Said before\n\n" : "## Step " + std::to_string(++steps) + "\n\n";
    text += message_text(m);
  }
  std::string runs;
  for (const Step& step : saved.happened.steps)
    if (!step.run.empty()) runs += (runs.empty() ? "" : ", ") + step.run;
  if (!runs.empty()) text += "Kept in the undo journal as: " + runs + "\n\n";
  if (const base::Result<json> result = agent::session::parse_line(info.result);
      result && result->is_object())
    text += "## Result\n\n" + result->value("answer", "") + "\n";
  return text;
}

std::string when(int64_t time_ms) {
  char text[32];
  const std::time_t seconds = time_ms / 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

std::string first_words(const std::string& text, size_t bytes) {
  std::string line = text.substr(0, bytes);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (line.size() == text.size()) return line;
  // Not within a character, nor a word if there is room.
  line.resize(base::utf8_cut(text, bytes).size());
  if (const size_t space = line.rfind(' '); space != line.npos && space > bytes / 2)
    line.resize(space);
  return line + " …";
}

}  // namespace cli
