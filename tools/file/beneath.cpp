#include "tools/file/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
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

base::UniqueFd open_beneath(int top, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const char* name = path.empty() ? "." : path.c_str();
  for (;;) {
    const long fd = ::syscall(SYS_openat2, top, name, &how, sizeof how);
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    // EAGAIN: something was renamed during the walk.
    if (errno != EINTR && errno != EAGAIN) return base::UniqueFd();
  }
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
