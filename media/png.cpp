// PNG through libpng.
//
// Writing uses libpng's full interface, the only one that lets us choose level and filter. Its
// errors longjmp, so the function that calls setjmp holds nothing with a destructor. Reading uses
// the simplified interface, which never jumps through our frames: header first, then the bounds,
// then the pixels.

#include <png.h>

#include <csetjmp>
#include <cstring>

#include "media/image.h"

namespace media {
namespace {

struct PngError {
  char message[128] = "";
};

void on_png_error(png_structp png, png_const_charp message) {
  auto* error = static_cast<PngError*>(png_get_error_ptr(png));
  std::strncpy(error->message, message, sizeof error->message - 1);
  png_longjmp(png, 1);
}

void on_png_warning(png_structp, png_const_charp) {}

void append_bytes(png_structp png, png_bytep data, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), size);
}

void flush_nothing(png_structp) {}

// `rows` and `out` belong to the caller: no destructor is skipped by a jump out of libpng.
bool write_png(const Pixels& pixels, png_bytepp rows, std::string& out, PngError& error) {
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, on_png_error, on_png_warning);
  if (!png) return false;
  png_infop info = png_create_info_struct(png);
  if (!info || setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, &out, append_bytes, flush_nothing);
  png_set_compression_level(png, 1);
  png_set_filter(png, 0, PNG_FILTER_UP);
  png_set_IHDR(png, info, static_cast<png_uint_32>(pixels.width),
               static_cast<png_uint_32>(pixels.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_write_image(png, rows);
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return true;
}

}  // namespace

base::Result<std::string> encode_png(const Pixels& pixels) {
  if (pixels.width < 1 || pixels.height < 1 ||
      pixels.rgb.size() !=
          static_cast<size_t>(pixels.width) * static_cast<size_t>(pixels.height) * 3)
    return base::Error{base::Errc::usage, "PNG: " + std::to_string(pixels.width) + "x" +
                                              std::to_string(pixels.height) + " with " +
                                              std::to_string(pixels.rgb.size()) + " bytes"};
  std::vector<png_bytep> rows(static_cast<size_t>(pixels.height));
  for (int y = 0; y < pixels.height; ++y)
    rows[static_cast<size_t>(y)] = const_cast<png_bytep>(pixels.at(0, y));
  std::string out;
  out.reserve(pixels.rgb.size() / 64 + 4096);
  PngError error;
  if (!write_png(pixels, rows.data(), out, error))
    return base::Error{base::Errc::internal, std::string("PNG: ") + error.message};
  return out;
}

base::Result<Pixels> decode_png(std::string_view bytes, const Bounds& bounds) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()))
    return base::Error{base::Errc::corrupt, std::string("PNG: ") + png.message};
  const int64_t width = png.width;
  const int64_t height = png.height;
  if (width > bounds.max_side || height > bounds.max_side || width * height > bounds.max_pixels) {
    png_image_free(&png);
    return base::Error{base::Errc::limit, "PNG: " + std::to_string(width) + "x" +
                                              std::to_string(height) + " pixels are too many"};
  }
  png.format = PNG_FORMAT_RGB;
  Pixels pixels{.width = static_cast<int>(width), .height = static_cast<int>(height), .rgb = {}};
  pixels.rgb.resize(static_cast<size_t>(width * height * 3));
  const png_color white{255, 255, 255};
  if (!png_image_finish_read(&png, &white, pixels.rgb.data(), 0, nullptr)) {
    std::string message = png.message;
    png_image_free(&png);
    return base::Error{base::Errc::corrupt, "PNG: " + message};
  }
  return pixels;
}

}  // namespace media
