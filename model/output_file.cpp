#include "model/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model {

using base::Errc;
using base::Error;

static Error system_error(const std::filesystem::path& path) {
  const Errc code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::system;
  return Error{code, path.string() + ": " + std::strerror(errno)};
}

static Error already_there(const std::filesystem::path& path) {
  return Error{Errc::refused, path.string() + ": exists already; --force replaces it"};
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

base::Status OutputFile::open(const std::filesystem::path& path, bool replace) {
  path_ = path;
  replace_ = replace;
  struct stat st = {};
  if (!replace && ::lstat(path.c_str(), &st) == 0) return already_there(path);
  std::string name = path.string() + ".XXXXXX";
  fd_.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd_) return system_error(path);
  temporary_ = std::move(name);
  // mkostemp makes 0600; an ordinary new file follows the umask.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd_.get(), 0666 & ~mask) != 0) return system_error(path);
  return base::Ok{};
}

base::Status OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path_);
    bytes = bytes.subspan(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
  return base::Ok{};
}

base::Status OutputFile::commit() {
  if (::fsync(fd_.get()) != 0) return system_error(path_);
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(),
                  replace_ ? 0 : RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return already_there(path_);
    // Some file systems know no flags: a hard link refuses an existing name just as well.
    if (errno != EINVAL || ::link(temporary_.c_str(), path_.c_str()) != 0)
      return errno == EEXIST ? already_there(path_) : system_error(path_);
    ::unlink(temporary_.c_str());
  }
  temporary_.clear();
  fd_.reset();
  return base::Ok{};
}

}  // namespace model
