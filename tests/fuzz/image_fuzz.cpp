// Pictures from untrusted bytes: what decodes has as many bytes as its size says, within bounds,
// and comes back the same through PNG.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "media/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr media::Bounds kBounds{.max_side = 2000, .max_pixels = 1'000'000};
  const base::Result<media::Pixels> pixels = media::decode(bytes, kBounds);
  if (!pixels) {
    if (pixels.error().message.empty()) std::abort();
    return 0;
  }
  const auto area = static_cast<size_t>(pixels->width) * static_cast<size_t>(pixels->height);
  if (pixels->rgb.size() != 3 * area || area > static_cast<size_t>(kBounds.max_pixels))
    std::abort();
  const base::Result<std::string> png = media::encode_png(*pixels);
  if (!png || *media::decode_png(*png) != *pixels) std::abort();
  return 0;
}
