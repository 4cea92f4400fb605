// PNG files of drawn pictures, by zlib alone. What is drawn has flat areas and few colours:
// - at most 256 colours become a palette, a third of the bytes to compress;
// - a row that equals the one above is written by the filter "up", as zeros, which deflate takes in
//   long runs; other rows of a palette have no filter, as their bytes are names and not amounts;
// - long runs of such rows are written without zlib;
// - rows go to deflate one at a time, so that no second copy of the picture is made: fresh memory
//   costs more here than compressing what is in it.
#include "media/png_write.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

namespace media {
namespace {

constexpr uint32_t kColor = 0xFFFFFF;
constexpr double kCssPixelsPerMetre = 96 / 0.0254;
constexpr size_t kChunkBytes = 64 * 1024;
// From here on a run of repeated rows is worth a block of its own, which costs some 60 bytes.
constexpr size_t kManyRows = 6, kLongRow = 300;

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void chunk(std::string& out, const char* type, std::string_view data) {
  put32(out, static_cast<uint32_t>(data.size()));
  const size_t start = out.size();
  out.append(type, 4);
  out.append(data);
  put32(out, static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(out.data() + start),
                                         static_cast<uInt>(out.size() - start))));
}

// The colours seen so far, in a hash table of open addresses.
class Palette {
 public:
  Palette() { slots_.fill(-1); }
  /// The index of a colour, or -1 where there are more than 256.
  int index(uint32_t color) {
    size_t slot = (color * 2654435761U) >> 22;
    while (slots_[slot] >= 0) {
      if (colors_[static_cast<size_t>(slots_[slot])] == color) return slots_[slot];
      slot = (slot + 1) % slots_.size();
    }
    if (count_ == colors_.size()) return -1;
    colors_[count_] = color;
    slots_[slot] = static_cast<int16_t>(count_);
    return static_cast<int>(count_++);
  }
  std::string bytes() const {
    std::string rgb;
    for (size_t i = 0; i < count_; ++i)
      for (int shift = 16; shift >= 0; shift -= 8) rgb += static_cast<char>(colors_[i] >> shift);
    return rgb;
  }

 private:
  std::array<int16_t, 1024> slots_;
  std::array<uint32_t, 256> colors_{};
  size_t count_ = 0;
};

// The compressed data, cut into IDAT chunks as it comes: blocks that zlib makes, and between them
// blocks of our own for long runs of repeated rows (see repeat()).
class Deflate {
 public:
  explicit Deflate(std::string& out) : out_(out), buffer_(kChunkBytes) {
    good_ = deflateInit2(&stream_, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    put_byte(0x78), put_byte(0x01);  // the header of a zlib stream
  }
  ~Deflate() { deflateEnd(&stream_); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  void add(std::vector<uint8_t>& bytes) {
    adler_ = static_cast<uint32_t>(adler32(adler_, bytes.data(), static_cast<uInt>(bytes.size())));
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    pump(Z_NO_FLUSH);
  }

  // `count` times a byte 2 and n zeros. zlib takes a nanosecond per byte even for zeros; their code
  // is known beforehand. A block with the fixed codes of RFC 1951 (3.2.6): per row two literals and
  // then copies, 258 bytes long at most, of the byte before.
  void repeat(size_t n, size_t count) {
    // Ends at a byte and makes zlib forget what it saw: it does not know of our bytes, and would
    // count distances wrongly.
    pump(Z_FULL_FLUSH);
    bits(2, 3);  // not the last block, fixed codes
    for (size_t i = 0; i < count; ++i) {
      literal(2), literal(0);
      size_t left = n - 1;
      for (; left >= 3; left -= std::min<size_t>(left, 258))
        copy(static_cast<uint32_t>(std::min<size_t>(left, 258)));
      for (; left > 0; --left) literal(0);
      const uint64_t a = (adler_ & 0xFFFF) + 2, b = (adler_ >> 16) + a % 65521 * (n + 1);
      adler_ = static_cast<uint32_t>(b % 65521 << 16 | a % 65521);
    }
    bits(0, 7);  // end of the block
    bits(0, 3);  // an empty stored block, for its alignment
    bits(0, (8 - bit_count_ % 8) % 8);
    bits(0, 16), bits(0xFFFF, 16);
  }

  bool finish() {
    pump(Z_FINISH);
    for (int shift = 24; shift >= 0; shift -= 8) put_byte(static_cast<uint8_t>(adler_ >> shift));
    flush();
    return good_;
  }

 private:
  void pump(int how) {
    while (good_) {
      if (used_ == buffer_.size()) flush();
      stream_.next_out = buffer_.data() + used_;
      stream_.avail_out = static_cast<uInt>(buffer_.size() - used_);
      const int done = deflate(&stream_, how);
      used_ = buffer_.size() - stream_.avail_out;
      good_ = done == Z_OK || done == Z_BUF_ERROR || done == Z_STREAM_END;
      if (stream_.avail_out > 0) return;  // all is out
    }
  }
  // Huffman codes come first bit first.
  void code(uint32_t value, int count) {
    uint32_t turned = 0;
    for (int i = 0; i < count; ++i) turned |= (value >> i & 1) << (count - 1 - i);
    bits(turned, count);
  }
  void literal(uint32_t byte) { code(0x30 + byte, 8); }  // of bytes below 144
  // `length` (3 to 258) copies of the byte before.
  void copy(uint32_t length) {
    uint32_t symbol = 285, extra = 0;
    if (length <= 10) {
      symbol = 254 + length;
    } else if (length < 258) {
      extra = static_cast<uint32_t>(std::bit_width(length - 3)) - 3;
      symbol = 261 + 4 * extra + ((length - 3) >> extra) - 4;
    }
    symbol < 280 ? code(symbol - 256, 7) : code(0xC0 + symbol - 280, 8);
    bits((length - 3) & ((1U << extra) - 1), static_cast<int>(extra));
    bits(0, 5);  // distance 1
  }
  void bits(uint32_t value, int count) {
    held_ |= uint64_t{value} << bit_count_;
    for (bit_count_ += count; bit_count_ >= 8; bit_count_ -= 8) {
      put_byte(static_cast<uint8_t>(held_));
      held_ >>= 8;
    }
  }
  void put_byte(uint8_t byte) {
    if (used_ == buffer_.size()) flush();
    buffer_[used_++] = byte;
  }
  void flush() {
    chunk(out_, "IDAT", {reinterpret_cast<const char*>(buffer_.data()), used_});
    used_ = 0;
  }

  std::string& out_;
  std::vector<uint8_t> buffer_;
  size_t used_ = 0;
  uint64_t held_ = 0;  // bits of a byte that is not full
  int bit_count_ = 0;
  uint32_t adler_ = 1;
  z_stream stream_{};
  bool good_ = false;
};

bool equal_rows(const uint32_t* a, const uint32_t* b, size_t n) {
  if (std::memcmp(a, b, 4 * n) == 0) return true;
  constexpr size_t kStep = 16;
  for (size_t i = 0; i < n; i += kStep) {
    uint32_t differ = 0;
    for (size_t k = i; k < std::min(n, i + kStep); ++k) differ |= a[k] ^ b[k];
    if ((differ & kColor) != 0) return false;
  }
  return true;
}

// Palette indices of one row; false where the palette is full.
bool index_row(const uint32_t* row, size_t n, Palette& palette, uint8_t* target) {
  uint32_t last = ~0U;
  int index = 0;
  for (size_t x = 0; x < n; ++x) {
    const uint32_t color = row[x] & kColor;
    if (color != last) {
      last = color;
      index = palette.index(color);
      if (index < 0) return false;
    }
    target[x] = static_cast<uint8_t>(index);
  }
  return true;
}

// Bytes of one row in true colour, less those above where there is a row above. Neighbours above
// and below are as good as any for pictures, and the cheapest.
void color_row(const uint32_t* row, const uint32_t* above, size_t n, uint8_t* target) {
  for (size_t x = 0; x < n; ++x) {
    const uint32_t color = row[x], up = above == nullptr ? 0 : above[x];
    *target++ = static_cast<uint8_t>((color >> 16) - (up >> 16));
    *target++ = static_cast<uint8_t>((color >> 8) - (up >> 8));
    *target++ = static_cast<uint8_t>(color - up);
  }
}

}  // namespace

int png_shown_width(std::string_view png) {
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(png[at + i]);
    return value;
  };
  uint32_t width = 0;
  if (!png.starts_with("\x89PNG\r\n\x1a\n")) return 0;
  // Chunks: length, type, data, checksum. Those asked for stand before the pixels.
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = number(at);
    const std::string_view type = png.substr(at + 4, 4);
    if (type == "IDAT" || length > png.size() - at - 12) return 0;
    if (type == "IHDR" && length == 13) width = number(at + 8);
    if (type == "pHYs" && length == 9) {
      const uint32_t x = number(at + 8), y = number(at + 12);
      const double scale = x / kCssPixelsPerMetre;
      const bool makes_sense = x == y && png[at + 16] == 1 && scale > 0.99 && scale < 10.01;
      return makes_sense ? static_cast<int>(std::lround(std::min(width, 1U << 20) / scale)) : 0;
    }
    at += length + 12;
  }
  return 0;
}

std::string write_png(const PixelRows& pixels) {
  const size_t w = static_cast<size_t>(pixels.width), h = static_cast<size_t>(pixels.height);
  const auto row = [&](size_t y) { return pixels.first + y * pixels.stride; };
  std::vector<uint8_t> line(w + 1);
  std::vector<bool> repeats(h);
  for (size_t y = 1; y < h; ++y) repeats[y] = equal_rows(row(y), row(y - 1), w);
  Palette palette;
  bool few = true;
  for (size_t y = 0; y < h && few; ++y)
    few = repeats[y] || index_row(row(y), w, palette, line.data() + 1);

  std::string out("\x89PNG\r\n\x1a\n", 8);
  std::string header;
  put32(header, static_cast<uint32_t>(w));
  put32(header, static_cast<uint32_t>(h));
  header += '\x08';
  header += few ? '\x03' : '\x02';
  header.append(3, '\0');
  chunk(out, "IHDR", header);
  if (few) chunk(out, "PLTE", palette.bytes());
  if (pixels.scale > 0) {
    std::string resolution;
    for (int axis = 0; axis < 2; ++axis)
      put32(resolution, static_cast<uint32_t>(std::lround(pixels.scale * kCssPixelsPerMetre)));
    resolution += '\x01';  // the unit is the metre
    chunk(out, "pHYs", resolution);
  }

  Deflate deflate(out);
  line.assign((few ? w : 3 * w) + 1, 0);
  for (size_t y = 0; y < h; ++y) {
    size_t end = y;
    while (end < h && repeats[end]) ++end;
    if (end - y >= kManyRows && line.size() > kLongRow) {
      deflate.repeat(line.size() - 1, end - y);
      y = end - 1;
      continue;
    }
    if (repeats[y]) {
      std::memset(line.data(), 0, line.size());
      line[0] = 2;  // the filter "up"
    } else if (few) {
      line[0] = 0;
      index_row(row(y), w, palette, line.data() + 1);
    } else {
      line[0] = y == 0 ? 0 : 2;
      color_row(row(y), y == 0 ? nullptr : row(y - 1), w, line.data() + 1);
    }
    deflate.add(line);
  }
  if (!deflate.finish()) return {};
  chunk(out, "IEND", "");
  return out;
}

}  // namespace media
