#include "sandbox/workspace/content.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "sandbox/workspace/tree.h"

namespace sandbox::content {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;

constexpr size_t kBlock = 256 * 1024;

/// Fills `block` as far as the file goes. Returns the number of bytes or -1.
ssize_t fill(int fd, std::vector<char>& block, uint64_t offset, size_t most) {
  size_t done = 0;
  while (done < most) {
    const ssize_t n =
        pread(fd, block.data() + done, most - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

Result<bool> equal(int a, int b) {
  std::vector<char> x(kBlock), y(kBlock);
  for (uint64_t offset = 0;; offset += kBlock) {
    const ssize_t n = fill(a, x, offset, kBlock), m = fill(b, y, offset, kBlock);
    if (n < 0 || m < 0) return tree::system_error("read a file");
    if (n != m || memcmp(x.data(), y.data(), static_cast<size_t>(n)) != 0) return false;
    if (n < static_cast<ssize_t>(kBlock)) return true;
  }
}

Result<uint64_t> hash(int fd) {
  std::vector<char> block(kBlock);
  uint64_t h = 14695981039346656037ull;  // FNV-1a; equal() has the last word
  for (uint64_t offset = 0;; offset += kBlock) {
    const ssize_t n = fill(fd, block, offset, kBlock);
    if (n < 0) return tree::system_error("read a file");
    for (ssize_t i = 0; i < n; ++i) {
      h = (h ^ static_cast<unsigned char>(block[static_cast<size_t>(i)])) * 1099511628211ull;
    }
    if (n < static_cast<ssize_t>(kBlock)) return h;
  }
}

Status copy(int from, int to, uint64_t max_bytes) {
  struct stat info {};
  if (fstat(from, &info) != 0) return tree::system_error("stat a file");
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes) return Error{Errc::limit, "a file has grown meanwhile"};
  if (ftruncate(to, info.st_size) != 0) return tree::system_error("write a file");
  std::vector<char> block(std::min<uint64_t>(kBlock, size + 1));
  uint64_t offset = 0;
  while (offset < size) {
    const off_t data = lseek(from, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole to the end
    if (data >= 0) offset = static_cast<uint64_t>(data);
    if (offset >= size) break;
    off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
    const uint64_t end = hole < 0 ? size : std::min<uint64_t>(size, static_cast<uint64_t>(hole));
    while (offset < end) {
      const ssize_t n = fill(from, block, offset, std::min<uint64_t>(block.size(), end - offset));
      if (n < 0) return tree::system_error("read a file");
      if (n == 0) return Ok{};
      for (ssize_t done = 0; done < n;) {
        const ssize_t m = pwrite(to, block.data() + done, static_cast<size_t>(n - done),
                                 static_cast<off_t>(offset) + done);
        if (m < 0 && errno == EINTR) continue;
        if (m < 0) return tree::system_error("write a file");
        done += m;
      }
      offset += static_cast<uint64_t>(n);
    }
  }
  return Ok{};
}

Result<std::string> read(int fd, size_t max_bytes) {
  std::vector<char> block(kBlock);
  std::string text;
  while (text.size() < max_bytes) {
    const ssize_t n =
        fill(fd, block, text.size(), std::min<uint64_t>(kBlock, max_bytes - text.size()));
    if (n < 0) return tree::system_error("read a file");
    if (n == 0) break;
    text.append(block.data(), static_cast<size_t>(n));
  }
  return text;
}

}  // namespace sandbox::content
