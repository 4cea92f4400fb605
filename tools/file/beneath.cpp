#include "tools/file/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sandbox/workspace/text.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {
constexpr size_t kMaxName = 255;
constexpr size_t kMaxPath = 4000;
}  // namespace

// One name after the other, none of them a link. openat2() would do it in one call; the sandbox
// does not offer it, because its filter cannot look at that call's flags.
base::UniqueFd open_beneath(int top, const std::string& path, int flags, unsigned mode) {
  const auto open_name = [](int folder, const std::string& name, int how, unsigned rights) {
    int fd = -1;
    do {
      fd = ::openat(folder, name.c_str(), how | O_NOFOLLOW | O_CLOEXEC, rights);
    } while (fd < 0 && errno == EINTR);
    return base::UniqueFd(fd);
  };
  // A link where a folder should be is ENOTDIR to the kernel.
  const auto tell_link = [](int folder, const std::string& name) {
    struct stat info {};
    const int error = errno;
    const bool link = error == ENOTDIR &&
                      ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISLNK(info.st_mode);
    errno = link ? ELOOP : error;
  };
  base::UniqueFd inner;
  int folder = top;
  size_t begin = 0;
  for (size_t end; (end = path.find('/', begin)) != path.npos; begin = end + 1) {
    const std::string name = path.substr(begin, end - begin);
    if (name.empty() || name == "..") {
      errno = EXDEV;
      return base::UniqueFd();
    }
    base::UniqueFd next = open_name(folder, name, O_PATH | O_DIRECTORY, 0);
    if (!next) {
      tell_link(folder, name);
      return base::UniqueFd();
    }
    inner = std::move(next);
    folder = inner.get();
  }
  const std::string last = path.empty() ? "." : path.substr(begin);
  if (last.empty() || last == "..") {
    errno = EXDEV;
    return base::UniqueFd();
  }
  base::UniqueFd fd = open_name(folder, last, flags, (flags & O_CREAT) ? mode : 0);
  if (!fd) tell_link(folder, last);
  return fd;
}

Error path_error(const std::string& who, const std::string& path, int error) {
  Errc code = Errc::system;
  std::string text = std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) code = Errc::not_found;
  if (error == EACCES || error == EPERM || error == EROFS) code = Errc::refused;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) code = Errc::limit;
  if (error == ELOOP || error == EXDEV) {
    code = Errc::refused;
    text = "a link is in the way, and links are not followed";
  }
  return Error{code, who + ": " + in_quotes(path) + ": " + text};
}

bool is_hidden(const std::string& name) {
  static const std::string hidden = [] {
    const char* names = std::getenv("TESSERA_HIDDEN");
    return "/.tessera/" + std::string(names ? names : "");
  }();
  return hidden.find("/" + name + "/") != hidden.npos;
}

base::Result<std::string> clean_path(const std::string& who, const std::string& path) {
  if (path.find('\0') != path.npos) return Error{Errc::usage, who + ": a path has a zero byte"};
  if (!path.empty() && path[0] == '/')
    return Error{Errc::refused, who + ": " + in_quotes(path) + " is not relative to the workspace"};
  std::string clean;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    at = slash + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..")
      return Error{Errc::refused, who + ": " + in_quotes(path) + " leads out of the workspace"};
    if (name == ".tessera")
      return Error{Errc::refused,
                   who + ": " + in_quotes(path) + " is Tessera's own folder and stays as it is"};
    if (is_hidden(name))
      return Error{Errc::refused, who + ": " + in_quotes(path) + " is hidden by the policy"};
    if (name.size() > kMaxName)
      return Error{Errc::usage, who + ": a name of " + in_quotes(path.substr(0, 60) + "…") +
                                    " is longer than 255 bytes"};
    clean = joined(clean, name);
  }
  if (clean.size() > kMaxPath)
    return Error{Errc::usage,
                 who + ": the path " + in_quotes(path.substr(0, 60) + "…") + " is too long"};
  return clean;
}

base::Status check_new_path(const std::string& who, const std::string& path) {
  base::Result<std::string> clean = clean_path(who, path);
  if (!clean) return clean.error();
  if (clean->empty()) return Error{Errc::usage, who + ": a name is empty"};
  if (!sandbox::is_printable(path))
    return Error{Errc::usage, who + ": " + in_quotes(path) +
                                  " is no name for a new file: it has a control character or is "
                                  "not UTF-8"};
  return base::Ok{};
}

std::string in_quotes(std::string_view path) { return "\"" + sandbox::printable(path) + "\""; }

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? std::string() : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::pair<std::string, std::string> split_extension(const std::string& name) {
  size_t dot = name.rfind('.');
  if (dot == name.npos || dot == 0) return {name, ""};
  const size_t tar = dot >= 4 ? dot - 4 : name.npos;
  if (tar != name.npos && tar > 0 && name.compare(tar, 4, ".tar") == 0) dot = tar;
  return {name.substr(0, dot), name.substr(dot)};
}

}  // namespace tools::file
