#pragma once

#include <optional>
#include <string>

#include "media/image.h"

namespace media {

/// What is wrong with a picture of this announced size, if anything: limit, naming the format, the
/// size and the bound; or corrupt for a side of 0.
inline std::optional<base::Error> out_of_bounds(const std::string& format, int64_t width,
                                                int64_t height, const Bounds& bounds) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width < 1 || height < 1)
    return base::Error{base::Errc::corrupt, format + ": a picture of " + size + " pixels"};
  if (width > bounds.max_side || height > bounds.max_side)
    return base::Error{base::Errc::limit, format + ": " + size +
                                              " pixels; a side may have at most " +
                                              std::to_string(bounds.max_side)};
  if (width * height > bounds.max_pixels)
    return base::Error{base::Errc::limit, format + ": " + size + " are " +
                                              std::to_string(width * height) + " pixels; at most " +
                                              std::to_string(bounds.max_pixels) + " are read"};
  return std::nullopt;
}

/// Lays `n` pixels of four bytes (red, green, blue, alpha) over white.
inline void rgba_over_white(const uint8_t* rgba, size_t n, uint8_t* rgb) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t c = 0; c < 3; ++c) rgb[3 * i + c] = over_white(rgba[4 * i + c], rgba[4 * i + 3]);
  }
}

}  // namespace media
