// JPEG through libjpeg. Its errors longjmp, so the function that calls setjmp holds nothing with a
// destructor: pixels and the row of inks belong to its caller.
//
// Bombs: a progressive file may announce thousands of scans, each a pass over the whole picture.
// The progress monitor stops after kMaxScans, or after kMaxScannedPixels for large pictures, and
// the coefficients that such a file needs in memory at once are bounded by kMaxBytes.
//
// A file that is cut off: libjpeg warns, acts as if it had read an end marker and paints the rest
// gray. We stop when it runs out of bits after that; a missing end marker alone is forgiven.

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <optional>

#include "media/image.h"
#include "media/picture_bounds.h"

namespace media {
namespace {

constexpr int64_t kMaxScans = 100;
constexpr int64_t kMinScans = 25;  // what an encoder may really use
constexpr int64_t kMaxScannedPixels = 1'000'000'000;
constexpr long kMaxBytes = 640L << 20;  // 64 megapixels, three full planes of 16-bit coefficients

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands us a pointer to it
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
  base::Errc code = base::Errc::corrupt;
  bool ended = false;  // libjpeg has asked for more than there is
  int64_t max_scans = kMaxScans;
};

// What belongs to the caller of setjmp.
struct JpegReading {
  std::string_view bytes;
  const Bounds& bounds;
  Pixels pixels;
  std::vector<uint8_t> inks;  // one row of four inks
  std::optional<base::Error> error;
};

[[noreturn]] void fail(j_common_ptr cinfo, base::Errc code, const char* message) {
  auto* errors = reinterpret_cast<JpegErrors*>(cinfo->err);
  errors->code = code;
  std::strncpy(errors->message, message, sizeof errors->message - 1);
  longjmp(errors->jump, 1);
}

void on_jpeg_error(j_common_ptr cinfo) {
  char message[JMSG_LENGTH_MAX];
  cinfo->err->format_message(cinfo, message);
  if (cinfo->err->msg_code == JERR_NO_BACKING_STORE)
    fail(cinfo, base::Errc::limit, "decoding it would take too much memory");
  fail(cinfo, base::Errc::corrupt, message);
}

void on_jpeg_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;  // a trace, not a warning
  auto* errors = reinterpret_cast<JpegErrors*>(cinfo->err);
  const int code = errors->base.msg_code;
  if (code == JWRN_JPEG_EOF) errors->ended = true;
  if (errors->ended && (code == JWRN_HIT_MARKER || code == JWRN_MUST_RESYNC))
    fail(cinfo, base::Errc::corrupt, "it is cut off");
}

void on_jpeg_progress(j_common_ptr cinfo) {
  auto* decompress = reinterpret_cast<j_decompress_ptr>(cinfo);
  const auto* errors = reinterpret_cast<JpegErrors*>(cinfo->err);
  if (decompress->input_scan_number > errors->max_scans)
    fail(cinfo, base::Errc::limit, "too many scans");
}

// Four inks to colours, as Pillow does: stored inverted, so 255 is no ink.
void colours_of_inks(const uint8_t* inks, size_t n, uint8_t* rgb) {
  for (size_t i = 0; i < n; ++i) {
    const int light = inks[4 * i + 3];
    for (size_t c = 0; c < 3; ++c) {
      const int t = (255 - inks[4 * i + c]) * light + 128;
      rgb[3 * i + c] = static_cast<uint8_t>(std::clamp(light - (((t >> 8) + t) >> 8), 0, 255));
    }
  }
}

void read_rows(jpeg_decompress_struct& cinfo, JpegReading& reading) {
  const size_t width = cinfo.output_width;
  Pixels& pixels = reading.pixels;
  pixels.width = static_cast<int>(width);
  pixels.height = static_cast<int>(cinfo.output_height);
  pixels.rgb.resize(3 * width * cinfo.output_height);
  const bool inks = cinfo.out_color_space == JCS_CMYK;
  if (inks) reading.inks.resize(4 * width);
  while (cinfo.output_scanline < cinfo.output_height) {
    uint8_t* rgb = pixels.rgb.data() + 3 * width * cinfo.output_scanline;
    JSAMPROW row = inks ? reading.inks.data() : rgb;
    if (jpeg_read_scanlines(&cinfo, &row, 1) == 1 && inks) colours_of_inks(row, width, rgb);
  }
}

bool acceptable(const jpeg_decompress_struct& cinfo, JpegReading& reading) {
  reading.error = out_of_bounds("JPEG", cinfo.image_width, cinfo.image_height, reading.bounds);
  if (const int n = cinfo.num_components; !reading.error && n != 1 && n != 3 && n != 4)
    reading.error = base::Error{base::Errc::unsupported,
                                "JPEG: " + std::to_string(n) + " colour components; 1, 3 or 4"};
  return !reading.error;
}

bool read_jpeg(JpegReading& reading, JpegErrors& errors) {
  jpeg_decompress_struct cinfo{};
  jpeg_progress_mgr progress{};
  cinfo.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = on_jpeg_error;
  errors.base.emit_message = on_jpeg_message;
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&cinfo);
    return false;
  }
  jpeg_create_decompress(&cinfo);
  cinfo.mem->max_memory_to_use = kMaxBytes;
  progress.progress_monitor = on_jpeg_progress;
  cinfo.progress = &progress;
  jpeg_mem_src(&cinfo, reinterpret_cast<const unsigned char*>(reading.bytes.data()),
               reading.bytes.size());
  jpeg_read_header(&cinfo, TRUE);
  if (acceptable(cinfo, reading)) {
    const int64_t area = int64_t{cinfo.image_width} * cinfo.image_height;
    errors.max_scans = std::clamp(kMaxScannedPixels / area, kMinScans, kMaxScans);
    cinfo.out_color_space = cinfo.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&cinfo);
    read_rows(cinfo, reading);
  }
  jpeg_destroy_decompress(&cinfo);
  return true;
}

}  // namespace

base::Result<Pixels> decode_jpeg(std::string_view bytes, const Bounds& bounds) {
  JpegReading reading{.bytes = bytes, .bounds = bounds, .pixels = {}, .inks = {}, .error = {}};
  JpegErrors errors;
  if (!read_jpeg(reading, errors))
    return base::Error{errors.code, std::string("JPEG: ") + errors.message};
  if (reading.error) return *reading.error;
  return std::move(reading.pixels);
}

}  // namespace media
