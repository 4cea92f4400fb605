#include "media/image.h"

#include "media/exif.h"

namespace media {

Pixels Pixels::filled(int width, int height, uint8_t red, uint8_t green, uint8_t blue) {
  Pixels pixels{.width = width, .height = height, .rgb = {}};
  pixels.rgb.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (size_t i = 0; i < pixels.rgb.size(); i += 3) {
    pixels.rgb[i] = red;
    pixels.rgb[i + 1] = green;
    pixels.rgb[i + 2] = blue;
  }
  return pixels;
}

Format format_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return Format::png;
  if (bytes.starts_with("\xff\xd8\xff")) return Format::jpeg;
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return Format::webp;
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return Format::gif;
  return Format::unknown;
}

static base::Result<Pixels> decode_stored(std::string_view bytes, const Bounds& bounds) {
  switch (format_of(bytes)) {
    case Format::png:
      return decode_png(bytes, bounds);
    case Format::jpeg:
      return decode_jpeg(bytes, bounds);
    case Format::webp:
      return decode_webp(bytes, bounds);
    case Format::gif:
      return decode_gif(bytes, bounds);
    case Format::unknown:
      break;
  }
  return base::Error{base::Errc::unsupported, "picture: not a PNG, JPEG, WebP or GIF file"};
}

base::Result<Pixels> decode(std::string_view bytes, const Bounds& bounds) {
  base::Result<Pixels> stored = decode_stored(bytes, bounds);
  if (!stored) return stored;
  return oriented(std::move(*stored), orientation_of(bytes));
}

}  // namespace media
