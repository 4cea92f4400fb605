// PNG files of charts. A chart has few colours, so most fit a palette of 256: a third of the bytes
// to compress. Lines are compressed without filters and by runs, which suits flat areas and is
// fast.
#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "tools/vega/paint.h"

namespace tools::vega {
namespace {

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

// A hash table of the colours seen so far.
class Palette {
 public:
  Palette() { slots_.fill(-1); }
  /// The index of a colour, or -1 where there are more than 256.
  int index(uint32_t color) {
    size_t slot = (color * 2654435761U) >> 22;
    while (slots_[slot] >= 0) {
      if (colors_[static_cast<size_t>(slots_[slot])] == color) return slots_[slot];
      slot = (slot + 1) & 1023;
    }
    if (count_ == 256) return -1;
    colors_[count_] = color;
    slots_[slot] = static_cast<int>(count_);
    return static_cast<int>(count_++);
  }
  std::string bytes() const {
    std::string rgb;
    for (size_t i = 0; i < count_; ++i)
      for (int shift = 16; shift >= 0; shift -= 8) rgb += static_cast<char>(colors_[i] >> shift);
    return rgb;
  }

 private:
  std::array<int, 1024> slots_;
  std::array<uint32_t, 256> colors_{};
  size_t count_ = 0;
};

std::string compress(const std::string& raw, int strategy) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 15, 9, strategy) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(raw.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return done == Z_STREAM_END ? out : std::string();
}

}  // namespace

std::string encode_rgb_png(const unsigned char* pixels, int width, int height, int stride) {
  const size_t w = static_cast<size_t>(width), h = static_cast<size_t>(height);
  Palette palette;
  std::string raw;
  raw.resize((w + 1) * h);
  bool few = true;
  uint32_t last = 0;
  int last_index = -1;
  for (size_t y = 0; y < h && few; ++y) {
    const unsigned char* line = pixels + y * static_cast<size_t>(stride);
    char* target = raw.data() + y * (w + 1);
    *target++ = 0;
    for (size_t x = 0; x < w; ++x) {
      uint32_t color;
      std::memcpy(&color, line + 4 * x, 4);
      color &= 0xFFFFFF;
      if (color != last || last_index < 0) {
        last = color;
        last_index = palette.index(color);
        if (last_index < 0) {
          few = false;
          break;
        }
      }
      *target++ = static_cast<char>(last_index);
    }
  }
  if (!few) {
    raw.resize((3 * w + 1) * h);
    for (size_t y = 0; y < h; ++y) {
      const unsigned char* line = pixels + y * static_cast<size_t>(stride);
      char* target = raw.data() + y * (3 * w + 1);
      *target++ = 0;
      for (size_t x = 0; x < w; ++x) {
        uint32_t color;
        std::memcpy(&color, line + 4 * x, 4);
        *target++ = static_cast<char>(color >> 16);
        *target++ = static_cast<char>(color >> 8);
        *target++ = static_cast<char>(color);
      }
    }
  }
  const std::string data = compress(raw, few ? Z_DEFAULT_STRATEGY : Z_DEFAULT_STRATEGY);
  if (data.empty()) return {};
  std::string out("\x89PNG\r\n\x1a\n", 8);
  std::string header;
  put32(header, static_cast<uint32_t>(w));
  put32(header, static_cast<uint32_t>(h));
  header += '\x08';
  header += few ? '\x03' : '\x02';
  header.append(3, '\0');
  chunk(out, "IHDR", header);
  if (few) chunk(out, "PLTE", palette.bytes());
  chunk(out, "IDAT", data);
  chunk(out, "IEND", "");
  return out;
}

}  // namespace tools::vega
