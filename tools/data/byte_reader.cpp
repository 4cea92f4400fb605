// gzip: members of a header, deflated bytes and a CRC, one after the other (RFC 1952). zlib reads
// header and trailer; a member that ends is followed by another one, or by the end of the file, or
// by zero bytes that tools pad with.

#include "tools/data/byte_reader.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "tools/data/value.h"
#include "tools/data/workspace.h"

namespace tools::data {

using base::Errc;
using base::Error;

namespace {
constexpr size_t kPacked = size_t{1} << 16;
}

struct ByteReader::Gzip {
  z_stream stream{};
  std::vector<char> packed = std::vector<char>(kPacked);
  bool in_member = true, ended = false;
  ~Gzip() { ::inflateEnd(&stream); }
};

ByteReader::ByteReader(base::UniqueFd file, std::string name)
    : file_(std::move(file)), name_(std::move(name)) {}
ByteReader::~ByteReader() = default;
ByteReader::ByteReader(ByteReader&&) noexcept = default;
ByteReader& ByteReader::operator=(ByteReader&&) noexcept = default;

base::Result<size_t> ByteReader::read_file(char* buffer, size_t size) {
  size_t got = 0;
  while (got < size) {
    const ssize_t n = ::read(file_.get(), buffer + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::system, name_ + ": " + std::strerror(errno)};
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  return got;
}

base::Result<size_t> ByteReader::unpack(char* buffer, size_t size) {
  Gzip& gzip = *gzip_;
  z_stream& z = gzip.stream;
  z.next_out = reinterpret_cast<Bytef*>(buffer);
  z.avail_out = static_cast<uInt>(size);
  while (z.avail_out > 0 && !gzip.ended) {
    if (z.avail_in == 0) {
      base::Result<size_t> n = read_file(gzip.packed.data(), kPacked);
      if (!n) return n.error();
      if (*n == 0) {
        if (gzip.in_member) return Error{Errc::corrupt, name_ + ": the gzip file is cut off"};
        gzip.ended = true;
        break;
      }
      z.next_in = reinterpret_cast<Bytef*>(gzip.packed.data());
      z.avail_in = static_cast<uInt>(*n);
    }
    if (!gzip.in_member) {
      if (*z.next_in == 0) {
        ++z.next_in;
        --z.avail_in;
        continue;
      }
      ::inflateReset(&z);
      gzip.in_member = true;
    }
    const int status = ::inflate(&z, Z_NO_FLUSH);
    if (status == Z_STREAM_END)
      gzip.in_member = false;
    else if (status != Z_OK && status != Z_BUF_ERROR)
      return Error{Errc::corrupt, name_ + ": the gzip file is damaged"};
  }
  return size - z.avail_out;
}

base::Result<size_t> ByteReader::read(char* buffer, size_t size) {
  if (size > (size_t{1} << 30)) size = size_t{1} << 30;
  if (!looked_) {
    looked_ = true;
    base::Result<size_t> n = read_file(first_, sizeof first_);
    if (!n) return n.error();
    n_first_ = *n;
    if (n_first_ == 2 && first_[0] == '\x1f' && first_[1] == '\x8b') {
      gzip_ = std::make_unique<Gzip>();
      if (::inflateInit2(&gzip_->stream, 16 + MAX_WBITS) != Z_OK)
        return Error{Errc::system, name_ + ": no memory to unpack it"};
      std::memcpy(gzip_->packed.data(), first_, 2);
      gzip_->stream.next_in = reinterpret_cast<Bytef*>(gzip_->packed.data());
      gzip_->stream.avail_in = 2;
      n_first_ = 0;
    }
  }
  if (gzip_) return unpack(buffer, size);
  size_t got = 0;
  if (n_first_ > 0 && size >= n_first_) {
    std::memcpy(buffer, first_, n_first_);
    got = n_first_;
    n_first_ = 0;
  }
  base::Result<size_t> more = read_file(buffer + got, size - got);
  if (!more) return more.error();
  return got + *more;
}

base::Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  if (!file) return file.error();
  ByteReader reader(std::move(*file), path);
  std::string text;
  std::vector<char> piece(size_t{1} << 16);
  while (true) {
    base::Result<size_t> n = reader.read(piece.data(), piece.size());
    if (!n) return n.error();
    text.append(piece.data(), *n);
    if (text.size() > max_bytes)
      return Error{Errc::limit, path + ": larger than " +
                                    format_number(static_cast<double>(max_bytes) / 1e6) + " MB"};
    if (*n < piece.size()) return text;
  }
}

}  // namespace tools::data
