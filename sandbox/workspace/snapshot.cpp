#include "sandbox/workspace/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/workspace/tree.h"

// One walk, depth first, with the names of each folder sorted, so that the entries come out in the
// order of path_less and need no sorting afterwards.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

/// Without regard to case, as some file systems compare: there `.GIT` is what git reads.
bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& item) { return same_name(item, name); });
}

struct Walk {
  const policies::Protect& protect;
  Snapshot found;

  Status folder(UniqueFd fd, const std::string& path, int depth) {
    UniqueFd here(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!here) return tree::system_error("open " + path);
    Result<std::vector<std::string>> names = tree::names(std::move(fd));
    if (!names) return names.error();
    for (const std::string& name : *names) {
      struct stat info {};
      if (fstatat(here.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != EACCES) continue;
        found.unread.push_back(path);  // it can be listed but not searched
        return Ok{};
      }
      if (found.entries.size() > kMaxEntries) {
        return Error{Errc::refused, "workspace: more than 300000 files; choose a smaller folder"};
      }
      std::string child = join(path, name);
      found.entries.push_back({child, tree::stamp_of(info)});
      if (contains(protect.hidden, name) || contains(protect.read_only, name)) {
        found.protected_paths.push_back(
            {std::move(child), contains(protect.hidden, name), S_ISLNK(info.st_mode)});
        continue;
      }
      if (!S_ISDIR(info.st_mode)) continue;
      // The journal's own folder, whatever the policy says.
      if (path.empty() && is_protected(protect, name)) continue;
      if (depth >= kMaxDepth) {
        return Error{Errc::refused, "workspace: " + child + " is more than 64 folders deep"};
      }
      UniqueFd next(
          openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!next) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) continue;
        if (errno != EACCES) return tree::system_error("open " + child);
        found.unread.push_back(std::move(child));
        continue;
      }
      if (Status s = folder(std::move(next), child, depth + 1); !s) return s;
    }
    return Ok{};
  }
};

}  // namespace

bool path_less(std::string_view a, std::string_view b) {
  const size_t n = std::min(a.size(), b.size());
  // Paths of one folder begin alike, and every sort and search of paths comes through here.
  size_t i = 0;
  while (i + 8 <= n && memcmp(a.data() + i, b.data() + i, 8) == 0) i += 8;
  while (i < n && a[i] == b[i]) ++i;
  if (i == n) return a.size() < b.size();
  auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)); };
  return rank(a[i]) < rank(b[i]);
}

bool lies_in(std::string_view path, std::string_view top) {
  return top.empty() ||
         (path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/'));
}

std::string join(std::string_view folder, std::string_view name) {
  std::string result(folder);
  if (!result.empty() && !name.empty()) result += '/';
  return result += name;
}

std::string folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

const Stamp* Snapshot::find(std::string_view path) const {
  auto at = std::lower_bound(entries.begin(), entries.end(), path,
                             [](const Stamped& e, auto p) { return path_less(e.first, p); });
  return at != entries.end() && at->first == path ? &at->second : nullptr;
}

std::span<const Stamped> Snapshot::tree(std::string_view path) const {
  auto first = std::lower_bound(entries.begin(), entries.end(), path,
                                [](const Stamped& e, auto p) { return path_less(e.first, p); });
  // Most are files.
  if (first != entries.end() && first->first == path &&
      (first + 1 == entries.end() || !lies_in((first + 1)->first, path))) {
    return {first, first + 1};
  }
  auto last = std::partition_point(first, entries.end(),
                                   [&](const Stamped& e) { return lies_in(e.first, path); });
  return {first, last};
}

bool is_protected(const policies::Protect& protect, std::string_view name) {
  return same_name(name, ".tessera") || contains(protect.hidden, name) ||
         contains(protect.read_only, name);
}

Result<Snapshot> take_snapshot(const std::filesystem::path& workspace,
                               const policies::Protect& protect) {
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  struct stat info {};
  if (fstat(top->get(), &info) != 0) return tree::system_error(workspace.string());
  Walk walk{protect, {}};
  walk.found.entries.push_back({"", tree::stamp_of(info)});
  if (Status s = walk.folder(std::move(*top), "", 0); !s) return s.error();
  std::sort(walk.found.unread.begin(), walk.found.unread.end(), path_less);
  return std::move(walk.found);
}

}  // namespace sandbox
