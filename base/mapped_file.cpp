#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/unique_fd.h"

namespace base {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    const Errc code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::system;
    return Error{code, path.string() + ": " + std::strerror(errno)};
  }
  struct stat st = {};
  if (::fstat(fd.get(), &st) != 0)
    return Error{Errc::system, path.string() + ": " + std::strerror(errno)};
  if (!S_ISREG(st.st_mode)) return Error{Errc::usage, path.string() + ": not a regular file"};
  if (st.st_size == 0) return MappedFile({});  // mmap refuses an empty range
  const size_t size = static_cast<size_t>(st.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (at == MAP_FAILED) return Error{Errc::system, path.string() + ": " + std::strerror(errno)};
  return MappedFile({static_cast<const std::byte*>(at), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace base
