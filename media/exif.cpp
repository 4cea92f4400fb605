// Where the orientation hides, by format:
//
//   JPEG  segments FF xx, length (2 bytes, big-endian, counts itself); APP1 (E1) that starts with
//         "Exif\0\0" holds a TIFF. Everything of interest comes before start of scan (DA).
//   PNG   chunks length (4, big-endian), type, data, CRC; "eXIf" holds a TIFF, also after the
//   pixels. WebP  "RIFF", size, "WEBP", then chunks type, length (4, little-endian), data padded to
//   even;
//         "EXIF" holds a TIFF, which some programs put behind "Exif\0\0".
//
// TIFF: "II*\0" or "MM\0*" gives the byte order, then the offset of a directory: a count (2) and
// entries of 12 bytes: tag (2), type (2), count (4), value (4; a short sits in its first half).

#include "media/exif.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace media {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);

// Reads numbers at offsets; beyond the end there is nothing.
struct Reader {
  std::string_view bytes;
  bool big_endian = true;

  std::optional<uint32_t> number(uint64_t at, size_t size) const {
    if (at > bytes.size() || bytes.size() - at < size) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t which = big_endian ? i : size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes[at + which]);
    }
    return value;
  }
};

int orientation_in_tiff(std::string_view tiff) {
  if (tiff.starts_with(kExifPrefix)) tiff.remove_prefix(kExifPrefix.size());
  const bool little = tiff.starts_with(std::string_view("II*\0", 4));
  if (!little && !tiff.starts_with(std::string_view("MM\0*", 4))) return 1;
  const Reader reader{.bytes = tiff, .big_endian = !little};
  const std::optional<uint32_t> directory = reader.number(4, 4);
  if (!directory) return 1;
  const std::optional<uint32_t> n_entries = reader.number(*directory, 2);
  for (uint64_t i = 0; n_entries && i < *n_entries; ++i) {
    const uint64_t entry = uint64_t{*directory} + 2 + 12 * i;
    const std::optional<uint32_t> tag = reader.number(entry, 2);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    const std::optional<uint32_t> type = reader.number(entry + 2, 2);
    const std::optional<uint32_t> value = reader.number(entry + 8, 2);
    constexpr uint32_t kShort = 3;
    return type == kShort && value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

std::string_view exif_in_jpeg(std::string_view bytes) {
  const Reader reader{.bytes = bytes};
  for (uint64_t at = 2;;) {
    const std::optional<uint32_t> marker = reader.number(at, 2);
    if (!marker || *marker < 0xFF00) return {};
    if (*marker == 0xFFFF) {  // a fill byte
      ++at;
      continue;
    }
    if (*marker == 0xFFDA || *marker == 0xFFD9) return {};
    const std::optional<uint32_t> length = reader.number(at + 2, 2);
    if (!length || *length < 2 || bytes.size() - at - 2 < *length) return {};
    const std::string_view segment = bytes.substr(at + 4, *length - 2);
    if (*marker == 0xFFE1 && segment.starts_with(kExifPrefix)) return segment;
    at += 2 + *length;
  }
}

std::string_view exif_in_png(std::string_view bytes) {
  const Reader reader{.bytes = bytes};
  for (uint64_t at = 8;;) {
    const std::optional<uint32_t> length = reader.number(at, 4);
    if (!length || bytes.size() - at < uint64_t{*length} + 12) return {};
    if (bytes.substr(at + 4, 4) == "eXIf") return bytes.substr(at + 8, *length);
    at += uint64_t{*length} + 12;
  }
}

std::string_view exif_in_webp(std::string_view bytes) {
  const Reader reader{.bytes = bytes, .big_endian = false};
  for (uint64_t at = 12;;) {
    const std::optional<uint32_t> length = reader.number(at + 4, 4);
    if (!length || bytes.size() - at - 8 < *length) return {};
    if (bytes.substr(at, 4) == "EXIF") return bytes.substr(at + 8, *length);
    at += 8 + uint64_t{*length} + (*length & 1);
  }
}

}  // namespace

int orientation_of(std::string_view bytes) {
  switch (format_of(bytes)) {
    case Format::jpeg:
      return orientation_in_tiff(exif_in_jpeg(bytes));
    case Format::png:
      return orientation_in_tiff(exif_in_png(bytes));
    case Format::webp:
      return orientation_in_tiff(exif_in_webp(bytes));
    case Format::gif:
    case Format::unknown:
      break;
  }
  return 1;
}

Pixels oriented(Pixels pixels, int orientation) {
  if (orientation < 2 || orientation > 8) return pixels;
  const bool swapped = orientation >= 5;
  const int w = pixels.width;
  const int h = pixels.height;
  Pixels out{.width = swapped ? h : w, .height = swapped ? w : h, .rgb = {}};
  out.rgb.resize(pixels.rgb.size());
  uint8_t* to = out.rgb.data();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x, to += 3) {
      const int u = swapped ? y : x;  // along the stored row
      const int v = swapped ? x : y;
      const bool mirrored =
          orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      const bool flipped =
          orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      const uint8_t* from = pixels.at(mirrored ? w - 1 - u : u, flipped ? h - 1 - v : v);
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  return out;
}

}  // namespace media
