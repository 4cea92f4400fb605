// Every change is one of few primitive ones (a rename, a new folder, a new file, a folder or file
// gone after it was copied), each written down with what takes it back. What is to be removed is
// renamed into a folder of its own, which goes last, when nothing can fail any more.
//
// A rename can be refused with EXDEV: between file systems, and for folders in the layer of the
// sandbox. Then a file is copied and its original removed, a folder made anew and its entries moved
// one by one.

#include "tools/file/apply.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <unordered_map>
#include <utility>

#include "tools/file/beneath.h"
#include "tools/file/produce.h"
#include "tools/file/shorten.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Status;

namespace {

constexpr size_t kMaxOpenFolders = 64;
constexpr int kMaxDepth = 128;

struct Done {
  enum What { renamed, made_folder, made_file, gone_folder, copied } what;
  std::string from, to;  ///< made_*: to; gone_*: from
  mode_t mode = 0;       ///< gone_folder
};

class Applier {
 public:
  Applier(int top, const ApplyOptions& options) : top_(top), options_(options) {}

  Status step(const Step& step) {
    switch (step.kind) {
      case StepKind::mkdir:
        return make_folder(step.to, 0777);
      case StepKind::move:
        return move(step.from, step.to, 0);
      case StepKind::copy:
        return copy(step.from, step.to, 0);
      case StepKind::remove:
        return remove(step.from);
      case StepKind::merge:
      case StepKind::archive:
      case StepKind::convert:
        return produce(step);
    }
    return Error{Errc::internal, "unknown step"};
  }

  /// What was removed goes for good.
  Status finish() {
    if (bin_.empty()) return base::Ok{};
    return erase(bin_, 0);
  }

  /// Returns what could not be taken back, or "".
  std::string take_back() {
    std::string problem;
    folders_.clear();
    for (auto it = done_.rbegin(); it != done_.rend(); ++it) {
      Status s = take_back(*it);
      if (!s && problem.empty()) problem = s.error().message;
    }
    if (!bin_.empty()) ::unlinkat(top_, bin_.c_str(), AT_REMOVEDIR);
    return problem;
  }

 private:
  /// The open folder `path`; -1 with errno.
  int folder(const std::string& path) {
    if (path.empty()) return top_;
    const auto it = folders_.find(path);
    if (it != folders_.end()) return it->second.get();
    if (folders_.size() >= kMaxOpenFolders) folders_.clear();
    base::UniqueFd fd = open_beneath(top_, path, O_PATH | O_DIRECTORY);
    if (!fd) return -1;
    return (folders_[path] = std::move(fd)).get();
  }

  /// The open folders of two entries, or -1 with errno. Opening the second may close the first.
  std::pair<int, int> folders_of(const std::string& from, const std::string& to) {
    if (folder(parent_of(from)) < 0) return {-1, -1};
    const int out = folder(parent_of(to));
    const int in = out < 0 ? -1 : folder(parent_of(from));
    return {in, in < 0 ? -1 : out};
  }

  void forget(const std::string& path) {
    for (auto it = folders_.begin(); it != folders_.end();) {
      const bool inside = it->first.compare(0, path.size(), path) == 0 &&
                          (it->first.size() == path.size() || it->first[path.size()] == '/');
      it = inside ? folders_.erase(it) : std::next(it);
    }
  }

  Status make_folder(const std::string& path, mode_t mode) {
    const int in = folder(parent_of(path));
    if (in < 0 || ::mkdirat(in, name_of(path).c_str(), mode) != 0)
      return path_error("mkdir", path, errno);
    done_.push_back({.what = Done::made_folder, .from = {}, .to = path});
    return base::Ok{};
  }

  /// 0 or errno. Never replaces anything.
  int rename_only(const std::string& from, const std::string& to) {
    const auto [in, out] = folders_of(from, to);
    if (out < 0) return errno;
    const std::string old_name = name_of(from), new_name = name_of(to);
    if (::renameat2(in, old_name.c_str(), out, new_name.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL) return errno;
    // This file system does not know the flag: look first.
    struct stat info = {};
    if (::fstatat(out, new_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
    return ::renameat(in, old_name.c_str(), out, new_name.c_str()) == 0 ? 0 : errno;
  }

  bool same_entry(const std::string& a, const std::string& b) {
    struct stat one = {}, other = {};
    const auto [in, out] = folders_of(a, b);
    return out >= 0 && ::fstatat(in, name_of(a).c_str(), &one, AT_SYMLINK_NOFOLLOW) == 0 &&
           ::fstatat(out, name_of(b).c_str(), &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
           (one.st_nlink == 1 || S_ISDIR(one.st_mode));
  }

  Status move(const std::string& from, const std::string& to, int depth) {
    int error = options_.never_rename ? EXDEV : rename_only(from, to);
    if (error == EEXIST && parent_of(from) == parent_of(to) && same_entry(from, to)) {
      // Where letters of either case are the same name, the new name is there: the old one.
      const std::string spare = from.substr(0, from.size() - name_of(from).size()) +
                                ".tessera-case-" + std::to_string(::getpid());
      if (error = rename_only(from, spare); error == 0) {
        done_.push_back({.what = Done::renamed, .from = from, .to = spare});
        if (error = rename_only(spare, to); error == 0) {
          done_.push_back({.what = Done::renamed, .from = spare, .to = to});
          forget(from);
          return base::Ok{};
        }
      }
    }
    if (error == EXDEV) return move_by_copy(from, to, depth);
    if (error == EEXIST)
      return Error{Errc::usage, "move: " + in_quotes(to) +
                                    " is there now, and was not when the plan "
                                    "was made"};
    if (error != 0) return path_error("move", from, error);
    forget(from);
    done_.push_back({.what = Done::renamed, .from = from, .to = to});
    return base::Ok{};
  }

  Status move_by_copy(const std::string& from, const std::string& to, int depth) {
    struct stat info = {};
    const int in = folder(parent_of(from));
    if (in < 0 || ::fstatat(in, name_of(from).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return path_error("move", from, errno);
    if (!S_ISDIR(info.st_mode)) {
      if (Status s = copy_entry(from, to, info); !s) return s;
      // From here on, taking back is copying back.
      done_.back() = {.what = Done::copied, .from = from, .to = to};
      const int again = folder(parent_of(from));
      if (again < 0 || ::unlinkat(again, name_of(from).c_str(), 0) != 0) {
        const int error = errno;
        done_.back() = {.what = Done::made_file, .from = {}, .to = to};
        return path_error("move", from, error);
      }
      return base::Ok{};
    }
    if (depth >= kMaxDepth)
      return Error{Errc::limit, "move: " + in_quotes(from) + " lies too deep"};
    if (Status s = make_folder(to, info.st_mode & 07777); !s) return s;
    base::Result<std::vector<std::string>> names = names_in(from);
    if (!names) return names.error();
    for (const std::string& name : *names)
      if (Status s = move(joined(from, name), joined(to, name), depth + 1); !s) return s;
    forget(from);
    const int again = folder(parent_of(from));
    if (again < 0 || ::unlinkat(again, name_of(from).c_str(), AT_REMOVEDIR) != 0)
      return path_error("move", from, errno);
    done_.push_back(
        {.what = Done::gone_folder, .from = from, .to = {}, .mode = info.st_mode & 07777});
    return base::Ok{};
  }

  Status copy(const std::string& from, const std::string& to, int depth) {
    struct stat info = {};
    const int in = folder(parent_of(from));
    if (in < 0 || ::fstatat(in, name_of(from).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return path_error("copy", from, errno);
    if (!S_ISDIR(info.st_mode)) return copy_entry(from, to, info);
    if (depth >= kMaxDepth)
      return Error{Errc::limit, "copy: " + in_quotes(from) + " lies too deep"};
    if (Status s = make_folder(to, (info.st_mode & 07777) | 0700); !s) return s;
    base::Result<std::vector<std::string>> names = names_in(from);
    if (!names) return names.error();
    for (const std::string& name : *names)
      if (Status s = copy(joined(from, name), joined(to, name), depth + 1); !s) return s;
    return base::Ok{};
  }

  /// A file or a link, with its mode and time.
  Status copy_entry(const std::string& from, const std::string& to, const struct stat& info) {
    const auto [in, out] = folders_of(from, to);
    if (out < 0) return path_error("copy", to, errno);
    const std::string name = name_of(to);
    if (S_ISLNK(info.st_mode)) {
      char target[4096];
      const ssize_t n = ::readlinkat(in, name_of(from).c_str(), target, sizeof target - 1);
      if (n < 0) return path_error("copy", from, errno);
      target[n] = '\0';
      if (::symlinkat(target, out, name.c_str()) != 0) return path_error("copy", to, errno);
      done_.push_back({.what = Done::made_file, .from = {}, .to = to});
      return base::Ok{};
    }
    if (!S_ISREG(info.st_mode))
      return Error{Errc::refused, "copy: " + in_quotes(from) + " is no regular file"};
    base::UniqueFd source = open_beneath(top_, from, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!source) return path_error("copy", from, errno);
    base::UniqueFd target = open_beneath(top_, to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!target) return path_error("copy", to, errno);
    done_.push_back({.what = Done::made_file, .from = {}, .to = to});
    if (Status s = copy_bytes(source.get(), target.get(), from); !s) return s;
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (::fchmod(target.get(), info.st_mode & 07777) != 0 || ::futimens(target.get(), times) != 0)
      return path_error("copy", to, errno);
    return base::Ok{};
  }

  Status remove(const std::string& path) {
    if (options_.dropped_on_failure) return erase(path, 0);
    if (bin_.empty()) {
      const std::string name = ".tessera-bin-" + std::to_string(::getpid());
      for (int n = 0;; ++n) {
        bin_ = name + "-" + std::to_string(n);
        if (::mkdirat(top_, bin_.c_str(), 0700) == 0) break;
        if (errno != EEXIST || n > 1000) {
          const int error = errno;
          bin_.clear();
          return path_error("delete", path, error);
        }
      }
    }
    return move(path, bin_ + "/" + std::to_string(n_binned_++), 0);
  }

  /// Removes for good.
  Status erase(const std::string& path, int depth) {
    const int in = folder(parent_of(path));
    if (in < 0) return path_error("delete", path, errno);
    const std::string name = name_of(path);
    if (::unlinkat(in, name.c_str(), 0) == 0) return base::Ok{};
    if (errno != EISDIR && errno != EPERM) return path_error("delete", path, errno);
    if (depth >= kMaxDepth)
      return Error{Errc::limit, "delete: " + in_quotes(path) + " is too deep"};
    base::Result<std::vector<std::string>> names = names_in(path);
    if (!names) return names.error();
    for (const std::string& child : *names)
      if (Status s = erase(joined(path, child), depth + 1); !s) return s;
    forget(path);
    const int again = folder(parent_of(path));
    if (again < 0 || ::unlinkat(again, name.c_str(), AT_REMOVEDIR) != 0)
      return path_error("delete", path, errno);
    return base::Ok{};
  }

  Status produce(const Step& step) {
    base::UniqueFd out = open_beneath(top_, step.to, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (!out) return path_error("make", step.to, errno);
    done_.push_back({.what = Done::made_file, .from = {}, .to = step.to});
    if (step.kind == StepKind::merge)
      return merge_files(top_, step.sources, step.format, out.get(), step.to);
    if (step.kind == StepKind::archive)
      return write_archive(top_, step.sources, step.format, out.get(), step.to);
    base::Result<std::string> bytes = Error{Errc::unsupported, "convert: no tables here"};
    if (step.format == "png" || step.format == "jpeg")
      bytes = convert_picture(top_, step.from, step.format);
    else if (options_.convert_table)
      bytes = options_.convert_table(step.from, step.format);
    if (!bytes) return bytes.error();
    return write_bytes(out.get(), *bytes, step.to);
  }

  base::Result<std::vector<std::string>> names_in(const std::string& path) {
    base::UniqueFd fd = open_beneath(top_, path, O_RDONLY | O_DIRECTORY);
    if (!fd) return path_error("listing", path, errno);
    const int number = fd.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(number), ::closedir);
    if (!dir) {
      ::close(number);
      return path_error("listing", path, errno);
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    return names;
  }

  Status take_back(const Done& done) {
    int in = -1;
    switch (done.what) {
      case Done::renamed:
        if (const int error = rename_only(done.to, done.from); error != 0)
          return path_error("giving back", done.from, error);
        forget(done.to);
        return base::Ok{};
      case Done::made_folder:
      case Done::made_file:
        forget(done.to);
        in = folder(parent_of(done.to));
        if (in < 0 || ::unlinkat(in, name_of(done.to).c_str(),
                                 done.what == Done::made_folder ? AT_REMOVEDIR : 0) != 0)
          return path_error("giving back", done.to, errno);
        return base::Ok{};
      case Done::gone_folder:
        in = folder(parent_of(done.from));
        if (in < 0 || ::mkdirat(in, name_of(done.from).c_str(), done.mode) != 0)
          return path_error("giving back", done.from, errno);
        return base::Ok{};
      case Done::copied: {
        struct stat info = {};
        in = folder(parent_of(done.to));
        if (in < 0 || ::fstatat(in, name_of(done.to).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
          return path_error("giving back", done.from, errno);
        // copy_entry() writes down what it does: not while taking back.
        std::vector<Done> kept;
        kept.swap(done_);
        Status s = copy_entry(done.to, done.from, info);
        kept.swap(done_);
        if (!s) return s;
        in = folder(parent_of(done.to));
        if (in < 0 || ::unlinkat(in, name_of(done.to).c_str(), 0) != 0)
          return path_error("giving back", done.from, errno);
        return base::Ok{};
      }
    }
    return base::Ok{};
  }

  const int top_;
  const ApplyOptions& options_;
  std::vector<Done> done_;
  std::unordered_map<std::string, base::UniqueFd> folders_;
  std::string bin_;
  size_t n_binned_ = 0;
};

}  // namespace

Status apply(int top, const Expansion& expansion, const ApplyOptions& options) {
  Applier applier(top, options);
  for (const Step& step : shorten(expansion.steps)) {
    Status s = applier.step(step);
    if (s) continue;
    Error error = s.error();
    error.message = "operation " + std::to_string(step.operation + 1) + ": " + error.message;
    if (options.dropped_on_failure) return error;
    const std::string problem = applier.take_back();
    error.message +=
        problem.empty() ? "; nothing was changed" : "; and not all could be taken back: " + problem;
    return error;
  }
  return applier.finish();
}

}  // namespace tools::file
