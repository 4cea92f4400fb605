#include "media/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/file.h"
#include "tests/golden.h"

namespace {

using media::Pixels;

Pixels noise(int width, int height) {
  std::mt19937 random(static_cast<unsigned>(width * 31 + height));
  Pixels pixels = Pixels::filled(width, height, 0, 0, 0);
  for (uint8_t& byte : pixels.rgb) byte = static_cast<uint8_t>(random());
  return pixels;
}

// One pass as the formula says it, in 64 bits. axis: 0 along rows, 1 along columns.
Pixels plain_pass(const Pixels& in, int m, int axis) {
  const int n = axis == 0 ? in.width : in.height;
  if (n == m) return in;
  const media::ResizePass pass = media::resize_pass(n, m);
  Pixels out = Pixels::filled(axis == 0 ? m : in.width, axis == 0 ? in.height : m, 0, 0, 0);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < 3; ++c) {
        const media::ResizePass::Output& output =
            pass.outputs[static_cast<size_t>(axis == 0 ? x : y)];
        int64_t sum = int64_t{1} << (pass.precision - 1);
        for (int j = 0; j < output.n_weights; ++j) {
          const uint8_t* from = axis == 0 ? in.at(output.first + j, y) : in.at(x, output.first + j);
          sum += int64_t{pass.weights[output.weights + static_cast<size_t>(j)]} * from[c];
        }
        out.rgb[static_cast<size_t>(3 * (y * out.width + x) + c)] =
            static_cast<uint8_t>(std::clamp<int64_t>(sum >> pass.precision, 0, 255));
      }
  return out;
}

Pixels decoded(const std::string& name) {
  base::Result<std::string> bytes = base::read_file(golden(name), size_t{1} << 24);
  EXPECT_TRUE(bytes) << name;
  base::Result<Pixels> pixels = media::decode(*bytes);
  EXPECT_TRUE(pixels) << name << ": " << pixels.error().message;
  return *pixels;
}

TEST(Resize, IsBitForBitWhatTorchvisionGives) {
  for (const std::string name : {"A_200x150_rgb", "B_90x300_rgb", "C_40x40_rgb", "D_1000x20_rgb",
                                 "E_3000x10_rgb", "F_160x120_rgba", "G_64x100_gray"}) {
    const Pixels from = decoded("tiny/media/" + name + ".png");
    const Pixels expected = decoded("tiny/media/" + name + "_resized.png");
    EXPECT_TRUE(media::resize_bicubic(from, expected.width, expected.height) == expected) << name;
  }
}

TEST(Resize, ItsOwnSizeGivesThePictureItself) {
  const Pixels pixels = decoded("tiny/media/H_432x336_rgb_noresize.png");
  EXPECT_EQ(pixels, media::resize_bicubic(pixels, 432, 336));
}

TEST(Resize, AgreesWithTheFormulaPixelByPixel) {
  const std::pair<int, int> sizes[] = {{1, 1}, {2, 3}, {16, 17}, {15, 33}, {48, 5}, {100, 31}};
  for (const auto& [width, height] : sizes)
    for (const auto& [to_width, to_height] : sizes) {
      const Pixels pixels = noise(width, height);
      const Pixels expected = plain_pass(plain_pass(pixels, to_width, 0), to_height, 1);
      EXPECT_TRUE(media::resize_bicubic(pixels, to_width, to_height) == expected)
          << width << "x" << height << " to " << to_width << "x" << to_height;
    }
}

TEST(Resize, OneColourStaysThatColour) {
  for (const auto& [to_width, to_height] : {std::pair{48, 48}, {1, 1}, {7, 200}, {333, 2}}) {
    const Pixels pixels = Pixels::filled(90, 60, 0, 255, 77);
    EXPECT_TRUE(media::resize_bicubic(pixels, to_width, to_height) ==
                Pixels::filled(to_width, to_height, 0, 255, 77));
  }
}

TEST(Resize, SumsFit32BitsAndTapsStayInside) {
  std::vector<int> lengths;
  for (int n = 1; n <= 16384; n = n < 24 ? n + 1 : n * 5 / 4) lengths.push_back(n);
  lengths.push_back(16384);
  for (const int n : lengths)
    for (const int m : lengths) {
      if (m > 4096) continue;
      const media::ResizePass pass = media::resize_pass(n, m);
      ASSERT_EQ(pass.outputs.size(), static_cast<size_t>(m));
      ASSERT_TRUE(pass.precision >= 1 && pass.precision <= 22) << n << " to " << m;
      for (const media::ResizePass::Output& output : pass.outputs) {
        ASSERT_TRUE(output.first >= 0 && output.n_weights >= 1 &&
                    output.first + output.n_weights <= n)
            << n << " to " << m;
        int64_t positive = 0;
        int64_t negative = 0;
        for (int j = 0; j < output.n_weights; ++j) {
          const int weight = pass.weights[output.weights + static_cast<size_t>(j)];
          (weight > 0 ? positive : negative) += std::abs(weight);
        }
        const int64_t half = int64_t{1} << (pass.precision - 1);
        ASSERT_LT(255 * (positive + negative) + half, int64_t{1} << 31) << n << " to " << m;
      }
    }
}

}  // namespace
