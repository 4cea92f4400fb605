#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace agent {

/// Reads a whole regular file that lies beneath `folder`: no link is followed and no path leads out
/// of it, whoever named it. Errors: not_found (also for what is refused), and those of
/// base::read_file().
base::Result<std::string> read_beneath(const std::filesystem::path& folder, const std::string& path,
                                       size_t max_bytes);

}  // namespace agent
