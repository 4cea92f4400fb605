// JPEG through libjpeg. Its errors longjmp, so the function that calls setjmp holds nothing with a
// destructor: the pixels belong to its caller. A progressive file may announce thousands of scans,
// each a pass over the whole picture; the progress monitor stops after kMaxScans.

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jpeglib.h>

#include <csetjmp>
#include <cstring>

#include "media/image.h"

namespace media {
namespace {

constexpr int kMaxScans = 100;

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands us a pointer to it
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
  base::Errc code = base::Errc::corrupt;
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
  fail(cinfo, base::Errc::corrupt, message);
}

void on_jpeg_message(j_common_ptr) {}

void on_jpeg_progress(j_common_ptr cinfo) {
  auto* decompress = reinterpret_cast<j_decompress_ptr>(cinfo);
  if (decompress->input_scan_number > kMaxScans) fail(cinfo, base::Errc::limit, "too many scans");
}

bool read_jpeg(std::string_view bytes, const Bounds& bounds, Pixels& pixels, JpegErrors& errors) {
  jpeg_decompress_struct cinfo{};
  jpeg_progress_mgr progress{};
  cinfo.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = on_jpeg_error;
  errors.base.output_message = on_jpeg_message;
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&cinfo);
    return false;
  }
  jpeg_create_decompress(&cinfo);
  progress.progress_monitor = on_jpeg_progress;
  cinfo.progress = &progress;
  jpeg_mem_src(&cinfo, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&cinfo, TRUE);
  const int64_t width = cinfo.image_width;
  const int64_t height = cinfo.image_height;
  if (width > bounds.max_side || height > bounds.max_side || width * height > bounds.max_pixels)
    fail(reinterpret_cast<j_common_ptr>(&cinfo), base::Errc::limit, "too many pixels");
  if (cinfo.jpeg_color_space == JCS_CMYK || cinfo.jpeg_color_space == JCS_YCCK)
    fail(reinterpret_cast<j_common_ptr>(&cinfo), base::Errc::unsupported, "CMYK colours");
  cinfo.out_color_space = JCS_RGB;
  jpeg_start_decompress(&cinfo);
  pixels.width = static_cast<int>(width);
  pixels.height = static_cast<int>(height);
  pixels.rgb.resize(static_cast<size_t>(width * height * 3));
  while (cinfo.output_scanline < cinfo.output_height) {
    JSAMPROW row =
        pixels.rgb.data() + static_cast<size_t>(cinfo.output_scanline) * 3 * cinfo.output_width;
    jpeg_read_scanlines(&cinfo, &row, 1);
  }
  jpeg_finish_decompress(&cinfo);
  jpeg_destroy_decompress(&cinfo);
  return true;
}

}  // namespace

base::Result<Pixels> decode_jpeg(std::string_view bytes, const Bounds& bounds) {
  Pixels pixels;
  JpegErrors errors;
  if (!read_jpeg(bytes, bounds, pixels, errors))
    return base::Error{errors.code, std::string("JPEG: ") + errors.message};
  return pixels;
}

}  // namespace media
