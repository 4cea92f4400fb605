#include "model/integer/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "model/cpu.h"
#include "model/integer/dispatch.h"
#include "model/integer/rows_avx512vnni.h"

// Products of unsigned and signed bytes in fours (vpdpbusd) and of words in pairs (vpdpwssd), exact
// in 32 bits. Bytes of Q8_0 get 128 added, which their minimum takes away again.

#if defined(__clang__)
#pragma clang attribute push(                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace model {
namespace {

#define TESSERA_HAS_AVX512
#include "model/integer/x86_formats.h"

struct Product {
  static constexpr bool kUnsigned = true;
  template <int kBits>
  static __m256i dot(__m256i w, __m256i x) {
    return _mm256_dpbusd_epi32(_mm256_setzero_si256(), w, x);
  }
};

/// multiply_rows for M rows of x in words: 32 products at once. Bound by memory if all goes well: a
/// row is asked for ahead, across the borders of pages, where the hardware's own prefetching stops.
template <class B, int M>
void dot_words(const std::byte* data, size_t stride, int begin, int end, const IntegerRows& x,
               float* y, size_t y_stride) {
  constexpr bool kSuperBlock = B::kGroups == 8 && B::kGroup == 32;
  constexpr int kAhead = 3072;  // bytes
  const int groups = x.width / 32;
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m512 sum[M];
    __m256 low[M];
    for (int t = 0; t < M; ++t) {
      sum[t] = _mm512_setzero_ps();
      low[t] = _mm256_setzero_ps();
    }
    for (int g = 0; g < groups; at += B::kBytes) {
      for (int line = 0; line < B::kBytes; line += 64)
        _mm_prefetch(at + kAhead + line, _MM_HINT_T0);
      const B block(at);
      __m512 sixteen;  // scales of Q6_K: loading what the block stored in halves takes long
      if constexpr (B::kGroup == 16)
        sixteen = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load16(at + 192))),
                                _mm512_set1_ps(half_at(at + 208)));
      alignas(32) float scales[M][8];  // of the groups of a super-block, times those of x
      if constexpr (kSuperBlock)
        for (int t = 0; t < M; ++t) {
          const size_t of =
              static_cast<size_t>(t) * static_cast<size_t>(groups) + static_cast<size_t>(g);
          _mm256_store_ps(scales[t], _mm256_mul_ps(_mm256_loadu_ps(block.shared.scales),
                                                   _mm256_loadu_ps(x.scales + of)));
          low[t] = _mm256_fmadd_ps(_mm256_loadu_ps(block.shared.mins), _mm256_loadu_ps(x.sums + of),
                                   low[t]);
        }
#pragma GCC unroll 8
      for (int i = 0; i < B::kGroups; ++i, ++g) {
        __m256i q = block.values(i);
        if constexpr (B::kOffset > 0) q = _mm256_sub_epi8(q, _mm256_set1_epi8(B::kOffset));
        const __m512i words = B::kOffset >= 0 ? _mm512_cvtepi8_epi16(q) : _mm512_cvtepu8_epi16(q);
        for (int t = 0; t < M; ++t) {
          const size_t of =
              static_cast<size_t>(t) * static_cast<size_t>(groups) + static_cast<size_t>(g);
          const __m512 products = _mm512_cvtepi32_ps(_mm512_dpwssd_epi32(
              _mm512_setzero_si512(), words, _mm512_loadu_si512(x.words + of * 32)));
          __m512 scale;
          if constexpr (kSuperBlock)
            scale = _mm512_set1_ps(scales[t][i]);
          else if constexpr (B::kGroup == 32)
            scale = _mm512_set1_ps(block.scale(0, 0) * x.scales[of]);
          else
            scale = _mm512_mul_ps(
                _mm512_permutexvar_ps(
                    _mm512_set_epi32(2 * i + 1, 2 * i + 1, 2 * i + 1, 2 * i + 1, 2 * i + 1,
                                     2 * i + 1, 2 * i + 1, 2 * i + 1, 2 * i, 2 * i, 2 * i, 2 * i,
                                     2 * i, 2 * i, 2 * i, 2 * i),
                    sixteen),
                _mm512_set1_ps(x.scales[of]));
          sum[t] = _mm512_fmadd_ps(products, scale, sum[t]);
          if constexpr (B::kOffset < 0 && !kSuperBlock)
            low[t] = _mm256_fmadd_ps(_mm256_set1_ps(block.min(0, 0)),
                                     _mm256_maskz_loadu_ps(1, x.sums + of), low[t]);
        }
      }
    }
    for (int t = 0; t < M; ++t)
      y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(row)] =
          B::kOffset >= 0 ? _mm512_reduce_add_ps(sum[t])
                          : _mm512_reduce_add_ps(sum[t]) - sum_lanes(low[t]);
  }
}

void multiply_rows_avx512(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                          const IntegerRows& x, float* y, size_t y_stride) {
  if (multiply_rows_in_pairs(type, data, stride, begin, end, x, y, y_stride)) return;
  if (x.words == nullptr)
    return multiply_rows<Product>(type, data, stride, begin, end, x, y, y_stride);
  constexpr int kCached = 8;  // rows of W that stay in the first cache for all rows of x
  with_type(type, [&](auto t) {
    for (int i = begin; i < end; i += kCached) {
      const int until = std::min(end, i + kCached);
      for_tiles<4>(x, y, y_stride, [&](auto rows, const IntegerRows& some, float* to) {
        dot_words<Block<decltype(t)::value>, decltype(rows)::value>(data, stride, i, until, some,
                                                                    to, y_stride);
      });
    }
  });
}

/// decode of kernel.h: lines of 64 bytes of sixteen rows are turned in registers.
template <class B, bool kWords>
void decode_lines(const std::byte* data, size_t stride, int rows, int column,
                  const IntegerPanel& panel) {
  constexpr bool kShifted = B::kBits == 8 && !kWords;
  constexpr int kParts = 32 / B::kGroup, kOfLine = kWords ? 1 : 2;  // scales of a group; groups
  constexpr int kTogether = std::max(B::kGroups, kOfLine);
  const int groups = panel.width / 32;
  data += static_cast<size_t>(column / (32 * B::kGroups) * B::kBytes);
  std::byte* to = kWords ? reinterpret_cast<std::byte*>(panel.words)
                         : reinterpret_cast<std::byte*>(panel.bytes);
  float *scales = panel.scales, *mins = panel.mins;
  for (int g = 0; g < groups; g += kTogether, data += kTogether / B::kGroups * B::kBytes) {
    const int n = std::min(kTogether, groups - g);
    __m512 lines[kTogether / kOfLine][kIntegerPanelRows];
    for (int r = 0; r < kIntegerPanelRows; ++r) {
      const std::byte* at = data + static_cast<size_t>(std::min(r, rows - 1)) * stride;
      __m256i q[kTogether];
      for (int first = 0; first < kTogether; first += B::kGroups) {
        // A line that is half full has its first half again.
        const B block(first < n ? at + first / B::kGroups * B::kBytes : at);
        for (int i = 0; i < B::kGroups; ++i) {
          __m256i& values = q[first + i];
          values = block.values(i);
          if constexpr (kShifted)
            values = _mm256_xor_si256(values, _mm256_set1_epi8(static_cast<char>(0x80)));
          if (first + i >= n) continue;
          for (int h = 0; h < kParts; ++h) {
            const int of = ((first + i) * kParts + h) * kIntegerPanelRows + r;
            scales[of] = block.scale(i, h);
            mins[of] = kShifted ? 128 * block.scale(i, h) : block.min(i, h);
          }
        }
      }
      for (int i = 0; i < kTogether; i += kOfLine)
        lines[i / kOfLine][r] = _mm512_castsi512_ps(
            kWords ? (B::kBits == 8 ? _mm512_cvtepi8_epi16(q[i]) : _mm512_cvtepu8_epi16(q[i]))
                   : _mm512_inserti64x4(_mm512_castsi256_si512(q[i]), q[i + kOfLine - 1], 1));
    }
    for (int i = 0; i < n; i += kOfLine) {
      transpose_lanes(lines[i / kOfLine]);
      const int quads = i + kOfLine <= n ? kIntegerPanelRows : kIntegerPanelRows / 2;
      for (int j = 0; j < quads; ++j, to += 64) _mm512_storeu_ps(to, lines[i / kOfLine][j]);
    }
    scales += n * kParts * kIntegerPanelRows;
    mins += n * kParts * kIntegerPanelRows;
  }
}

void decode_avx512(TensorType type, const std::byte* data, size_t stride, int rows, int column,
                   const IntegerPanel& panel) {
  with_type(type, [&](auto t) {
    with_bool(panel.words != nullptr, [&](auto words) {
      decode_lines<Block<decltype(t)::value>, decltype(words)::value>(data, stride, rows, column,
                                                                      panel);
    });
  });
}

/// Two panels by up to six rows of x: 24 sums in registers, each value of x serves both panels.
template <int kGroup, int kPanels, int kTokens, bool kWords>
void multiply_tile(const IntegerPanel* panels, int rows, const IntegerRows& x, int column,
                   bool accumulate, float* y, size_t y_stride) {
  const int groups = panels->width / kGroup;
  const size_t width = static_cast<size_t>(x.width), scales = width / 32;
  const float* scale = x.scales + column / 32;
  const float* low = kGroup == 32 ? x.sums + column / 32 : x.half_sums + column / 16;
  const size_t low_stride = kGroup == 32 ? scales : 2 * scales;
  const auto valid = [&](int p) {
    return static_cast<__mmask16>((1u << std::min(16, rows - 16 * p)) - 1);
  };
  __m512 acc[kPanels][kTokens];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p)
      acc[p][t] = accumulate ? _mm512_maskz_loadu_ps(valid(p),
                                                     y + static_cast<size_t>(t) * y_stride + 16 * p)
                             : _mm512_setzero_ps();
  for (int g = 0; g < groups; ++g) {
    __m512i sum[kPanels][kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) sum[p][t] = _mm512_setzero_si512();
    constexpr int kColumns = kWords ? 2 : 4;  // of a step
#pragma GCC unroll 16
    for (int s = 0; s < kGroup; s += kColumns) {
      const ptrdiff_t at = (g * kGroup + s) * kIntegerPanelRows;
      __m512i w[kPanels];
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p)
        w[p] = kWords ? _mm512_loadu_si512(panels[p].words + at)
                      : _mm512_loadu_si512(panels[p].bytes + at);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const size_t of =
            static_cast<size_t>(t) * width + static_cast<size_t>(column + g * kGroup + s);
        int32_t bits;
        std::memcpy(&bits, kWords ? static_cast<const void*>(x.words + of) : x.bytes + of, 4);
        const __m512i value = _mm512_set1_epi32(bits);
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p)
          sum[p][t] = kWords ? _mm512_dpwssd_epi32(sum[p][t], w[p], value)
                             : _mm512_dpbusd_epi32(sum[p][t], w[p], value);
      }
    }
    __m512 d[kPanels], m[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      d[p] = _mm512_loadu_ps(panels[p].scales + static_cast<ptrdiff_t>(g * kIntegerPanelRows));
      m[p] = _mm512_loadu_ps(panels[p].mins + static_cast<ptrdiff_t>(g * kIntegerPanelRows));
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const size_t row = static_cast<size_t>(t);
      const __m512 by =
          _mm512_set1_ps(scale[row * scales + static_cast<size_t>(kGroup == 32 ? g : g / 2)]);
      const __m512 less = _mm512_set1_ps(low[row * low_stride + static_cast<size_t>(g)]);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) {
        acc[p][t] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[p][t]), _mm512_mul_ps(d[p], by), acc[p][t]);
        acc[p][t] = _mm512_fnmadd_ps(m[p], less, acc[p][t]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p)
      _mm512_mask_storeu_ps(y + static_cast<size_t>(t) * y_stride + 16 * p, valid(p), acc[p][t]);
}

void multiply(std::span<const IntegerPanel> panels, int rows, const IntegerRows& x, int column,
              bool accumulate, float* y, size_t y_stride) {
  with_bool(panels[0].words != nullptr, [&](auto words) {
    with_bool(panels[0].group == 16, [&](auto halves) {
      constexpr int kGroup = decltype(halves)::value ? 16 : 32;
      for (size_t i = 0; i < panels.size(); i += 2) {
        const int first = static_cast<int>(i) * kIntegerPanelRows;
        with_count<2>(static_cast<int>(std::min<size_t>(2, panels.size() - i)), [&](auto n) {
          for_tiles<6>(x, y + first, y_stride,
                       [&](auto tokens, const IntegerRows& some, float* to) {
                         multiply_tile<kGroup, decltype(n)::value, decltype(tokens)::value,
                                       decltype(words)::value>(&panels[i], rows - first, some,
                                                               column, accumulate, to, y_stride);
                       });
        });
      }
    });
  });
}

/// Rows [begin, begin + N).
template <int N>
void nibble_sums_of(const uint8_t* rows, int width, int begin, const int8_t* high,
                    const int8_t* low, int32_t* sums) {
  // Bytes asked for early: more than the eight rows that several x take in turns.
  constexpr size_t kAhead = 8192;
  const size_t stride = static_cast<size_t>(width / 2);
  const uint8_t* row = rows + static_cast<size_t>(begin) * stride;
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i of_high[N], of_low[N];
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) of_high[n] = of_low[n] = _mm512_setzero_si512();
  for (int j = 0; j < width; j += kNibbleColumns, row += 64) {
    const __m512i high0 = _mm512_loadu_si512(high + j), high1 = _mm512_loadu_si512(high + j + 64);
    const __m512i low0 = _mm512_loadu_si512(low + j), low1 = _mm512_loadu_si512(low + j + 64);
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      const uint8_t* at = row + static_cast<size_t>(n) * stride;
      _mm_prefetch(at + kAhead, _MM_HINT_T0);
      const __m512i bytes = _mm512_loadu_si512(at);
      const __m512i first = _mm512_and_si512(bytes, nibble);
      const __m512i second = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble);
      of_high[n] =
          _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(of_high[n], first, high0), second, high1);
      of_low[n] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(of_low[n], first, low0), second, low1);
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n)
    sums[n] =
        _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(of_high[n], 8), of_low[n]));
}

void nibble_sums(const uint8_t* rows, int width, int begin, int end, const int8_t* high,
                 const int8_t* low, int32_t* sums) {
  int i = begin;
  for (; i + 4 <= end; i += 4) nibble_sums_of<4>(rows, width, i, high, low, sums + (i - begin));
  for (; i < end; ++i) nibble_sums_of<1>(rows, width, i, high, low, sums + (i - begin));
}

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const IntegerKernel kIntegerAvx512Vnni = {"avx512vnni",         has_avx512vnni, round_groups,
                                          multiply_rows_avx512, decode_avx512,  multiply,
                                          nibble_sums};

}  // namespace model
#endif
