// PNGs that we write, read back by libpng.
#include "media/png_write.h"

#include <gtest/gtest.h>

#include <vector>

#include "media/image.h"

namespace {

struct Picture {
  int width, height;
  std::vector<uint32_t> pixels;
};

Picture filled(int width, int height, uint32_t color) {
  return {width, height,
          std::vector<uint32_t>(static_cast<size_t>(width) * static_cast<size_t>(height), color)};
}

std::string written(const Picture& picture) {
  return media::write_png(
      {picture.pixels.data(), picture.width, picture.height, static_cast<size_t>(picture.width)});
}

// Whether libpng reads what was written.
bool reads_back(const Picture& picture) {
  const base::Result<media::Pixels> read = media::decode_png(written(picture));
  if (!read || read->width != picture.width || read->height != picture.height) return false;
  const uint8_t* rgb = read->rgb.data();
  for (const uint32_t pixel : picture.pixels) {
    if ((pixel & 0xFFFFFF) != (uint32_t{rgb[0]} << 16 | uint32_t{rgb[1]} << 8 | rgb[2]))
      return false;
    rgb += 3;
  }
  return true;
}

TEST(PngWrite, SaysHowLargeAPictureIsToBeShown) {
  const Picture picture = filled(300, 40, 0xFF4C78A8);
  const auto with = [&](double scale) {
    return media::write_png({picture.pixels.data(), 300, 40, 300, scale});
  };
  for (const auto& [scale, shown] : std::vector<std::pair<double, int>>{
           {0, 0}, {1, 300}, {2, 150}, {1.5, 200}, {0.5, 0}, {20, 0}})
    EXPECT_EQ(media::png_shown_width(with(scale)), shown) << scale;
  EXPECT_TRUE(media::decode_png(with(2)));
  // Cut off anywhere, or with lengths that lie, it says nothing and reads nothing beyond.
  const std::string whole = with(2);
  for (size_t n = 0; n < 8 + 25 + 12; ++n) {
    EXPECT_EQ(media::png_shown_width(std::string(whole, 0, n)), 0) << n;
    std::string other = whole;
    other[n] = static_cast<char>(other[n] ^ 0x80);
    (void)media::png_shown_width(other);
  }
}

TEST(PngWrite, RepeatedRowsOfEveryWidthReadBack) {
  // Around the longest copy (258) and the shortest row with a block of its own (300).
  for (int width : {1,   2,   3,   257, 258, 259, 299, 300, 301, 302, 303, 304, 310,
                    318, 326, 350, 400, 515, 516, 517, 518, 519, 773, 774, 775, 1200})
    for (int height : {1, 2, 6, 7, 8, 40}) {
      Picture picture = filled(width, height, 0xFF4C78A8);
      EXPECT_TRUE(reads_back(picture)) << width << "x" << height;
      // A row in the middle breaks the run.
      picture.pixels[static_cast<size_t>(width) * static_cast<size_t>(height / 2)] = 0x123456;
      EXPECT_TRUE(reads_back(picture)) << width << "x" << height << " with a dot";
    }
}

TEST(PngWrite, RowsBetweenRunsDoNotReferToBytesThatZlibDidNotSee) {
  // The same busy row before and after a run: zlib would copy it over a distance that is wrong.
  Picture picture = filled(700, 400, 0xFFFFFF);
  for (size_t y : {5, 6, 30, 31, 200, 201, 390})
    for (size_t x = 0; x < 700; ++x)
      picture.pixels[y * 700 + x] = static_cast<uint32_t>(x * x % 251 * 0x010203);
  EXPECT_TRUE(reads_back(picture));
}

TEST(PngWrite, PicturesOfExactlyAndJustOver256ColoursReadBack) {
  for (uint32_t colors : {255U, 256U, 257U, 5000U}) {
    Picture picture = filled(333, 120, 0);
    for (size_t i = 0; i < picture.pixels.size(); ++i)
      picture.pixels[i] = static_cast<uint32_t>(i % colors) * 2654435U;
    EXPECT_TRUE(reads_back(picture)) << colors;
    // Repeated rows in true colour, too.
    for (size_t y = 20; y < 60; ++y)
      for (size_t x = 0; x < 333; ++x) picture.pixels[y * 333 + x] = picture.pixels[19 * 333 + x];
    EXPECT_TRUE(reads_back(picture)) << colors << " with a run";
  }
}

TEST(PngWrite, TheUnusedByteOfAPixelChangesNothing) {
  Picture plain = filled(400, 50, 0x00336699);
  plain.pixels[400 * 20 + 7] = 0x00FF0000;
  Picture noisy = plain;
  for (size_t i = 0; i < noisy.pixels.size(); ++i)
    noisy.pixels[i] |= static_cast<uint32_t>(i * 97 % 256) << 24;
  EXPECT_EQ(written(plain), written(noisy));
}

TEST(PngWrite, FlatPicturesAreSmall) {
  EXPECT_LT(written(filled(1200, 800, 0xFFFFFF)).size(), 15000U);
}

}  // namespace
