// Protected names have two halves. Those that exist before a run are covered by the launcher and
// cannot be changed. Those that do not exist cannot be covered without leaving something behind on
// the host, so the workspace is looked through again after the run, when every process is dead, and
// what has appeared is renamed: git reads `.git` and not
// `.git.blocked`. A rename loses nothing, should the person have made it meanwhile.
//
// A link that leads out is harmless inside, where nothing is at its other end, and a trap for
// whoever reads or writes the workspace later. The kernel says whether one leaves (openat2 with
// RESOLVE_BENEATH), since a path that stays inside by its text may still climb out through another
// link.

#include "sandbox/workspace_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/unique_fd.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr int kMaxDepth = 64;
constexpr int kMaxEntries = 100'000;

Error system_error(const std::string& what) {
  return Error{Errc::system, what + ": " + strerror(errno)};
}

struct Scan {
  const policies::Protect& protect;
  bool unlock;
  int top = -1;  ///< the workspace
  WorkspaceScan found;
  int entries = 0;

  static bool contains(const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  bool leaves(const std::string& link) const {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH;
    for (int i = 0; i < 32; ++i) {
      UniqueFd end(static_cast<int>(syscall(SYS_openat2, top, link.c_str(), &how, sizeof how)));
      if (end) return false;
      if (errno != EAGAIN) break;  // something was renamed meanwhile
    }
    // A loop leads nowhere, nor does a way that ends inside. Of all else nobody can say that it
    // stays inside.
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG;
  }

  /// Opens a folder after giving its owner, who we must be, the right to.
  static UniqueFd open_locked(int parent, const char* name) {
    UniqueFd place(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!place) return {};
    const std::string self = "/proc/self/fd/" + std::to_string(place.get());
    if (chmod(self.c_str(), 0700) != 0) {
      errno = EACCES;
      return {};
    }
    return UniqueFd(open(self.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  /// Takes the descriptor.
  Status folder(UniqueFd fd, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) {
      return Error{Errc::refused, "workspace: " + prefix + " is more than 64 folders deep"};
    }
    std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd.get()), closedir);
    if (!dir) return system_error("list " + prefix);
    (void)fd.release();
    while (dirent* entry = readdir(dir.get())) {
      const char* name = entry->d_name;
      if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
      if (++entries > kMaxEntries) {
        return Error{Errc::refused, "workspace: more than 100000 files; choose a smaller folder"};
      }
      unsigned char type = entry->d_type;
      if (type == DT_UNKNOWN) {
        struct stat info {};
        if (fstatat(dirfd(dir.get()), name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISLNK(info.st_mode) ? DT_LNK : DT_REG;
      }
      const bool hidden = contains(protect.hidden, name);
      if (hidden || contains(protect.read_only, name)) {
        found.protected_paths.push_back({prefix + name, hidden, type == DT_LNK});
        continue;
      }
      if (type == DT_LNK && leaves(prefix + name)) {
        char target[4096];
        const ssize_t n = readlinkat(dirfd(dir.get()), name, target, sizeof target);
        if (n > 0)
          found.links_out.push_back({prefix + name, std::string(target, static_cast<size_t>(n))});
      }
      if (type != DT_DIR) continue;
      UniqueFd child(
          openat(dirfd(dir.get()), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!child && errno == EACCES && unlock) child = open_locked(dirfd(dir.get()), name);
      if (!child) {
        // What we may not list, the program, with no more rights than ours, may not either.
        if (errno == ENOENT || errno == EACCES) continue;
        return system_error("open " + prefix + name);
      }
      if (Status s = folder(std::move(child), prefix + name + "/", depth + 1); !s) return s;
    }
    return Ok{};
  }
};

/// The folder that `path` (relative) lies in, reached without following a link.
Result<UniqueFd> open_parent(const std::filesystem::path& workspace, const std::string& path) {
  UniqueFd folder(open(workspace.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return system_error("open " + workspace.string());
  size_t start = 0;
  for (size_t slash; (slash = path.find('/', start)) != std::string::npos; start = slash + 1) {
    UniqueFd next(openat(folder.get(), path.substr(start, slash - start).c_str(),
                         O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return system_error("open " + path);
    folder = std::move(next);
  }
  return folder;
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<WorkspaceScan> scan_workspace(const std::filesystem::path& workspace,
                                     const policies::Protect& protect, bool unlock) {
  UniqueFd fd(open(workspace.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_error("open " + workspace.string());
  UniqueFd top(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!top) return system_error("open " + workspace.string());
  Scan scan{protect, unlock, top.get(), {}};
  if (Status s = scan.folder(std::move(fd), "", 0); !s) return s.error();
  auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  std::sort(scan.found.protected_paths.begin(), scan.found.protected_paths.end(), by_path);
  std::sort(scan.found.links_out.begin(), scan.found.links_out.end(), by_path);
  return std::move(scan.found);
}

Result<std::string> set_aside(const std::filesystem::path& workspace, const std::string& path) {
  Result<UniqueFd> folder = open_parent(workspace, path);
  if (!folder) return folder.error();
  const std::string name = last_name(path);
  for (int i = 1; i < 1000; ++i) {
    const std::string aside = name + ".blocked" + (i == 1 ? "" : "-" + std::to_string(i));
    if (renameat2(folder->get(), name.c_str(), folder->get(), aside.c_str(), RENAME_NOREPLACE) ==
        0) {
      return path.substr(0, path.size() - name.size()) + aside;
    }
    if (errno != EEXIST) break;
  }
  return system_error("rename " + path);
}

Status remove_link(const std::filesystem::path& workspace, const LinkOut& link) {
  Result<UniqueFd> folder = open_parent(workspace, link.path);
  if (!folder) return folder.error();
  const std::string name = last_name(link.path);
  char target[4096];
  const ssize_t n = readlinkat(folder->get(), name.c_str(), target, sizeof target);
  if (n < 0 || std::string_view(target, static_cast<size_t>(n)) != link.target) return Ok{};
  if (unlinkat(folder->get(), name.c_str(), 0) != 0)
    return system_error("remove the link " + link.path);
  return Ok{};
}

}  // namespace sandbox
