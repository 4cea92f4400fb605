#include "sandbox/workspace/tree.h"

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

// A folder whose mode keeps even its owner out is opened by a chmod through /proc/self/fd, which
// acts on the very folder that was looked up, and gets its mode back right after. A process that
// dies in between leaves it open to its owner; Journal puts that right, since it knows the modes.

namespace sandbox::tree {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

int64_t nanoseconds(const timespec& t) { return t.tv_sec * 1'000'000'000ll + t.tv_nsec; }

bool nowhere(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

/// Gives a folder's owner all rights until it goes away.
class Unlocked {
 public:
  /// Does nothing if it is no folder of ours, or its owner has the rights in `need`.
  Unlocked(int top, const std::string& path, mode_t need)
      : Unlocked(open_beneath(top, path, O_PATH | O_NOFOLLOW), need) {}
  Unlocked(UniqueFd place, mode_t need) {
    struct stat info {};
    if (!place || fstat(place.get(), &info) != 0 || !S_ISDIR(info.st_mode)) return;
    if ((info.st_mode & need) == need) return;
    if (chmod(self(place.get()).c_str(), (info.st_mode & 07777) | 0700) != 0) return;
    mode_ = info.st_mode & 07777;
    place_ = std::move(place);
  }
  Unlocked(Unlocked&&) = default;
  Unlocked& operator=(Unlocked&&) = delete;
  ~Unlocked() {
    if (place_) (void)!chmod(self(place_.get()).c_str(), mode_);
  }

 private:
  UniqueFd place_;
  mode_t mode_ = 0;
};

constexpr mode_t kSearch = 0100, kWrite = 0200, kList = 0400;

/// Every folder on the way to `path` that cannot be searched.
std::vector<Unlocked> unlock_way(int top, const std::string& path) {
  std::vector<Unlocked> way;
  way.emplace_back(top, "", kSearch);
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    way.emplace_back(top, path.substr(0, slash), kSearch);
  }
  return way;
}

/// The same, and what renaming `path` needs.
std::vector<Unlocked> unlock_for_rename(int top, const std::string& path) {
  std::vector<Unlocked> way = unlock_way(top, path);
  way.emplace_back(top, folder_of(path), kSearch | kWrite);
  way.emplace_back(top, path, kWrite);
  return way;
}

struct Listing {
  Closed closed;
  std::vector<Stamped> found;
  std::vector<std::string>* unread;

  Status entry(int parent, const std::string& name, const std::string& path, int depth) {
    struct stat info {};
    if (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      // EACCES: the folder can be listed but not searched.
      return errno == ENOENT || errno == EACCES ? Status(Ok{}) : system_error("stat " + path);
    }
    return entry(parent, name, path, depth, info);
  }

  Status entry(int parent, const std::string& name, const std::string& path, int depth,
               const struct stat& info) {
    if (found.size() > kMaxEntries) {
      return Error{Errc::refused, "workspace: more than 300000 files; choose a smaller folder"};
    }
    found.push_back({path, stamp_of(info)});
    if (!S_ISDIR(info.st_mode)) return Ok{};
    if (depth > kMaxDepth) {
      return Error{Errc::refused, "workspace: " + path + " is more than 64 folders deep"};
    }
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd fd(openat(parent, name.c_str(), kFlags));
    std::optional<Unlocked> unlocked;
    if (!fd && errno == EACCES && closed == Closed::open) {
      unlocked.emplace(UniqueFd(openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
                       kList | kSearch);
      fd = UniqueFd(openat(parent, name.c_str(), kFlags));
    }
    if (!fd) {
      if (nowhere(errno)) return Ok{};
      if (errno != EACCES) return system_error("open " + path);
      if (unread != nullptr) unread->push_back(path);
      return Ok{};
    }
    if ((info.st_mode & 0100) == 0 && closed == Closed::open && !unlocked) {
      unlocked.emplace(UniqueFd(openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
                       kSearch);
    }
    UniqueFd here(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!here) return system_error("open " + path);
    Result<std::vector<std::string>> children = names(std::move(fd));
    if (!children) return children.error();
    for (const std::string& child : *children) {
      if (Status s = entry(here.get(), child, join(path, child), depth + 1); !s) return s;
    }
    return Ok{};
  }
};

Status remove_entry(int parent, const std::string& name, int depth) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return Ok{};
  if (errno != EISDIR && errno != EPERM && errno != EACCES) return system_error("remove " + name);
  struct stat info {};
  if (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return system_error("stat " + name);
  }
  if (!S_ISDIR(info.st_mode) || depth > 2 * kMaxDepth) {
    errno = EACCES;
    return system_error("remove " + name);
  }
  UniqueFd place(openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
  if (place && (info.st_mode & 0700) != 0700) (void)!chmod(self(place.get()).c_str(), 0700);
  UniqueFd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return system_error("open " + name);
  UniqueFd here(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!here) return system_error("open " + name);
  Result<std::vector<std::string>> children = names(std::move(fd));
  if (!children) return children.error();
  for (const std::string& child : *children) {
    if (Status s = remove_entry(here.get(), child, depth + 1); !s) return s;
  }
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return system_error("remove " + name);
  }
  return Ok{};
}

int rename_once(Folders& from_top, const std::string& from, Folders& to_top, const std::string& to,
                unsigned flags) {
  // Of one and the same Folders opening the second may close the first.
  int from_folder = from_top.open(folder_of(from));
  if (from_folder < 0) return errno;
  const int to_folder = to_top.open(folder_of(to));
  if (to_folder < 0) return errno;
  if (&from_top == &to_top) from_folder = from_top.open(folder_of(from));
  const std::string a = name_of(from), b = name_of(to);
  if (renameat2(from_folder, a.c_str(), to_folder, b.c_str(), flags) == 0) return 0;
  if (errno != EINVAL || flags != RENAME_NOREPLACE) return errno;
  // A file system that knows no flags. Looking first leaves a gap that only such a one has.
  struct stat info {};
  if (fstatat(to_folder, b.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  return renameat(from_folder, a.c_str(), to_folder, b.c_str()) == 0 ? 0 : errno;
}

}  // namespace

std::string self(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Error system_error(const std::string& what) {
  return Error{Errc::system, what + ": " + strerror(errno)};
}

UniqueFd open_beneath(int top, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed meanwhile and the kernel cannot say whether it stayed beneath.
  for (int i = 0; i < 64; ++i) {
    const long fd = syscall(SYS_openat2, top, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return {};
}

Result<UniqueFd> open_top(const std::filesystem::path& folder) {
  UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) return fd;
  const Errc code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::system;
  return Error{code, folder.string() + ": " + strerror(errno)};
}

int Folders::open(const std::string& path) {
  if (path.empty()) return top_;
  if (const auto known = open_.find(path); known != open_.end()) return known->second.get();
  UniqueFd fd = open_beneath(top_, path, O_PATH | O_DIRECTORY);
  if (!fd) return -1;
  constexpr size_t kMostOpen = 32;
  if (open_.size() >= kMostOpen) open_.clear();
  return open_.emplace(path, std::move(fd)).first->second.get();
}

Stamp stamp_of(const struct stat& info) {
  return {.dev = info.st_dev,
          .ino = info.st_ino,
          .size = S_ISDIR(info.st_mode) ? 0 : static_cast<uint64_t>(info.st_size),
          .mtime_ns = nanoseconds(info.st_mtim),
          .ctime_ns = nanoseconds(info.st_ctim),
          .mode = info.st_mode};
}

Result<std::optional<Stamp>> look(int top, const std::string& path) {
  UniqueFd fd = open_beneath(top, path, O_PATH | O_NOFOLLOW);
  if (!fd && errno == EACCES) {
    const std::vector<Unlocked> way = unlock_way(top, path);
    fd = open_beneath(top, path, O_PATH | O_NOFOLLOW);
  }
  // RESOLVE_NO_SYMLINKS lets O_PATH | O_NOFOLLOW have a link at the very end.
  if (!fd) {
    if (nowhere(errno)) return std::optional<Stamp>();
    return system_error("open " + path);
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return system_error("stat " + path);
  return std::optional<Stamp>(stamp_of(info));
}

Result<std::optional<Stamp>> look(Folders& folders, const std::string& path) {
  const int parent = path.empty() ? -1 : folders.open(folder_of(path));
  struct stat info {};
  if (parent >= 0 && fstatat(parent, name_of(path).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    return std::optional<Stamp>(stamp_of(info));
  }
  if (parent >= 0 && errno == ENOENT) return std::optional<Stamp>();
  return look(folders.top(), path);  // which opens closed folders
}

Result<bool> one_name(int top, const std::string& a, const std::string& b) {
  struct stat one {
  }, other{};
  auto look = [&](const std::string& path, struct stat& info) {
    const UniqueFd fd = open_beneath(top, path, O_PATH | O_NOFOLLOW);
    return fd && fstat(fd.get(), &info) == 0;
  };
  if (a == b || !look(a, one) || !look(b, other) || one.st_ino != other.st_ino) return false;
  if (S_ISDIR(one.st_mode) || one.st_nlink == 1) return true;
  // Hard links have names of their own.
  UniqueFd folder = open_beneath(top, folder_of(b), O_RDONLY | O_DIRECTORY);
  if (!folder) return system_error("open " + folder_of(b));
  Result<std::vector<std::string>> listed = names(std::move(folder));
  if (!listed) return listed.error();
  return !std::binary_search(listed->begin(), listed->end(), name_of(b), path_less);
}

Result<UniqueFd> open_file(Folders& folders, const std::string& path) {
  const int parent = folders.open(folder_of(path));
  UniqueFd fd;
  if (parent >= 0) {
    fd = UniqueFd(openat(parent, name_of(path).c_str(),
                         O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  }
  if (!fd) return system_error("open " + path);
  return fd;
}

Result<std::vector<Stamped>> list(int top, const std::string& path, Closed closed,
                                  std::vector<std::string>* unread) {
  std::vector<Unlocked> way;
  UniqueFd parent = open_beneath(top, folder_of(path), O_PATH | O_DIRECTORY);
  struct stat probe {};
  const bool shut =
      !parent ? errno == EACCES
              : fstatat(parent.get(), name_of(path).c_str(), &probe, AT_SYMLINK_NOFOLLOW) != 0 &&
                    errno == EACCES;
  if (shut) {
    way = unlock_way(top, path);
    parent = open_beneath(top, folder_of(path), O_PATH | O_DIRECTORY);
  }
  if (!parent) {
    if (nowhere(errno)) return std::vector<Stamped>();
    return system_error("open " + path);
  }
  Listing listing{closed, {}, unread};
  const std::string name = path.empty() ? "." : name_of(path);
  if (Status s = listing.entry(parent.get(), name, "", 0); !s) return s.error();
  return std::move(listing.found);
}

Result<std::vector<Stamped>> list(Folders& folders, const std::string& path, Closed closed) {
  const int parent = path.empty() ? -1 : folders.open(folder_of(path));
  const std::string name = name_of(path);
  struct stat info {};
  if (parent < 0 || fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (parent >= 0 && errno == ENOENT) return std::vector<Stamped>();
    return list(folders.top(), path, closed);
  }
  Listing listing{closed, {}, nullptr};
  if (Status s = listing.entry(parent, name, "", 0, info); !s) return s.error();
  return std::move(listing.found);
}

Result<std::vector<std::string>> names(UniqueFd folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(folder.get()), closedir);
  if (!dir) return system_error("list a folder");
  (void)folder.release();
  std::vector<std::string> result;
  errno = 0;
  while (dirent* entry = readdir(dir.get())) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (result.size() >= kMaxEntries) {
      return Error{Errc::refused, "workspace: more than 300000 files; choose a smaller folder"};
    }
    result.push_back(entry->d_name);
  }
  if (errno != 0) return system_error("list a folder");
  std::sort(result.begin(), result.end(), path_less);
  return result;
}

Status make_parents(int top, const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    UniqueFd parent = open_beneath(top, folder_of(folder), O_PATH | O_DIRECTORY);
    if (!parent) return system_error("open " + folder);
    if (mkdirat(parent.get(), name_of(folder).c_str(), 0700) != 0 && errno != EEXIST) {
      return system_error("make " + folder);
    }
  }
  return Ok{};
}

Status make_parents(Folders& folders, const std::string& path) {
  if (folders.open(folder_of(path)) >= 0) return Ok{};
  return make_parents(folders.top(), path);
}

int relocate(Folders& from_top, const std::string& from, Folders& to_top, const std::string& to,
             unsigned flags) {
  const int error = rename_once(from_top, from, to_top, to, flags);
  if (error != EACCES && error != EPERM) return error;
  // Moving a folder to another parent changes its "..", so it must be writable itself.
  const std::vector<Unlocked> from_way = unlock_for_rename(from_top.top(), from);
  const std::vector<Unlocked> to_way = unlock_for_rename(to_top.top(), to);
  return rename_once(from_top, from, to_top, to, flags);
}

Status set_folder(int top, const std::string& path, std::optional<uint32_t> mode,
                  std::optional<int64_t> mtime_ns) {
  std::vector<Unlocked> way;
  UniqueFd fd = open_beneath(top, path, O_PATH | O_DIRECTORY);
  if (!fd && errno == EACCES) {
    way = unlock_way(top, path);
    fd = open_beneath(top, path, O_PATH | O_DIRECTORY);
  }
  if (!fd) return nowhere(errno) ? Status(Ok{}) : system_error("open " + path);
  const std::string place = self(fd.get());
  if (mtime_ns) {
    timespec times[2] = {};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = *mtime_ns / 1'000'000'000;
    times[1].tv_nsec = *mtime_ns % 1'000'000'000;
    if (times[1].tv_nsec < 0) {
      times[1].tv_nsec += 1'000'000'000;
      --times[1].tv_sec;
    }
    if (utimensat(AT_FDCWD, place.c_str(), times, 0) != 0) return system_error("date " + path);
  }
  if (mode && chmod(place.c_str(), *mode & 07777) != 0) return system_error("chmod " + path);
  return Ok{};
}

Status remove(int top, const std::string& path) {
  UniqueFd parent = open_beneath(top, folder_of(path), O_PATH | O_DIRECTORY);
  if (!parent) return nowhere(errno) ? Status(Ok{}) : system_error("open " + path);
  return remove_entry(parent.get(), name_of(path), 0);
}

Status flush(int fd) {
  if (syncfs(fd) != 0) return system_error("syncfs");
  return Ok{};
}

}  // namespace sandbox::tree
