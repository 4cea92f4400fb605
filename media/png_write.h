#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace media {

/// Rows of 32-bit pixels 0xXXRRGGBB in native order; the top byte is ignored.
struct PixelRows {
  const uint32_t* first = nullptr;
  int width = 0, height = 0;
  size_t stride = 0;  ///< pixels from one row to the next
};

/// The pixels as PNG, with a palette where there are at most 256 colours. The same pixels always
/// give the same bytes. width and height at least 1. Empty where zlib has no memory.
std::string write_png(const PixelRows& pixels);

}  // namespace media
