#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// media: pictures, sound and video frames as plain values, and the files they come in.
///
/// Every function is pure: any thread may call it. Encoded bytes are untrusted input; their
/// announced size is checked against bounds before anything is allocated for it.
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

enum class Format { unknown, png, jpeg, webp, gif };

/// Tells the format by the first bytes.
Format format_of(std::string_view bytes);

/// Encodes as PNG (8-bit RGB, zlib level 1, filter "up": small enough and about five times faster
/// than the defaults on drawn pictures). The same pixels always give the same bytes. Errors: usage
/// (no pixels, or rgb has the wrong length), internal.
base::Result<std::string> encode_png(const Pixels& pixels);

/// The decoders of one format each. All lay transparency over white with over_white(), and none
/// applies an orientation tag or a colour profile.
/// Errors: corrupt; limit (over `bounds`); unsupported where it says so.

/// PNG of any kind. Of 16 bits the upper 8 are kept, as Pillow does; gAMA is ignored.
base::Result<Pixels> decode_png(std::string_view bytes, const Bounds& bounds = {});

/// Baseline or progressive JPEG: gray, colour, or four inks (CMYK, YCCK; taken as inverted, which
/// is what programs write). A file that is cut off is corrupt.
/// Errors: also limit (too many scans, see jpeg.cpp), unsupported (other colour counts).
base::Result<Pixels> decode_jpeg(std::string_view bytes, const Bounds& bounds = {});

/// WebP, lossy or lossless; of an animation the first frame, where it lies on its canvas.
base::Result<Pixels> decode_webp(std::string_view bytes, const Bounds& bounds = {});

/// The first frame of a GIF, where it lies on its logical screen; the screen grows if the frame
/// reaches beyond it, and what the frame does not cover is transparent.
base::Result<Pixels> decode_gif(std::string_view bytes, const Bounds& bounds = {});

/// Decodes by the first bytes and turns the picture as its EXIF orientation says: what a viewer
/// shows. Errors: as the decoders above; unsupported for any other format.
base::Result<Pixels> decode(std::string_view bytes, const Bounds& bounds = {});

/// One channel of a pixel with opacity `alpha`, laid over white.
/// Source: Pillow's integer blend (Image.alpha_composite over an opaque white picture), exactly.
constexpr uint8_t over_white(uint8_t channel, uint8_t alpha) {
  const uint32_t t = 128u * (uint32_t{channel} * alpha + 255u * (255u - alpha)) + 16384u;
  return static_cast<uint8_t>((((t >> 8) + t) >> 8) >> 7);
}

}  // namespace media
