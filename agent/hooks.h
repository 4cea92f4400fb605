#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "policies/policies.h"

namespace agent {

/// Commands of the person that run before and after calls of tools, and after a run. They run as
/// the person, outside the sandbox, so they come from the person's own folder alone.
class Hooks {
 public:
  Hooks() = default;
  /// Reads {"before_call": [HOOK…], "after_call": […], "after_run": […]}, a HOOK being {"command":
  /// ["PROGRAM", "ARGUMENT"…], "tools": "run_*|mcp__*", "timeout_sec": 10}.
  /// folder: the working directory of the commands. Errors: corrupt, naming the field.
  static base::Result<Hooks> parse(std::string_view text, const std::string& origin,
                                   const std::filesystem::path& folder);

  /// Why the call may not be made: what the first hook says that ends with code 2. One that does
  /// not end with 0 in any other way, or not in time, is a refusal as well. `event` is what
  /// commands get on standard input, with "event" added.
  std::optional<std::string> before_call(const std::string& tool, nlohmann::json event) const;
  /// Sentences about the hooks that failed, for the person.
  std::vector<std::string> after_call(const std::string& tool, nlohmann::json event) const;
  std::vector<std::string> after_run(nlohmann::json event) const;
  /// Whether any call is preceded or followed by one.
  bool around_calls() const { return !before_call_.empty() || !after_call_.empty(); }

 private:
  struct Hook {
    std::vector<std::string> command;
    policies::NamePattern tools;
    std::chrono::seconds time{10};
  };
  std::vector<std::string> after(const std::vector<Hook>& hooks, const std::string& tool,
                                 const nlohmann::json& event) const;
  std::filesystem::path folder_;
  std::vector<Hook> before_call_, after_call_, after_run_;
};

}  // namespace agent
