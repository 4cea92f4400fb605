#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace media {

/// Rows of 32-bit pixels 0xXXRRGGBB in native order; the top byte is ignored.
struct PixelRows {
  const uint32_t* first = nullptr;
  int width = 0, height = 0;
  size_t stride = 0;  ///< pixels from one row to the next
  /// Pixels of the file per CSS pixel (1/96 inch), so that viewers and pages can show a picture at
  /// the size it was drawn for; 0: nothing is said. Kept as pixels per metre (chunk pHYs).
  double scale = 0;
};

/// The width in CSS pixels that a PNG is to be shown at, by its chunk pHYs; 0 where it says nothing
/// that makes sense (one to ten pixels per CSS pixel, square ones).
int png_shown_width(std::string_view png);

/// The pixels as PNG, with a palette where there are at most 256 colours. The same pixels always
/// give the same bytes. width and height at least 1. Empty where zlib has no memory.
std::string write_png(const PixelRows& pixels);

}  // namespace media
