#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace agent {

struct CommandEnd {
  int code = 0;        ///< 128 and the number of the signal where one ended it
  std::string errors;  ///< what it wrote to standard error, at most 4 KiB
};

/// Runs a command as the person would, in `folder`: `input` on standard input, nothing else of
/// ours. What it prints is dropped. When the time is over it is killed with its process group.
/// Errors: not_found (no such program), limit (time), system.
base::Result<CommandEnd> run_hook_command(const std::vector<std::string>& command,
                                          const std::filesystem::path& folder,
                                          std::string_view input, std::chrono::seconds time);

}  // namespace agent
