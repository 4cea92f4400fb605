#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace base {

static Error system_error(const std::filesystem::path& path) {
  const Errc code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::system;
  return Error{code, path.string() + ": " + std::strerror(errno)};
}

Result<std::string> read_file(const std::filesystem::path& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error(path);
  struct stat st = {};
  if (::fstat(fd.get(), &st) != 0) return system_error(path);
  if (!S_ISREG(st.st_mode)) return Error{Errc::usage, path.string() + ": not a regular file"};
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path);
    if (n == 0) return text;
    if (text.size() + static_cast<size_t>(n) > max_bytes)
      return Error{Errc::limit,
                   path.string() + ": larger than " + std::to_string(max_bytes) + " bytes"};
    text.append(buffer, static_cast<size_t>(n));
  }
}

Status write_file(const std::filesystem::path& path, std::string_view content) {
  std::string temporary = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return system_error(path);
  // mkostemp makes 0600; an ordinary new file follows the umask.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd.get(), 0666 & ~mask);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = system_error(path);
      ::unlink(temporary.c_str());
      return error;
    }
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = system_error(path);
    ::unlink(temporary.c_str());
    return error;
  }
  return Ok{};
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  return fs::equivalent(a, b, ignored) ||
         fs::weakly_canonical(fs::absolute(a, ignored), ignored) ==
             fs::weakly_canonical(fs::absolute(b, ignored), ignored);
}

}  // namespace base
