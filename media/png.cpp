// PNG, read through libpng and written by png_write.cpp.
//
// PngReading uses libpng's full interface. Its errors longjmp, so a function that calls setjmp
// holds nothing with a destructor. The simplified interface would read a picture in fewer lines,
// but it blends in linear light, applies gAMA and takes 16 bits for linear ones; models are trained
// on what Pillow gives, which does none of that. So we have samples expanded to 8 bits and blend
// ourselves.

#include <png.h>

#include <csetjmp>
#include <cstring>
#include <optional>

#include "media/image.h"
#include "media/picture_bounds.h"
#include "media/png_write.h"

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

png_const_bytep byte_pointer(std::string_view bytes) {
  return reinterpret_cast<png_const_bytep>(bytes.data());
}

// What reading needs and what a jump out of libpng must not leak.
struct PngReading {
  std::string_view rest;  // bytes not yet read
  Pixels pixels;
  std::vector<uint8_t> rgba;  // one row, or all of an interlaced picture
  std::vector<png_bytep> rows;
};

void take_bytes(png_structp png, png_bytep data, size_t size) {
  auto* reading = static_cast<PngReading*>(png_get_io_ptr(png));
  if (reading->rest.size() < size) png_error(png, "it is cut off");
  std::memcpy(data, reading->rest.data(), size);
  reading->rest.remove_prefix(size);
}

void read_pixels(png_structp png, png_infop info, PngReading& reading) {
  const size_t width = png_get_image_width(png, info);
  const size_t height = png_get_image_height(png, info);
  const int n_passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t n_channels = png_get_channels(png, info);
  if ((n_channels != 3 && n_channels != 4) || png_get_rowbytes(png, info) != n_channels * width)
    png_error(png, "samples that do not become bytes");
  reading.pixels.width = static_cast<int>(width);
  reading.pixels.height = static_cast<int>(height);
  reading.pixels.rgb.resize(3 * width * height);
  uint8_t* rgb = reading.pixels.rgb.data();
  if (n_channels == 4 && n_passes == 1) {
    reading.rgba.resize(4 * width);
    for (size_t y = 0; y < height; ++y) {
      png_read_row(png, reading.rgba.data(), nullptr);
      rgba_over_white(reading.rgba.data(), width, rgb + 3 * width * y);
    }
    return;
  }
  if (n_channels == 4) reading.rgba.resize(4 * width * height);
  uint8_t* samples = n_channels == 4 ? reading.rgba.data() : rgb;
  reading.rows.resize(height);
  for (size_t y = 0; y < height; ++y) reading.rows[y] = samples + n_channels * width * y;
  png_read_image(png, reading.rows.data());
  if (n_channels == 4) rgba_over_white(samples, width * height, rgb);
}

// The size is already known to lie within bounds.
bool read_png(PngReading& reading, PngError& error) {
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &error, on_png_error, on_png_warning);
  if (!png) return false;
  png_infop info = png_create_info_struct(png);
  if (!info || setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &reading, take_bytes);
  // Only IHDR, PLTE, tRNS and IDAT are read: no compressed text or profile is ever unpacked.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  read_pixels(png, info, reading);
  png_destroy_read_struct(&png, &info, nullptr);
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
  std::vector<uint32_t> wide(pixels.rgb.size() / 3);
  const uint8_t* rgb = pixels.rgb.data();
  for (uint32_t& pixel : wide) {
    pixel = uint32_t{rgb[0]} << 16 | uint32_t{rgb[1]} << 8 | rgb[2];
    rgb += 3;
  }
  std::string out =
      write_png({wide.data(), pixels.width, pixels.height, static_cast<size_t>(pixels.width)});
  if (out.empty()) return base::Error{base::Errc::internal, "PNG: no memory"};
  return out;
}

base::Result<Pixels> decode_png(std::string_view bytes, const Bounds& bounds) {
  // The size stands in the first chunk; libpng would refuse the widest ones as corrupt.
  constexpr size_t kHeaderBytes = 8 + 8 + 8;
  if (bytes.size() < kHeaderBytes || bytes.substr(12, 4) != "IHDR")
    return base::Error{base::Errc::corrupt, "PNG: it does not start with a header"};
  if (std::optional<base::Error> error =
          out_of_bounds("PNG", png_get_uint_32(byte_pointer(bytes) + 16),
                        png_get_uint_32(byte_pointer(bytes) + 20), bounds))
    return *error;
  PngReading reading{.rest = bytes, .pixels = {}, .rgba = {}, .rows = {}};
  PngError error;
  if (!read_png(reading, error))
    return base::Error{base::Errc::corrupt, std::string("PNG: ") + error.message};
  return std::move(reading.pixels);
}

}  // namespace media
