#pragma once

#include <algorithm>
#include <filesystem>

namespace base {

/// Whether `path` is `folder` or lies in it, by their spelling: links and ".." are the caller's to
/// resolve.
inline bool is_below(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace base
