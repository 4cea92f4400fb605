#include <cblas.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "model/gemm/bf16.h"
#include "model/gemm/decode_panel.h"
#include "model/half.h"
#include "model/stored_matmul.h"

namespace model {
namespace {

/// Random bytes that are a matrix of `type`, with scales kept small and finite.
std::vector<std::byte> random_matrix(TensorType type, int out, int in, std::mt19937& random) {
  std::vector<std::byte> bytes(static_cast<size_t>(out) *
                               row_bytes(type, static_cast<uint64_t>(in)));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  auto half_at = [&](size_t at) {
    const uint16_t h = f32_to_f16(static_cast<float>(random() % 1000) / 1e5f - 0.004f);
    std::memcpy(bytes.data() + at, &h, 2);
  };
  const BlockLayout layout = *block_layout(type);
  const size_t block = static_cast<size_t>(layout.bytes);
  for (size_t at = 0; at < bytes.size(); at += block) {
    switch (type) {
      case TensorType::f32: {
        const float v = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000.0f;
        std::memcpy(bytes.data() + at, &v, 4);
        break;
      }
      case TensorType::q6_k:
        half_at(at + block - 2);
        break;
      case TensorType::q4_k:
      case TensorType::q5_k:
      case TensorType::q4_1:
      case TensorType::q5_1:
        half_at(at + 2);
        [[fallthrough]];
      default:
        half_at(at);
    }
  }
  return bytes;
}

TEST(StoredMatmul, EveryFormatAndWayAgreesWithThePlainProduct) {
  openblas_set_num_threads(1);
  std::mt19937 random(7);
  ThreadPool pool(2);
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::q8_0, TensorType::q4_0, TensorType::q5_0,
        TensorType::q4_k, TensorType::q6_k})
    for (const auto& [out, in, m] :
         {std::tuple{1, 256, 1}, {33, 512, 3}, {47, 2304, 5}, {64, 256, 40}, {130, 4352, 9}}) {
      const std::vector<std::byte> bytes = random_matrix(type, out, in, random);
      const Matrix w{type, bytes.data(), out, in};
      std::vector<float> x(static_cast<size_t>(m * in)), row(static_cast<size_t>(in));
      for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000.0f;
      std::vector<float> rows(static_cast<size_t>(m * out)), panels = rows, f32 = rows;
      multiply_rows(w, x.data(), m, rows.data(), pool);
      PackedRows packed;
      packed.assign(x.data(), m, in, pool);
      multiply_panels(w, packed, {}, panels.data(), pool);
      multiply_f32(w, x.data(), 0, m, f32.data(), pool);
      for (int i = 0; i < out; ++i) {
        w.dequantize(i, 1, row.data());
        for (int t = 0; t < m; ++t) {
          double sum = 0, l1 = 0;
          for (int k = 0; k < in; ++k) {
            const double p = static_cast<double>(row[static_cast<size_t>(k)]) *
                             static_cast<double>(x[static_cast<size_t>(t * in + k)]);
            sum += p;
            l1 += std::abs(p);
          }
          const size_t at = static_cast<size_t>(t * out + i);
          // Order of summation; and rounding of both factors to 8 bits.
          ASSERT_NEAR(rows[at], sum, 1e-6 * l1 + 1e-7) << block_layout(type)->name;
          ASSERT_NEAR(f32[at], sum, 1e-6 * l1 + 1e-7) << block_layout(type)->name;
          ASSERT_NEAR(panels[at], sum, 0.008 * l1 + 1e-7) << block_layout(type)->name;
        }
      }
    }
}

TEST(StoredMatmul, PanelsOfEveryFormatEqualTheReference) {
  std::mt19937 random(8);
  for (const TensorType type :
       {TensorType::f16, TensorType::q4_0, TensorType::q4_1, TensorType::q5_0, TensorType::q5_1,
        TensorType::q8_0, TensorType::q4_k, TensorType::q5_k, TensorType::q6_k})
    for (const auto& [out, in] : {std::pair{16, 256}, {33, 512}, {5, 768}}) {
      const std::vector<std::byte> bytes = random_matrix(type, out, in, random);
      const Matrix w{type, bytes.data(), out, in};
      const size_t values = static_cast<size_t>(in) * 16;
      std::vector<uint16_t> storage(2 * values + 32);
      uint16_t* quick = storage.data();
      while (reinterpret_cast<uintptr_t>(quick) % 64 != 0) ++quick;
      uint16_t* plain = quick + values;
      for (int first = 0; first < out; first += 16) {
        decode_panel(w, first, quick);
        decode_panel_reference(w, first, plain);
        int next = 0;  // that are the neighbouring bf16: one rounding less before it
        for (size_t i = 0; i < values; ++i) {
          const float a = from_bf16(quick[i]), b = from_bf16(plain[i]);
          // What scale * value - min cancels is small against both.
          ASSERT_NEAR(a, b, 0.008f * std::abs(b) + 1e-7f) << block_layout(type)->name << " " << i;
          next += a != b;
        }
        EXPECT_LT(next, static_cast<int>(values) / 100) << block_layout(type)->name;
      }
    }
}

TEST(StoredMatmul, ARowOfPanelsDoesNotDependOnTheOthers) {
  std::mt19937 random(9);
  ThreadPool pool(2);
  const int out = 70, in = 2304, m = 45;
  const std::vector<std::byte> bytes = random_matrix(TensorType::q4_k, out, in, random);
  const Matrix w{TensorType::q4_k, bytes.data(), out, in};
  std::vector<float> x(static_cast<size_t>(m * in)), all(static_cast<size_t>(m * out)), one = all;
  for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000.0f;
  PackedRows packed;
  packed.assign(x.data(), m, in, pool);
  multiply_panels(w, packed, {}, all.data(), pool);
  for (int t = 0; t < m; ++t) {
    packed.assign(x.data() + t * in, 1, in, pool);
    multiply_panels(w, packed, {}, one.data() + t * out, pool);
  }
  EXPECT_EQ(std::memcmp(all.data(), one.data(), all.size() * sizeof(float)), 0);
}

TEST(StoredMatmul, RowsMadeOnTheWayArePackedAsThoseThatAreThere) {
  std::mt19937 random(10);
  ThreadPool pool(2);
  for (const auto& [m, k] : {std::pair{1, 640}, {45, 2304}, {64, 50}}) {
    std::vector<float> x(static_cast<size_t>(m * k));
    for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000.0f;
    PackedRows plain, made;
    plain.assign(x.data(), m, k, pool);
    made.assign(m, k, pool, [&, width = k](int begin, int end, float* to) {
      std::copy(x.begin() + begin * width, x.begin() + end * width, to);
    });
    const size_t bytes = static_cast<size_t>(round_up(m, kRowBlock) * round_up(k, kColumnStep)) *
                         static_cast<size_t>(best_gemm_kernel().x_value_bytes);
    EXPECT_EQ(std::memcmp(plain.columns(0), made.columns(0), bytes), 0) << m << " " << k;
  }
}

TEST(Half, ConvertsAsThePlainFunctionsDo) {
  std::vector<float> values = {0.0f, -0.0f, 1.0f, 65504.0f, 1e6f, 5.9e-8f, -2.98e-8f, 0.33325195f};
  std::mt19937 random(3);
  for (int i = 0; i < 101; ++i) values.push_back(static_cast<float>(random() % 20000) / 333.0f);
  const int n = static_cast<int>(values.size());
  std::vector<uint16_t> halves(values.size());
  std::vector<float> back(values.size());
  to_halves(values.data(), halves.data(), n);
  from_halves(halves.data(), back.data(), n);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(halves[i], f32_to_f16(values[i])) << values[i];
    EXPECT_EQ(back[i], f16_to_f32(halves[i]));
  }
}

}  // namespace
}  // namespace model
