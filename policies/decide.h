#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"

namespace policies {

/// A rule that has a say in a decision.
struct RuleMatch {
  size_t rule = 0;                   ///< index in Policy::rules
  Verdict verdict = Verdict::allow;  ///< `ask` for a deny rule that matches only perhaps
  std::string subject;               ///< the simple command, tool or host that it matches

  bool operator==(const RuleMatch&) const = default;
};

/// The strictest of what was said, and by whom.
struct Decision {
  Verdict verdict = Verdict::deny;
  std::string why;                 ///< the deciding rule's reason, or why there is none
  int rule = -1;                   ///< index of the deciding rule; -1: none
  std::vector<RuleMatch> matches;  ///< every rule that matches, in the order it was found
  bool literal = false;            ///< of a host: the network lists it without a wildcard
};

/// What the policy says of running `argv`. A shell's `-c TEXT` and programs that start others
/// (env, xargs, find, sudo …) are looked into. Rules are for asking people before something is done
/// that they would not like; a program can do by itself what no command line shows, so they are not
/// a wall. The sandbox is.
Decision decide_command(const Policy& policy, const std::vector<std::string>& argv);

/// What the policy says of calling the tool `name`.
Decision decide_tool(const Policy& policy, std::string_view name);

/// What the policy says of reaching `host` (a name or an address) at `port`. It is denied unless
/// the network lists it; host rules can only narrow that.
Decision decide_host(const Policy& policy, std::string_view host, uint16_t port);

/// Whether rule `rule`, which is of commands, matches `line`, read as a shell reads it.
/// Errors: usage (the line cannot be read).
base::Result<bool> rule_matches_line(const Rule& rule, std::string_view line);

}  // namespace policies
