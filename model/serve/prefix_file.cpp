#include "model/serve/prefix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "model/fingerprint.h"

// A file, in this machine's byte order:
//
//     0  "TSPREFIX"
//     8  u32 version, u32 0
//    16  u64 fingerprint, u64 id, u64 parent
//    40  i32 begin, i32 end
//    48  u64 bytes of rows
//    56  u64 hash of rows
//    64  u64 hash of the 64 bytes before and the keys
//    72  keys: u32 token id, u32 1 for a patch, u64 hash of the soft token; end - begin of them
//        rows, to the end of the file

namespace model {

using base::Errc;
using base::Error;

namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 72;
constexpr size_t kHashedBytes = 64;
constexpr size_t kKeyBytes = 16;

using Fixed = std::array<std::byte, kHeaderBytes>;

template <class T>
void put(Fixed& to, size_t at, T value) {
  std::memcpy(to.data() + at, &value, sizeof value);
}
template <class T>
T get(const std::byte* from, size_t at) {
  T value;
  std::memcpy(&value, from + at, sizeof value);
  return value;
}

std::vector<std::byte> packed(std::span<const PositionKey> keys) {
  std::vector<std::byte> out(keys.size() * kKeyBytes);
  std::byte* to = out.data();
  for (const PositionKey& key : keys) {
    const uint32_t patch = key.patch ? 1 : 0;
    std::memcpy(to, &key.id, 4);
    std::memcpy(to + 4, &patch, 4);
    std::memcpy(to + 8, &key.soft, 8);
    to += kKeyBytes;
  }
  return out;
}

uint64_t hash_header(const Fixed& fixed, std::span<const std::byte> keys) {
  return hash_bytes(keys, hash_bytes(std::span(fixed).first(kHashedBytes)));
}

Error failed(const std::filesystem::path& path, const char* what) {
  return Error{Errc::system, path.string() + ": " + what + ": " + std::strerror(errno)};
}
Error corrupt(const std::filesystem::path& path, const char* what) {
  return Error{Errc::corrupt, path.string() + ": " + what};
}

base::Status write_all(int fd, std::span<const std::byte> bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), size_t{1} << 26));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed(path, "write");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return base::Ok{};
}

// False also where the file ends early.
bool read_all(int fd, std::span<std::byte> bytes, off_t at,
              const std::function<void()>& between = {}) {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(fd, bytes.data(), std::min(bytes.size(), size_t{1} << 26), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
    at += n;
    if (between) between();
  }
  return true;
}

struct Opened {
  base::UniqueFd fd;
  PrefixHeader header;
  uint64_t rows_hash = 0;
};

base::Result<Opened> open_file(const std::filesystem::path& path, Fixed& fixed) {
  Opened out;
  out.fd = base::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (out.fd.get() < 0) {
    if (errno == ENOENT) return Error{Errc::not_found, path.string() + ": no such file"};
    return failed(path, "open");
  }
  struct stat status = {};
  if (::fstat(out.fd.get(), &status) != 0) return failed(path, "stat");
  if (!S_ISREG(status.st_mode)) return corrupt(path, "not a regular file");
  const uint64_t size = static_cast<uint64_t>(status.st_size);
  if (size < kHeaderBytes || !read_all(out.fd.get(), fixed, 0))
    return corrupt(path, "shorter than a header");
  const std::byte* at = fixed.data();
  if (std::memcmp(at, "TSPREFIX", 8) != 0) return corrupt(path, "not a stored prefix");
  if (get<uint32_t>(at, 8) != kVersion || get<uint32_t>(at, 12) != 0)
    return corrupt(path, "another version of the format");
  PrefixHeader& h = out.header;
  h.fingerprint = get<uint64_t>(at, 16);
  h.id = get<uint64_t>(at, 24);
  h.parent = get<uint64_t>(at, 32);
  h.begin = get<int32_t>(at, 40);
  h.end = get<int32_t>(at, 44);
  h.rows_bytes = get<uint64_t>(at, 48);
  out.rows_hash = get<uint64_t>(at, 56);
  if (h.begin < 0 || h.end <= h.begin || h.end > kMaxPrefixPositions ||
      (h.parent == 0) != (h.begin == 0))
    return corrupt(path, "impossible positions");
  const size_t n = static_cast<size_t>(h.end - h.begin);
  if (size - kHeaderBytes < n * kKeyBytes || size - kHeaderBytes - n * kKeyBytes != h.rows_bytes)
    return corrupt(path, "cut short, or longer than it says");
  return out;
}

base::Result<Opened> open_checked(const std::filesystem::path& path) {
  Fixed fixed;
  base::Result<Opened> opened = open_file(path, fixed);
  if (!opened) return opened;
  Opened& out = *opened;
  PrefixHeader& h = out.header;
  const std::byte* at = fixed.data();
  const size_t n = static_cast<size_t>(h.end - h.begin);
  std::vector<std::byte> keys(n * kKeyBytes);
  if (!read_all(out.fd.get(), keys, kHeaderBytes)) return corrupt(path, "cut short");
  if (hash_header(fixed, keys) != get<uint64_t>(at, 64)) return corrupt(path, "damaged header");
  h.keys.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const std::byte* key = keys.data() + i * kKeyBytes;
    h.keys[i] = {.id = get<int32_t>(key, 0),
                 .soft = get<uint64_t>(key, 8),
                 .patch = get<uint32_t>(key, 4) != 0};
  }
  if (prefix_id(h.parent, h.keys) != h.id) return corrupt(path, "its id is not that of its keys");
  return opened;
}

}  // namespace

uint64_t prefix_id(uint64_t parent, std::span<const PositionKey> keys) {
  return std::max<uint64_t>(1, hash_bytes(packed(keys), parent));
}

uint64_t prefix_file_bytes(size_t n_keys, uint64_t rows_bytes) {
  return kHeaderBytes + n_keys * kKeyBytes + rows_bytes;
}

base::Status write_prefix(const std::filesystem::path& path, const PrefixHeader& header,
                          std::span<const std::byte> rows) {
  const std::vector<std::byte> keys = packed(header.keys);
  Fixed fixed = {};
  std::memcpy(fixed.data(), "TSPREFIX", 8);
  put(fixed, 8, kVersion);
  put(fixed, 16, header.fingerprint);
  put(fixed, 24, header.id);
  put(fixed, 32, header.parent);
  put(fixed, 40, int32_t{header.begin});
  put(fixed, 44, int32_t{header.end});
  put(fixed, 48, static_cast<uint64_t>(rows.size()));
  put(fixed, 56, hash_bytes(rows));
  put(fixed, 64, hash_header(fixed, keys));
  const std::string temporary = path.string() + "." + std::to_string(::getpid()) + ".tmp";
  (void)::unlink(temporary.c_str());
  base::UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return failed(temporary, "open");
  base::Status written = write_all(fd.get(), fixed, temporary);
  if (written) written = write_all(fd.get(), keys, temporary);
  if (written) written = write_all(fd.get(), rows, temporary);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = failed(path, "rename");
  if (!written) (void)::unlink(temporary.c_str());
  return written;
}

base::Result<PrefixHeader> read_prefix_outline(const std::filesystem::path& path) {
  Fixed fixed;
  base::Result<Opened> opened = open_file(path, fixed);
  if (!opened) return opened.error();
  return std::move(opened->header);
}

base::Result<PrefixHeader> read_prefix_header(const std::filesystem::path& path) {
  base::Result<Opened> opened = open_checked(path);
  if (!opened) return opened.error();
  return std::move(opened->header);
}

base::Result<std::vector<std::byte>> read_prefix_rows(const std::filesystem::path& path,
                                                      const PrefixHeader& expected,
                                                      const std::function<void()>& between) {
  base::Result<Opened> opened = open_checked(path);
  if (!opened) return opened.error();
  const PrefixHeader& h = opened->header;
  if (h.fingerprint != expected.fingerprint || h.id != expected.id || h.begin != expected.begin ||
      h.rows_bytes != expected.rows_bytes || h.keys != expected.keys)
    return corrupt(path, "another state than its name says");
  std::vector<std::byte> rows(h.rows_bytes);
  const off_t at = static_cast<off_t>(prefix_file_bytes(h.keys.size(), 0));
  if (!read_all(opened->fd.get(), rows, at, between)) return corrupt(path, "cut short");
  if (hash_bytes(rows) != opened->rows_hash) return corrupt(path, "damaged rows");
  return rows;
}

}  // namespace model
