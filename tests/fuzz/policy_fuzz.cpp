// Policies from untrusted text: what is accepted has every limit above zero, reasons, and examples
// that come out as they say; what is refused is named. The same bytes are then a shell's text and a
// host: whatever they are, a decision has a reason, and what a deny rule surely matches is denied.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policies/policies.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// Commands, tools and hosts are judged without a crash, and the verdict is that of the strictest
/// rule that has a say, or stricter.
void decide(const policies::Policy& policy, const std::string& text) {
  using policies::Decision;
  for (const Decision& decision :
       {policies::decide_command(policy, {"sh", "-c", text}),
        policies::decide_command(policy, {text, text}), policies::decide_tool(policy, text),
        policies::decide_host(policy, text, 443)}) {
    require(!decision.why.empty());
    for (const policies::RuleMatch& match : decision.matches) {
      require(match.rule < policy.rules.size() && match.verdict <= decision.verdict);
    }
    require(decision.rule < static_cast<int>(policy.rules.size()));
  }
}

/// Splitting is deterministic, and a command before it and another line after it are still found
/// when all was read.
void split(const std::string& text) {
  const policies::ShellText shell = policies::split_shell(text);
  for (const policies::ShellCommand& command : shell.commands) {
    require(!command.empty());
    require(policies::shell_line(command).size() < 300);
  }
  if (!shell.unread.empty() || text.ends_with('\\')) return;
  const policies::ShellText more = policies::split_shell("first\n" + text + "\nlast");
  if (!more.unread.empty()) {
    require(more.unread.starts_with("more than"));
    return;
  }
  require(more.commands.size() >= 2 && more.commands.front()[0].text == "first");
  require(more.commands.size() <= shell.commands.size() + 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const policies::Policy review = *policies::builtin("review");
  static const policies::Policy open = *policies::builtin("open-network");
  split(text);
  decide(review, text);
  decide(open, text);
  policies::expand_home(text);
  const base::Result<policies::Policy> policy = policies::parse(text, "fuzz.json");
  if (!policy) {
    require(policy.error().message.starts_with("fuzz.json"));
    return 0;
  }
  const policies::Limits& limits = policy->limits;
  require(!policy->name.empty() && !policy->why.empty() && limits.wall.count() > 0 &&
          limits.cpu.count() > 0 && limits.memory_bytes > 0 && limits.processes > 0 &&
          limits.disk_bytes > 0 && limits.files > 0);
  for (const policies::Rule& rule : policy->rules) {
    require(!rule.why.empty() && !rule.examples.match.empty());
    require(rule.command.has_value() + rule.tool.has_value() + rule.host.has_value() == 1);
    for (const std::string& line : rule.examples.match) {
      if (rule.command) {
        require(*policies::rule_matches_line(rule, line));
        require(policies::decide_command(*policy, {"sh", "-c", line}).verdict >= rule.verdict ||
                rule.verdict == policies::Verdict::deny);
      }
      if (rule.tool) require(policies::decide_tool(*policy, line).verdict >= rule.verdict);
    }
  }
  decide(*policy, text);
  return 0;
}
