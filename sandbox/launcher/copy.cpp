// The workspace by copying, for a kernel that cannot lay a layer over it: overlayfs in a user
// namespace needs Linux 5.11, and one whose upper layer is a tmpfs, with attributes, Linux 6.6.
//
// The copy belongs to the program and has the modes and times of the original, so that what was not
// touched can be told afterwards (workspace/distill.cpp). Sockets, FIFOs and devices are left out.
// What is hidden gets an empty place, over which the cover is mounted.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

constexpr int kMaxDepth = 64;  // as in workspace/snapshot.h, which looked before

struct Copier {
  const ProgramSpec& spec;
  dev_t device = 0;

  [[noreturn]] void fail(const std::string& path) const {
    const int error = errno;
    const size_t n = spec.workspace.size();
    die("copy the workspace, since this kernel cannot lay a layer over it: " +
            (path.size() > n ? path.substr(n + 1) : path),
        error);
  }

  bool hidden(const std::string& path) const {
    for (const Cover& c : spec.covers) {
      if (c.hidden && c.path == path) return true;
    }
    return false;
  }

  void file(int from, int to, const char* name, const std::string& path,
            const struct stat& info) const {
    const int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0) fail(path);
    if (!hidden(path)) {
      const int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      if (in < 0) fail(path);
      ssize_t n = 0;
      while ((n = sendfile(out, in, nullptr, 1 << 30)) > 0) {
      }
      if (n < 0) fail(path);
      close(in);
    }
    finish(out, info, path);
    close(out);
  }

  void finish(int fd, const struct stat& info, const std::string& path) const {
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (fchown(fd, 1000, 1000) != 0 || fchmod(fd, info.st_mode & 0777) != 0 ||
        futimens(fd, times) != 0) {
      fail(path);
    }
  }

  void link(int from, int to, const char* name, const std::string& path,
            const struct stat& info) const {
    char target[4096];
    const ssize_t n = readlinkat(from, name, target, sizeof target - 1);
    if (n < 0) fail(path);
    target[n] = '\0';
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (symlinkat(target, to, name) != 0 ||
        fchownat(to, name, 1000, 1000, AT_SYMLINK_NOFOLLOW) != 0 ||
        utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
      fail(path);
    }
  }

  /// from, to: folders. Closes `from`.
  void folder(int from, int to, const std::string& path, int depth) const {
    if (depth > kMaxDepth) {
      errno = ELOOP;
      fail(path);
    }
    DIR* listing = fdopendir(from);
    if (listing == nullptr) fail(path);
    errno = 0;
    while (const dirent* entry = readdir(listing)) {
      const char* name = entry->d_name;
      if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
      const std::string child = path + "/" + name;
      struct stat info {};
      if (fstatat(dirfd(listing), name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // removed meanwhile
        fail(child);
      }
      if (S_ISREG(info.st_mode)) file(dirfd(listing), to, name, child, info);
      if (S_ISLNK(info.st_mode)) link(dirfd(listing), to, name, child, info);
      if (!S_ISDIR(info.st_mode)) continue;
      if (mkdirat(to, name, 0700) != 0) fail(child);
      const int inner = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (inner < 0) fail(child);
      // What is mounted in the workspace is bound again over its place.
      if (info.st_dev == device && !hidden(child)) {
        const int source =
            openat(dirfd(listing), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (source < 0) fail(child);
        folder(source, inner, child, depth + 1);
      }
      finish(inner, info, child);
      close(inner);
      errno = 0;
    }
    if (errno != 0) fail(path);
    closedir(listing);
  }
};

}  // namespace

void copy_workspace(const ProgramSpec& spec, int from, int to) {
  Copier copier{spec};
  struct stat info {};
  if (from < 0 || fstat(from, &info) != 0) copier.fail(spec.workspace);
  copier.device = info.st_dev;
  copier.folder(from, to, spec.workspace, 0);
  const int top = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) copier.fail(spec.workspace);
  copier.finish(top, info, spec.workspace);
  close(top);
}

}  // namespace jail
