#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "policies/policies.h"

namespace sandbox {

/// More than this is refused: what was not looked at can be neither protected nor restored.
constexpr int kMaxDepth = 64;
constexpr size_t kMaxEntries = 300'000;
/// Bytes of a path; with the journal's own folders in front it is below PATH_MAX.
constexpr size_t kMaxPath = 4000;

/// A file or folder of the workspace with a protected name.
struct ProtectedPath {
  std::string path;  ///< relative to the workspace
  bool hidden = false;
  bool link = false;  ///< a symbolic link, which nothing can be mounted over

  bool operator==(const ProtectedPath&) const = default;
};

/// What the file system says about one entry, without following a link. Two equal stamps mean that
/// nobody changed it in between, but for who sets the time back; a hash tells of those, too.
struct Stamp {
  uint64_t dev = 0, ino = 0, size = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
  uint32_t mode = 0;  ///< with the type bits
  uint64_t hash = 0;  ///< content::hash() of a file that a run brought; 0: not known

  bool operator==(const Stamp&) const = default;
};

/// One entry of a tree: its path relative to the top of the tree, which itself has "".
using Stamped = std::pair<std::string, Stamp>;

/// Orders paths so that a folder is followed by all that lies in it and nothing else.
bool path_less(std::string_view a, std::string_view b);

/// Whether `path` is `top` or lies in it. Everything lies in "".
bool lies_in(std::string_view path, std::string_view top);

/// `folder`/`name`, or `name` where the folder is "".
std::string join(std::string_view folder, std::string_view name);

/// The two parts of a path: "" and "a" of "a", "a/b" and "c" of "a/b/c".
std::string folder_of(std::string_view path);
std::string name_of(std::string_view path);

/// The workspace as it was at one moment.
struct Snapshot {
  /// By path_less, "" first. What lies in a protected or an unread folder is left out.
  std::vector<Stamped> entries;
  std::vector<ProtectedPath> protected_paths;
  /// Folders that could not be listed, by path_less.
  std::vector<std::string> unread;

  /// Null: there was none.
  const Stamp* find(std::string_view path) const;
  /// `path` and all that lies in it.
  std::span<const Stamped> tree(std::string_view path) const;
};

/// Whether a program must leave the entry alone: a name of either list, or the journal's own.
bool is_protected(const policies::Protect& protect, std::string_view name);

/// Walks through the workspace once, without following links; does not look inside what is
/// protected. Folders that may not be listed are skipped: the program has no more rights than we.
/// Errors: refused (more than kMaxEntries entries or kMaxDepth levels), not_found, system.
base::Result<Snapshot> take_snapshot(const std::filesystem::path& workspace,
                                     const policies::Protect& protect);

}  // namespace sandbox
