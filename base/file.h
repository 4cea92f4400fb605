#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

/// Reads a whole regular file of at most `max_bytes`.
/// Errors: not_found, usage (not a regular file), limit, system.
Result<std::string> read_file(const std::filesystem::path& path, size_t max_bytes);

/// Replaces `path` by `content` atomically: a temporary file beside it, fsync, rename.
/// Errors: system.
Status write_file(const std::filesystem::path& path, std::string_view content);

/// Whether two paths lead, or would lead, to one file.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace base
