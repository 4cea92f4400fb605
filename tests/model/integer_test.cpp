#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "model/integer/matmul.h"

namespace model {
namespace {

constexpr TensorType kTypes[] = {TensorType::q4_0, TensorType::q4_1, TensorType::q5_0,
                                 TensorType::q5_1, TensorType::q8_0, TensorType::q4_k,
                                 TensorType::q5_k, TensorType::q6_k};

std::string name_of(TensorType type) { return std::string(block_layout(type)->name); }

/// Random bytes are valid values and packed scales; only the f16 factors need a sane size.
std::vector<std::byte> random_weights(TensorType type, int rows, int width, std::mt19937& random) {
  const BlockLayout layout = *block_layout(type);
  std::vector<std::byte> data(static_cast<size_t>(rows) *
                              row_bytes(type, static_cast<uint64_t>(width)));
  for (std::byte& b : data) b = static_cast<std::byte>(random());
  std::uniform_real_distribution<float> factor(-0.02f, 0.02f);
  auto put = [&](size_t at) {
    const uint16_t half = f32_to_f16(factor(random));
    std::memcpy(data.data() + at, &half, 2);
  };
  for (size_t at = 0; at < data.size(); at += static_cast<size_t>(layout.bytes)) {
    put(at + (type == TensorType::q6_k ? 208 : 0));
    if (type == TensorType::q4_1 || type == TensorType::q5_1 || type == TensorType::q4_k ||
        type == TensorType::q5_k)
      put(at + 2);
  }
  return data;
}

std::vector<float> random_rows(int rows, int width, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(rows) * static_cast<size_t>(width));
  for (float& v : x) v = normal(random);
  return x;
}

int value_at(const IntegerRows& x, size_t at) {
  return x.bytes != nullptr ? x.bytes[at] : x.words[at];
}

void multiply_rows(const IntegerKernel& kernel, const Matrix& w, const IntegerRows& x, float* y,
                   ThreadPool& pool) {
  const IntegerProduct product = {&w, y};
  multiply_integer_rows(kernel, {&product, 1}, x, pool);
}

/// Whether activations are rounded to words; to bytes else.
class Integer : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(To, Integer, testing::Bool(), [](const auto& words) {
  return std::string(words.param ? "Words" : "Bytes");
});

/// The product of decoded weights and of the rounded x, in double, and a bound of its rounding.
struct Exact {
  std::vector<double> y, bound;
};
Exact exact(const Matrix& w, const IntegerRows& x) {
  std::vector<float> decoded(static_cast<size_t>(w.out) * static_cast<size_t>(w.in));
  for (int i = 0; i < w.out; ++i)
    dequantize_row(w.type, w.row(i),
                   std::span(decoded).subspan(static_cast<size_t>(i) * static_cast<size_t>(w.in),
                                              static_cast<size_t>(w.in)));
  Exact e;
  for (int t = 0; t < x.rows; ++t)
    for (int i = 0; i < w.out; ++i) {
      double sum = 0, size = 0;
      for (int j = 0; j < w.in; ++j) {
        const size_t at =
            static_cast<size_t>(t) * static_cast<size_t>(w.in) + static_cast<size_t>(j);
        const double product =
            static_cast<double>(decoded[static_cast<size_t>(i) * static_cast<size_t>(w.in) +
                                        static_cast<size_t>(j)]) *
            value_at(x, at) * x.scales[at / 32];
        sum += product;
        size += std::abs(product);
      }
      e.y.push_back(sum);
      // A minimum is as large as the weights it is taken from; f32 sums of some dozen groups.
      e.bound.push_back(1e-5 * size + 1e-4);
    }
  return e;
}

TEST_P(Integer, RoundingIsToTheNearestMultiple) {
  ThreadPool pool(2);
  std::mt19937 random(1);
  const std::vector<float> x = random_rows(9, 96, random);
  IntegerActivations activations;
  const IntegerRows rows = activations.assign(x.data(), 9, 96, GetParam(), pool);
  for (int g = 0; g < 27; ++g) {
    const float* group = x.data() + g * 32;
    float largest = 0, sum = 0, half = 0;
    for (int j = 0; j < 32; ++j) largest = std::max(largest, std::abs(group[j]));
    EXPECT_EQ(rows.scales[g], largest / (GetParam() ? 32767 : 127));
    for (int j = 0; j < 32; ++j) {
      const float rounded =
          rows.scales[g] * static_cast<float>(value_at(rows, static_cast<size_t>(g * 32 + j)));
      EXPECT_LE(std::abs(rounded - group[j]), rows.scales[g] * 0.501f);
      sum += rounded;
      if (j < 16) half += rounded;
    }
    EXPECT_NEAR(rows.sums[g], sum, 1e-4);
    EXPECT_NEAR(rows.half_sums[2 * g], half, 1e-4);
    EXPECT_NEAR(rows.half_sums[2 * g] + rows.half_sums[2 * g + 1], sum, 1e-4);
  }
}

TEST_P(Integer, EveryKernelRoundsAsTheReferenceDoes) {
  std::mt19937 random(11);
  ThreadPool pool(2);
  std::vector<float> x = random_rows(5, 96, random);
  for (int i = 0; i < 96; ++i)
    x[static_cast<size_t>(i)] = 0.5f * static_cast<float>(i % 7);  // ties
  x[100] = 3e38f;
  x[150] = NAN;
  x[200] = -INFINITY;
  for (int i = 288; i < 320; ++i) x[static_cast<size_t>(i)] = 1e-38f;
  IntegerActivations plain;
  const IntegerRows expected = plain.assign(kIntegerReference, x.data(), 5, 96, GetParam(), pool);
  for (const IntegerKernel* kernel : all_integer_kernels()) {
    if (!kernel->supported()) continue;
    IntegerActivations activations;
    const IntegerRows rows = activations.assign(*kernel, x.data(), 5, 96, GetParam(), pool);
    for (size_t g = 0; g < 15; ++g) {
      ASSERT_EQ(std::isfinite(rows.scales[g]), std::isfinite(expected.scales[g])) << g;
      if (!std::isfinite(expected.scales[g])) continue;
      EXPECT_EQ(rows.scales[g], expected.scales[g]) << kernel->name;
      EXPECT_EQ(rows.sums[g], expected.sums[g]) << kernel->name;
      EXPECT_EQ(rows.half_sums[2 * g], expected.half_sums[2 * g]) << kernel->name;
      EXPECT_EQ(rows.half_sums[2 * g + 1], expected.half_sums[2 * g + 1]) << kernel->name;
      for (size_t j = 32 * g; j < 32 * g + 32; ++j)
        ASSERT_EQ(value_at(rows, j), value_at(expected, j)) << kernel->name << " " << j;
    }
  }
}

TEST_P(Integer, ZerosStayZerosAndWhatIsNotFiniteIsNotHidden) {
  ThreadPool pool(1);
  std::vector<float> x(64);
  x[40] = INFINITY;
  IntegerActivations activations;
  const IntegerRows rows = activations.assign(x.data(), 1, 64, GetParam(), pool);
  EXPECT_EQ(rows.scales[0], 0);
  EXPECT_EQ(rows.sums[0], 0);
  EXPECT_TRUE(std::isnan(rows.scales[1]));
}

TEST_P(Integer, WhatIsNextToNothingBecomesZero) {
  ThreadPool pool(1);
  const std::vector<float> x(32, 1e-37f);
  IntegerActivations activations;
  const IntegerRows rows = activations.assign(x.data(), 1, 32, GetParam(), pool);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(value_at(rows, i), 0);
  EXPECT_EQ(rows.sums[0], 0);
  EXPECT_EQ(rows.half_sums[1], 0);
}

TEST_P(Integer, EveryKernelGivesTheProductOfDecodedWeightsInEveryFormat) {
  std::mt19937 random(2);
  ThreadPool pool(2);
  struct Shape {
    int m, out, in;
  };
  for (const TensorType type : kTypes)
    for (const auto& [m, out, in] : {Shape{1, 1, 32},
                                     {1, 35, 64},
                                     {3, 16, 96},
                                     {4, 17, 640},
                                     {5, 40, 256},
                                     {8, 5, 512},
                                     {9, 33, 1280},
                                     {17, 24, 2304}}) {
      const int width = (in + block_layout(type)->values - 1) / block_layout(type)->values *
                        block_layout(type)->values;
      const std::vector<std::byte> data = random_weights(type, out, width, random);
      const Matrix w = {.type = type, .data = data.data(), .out = out, .in = width};
      const std::vector<float> x = random_rows(m, width, random);
      IntegerActivations activations;
      const IntegerRows rows = activations.assign(x.data(), m, width, GetParam(), pool);
      const Exact expected = exact(w, rows);
      for (const IntegerKernel* kernel : all_integer_kernels()) {
        if (!kernel->supported()) continue;
        std::vector<float> few(static_cast<size_t>(m) * static_cast<size_t>(out), NAN), many = few;
        multiply_rows(*kernel, w, rows, few.data(), pool);
        multiply_integer_panels(*kernel, w, rows, many.data(), pool);
        for (size_t i = 0; i < few.size(); ++i) {
          ASSERT_NEAR(few[i], expected.y[i], expected.bound[i])
              << kernel->name << " rows " << name_of(type) << " " << m << "x" << out << "x"
              << width;
          ASSERT_NEAR(many[i], expected.y[i], expected.bound[i])
              << kernel->name << " panels " << name_of(type) << " " << m << "x" << out << "x"
              << width;
        }
      }
    }
}

TEST_P(Integer, ARowGetsTheSameWhateverRowsAreBesideIt) {
  std::mt19937 random(3);
  ThreadPool pool(2);
  constexpr int kRows = 23, kWidth = 1280, kOut = 50;
  for (const TensorType type : kTypes) {
    const std::vector<std::byte> data = random_weights(type, kOut, kWidth, random);
    const Matrix w = {.type = type, .data = data.data(), .out = kOut, .in = kWidth};
    const std::vector<float> x = random_rows(kRows, kWidth, random);
    IntegerActivations activations;
    const IntegerRows all = activations.assign(x.data(), kRows, kWidth, GetParam(), pool);
    for (const IntegerKernel* kernel : all_integer_kernels()) {
      if (!kernel->supported()) continue;
      std::vector<float> few(kRows * kOut), many = few, alone(kOut);
      multiply_rows(*kernel, w, all, few.data(), pool);
      multiply_integer_panels(*kernel, w, all, many.data(), pool);
      for (int t = 0; t < kRows; ++t) {
        IntegerRows one = all.from(t);
        one.rows = 1;
        multiply_rows(*kernel, w, one, alone.data(), pool);
        EXPECT_EQ(std::memcmp(alone.data(), few.data() + t * kOut, kOut * sizeof(float)), 0)
            << kernel->name << " rows " << name_of(type) << " " << t;
        multiply_integer_panels(*kernel, w, one, alone.data(), pool);
        EXPECT_EQ(std::memcmp(alone.data(), many.data() + t * kOut, kOut * sizeof(float)), 0)
            << kernel->name << " panels " << name_of(type) << " " << t;
      }
    }
  }
}

TEST_P(Integer, SeveralMatricesAtOnceGiveWhatEachGivesAlone) {
  std::mt19937 random(5);
  ThreadPool pool(2);
  constexpr int kRows = 3, kWidth = 512;
  std::vector<std::vector<std::byte>> data;
  std::vector<Matrix> matrices;
  std::vector<std::vector<float>> together, alone;
  for (const auto& [type, out] : {std::pair{TensorType::q5_0, 100},
                                  {TensorType::q8_0, 1},
                                  {TensorType::q4_k, 37},
                                  {TensorType::q6_k, 300}}) {
    data.push_back(random_weights(type, out, kWidth, random));
    matrices.push_back({.type = type, .data = data.back().data(), .out = out, .in = kWidth});
    together.emplace_back(static_cast<size_t>(kRows * out), NAN);
    alone.emplace_back(static_cast<size_t>(kRows * out), NAN);
  }
  const std::vector<float> x = random_rows(kRows, kWidth, random);
  IntegerActivations activations;
  const IntegerRows rows = activations.assign(x.data(), kRows, kWidth, GetParam(), pool);
  std::vector<IntegerProduct> products;
  for (size_t i = 0; i < matrices.size(); ++i) {
    products.push_back({&matrices[i], together[i].data()});
    multiply_integer_rows(matrices[i], rows, alone[i].data(), pool);
  }
  multiply_integer_rows(products, rows, pool);
  for (size_t i = 0; i < matrices.size(); ++i) EXPECT_EQ(together[i], alone[i]);
}

TEST(NibbleSums, EveryKernelGivesWhatTheReferenceDoes) {
  std::mt19937 random(5);
  for (const int width : {128, 640, kMostNibbleColumns}) {
    constexpr int kRows = 11;
    const auto columns = static_cast<size_t>(width);
    std::vector<uint8_t> rows(kRows * columns / 2);
    std::vector<int8_t> x(columns), y(columns);
    for (const bool largest : {false, true}) {
      for (uint8_t& byte : rows) byte = largest ? 0xff : static_cast<uint8_t>(random());
      for (int8_t& v : x)
        v = static_cast<int8_t>(largest ? -127 : static_cast<int>(random() % 255) - 127);
      for (int8_t& v : y)
        v = static_cast<int8_t>(largest ? -128 : static_cast<int>(random() % 256) - 128);
      int64_t last = 0;  // by hand
      for (size_t j = 0; j < columns; ++j) {
        const uint8_t byte = rows[(kRows - 1) * columns / 2 + j / 128 * 64 + j % 64];
        last += (j % 128 < 64 ? byte & 15 : byte >> 4) * (256 * x[j] + y[j]);
      }
      for (const auto& [begin, end] : {std::pair{0, kRows}, {3, 6}, {kRows - 1, kRows}}) {
        std::vector<int32_t> expected(static_cast<size_t>(end - begin)), sums = expected;
        kIntegerReference.nibble_sums(rows.data(), width, begin, end, x.data(), y.data(),
                                      expected.data());
        if (end == kRows) {
          EXPECT_EQ(expected.back(), last);
        }
        for (const IntegerKernel* kernel : all_integer_kernels()) {
          if (!kernel->supported()) continue;
          kernel->nibble_sums(rows.data(), width, begin, end, x.data(), y.data(), sums.data());
          EXPECT_EQ(sums, expected) << kernel->name << " " << width;
        }
      }
    }
  }
}

/// The largest values in every place: no sum of 16 bits may overflow.
TEST_P(Integer, TheLargestValuesDoNotOverflow) {
  ThreadPool pool(1);
  constexpr int kWidth = 512;
  for (const TensorType type : kTypes) {
    std::mt19937 random(4);
    std::vector<std::byte> data = random_weights(type, 16, kWidth, random);
    const BlockLayout layout = *block_layout(type);
    for (size_t at = 0; at < data.size(); at += static_cast<size_t>(layout.bytes)) {
      const size_t factors = type == TensorType::q6_k ? 208 : 0;
      std::byte kept[4];
      const size_t n = std::min<size_t>(4, static_cast<size_t>(layout.bytes) - factors);
      std::memcpy(kept, data.data() + at + factors, n);
      // 0xff is -1 as a value of Q8_0; its largest is -128.
      std::memset(data.data() + at, type == TensorType::q8_0 ? 0x80 : 0xff,
                  static_cast<size_t>(layout.bytes));
      const size_t restored = type == TensorType::q8_0 || type == TensorType::q4_0 ||
                                      type == TensorType::q5_0 || type == TensorType::q6_k
                                  ? 2
                                  : 4;
      std::memcpy(data.data() + at + factors, kept, restored);
    }
    const Matrix w = {.type = type, .data = data.data(), .out = 16, .in = kWidth};
    std::vector<float> x(5 * kWidth, 1.0f);
    for (size_t i = kWidth; i < 2 * kWidth; ++i) x[i] = -1;
    IntegerActivations activations;
    const IntegerRows rows = activations.assign(x.data(), 5, kWidth, GetParam(), pool);
    const Exact expected = exact(w, rows);
    for (const IntegerKernel* kernel : all_integer_kernels()) {
      if (!kernel->supported()) continue;
      std::vector<float> few(5 * 16), many = few;
      multiply_rows(*kernel, w, rows, few.data(), pool);
      multiply_integer_panels(*kernel, w, rows, many.data(), pool);
      for (size_t i = 0; i < few.size(); ++i) {
        EXPECT_NEAR(few[i], expected.y[i], expected.bound[i]) << kernel->name << name_of(type);
        EXPECT_NEAR(many[i], expected.y[i], expected.bound[i]) << kernel->name << name_of(type);
      }
    }
  }
}

}  // namespace
}  // namespace model
