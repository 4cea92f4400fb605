// An archive is local headers, each followed by its bytes, then the central directory (one record
// an entry), then the end record, which is found from behind because a comment may follow it.
// Numbers are little-endian. Sizes are taken from the central directory; local headers may lack
// them.

#include "tools/data/zip.h"

#include <zlib.h>

#include <algorithm>

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr size_t kMaxEntries = 10'000;

uint32_t little(std::string_view bytes, size_t at, int n) {
  uint32_t value = 0;
  for (int i = n - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

void put(std::string& out, uint32_t value, int n) {
  for (int i = 0; i < n; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

base::Result<ZipReader> ZipReader::open(std::string_view bytes, std::string name) {
  ZipReader zip;
  zip.bytes_ = bytes;
  zip.name_ = std::move(name);
  const auto broken = [&](const char* what) {
    return Error{Errc::corrupt, zip.name_ + ": a damaged file (" + what + ")"};
  };
  if (bytes.size() < 22) return broken("too short for an archive");
  size_t end = bytes.size() - 22;
  const size_t lowest = end > 65'535 ? end - 65'535 : 0;
  while (little(bytes, end, 4) != kEnd) {
    if (end == lowest) return broken("no end of an archive");
    --end;
  }
  const uint32_t n = little(bytes, end + 10, 2);
  size_t at = little(bytes, end + 16, 4);
  if (n == 0xffff || at == 0xffffffff)
    return Error{Errc::unsupported, zip.name_ + ": a ZIP64 archive"};
  if (n > kMaxEntries) return broken("too many entries");
  for (uint32_t i = 0; i < n; ++i) {
    if (at > bytes.size() || bytes.size() - at < 46 || little(bytes, at, 4) != kCentral)
      return broken("its directory");
    const size_t name_size = little(bytes, at + 28, 2);
    const size_t more = little(bytes, at + 30, 2) + little(bytes, at + 32, 2);
    if (bytes.size() - at - 46 < name_size + more) return broken("its directory");
    zip.entries_.push_back({.name = std::string(bytes.substr(at + 46, name_size)),
                            .method = static_cast<uint16_t>(little(bytes, at + 10, 2)),
                            .flags = static_cast<uint16_t>(little(bytes, at + 8, 2)),
                            .crc = little(bytes, at + 16, 4),
                            .packed = little(bytes, at + 20, 4),
                            .unpacked = little(bytes, at + 24, 4),
                            .offset = little(bytes, at + 42, 4)});
    at += 46 + name_size + more;
  }
  return zip;
}

bool ZipReader::has(std::string_view entry) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& e) { return e.name == entry; });
}

base::Result<std::string> ZipReader::read(std::string_view entry, uint64_t max_bytes) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& e) { return e.name == entry; });
  const std::string what = name_ + ": " + std::string(entry);
  if (it == entries_.end()) return Error{Errc::not_found, what + " is missing"};
  const Entry& e = *it;
  if (e.flags & 1) return Error{Errc::unsupported, name_ + ": an encrypted file"};
  if (e.unpacked > max_bytes)
    return Error{Errc::limit,
                 what + " is larger than " + std::to_string(max_bytes / 1'000'000) + " MB"};
  if (e.offset > bytes_.size() || bytes_.size() - e.offset < 30 ||
      little(bytes_, e.offset, 4) != kLocal)
    return Error{Errc::corrupt, what + " is damaged"};
  const size_t begin =
      size_t{e.offset} + 30 + little(bytes_, e.offset + 26, 2) + little(bytes_, e.offset + 28, 2);
  if (begin > bytes_.size() || bytes_.size() - begin < e.packed)
    return Error{Errc::corrupt, what + " is cut off"};
  const std::string_view packed = bytes_.substr(begin, e.packed);
  std::string out;
  if (e.method == 0) {
    out = std::string(packed);
  } else if (e.method == 8) {
    z_stream z{};
    if (::inflateInit2(&z, -MAX_WBITS) != Z_OK) return Error{Errc::system, "no memory to unpack"};
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    z.avail_in = static_cast<uInt>(packed.size());
    // The size that is written may be a lie: grow as bytes really come.
    int status = Z_OK;
    while (status == Z_OK && out.size() <= e.unpacked) {
      const size_t before = out.size();
      out.resize(before + std::min<size_t>(size_t{e.unpacked} + 1 - before, size_t{1} << 20));
      z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      z.avail_out = static_cast<uInt>(out.size() - before);
      status = ::inflate(&z, Z_NO_FLUSH);
      out.resize(out.size() - z.avail_out);
      if (status == Z_OK && z.avail_in == 0 && z.avail_out > 0) status = Z_DATA_ERROR;
    }
    ::inflateEnd(&z);
    if (status != Z_STREAM_END) return Error{Errc::corrupt, what + " is damaged"};
  } else {
    return Error{Errc::unsupported, what + " is packed in a way that cannot be read"};
  }
  const uLong crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size()));
  if (out.size() != e.unpacked || crc != e.crc) return Error{Errc::corrupt, what + " is damaged"};
  return out;
}

struct ZipWriter::State {
  struct Done {
    std::string name{};
    uint32_t crc = 0, packed = 0, unpacked = 0, offset = 0;
  };
  std::vector<Done> entries{};
  z_stream z{};
  std::string buffer = std::string(size_t{1} << 16, '\0');
};

ZipWriter::ZipWriter() : state_(new State) {}
ZipWriter::~ZipWriter() { delete state_; }

void ZipWriter::add(const std::string& entry, std::string_view bytes) {
  begin(entry);
  write(bytes);
  end();
}

void ZipWriter::begin(const std::string& entry) {
  state_->entries.push_back({.name = entry, .offset = static_cast<uint32_t>(archive_.size())});
  put(archive_, kLocal, 4);
  put(archive_, 20, 2);      // version
  put(archive_, 0x800, 2);   // names are UTF-8
  put(archive_, 8, 2);       // deflate
  put(archive_, 0, 2);       // time
  put(archive_, 0x5821, 2);  // date: 2024-01-01, so that the same table gives the same bytes
  put(archive_, 0, 4);       // CRC and sizes: written by end()
  put(archive_, 0, 4);
  put(archive_, 0, 4);
  put(archive_, static_cast<uint32_t>(entry.size()), 2);
  put(archive_, 0, 2);
  archive_ += entry;
  state_->z = z_stream{};
  ::deflateInit2(&state_->z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}

void ZipWriter::write(std::string_view bytes) {
  State::Done& entry = state_->entries.back();
  z_stream& z = state_->z;
  entry.crc = static_cast<uint32_t>(::crc32(entry.crc, reinterpret_cast<const Bytef*>(bytes.data()),
                                            static_cast<uInt>(bytes.size())));
  entry.unpacked += static_cast<uint32_t>(bytes.size());
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  while (z.avail_in > 0) {
    z.next_out = reinterpret_cast<Bytef*>(state_->buffer.data());
    z.avail_out = static_cast<uInt>(state_->buffer.size());
    ::deflate(&z, Z_NO_FLUSH);
    archive_.append(state_->buffer, 0, state_->buffer.size() - z.avail_out);
  }
}

void ZipWriter::end() {
  State::Done& entry = state_->entries.back();
  z_stream& z = state_->z;
  int status = Z_OK;
  while (status == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(state_->buffer.data());
    z.avail_out = static_cast<uInt>(state_->buffer.size());
    status = ::deflate(&z, Z_FINISH);
    archive_.append(state_->buffer, 0, state_->buffer.size() - z.avail_out);
  }
  ::deflateEnd(&z);
  const size_t begin = size_t{entry.offset} + 30 + entry.name.size();
  entry.packed = static_cast<uint32_t>(archive_.size() - begin);
  std::string sizes;
  put(sizes, entry.crc, 4);
  put(sizes, entry.packed, 4);
  put(sizes, entry.unpacked, 4);
  archive_.replace(size_t{entry.offset} + 14, 12, sizes);
}

std::string ZipWriter::finish() {
  const auto directory = static_cast<uint32_t>(archive_.size());
  for (const State::Done& entry : state_->entries) {
    put(archive_, kCentral, 4);
    put(archive_, 20, 2);
    put(archive_, 20, 2);
    put(archive_, 0x800, 2);
    put(archive_, 8, 2);
    put(archive_, 0, 2);
    put(archive_, 0x5821, 2);
    put(archive_, entry.crc, 4);
    put(archive_, entry.packed, 4);
    put(archive_, entry.unpacked, 4);
    put(archive_, static_cast<uint32_t>(entry.name.size()), 2);
    put(archive_, 0, 4);  // extra, comment
    put(archive_, 0, 4);  // disk, internal attributes
    put(archive_, 0, 4);  // external attributes
    put(archive_, entry.offset, 4);
    archive_ += entry.name;
  }
  const auto size = static_cast<uint32_t>(archive_.size()) - directory;
  put(archive_, kEnd, 4);
  put(archive_, 0, 4);
  put(archive_, static_cast<uint32_t>(state_->entries.size()), 2);
  put(archive_, static_cast<uint32_t>(state_->entries.size()), 2);
  put(archive_, size, 4);
  put(archive_, directory, 4);
  put(archive_, 0, 2);
  return std::move(archive_);
}

}  // namespace tools::data
