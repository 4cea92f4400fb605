#include "media/image.h"

#include <gtest/gtest.h>
#include <jpeglib.h>

#include <cstdlib>

namespace {

using base::Errc;
using media::Pixels;

// A gradient, so that rows and channels cannot be mixed up.
Pixels gradient(int width, int height) {
  Pixels pixels = Pixels::filled(width, height, 0, 0, 0);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = pixels.rgb.data() + 3 * (static_cast<size_t>(y) * width + x);
      pixel[0] = static_cast<uint8_t>(x * 255 / width);
      pixel[1] = static_cast<uint8_t>(y * 255 / height);
      pixel[2] = 200;
    }
  return pixels;
}

std::string encode_jpeg(const Pixels& pixels, bool progressive) {
  jpeg_compress_struct cinfo{};
  jpeg_error_mgr errors{};
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_compress(&cinfo);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&cinfo, &buffer, &size);
  cinfo.image_width = static_cast<JDIMENSION>(pixels.width);
  cinfo.image_height = static_cast<JDIMENSION>(pixels.height);
  cinfo.input_components = 3;
  cinfo.in_color_space = JCS_RGB;
  jpeg_set_defaults(&cinfo);
  jpeg_set_quality(&cinfo, 95, TRUE);
  if (progressive) jpeg_simple_progression(&cinfo);
  jpeg_start_compress(&cinfo, TRUE);
  while (cinfo.next_scanline < cinfo.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.at(0, static_cast<int>(cinfo.next_scanline)));
    jpeg_write_scanlines(&cinfo, &row, 1);
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

TEST(Png, ComesBackAsItWas) {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 2}, {257, 31}}) {
    const Pixels pixels = gradient(width, height);
    base::Result<std::string> png = media::encode_png(pixels);
    ASSERT_TRUE(png) << png.error().message;
    EXPECT_EQ(media::format_of(*png), media::Format::png);
    base::Result<Pixels> back = media::decode(*png);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, pixels);
  }
}

TEST(Png, SamePixelsGiveTheSameBytes) {
  EXPECT_EQ(*media::encode_png(gradient(40, 30)), *media::encode_png(gradient(40, 30)));
}

TEST(Png, RefusesPixelsThatDoNotMatchTheSize) {
  Pixels pixels = gradient(4, 4);
  pixels.rgb.pop_back();
  EXPECT_EQ(media::encode_png(pixels).error().code, Errc::usage);
  EXPECT_EQ(media::encode_png(Pixels{}).error().code, Errc::usage);
}

TEST(Png, EveryTruncationIsAnError) {
  const std::string png = *media::encode_png(gradient(20, 20));
  // The closing chunk carries no pixels; libpng does not miss it.
  for (size_t size = 0; size + 13 < png.size(); ++size)
    EXPECT_FALSE(media::decode_png(std::string_view(png).substr(0, size))) << size;
}

TEST(Png, FlippedBytesNeverCrash) {
  const std::string png = *media::encode_png(gradient(16, 16));
  for (size_t i = 0; i < png.size(); ++i) {
    std::string broken = png;
    broken[i] = static_cast<char>(broken[i] ^ 0x55);
    (void)media::decode_png(broken, {.max_side = 4096, .max_pixels = 1 << 20});
  }
}

TEST(Png, AHugePictureIsRefusedBeforeItIsAllocated) {
  const std::string png = *media::encode_png(gradient(100, 50));
  EXPECT_EQ(media::decode_png(png, {.max_side = 99, .max_pixels = 1 << 20}).error().code,
            Errc::limit);
  EXPECT_EQ(media::decode_png(png, {.max_side = 100, .max_pixels = 4999}).error().code,
            Errc::limit);
  EXPECT_TRUE(media::decode_png(png, {.max_side = 100, .max_pixels = 5000}));
}

TEST(Jpeg, ComesBackNearlyAsItWas) {
  const Pixels pixels = gradient(64, 48);
  for (bool progressive : {false, true}) {
    base::Result<Pixels> back = media::decode(encode_jpeg(pixels, progressive));
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->width, 64);
    ASSERT_EQ(back->height, 48);
    for (size_t i = 0; i < pixels.rgb.size(); ++i)
      ASSERT_NEAR(back->rgb[i], pixels.rgb[i], 16) << i;
  }
}

TEST(Jpeg, BoundsAndBrokenBytesAreErrors) {
  const std::string jpeg = encode_jpeg(gradient(64, 48), false);
  EXPECT_EQ(media::decode_jpeg(jpeg, {.max_side = 63, .max_pixels = 1 << 20}).error().code,
            Errc::limit);
  EXPECT_EQ(media::decode_jpeg(jpeg.substr(0, 40)).error().code, Errc::corrupt);
  EXPECT_EQ(media::decode_jpeg("").error().code, Errc::corrupt);
  for (size_t i = 2; i < jpeg.size(); ++i) {
    std::string broken = jpeg;
    broken[i] = static_cast<char>(broken[i] ^ 0x55);
    (void)media::decode_jpeg(broken, {.max_side = 4096, .max_pixels = 1 << 20});
  }
}

TEST(Decode, OtherFormatsAreUnsupported) {
  EXPECT_EQ(media::decode("GIF89a").error().code, Errc::unsupported);
}

}  // namespace
