#pragma once

#include <ostream>
#include <string>
#include <vector>
#include "base/json.h"

#include "policies/policies.h"

namespace sandbox {

/// One hostile program (or, in the group `works`, one honest one) and what must come of it; a line
/// of tests/programs/catalogue.json.
struct Threat {
  std::string group;
  std::string name;     ///< unique in its group
  std::string threat;   ///< one sentence for people
  std::string program;  ///< relative to tests/programs; .c stands for what was built from it
  std::vector<std::string> args;
  /// How it ends inside: describe(outcome), and `: ` with what it printed if it printed something.
  std::string inside;
  /// Inside, only what it printed counts: how the run is judged is for the tree to show.
  bool only_output = false;
  /// A line that the control must show, of its output or of what it did to the host.
  std::string control;
  /// Why there is no control, or "".
  std::string no_control;
  /// What the control needs: root, ipv6, handles, shared_mounts …, or "".
  std::string needs;
  /// A hole that is known, or "": the line is run and reported and does not fail.
  std::string known_hole;
  nlohmann::json limits = nlohmann::json::object();  ///< of the policy, in its own words
  int runs = 1;                                      ///< the last one counts
  bool terminal = false;                             ///< with a controlling terminal on the host
  bool kill_launcher = false;                        ///< with SIGKILL, as soon as the program runs
  nlohmann::json files = nlohmann::json::object();   ///< on the host afterwards: path to content
};

/// For gtest's messages.
inline void PrintTo(const Threat& t, std::ostream* out) { *out << t.group << ": " << t.threat; }

/// All lines of the catalogue of those groups, in its order. A catalogue that cannot be read or
/// that has an unknown field ends the program, since tests are made from it.
std::vector<Threat> catalogue(const std::vector<std::string>& groups);

/// The default policy with the limits of a line.
policies::Policy policy_of(const Threat& threat);

}  // namespace sandbox
