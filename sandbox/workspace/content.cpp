#include "sandbox/workspace/content.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
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

/// As much as is read of a file of `size` bytes at a time: small files are many.
size_t block_of(uint64_t size) { return std::clamp<uint64_t>(size, 1, kBlock); }

class SipHash {
 public:
  explicit SipHash(const HashKey& key)
      : v_{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
           key[1] ^ 0x7465646279746573} {}

  /// All parts but the last have a multiple of 8 bytes.
  void add(const char* data, size_t n) {
    length_ += n;
    for (; n >= 8; data += 8, n -= 8) mix(word(data, 8));
    rest_ = word(data, n);
  }

  uint64_t end() {
    mix(rest_ | length_ << 56);
    v_[2] ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  static uint64_t word(const char* data, size_t n) {
    static_assert(std::endian::native == std::endian::little);
    uint64_t w = 0;
    memcpy(&w, data, n);
    return w;
  }

  void mix(uint64_t word) {
    v_[3] ^= word;
    round();
    round();
    v_[0] ^= word;
  }

  void round() {
    v_[0] += v_[1], v_[2] += v_[3];
    v_[1] = std::rotl(v_[1], 13) ^ v_[0], v_[3] = std::rotl(v_[3], 16) ^ v_[2];
    v_[0] = std::rotl(v_[0], 32);
    v_[2] += v_[1], v_[0] += v_[3];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2], v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] = std::rotl(v_[2], 32);
  }

  std::array<uint64_t, 4> v_;
  uint64_t length_ = 0, rest_ = 0;
};

}  // namespace

Result<bool> equal(int a, int b, uint64_t size) {
  std::vector<char> x(block_of(size)), y(block_of(size));
  for (uint64_t offset = 0; offset < size; offset += x.size()) {
    const size_t most = std::min<uint64_t>(x.size(), size - offset);
    const ssize_t n = fill(a, x, offset, most), m = fill(b, y, offset, most);
    if (n < 0 || m < 0) return tree::system_error("read a file");
    if (n != m || static_cast<size_t>(n) != most || memcmp(x.data(), y.data(), most) != 0)
      return false;
  }
  return true;
}

HashKey random_key() {
  HashKey key{};
  // Without a key it is a hash like any other: only whoever wants to can make two files collide.
  (void)!getrandom(key.data(), sizeof key, 0);
  return key;
}

uint64_t hash(std::string_view text, const HashKey& key) {
  SipHash hash(key);
  hash.add(text.data(), text.size());
  return hash.end();
}

Result<uint64_t> hash(int fd, uint64_t size, const HashKey& key) {
  SipHash hash(key);
  std::vector<char> block(block_of(size));
  for (uint64_t offset = 0; offset < size; offset += block.size()) {
    const size_t most = std::min<uint64_t>(block.size(), size - offset);
    const ssize_t n = fill(fd, block, offset, most);
    if (n < 0) return tree::system_error("read a file");
    hash.add(block.data(), static_cast<size_t>(n));
    if (static_cast<size_t>(n) != most) break;
  }
  return hash.end();
}

Status copy(int from, int to, uint64_t max_bytes) {
  struct stat info {};
  if (fstat(from, &info) != 0) return tree::system_error("stat a file");
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes) return Error{Errc::limit, "a file has grown meanwhile"};
  const bool has_holes = static_cast<uint64_t>(info.st_blocks) * 512 < size;
  if (has_holes && ftruncate(to, info.st_size) != 0) return tree::system_error("write a file");
  std::vector<char> block(block_of(size));
  uint64_t offset = 0;
  while (offset < size) {
    const off_t data = has_holes ? lseek(from, static_cast<off_t>(offset), SEEK_DATA) : -1;
    if (has_holes && data < 0 && errno == ENXIO) break;  // a hole to the end
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
