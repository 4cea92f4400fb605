#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// media: pictures as plain values, and the two file formats they travel in.
///
/// Every function is pure: any thread may call it. Encoded bytes are untrusted input; their
/// announced size is checked against Bounds before anything is allocated for it.
namespace media {

/// A picture of opaque 8-bit sRGB pixels, row-major, three bytes (red, green, blue) each, no
/// padding.
struct Pixels {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  ///< [height, width, 3]

  /// A picture of one colour. width and height in pixels, at least 1.
  static Pixels filled(int width, int height, uint8_t red, uint8_t green, uint8_t blue);

  const uint8_t* at(int x, int y) const {
    return rgb.data() +
           3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
  }
  bool operator==(const Pixels&) const = default;
};

/// What a picture may need at most before it is decoded.
struct Bounds {
  int max_side = 16384;                   ///< pixels, of either side
  int64_t max_pixels = 64 * 1000 * 1000;  ///< width * height
};

enum class Format { unknown, png, jpeg };

/// Tells the format by the first bytes.
Format format_of(std::string_view bytes);

/// Encodes as PNG (8-bit RGB, zlib level 1, filter "up": small enough and about five times faster
/// than the defaults on drawn pictures). The same pixels always give the same bytes. Errors: usage
/// (no pixels, or rgb has the wrong length), internal.
base::Result<std::string> encode_png(const Pixels& pixels);

/// Decodes a PNG of any kind; transparency is laid over white, 16 bits become 8.
/// Errors: corrupt, limit (over `bounds`).
base::Result<Pixels> decode_png(std::string_view bytes, const Bounds& bounds = {});

/// Decodes a baseline or progressive JPEG, gray or colour (not CMYK). Its orientation tag is not
/// applied. Errors: corrupt, limit (over `bounds`, or more than 100 scans), unsupported.
base::Result<Pixels> decode_jpeg(std::string_view bytes, const Bounds& bounds = {});

/// Decodes by the first bytes.
/// Errors: as decode_png and decode_jpeg; unsupported for any other format.
base::Result<Pixels> decode(std::string_view bytes, const Bounds& bounds = {});

}  // namespace media
