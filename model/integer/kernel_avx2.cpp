#include "model/integer/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "model/cpu.h"
#include "model/integer/dispatch.h"

// Products of unsigned and signed bytes in pairs (vpmaddubsw) into 16 bits: sums of eight pairs of
// 4-bit values, four of 5-bit and two of 6-bit ones fit (15, 31, 63 times 2 x 127). Signed bytes of
// Q8_0 move their sign to x. Words are multiplied in pairs (vpmaddwd) into 32 bits.

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#endif

namespace model {
namespace {

#include "model/integer/x86_formats.h"

struct Product {
  static constexpr bool kUnsigned = false;
  template <int kBits>
  static __m256i dot(__m256i w, __m256i x) {
    const __m256i ones = _mm256_set1_epi16(1);
    if constexpr (kBits == 8)
      return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)),
                               ones);
    return _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), ones);
  }
};

/// The same four bytes, or two words, of x for eight rows of W.
inline __m256i spread_of(const void* x) {
  int32_t bits;
  std::memcpy(&bits, x, 4);
  return _mm256_set1_epi32(bits);
}

/// Sums are made where they stand: GCC would do all products first and put them on the stack.
inline void keep_order(__m256i& a, __m256i& b) { asm volatile("" : "+x"(a), "+x"(b)); }

/// sum[t][v]: 32-bit sums over kSteps steps of four columns, of two registers of eight rows of W
/// and kTokens rows of x.
template <int kBits, int kSteps, int kTokens>
inline void products(const uint8_t* w, const int8_t* x, size_t stride, __m256i (&sum)[kTokens][2]) {
  const __m256i ones = _mm256_set1_epi16(1);
  constexpr int kFit = kBits == 4 ? 8 : kBits == 5 ? 4 : kBits == 6 ? 2 : 1;
  constexpr int kRun = kFit < kSteps ? kFit : kSteps;
#pragma GCC unroll 8
  for (int run = 0; run < kSteps; run += kRun) {
    __m256i part[kTokens][2];
#pragma GCC unroll 8
    for (int s = 0; s < kRun; ++s) {
      const uint8_t* at = w + static_cast<ptrdiff_t>((run + s) * 64);
      __m256i w0 = load32(at), w1 = load32(at + 32);
      const __m256i s0 = w0, s1 = w1;
      if constexpr (kBits == 8) {
        w0 = _mm256_abs_epi8(w0);
        w1 = _mm256_abs_epi8(w1);
      }
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const __m256i four = spread_of(x + static_cast<size_t>(t) * stride + 4 * (run + s));
        __m256i p0, p1;
        if constexpr (kBits == 8) {
          p0 = _mm256_maddubs_epi16(w0, _mm256_sign_epi8(four, s0));
          p1 = _mm256_maddubs_epi16(w1, _mm256_sign_epi8(four, s1));
        } else {
          p0 = _mm256_maddubs_epi16(w0, four);
          p1 = _mm256_maddubs_epi16(w1, four);
        }
        part[t][0] = s == 0 ? p0 : _mm256_add_epi16(part[t][0], p0);
        part[t][1] = s == 0 ? p1 : _mm256_add_epi16(part[t][1], p1);
        keep_order(part[t][0], part[t][1]);
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t)
      for (int v = 0; v < 2; ++v) {
        const __m256i wide = _mm256_madd_epi16(part[t][v], ones);
        sum[t][v] = run == 0 ? wide : _mm256_add_epi32(sum[t][v], wide);
      }
  }
}

/// The same with words: steps of two columns.
template <int kSteps, int kTokens>
inline void products(const int16_t* w, const int16_t* x, size_t stride,
                     __m256i (&sum)[kTokens][2]) {
#pragma GCC unroll 16
  for (int s = 0; s < kSteps; ++s) {
    const __m256i w0 = load32(w + 32 * s), w1 = load32(w + 32 * s + 16);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256i two = spread_of(x + static_cast<size_t>(t) * stride + 2 * s);
      const __m256i p0 = _mm256_madd_epi16(w0, two), p1 = _mm256_madd_epi16(w1, two);
      sum[t][0] = s == 0 ? p0 : _mm256_add_epi32(sum[t][0], p0);
      sum[t][1] = s == 0 ? p1 : _mm256_add_epi32(sum[t][1], p1);
      keep_order(sum[t][0], sum[t][1]);
    }
  }
}

/// kTokens rows of x with the sixteen rows of a panel.
template <int kBits, bool kWords, int kTokens>
void multiply_tile(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                   bool accumulate, float* y, size_t y_stride) {
  constexpr int kGroup = kBits == 6 ? 16 : 32;
  const int groups = panel.width / kGroup;
  const size_t width = static_cast<size_t>(x.width), scales = width / 32;
  const float* scale = x.scales + column / 32;
  const float* low = kGroup == 32 ? x.sums + column / 32 : x.half_sums + column / 16;
  const size_t low_stride = kGroup == 32 ? scales : 2 * scales;
  __m256 acc[kTokens][2];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    acc[t][0] = acc[t][1] = _mm256_setzero_ps();
    if (!accumulate) continue;
    float start[kIntegerPanelRows] = {};
    std::copy_n(y + static_cast<size_t>(t) * y_stride, rows, start);
    acc[t][0] = _mm256_loadu_ps(start);
    acc[t][1] = _mm256_loadu_ps(start + 8);
  }
  for (int g = 0; g < groups; ++g) {
    __m256i sum[kTokens][2];
    const ptrdiff_t at = static_cast<ptrdiff_t>(g) * kGroup;
    if constexpr (kWords)
      products<kGroup / 2, kTokens>(panel.words + at * kIntegerPanelRows, x.words + column + at,
                                    width, sum);
    else
      products<kBits, kGroup / 4, kTokens>(panel.bytes + at * kIntegerPanelRows,
                                           x.bytes + column + at, width, sum);
    const float* d = panel.scales + static_cast<ptrdiff_t>(g) * kIntegerPanelRows;
    const float* m = panel.mins + static_cast<ptrdiff_t>(g) * kIntegerPanelRows;
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const size_t row = static_cast<size_t>(t), of = static_cast<size_t>(g);
      const __m256 by = _mm256_set1_ps(scale[row * scales + (kGroup == 32 ? of : of / 2)]);
      const __m256 less = _mm256_set1_ps(low[row * low_stride + of]);
      for (int v = 0; v < 2; ++v) {
        acc[t][v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[t][v]),
                                    _mm256_mul_ps(_mm256_loadu_ps(d + 8 * v), by), acc[t][v]);
        if constexpr (kBits != 8)
          acc[t][v] = _mm256_fnmadd_ps(_mm256_loadu_ps(m + 8 * v), less, acc[t][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    float* out = y + static_cast<size_t>(t) * y_stride;
    if (rows == kIntegerPanelRows) {
      _mm256_storeu_ps(out, acc[t][0]);
      _mm256_storeu_ps(out + 8, acc[t][1]);
      continue;
    }
    float end[kIntegerPanelRows];
    _mm256_storeu_ps(end, acc[t][0]);
    _mm256_storeu_ps(end + 8, acc[t][1]);
    std::copy_n(end, rows, out);
  }
}

template <int kBits>
void multiply_bits(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                   bool accumulate, float* y, size_t y_stride) {
  with_bool(panel.words != nullptr, [&](auto words) {
    for_tiles<4>(x, y, y_stride, [&](auto tokens, const IntegerRows& some, float* to) {
      multiply_tile<kBits, decltype(words)::value, decltype(tokens)::value>(
          panel, rows, some, column, accumulate, to, y_stride);
    });
  });
}

void multiply_one(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                  bool accumulate, float* y, size_t y_stride) {
  switch (panel.bits) {
    case 4:
      return multiply_bits<4>(panel, rows, x, column, accumulate, y, y_stride);
    case 5:
      return multiply_bits<5>(panel, rows, x, column, accumulate, y, y_stride);
    case 6:
      return multiply_bits<6>(panel, rows, x, column, accumulate, y, y_stride);
    default:
      return multiply_bits<8>(panel, rows, x, column, accumulate, y, y_stride);
  }
}

void multiply(std::span<const IntegerPanel> panels, int rows, const IntegerRows& x, int column,
              bool accumulate, float* y, size_t y_stride) {
  for_panels(panels, rows, y, [&](const IntegerPanel& panel, int n, float* to) {
    multiply_one(panel, n, x, column, accumulate, to, y_stride);
  });
}

/// 64 bytes of weights times 128 bytes of x, in words: four products of pairs, each at most 2 * 15
/// * 128, fit.
__m256i nibble_words(__m256i a, __m256i b, const int8_t* x) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i first =
      _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(a, low), load32(x)),
                       _mm256_maddubs_epi16(_mm256_and_si256(b, low), load32(x + 32)));
  const __m256i second = _mm256_add_epi16(
      _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(a, 4), low), load32(x + 64)),
      _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(b, 4), low), load32(x + 96)));
  return _mm256_add_epi16(first, second);
}

void nibble_sums(const uint8_t* rows, int width, int begin, int end, const int8_t* high,
                 const int8_t* low, int32_t* sums) {
  const __m256i ones = _mm256_set1_epi16(1), by = _mm256_set1_epi16(256);
  for (int i = begin; i < end; ++i) {
    const uint8_t* row = rows + static_cast<size_t>(i) * static_cast<size_t>(width / 2);
    __m256i sum = _mm256_setzero_si256();
    for (int j = 0; j < width; j += kNibbleColumns, row += 64) {
      const __m256i a = load32(row), b = load32(row + 32);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(nibble_words(a, b, high + j), by));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(nibble_words(a, b, low + j), ones));
    }
    alignas(32) int32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum);
    sums[i - begin] = 0;
    for (const int32_t lane : lanes) sums[i - begin] += lane;
  }
}

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const IntegerKernel kIntegerAvx2 = {"avx2", has_avx2, round_groups, multiply_rows<Product>,
                                    decode, multiply, nibble_sums};

}  // namespace model
#endif
