#include "agent/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/unique_fd.h"

namespace agent {

base::Result<std::string> read_beneath(const std::filesystem::path& folder, const std::string& path,
                                       size_t max_bytes) {
  const base::UniqueFd top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const base::UniqueFd file(static_cast<int>(
      top.get() < 0 ? -1 : ::syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof how)));
  if (file.get() < 0)
    return base::Error{base::Errc::not_found, path + ": there is no such file that may be read"};
  return base::read_file("/proc/self/fd/" + std::to_string(file.get()), max_bytes);
}

}  // namespace agent
