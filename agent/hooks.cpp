#include "agent/hooks.h"

#include <algorithm>

#include "agent/endpoint/wire.h"
#include "agent/hook_command.h"
#include "base/json_line.h"

namespace agent {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

namespace {

constexpr size_t kMaxHooks = 32, kMaxWords = 64;
constexpr int kRefuses = 2;  // the code by which a command says no

}  // namespace

Result<Hooks> Hooks::parse(std::string_view text, const std::string& origin,
                           const std::filesystem::path& folder) {
  const json file = parse_bounded(text);
  if (!file.is_object()) return Error{Errc::corrupt, origin + ": not a JSON object"};
  Hooks hooks;
  hooks.folder_ = folder;
  for (const auto& [name, list] : file.items()) {
    std::vector<Hook>* target = name == "before_call"  ? &hooks.before_call_
                                : name == "after_call" ? &hooks.after_call_
                                : name == "after_run"  ? &hooks.after_run_
                                                       : nullptr;
    // A misspelt name must not pass as no hook.
    if (target == nullptr)
      return Error{Errc::corrupt, origin + ": " + name +
                                      " is not known; expected before_call, after_call, after_run"};
    if (!list.is_array() || list.size() > kMaxHooks)
      return Error{Errc::corrupt, origin + ": " + name + ": expected a list of at most 32"};
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = origin + ": " + name + "[" + std::to_string(i) + "]";
      const json& entry = list[i];
      if (!entry.is_object()) return Error{Errc::corrupt, where + ": not an object"};
      for (const auto& [key, value] : entry.items())
        if (key != "command" && key != "tools" && key != "timeout_sec")
          return Error{Errc::corrupt, where + ": " + key + " is not known"};
      const json command = entry.value("command", json());
      const bool words = command.is_array() && !command.empty() && command.size() <= kMaxWords &&
                         std::all_of(command.begin(), command.end(), [](const json& word) {
                           return word.is_string() && word.get_ref<const std::string&>().find(
                                                          '\0') == std::string::npos;
                         });
      if (!words || command[0].get_ref<const std::string&>().empty())
        return Error{Errc::corrupt, where + ".command: expected a list, the program first"};
      const json tools = entry.value("tools", json("*"));
      if (!tools.is_string() || (target == &hooks.after_run_ && entry.contains("tools")))
        return Error{Errc::corrupt, where + ".tools: expected a pattern such as run_*|mcp__*"};
      Result<policies::NamePattern> pattern =
          policies::NamePattern::parse(tools.get<std::string>());
      if (!pattern) return Error{Errc::corrupt, where + ".tools: " + pattern.error().message};
      const json time = entry.value("timeout_sec", json(10));
      if (!time.is_number_integer() || time.get<int64_t>() < 1 || time.get<int64_t>() > 600)
        return Error{Errc::corrupt, where + ".timeout_sec: expected 1 to 600"};
      target->push_back({command.get<std::vector<std::string>>(), std::move(*pattern),
                         std::chrono::seconds(time.get<int64_t>())});
    }
  }
  return hooks;
}

std::optional<std::string> Hooks::before_call(const std::string& tool, json event) const {
  event["event"] = "before_call";
  for (const Hook& hook : before_call_) {
    if (!hook.tools.match(tool)) continue;
    const Result<CommandEnd> end =
        run_hook_command(hook.command, folder_, base::line_of(event) + "\n", hook.time);
    const std::string who = "the hook " + hook.command[0];
    if (!end) return who + " could not decide: " + end.error().message;
    if (end->code == 0) continue;
    if (end->code == kRefuses) return end->errors.empty() ? who + " refuses the call" : end->errors;
    return who + " failed with code " + std::to_string(end->code) +
           (end->errors.empty() ? "" : ": " + end->errors);
  }
  return std::nullopt;
}

std::vector<std::string> Hooks::after(const std::vector<Hook>& hooks, const std::string& tool,
                                      const json& event) const {
  std::vector<std::string> failures;
  for (const Hook& hook : hooks) {
    if (!hook.tools.match(tool)) continue;
    const Result<CommandEnd> end =
        run_hook_command(hook.command, folder_, base::line_of(event) + "\n", hook.time);
    if (!end)
      failures.push_back("the hook " + end.error().message);
    else if (end->code != 0)
      failures.push_back("the hook " + hook.command[0] + " failed with code " +
                         std::to_string(end->code) +
                         (end->errors.empty() ? "" : ": " + end->errors));
  }
  return failures;
}

std::vector<std::string> Hooks::after_call(const std::string& tool, json event) const {
  event["event"] = "after_call";
  return after(after_call_, tool, event);
}

std::vector<std::string> Hooks::after_run(json event) const {
  event["event"] = "after_run";
  return after(after_run_, "after_run", event);
}

}  // namespace agent
