#include "media/image.h"

#include <gif_lib.h>
#include <gtest/gtest.h>
#include <jpeglib.h>
#include <webp/encode.h>

#include <cstdlib>

#include "base/file.h"
#include "media/exif.h"
#include "tests/golden.h"

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

std::string file(const std::string& name) {
  base::Result<std::string> bytes = base::read_file(golden(name), size_t{1} << 24);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : "";
}

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

// A file that says it is this large and holds no pixels.
std::string announce(media::Format format, uint32_t width, uint32_t height) {
  const auto le = [](uint32_t value, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
  };
  switch (format) {
    case media::Format::png:
      return "\x89PNG\r\n\x1a\n" + big_endian(13) + "IHDR" + big_endian(width) +
             big_endian(height) + std::string("\x08\x02\0\0\0", 5) + "crc.";
    case media::Format::jpeg:
      return std::string("\xff\xd8\xff\xc0\0\x11\x08", 7) + big_endian(height).substr(2) +
             big_endian(width).substr(2) + std::string("\x03\x01\x11\0\x02\x11\0\x03\x11\0", 10) +
             std::string("\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0", 14);
    case media::Format::webp: {
      const std::string vp8x = "VP8X" + le(10, 4) + std::string("\x02\0\0\0", 4) +
                               le(width - 1, 3) + le(height - 1, 3) + "ANIM" + le(6, 4) + "......";
      return "RIFF" + le(static_cast<uint32_t>(vp8x.size()) + 4, 4) + "WEBP" + vp8x;
    }
    case media::Format::gif:
      return "GIF89a" + le(width, 2) + le(height, 2) + std::string("\0\0\0", 3);
    case media::Format::unknown:
      break;
  }
  return "";
}

// A GIF of two colours with the given screen and frame; `indices` row by row.
std::string gif(int screen_width, int screen_height, int left, int top, int width, int height,
                int transparent, const std::vector<GifPixelType>& indices) {
  std::string out;
  const auto append = [](GifFileType* file, const GifByteType* data, int size) {
    static_cast<std::string*>(file->UserData)->append(reinterpret_cast<const char*>(data), size);
    return size;
  };
  GifFileType* file = EGifOpen(&out, append, nullptr);
  EGifSetGifVersion(file, true);
  const GifColorType colours[2] = {{255, 0, 0}, {0, 0, 255}};
  ColorMapObject* palette = GifMakeMapObject(2, colours);
  EGifPutScreenDesc(file, screen_width, screen_height, 1, 0, palette);
  GraphicsControlBlock control{
      .DisposalMode = 0, .UserInputFlag = false, .DelayTime = 0, .TransparentColor = transparent};
  GifByteType block[4];
  EGifGCBToExtension(&control, block);
  EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, sizeof block, block);
  EGifPutImageDesc(file, left, top, width, height, false, nullptr);
  for (int y = 0; y < height; ++y)
    EGifPutLine(file, const_cast<GifPixelType*>(indices.data()) + y * width, width);
  GifFreeMapObject(palette);
  EGifCloseFile(file, nullptr);
  return out;
}

TEST(Jpeg, AFileThatIsCutOffIsAnErrorAndAMissingEndMarkerIsNot) {
  for (bool progressive : {false, true}) {
    const std::string jpeg = encode_jpeg(gradient(64, 48), progressive);
    EXPECT_TRUE(media::decode_jpeg(jpeg.substr(0, jpeg.size() - 2)));
  }
  const std::string jpeg = encode_jpeg(gradient(64, 48), false);
  for (size_t size = 0; size + 4 < jpeg.size(); ++size)
    EXPECT_FALSE(media::decode_jpeg(std::string_view(jpeg).substr(0, size))) << size;
}

// The same picture, scan after scan of nothing.
TEST(Jpeg, ManyScansAreALimit) {
  const std::string jpeg = encode_jpeg(gradient(64, 48), true);
  const size_t end = jpeg.size() - 2;
  // The DC coefficients of one component, refined again: one bit a block, all from restart fill.
  const std::string scan = std::string("\xff\xda\0\x08\x01\x01\0\0\0\x10", 10) + std::string(8, 0);
  std::string bomb = jpeg.substr(0, end);
  for (int i = 0; i < 200; ++i) bomb += scan;
  const base::Result<Pixels> pixels = media::decode_jpeg(bomb + jpeg.substr(end));
  ASSERT_FALSE(pixels);
  EXPECT_EQ(pixels.error().code, Errc::limit) << pixels.error().message;
}

TEST(Decode, ShowsWhatPillowShowsOnWhite) {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden("pictures"))) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".rgb.png") || name.ends_with(".py")) continue;
    const base::Result<Pixels> pixels = media::decode(file("pictures/" + name));
    const base::Result<Pixels> expected = media::decode(file("pictures/" + name + ".rgb.png"));
    ASSERT_TRUE(pixels) << name << ": " << pixels.error().message;
    ASSERT_TRUE(expected) << name << ": " << expected.error().message;
    ASSERT_EQ(pixels->width, expected->width) << name;
    ASSERT_EQ(pixels->height, expected->height) << name;
    int worst = 0;
    for (size_t i = 0; i < pixels->rgb.size(); ++i)
      worst = std::max(worst, std::abs(pixels->rgb[i] - expected->rgb[i]));
    EXPECT_EQ(worst, 0) << name;
    ++n;
  }
  EXPECT_GT(n, 25);
}

TEST(Decode, EveryOrientationTurnsThePictureUpright) {
  // 1 2 3
  // 4 5 6
  Pixels stored = Pixels::filled(3, 2, 0, 0, 0);
  for (size_t i = 0; i < 6; ++i) stored.rgb[3 * i] = static_cast<uint8_t>(i + 1);
  const std::string expected[8] = {"123/456",  "321/654",  "654/321",  "456/123",
                                   "14/25/36", "41/52/63", "63/52/41", "36/25/14"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Pixels turned = media::oriented(stored, orientation);
    std::string text;
    for (int y = 0; y < turned.height; ++y) {
      if (y > 0) text += '/';
      for (int x = 0; x < turned.width; ++x) text += static_cast<char>('0' + turned.at(x, y)[0]);
    }
    EXPECT_EQ(text, expected[orientation - 1]) << orientation;
  }
}

TEST(Decode, AnOrientationThatCannotBeReadIsUpright) {
  for (const std::string name : {"orientation6.jpg", "orientation6.png", "orientation6.webp"}) {
    const std::string bytes = file("pictures/" + name);
    EXPECT_EQ(media::orientation_of(bytes), 6) << name;
    for (size_t size = 0; size < bytes.size(); ++size)
      (void)media::orientation_of(std::string_view(bytes).substr(0, size));
    const size_t tiff =
        std::min(bytes.find(std::string("II*\0", 4)), bytes.find(std::string("MM\0*", 4)));
    ASSERT_LT(tiff, bytes.size()) << name;
    for (size_t i = tiff; i < tiff + 26; ++i) {
      for (int value : {0, 9, 0x7f, 0xff}) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(value);
        const int orientation = media::orientation_of(broken);
        EXPECT_TRUE(orientation >= 1 && orientation <= 8) << name;
      }
    }
  }
}

TEST(Decode, TooManyPixelsAreALimitThatNamesFormatAndSize) {
  using media::Format;
  const std::pair<Format, std::string> formats[] = {
      {Format::png, "PNG"}, {Format::jpeg, "JPEG"}, {Format::webp, "WebP"}, {Format::gif, "GIF"}};
  for (const auto& [format, name] : formats) {
    for (const auto& [width, height] : {std::pair{10000u, 10000u}, {1u, 20000u}, {20000u, 1u}}) {
      const base::Result<Pixels> pixels = media::decode(announce(format, width, height));
      ASSERT_FALSE(pixels) << name;
      EXPECT_EQ(pixels.error().code, Errc::limit) << pixels.error().message;
      const std::string size = std::to_string(width) + "x" + std::to_string(height);
      EXPECT_TRUE(pixels.error().message.starts_with(name + ": " + size)) << pixels.error().message;
    }
    // As large, but within bounds that allow it: now the missing pixels are what is wrong.
    const media::Bounds wide{.max_side = 65535, .max_pixels = 1 << 20};
    EXPECT_EQ(media::decode(announce(format, 1, 20000), wide).error().code, Errc::corrupt) << name;
  }
  EXPECT_EQ(media::decode(announce(Format::png, 0xffffffff, 0xffffffff)).error().code, Errc::limit);
  EXPECT_EQ(media::decode(announce(Format::png, 0, 5)).error().code, Errc::corrupt);
}

TEST(Webp, LosslessComesBackAsItWas) {
  const Pixels pixels = gradient(31, 17);
  uint8_t* out = nullptr;
  const size_t size =
      WebPEncodeLosslessRGB(pixels.rgb.data(), pixels.width, pixels.height, 3 * pixels.width, &out);
  const std::string webp(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  base::Result<Pixels> back = media::decode(webp);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, pixels);
  for (size_t n = 0; n + 1 < webp.size(); ++n)
    EXPECT_FALSE(media::decode_webp(std::string_view(webp).substr(0, n))) << n;
}

TEST(Gif, AFrameLiesWhereItSaysAndTheRestIsWhite) {
  const base::Result<Pixels> pixels =
      media::decode(gif(4, 3, 1, 1, 2, 2, NO_TRANSPARENT_COLOR, {0, 1, 1, 0}));
  ASSERT_TRUE(pixels) << pixels.error().message;
  Pixels expected = Pixels::filled(4, 3, 255, 255, 255);
  const auto paint = [&](int x, int y, uint8_t red, uint8_t blue) {
    uint8_t* pixel = expected.rgb.data() + (expected.at(x, y) - expected.rgb.data());
    pixel[0] = red;
    pixel[1] = 0;
    pixel[2] = blue;
  };
  paint(1, 1, 255, 0);
  paint(2, 1, 0, 255);
  paint(1, 2, 0, 255);
  paint(2, 2, 255, 0);
  EXPECT_EQ(*pixels, expected);
}

TEST(Gif, TransparentPixelsAreWhite) {
  const base::Result<Pixels> pixels = media::decode(gif(2, 1, 0, 0, 2, 1, 1, {0, 1}));
  ASSERT_TRUE(pixels) << pixels.error().message;
  EXPECT_EQ(pixels->rgb, (std::vector<uint8_t>{255, 0, 0, 255, 255, 255}));
}

TEST(Gif, TheScreenGrowsWithAFrameThatReachesBeyondIt) {
  const base::Result<Pixels> pixels =
      media::decode(gif(1, 1, 2, 1, 2, 1, NO_TRANSPARENT_COLOR, {0, 0}));
  ASSERT_TRUE(pixels) << pixels.error().message;
  EXPECT_EQ(pixels->width, 4);
  EXPECT_EQ(pixels->height, 2);
  // The frame alone may be what is too large.
  std::string bytes = gif(1, 1, 2, 1, 2, 1, NO_TRANSPARENT_COLOR, {0, 0});
  const size_t at = bytes.find(',');
  bytes[at + 1] = bytes[at + 2] = '\xff';
  EXPECT_EQ(media::decode(bytes).error().code, Errc::limit);
}

TEST(Gif, EveryTruncationIsAnError) {
  const std::string bytes = file("pictures/interlaced.gif");
  // The last bytes end the data and the file; the pixels are complete before.
  for (size_t size = 0; size + 8 < bytes.size(); ++size)
    EXPECT_FALSE(media::decode_gif(std::string_view(bytes).substr(0, size))) << size;
}

TEST(Decode, FlippedBytesNeverCrash) {
  for (const std::string name :
       {"rgba_lossy.webp", "animated.webp", "rgba_lossless.webp", "transparent.gif",
        "interlaced.gif", "cmyk.jpg", "progressive.jpg", "palette_trns.png", "gray_alpha16.png"}) {
    const std::string bytes = file("pictures/" + name);
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string broken = bytes;
      broken[i] = static_cast<char>(broken[i] ^ 0x55);
      (void)media::decode(broken, {.max_side = 4096, .max_pixels = 1 << 20});
    }
  }
}

TEST(Decode, OtherFormatsAreUnsupported) {
  for (const std::string_view bytes : {"", "BM", "GIF90a", "RIFF....WAVE", "text"})
    EXPECT_EQ(media::decode(bytes).error().code, Errc::unsupported);
}

}  // namespace
