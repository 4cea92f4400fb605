#include "model/gemm/decode_panel.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "model/clones.h"
#include "model/cpu.h"
#include "model/gemm/bf16.h"
#include "model/gemm/kernel.h"
#include "model/integer/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "model/integer/dispatch.h"
#endif

namespace model {
namespace {

/// Pairs of neighbouring columns of one row of W into a panel: 16 pairs of 32 bits from one to the
/// next. `to` is kept 32-bit: both halves are stored at once.
TESSERA_CLONES void pack_pairs(const float* row, int pairs, uint32_t* to) {
  for (int c = 0; c < pairs; ++c)
    to[c * kPanelRows] = uint32_t{to_bf16(row[2 * c])} | uint32_t{to_bf16(row[2 * c + 1])} << 16;
}

}  // namespace

void decode_panel_reference(const Matrix& w, int first, uint16_t* panel) {
  const int k = round_up(w.in, kColumnStep);
  thread_local std::vector<float> row;
  row.assign(static_cast<size_t>(k), 0.0f);
  for (int r = 0; r < kPanelRows; ++r) {
    w.dequantize(std::min(first + r, w.out - 1), 1, row.data());
    pack_pairs(row.data(), k / 2, reinterpret_cast<uint32_t*>(panel) + r);
  }
}

}  // namespace model

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512bf16"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512bf16")
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#endif

namespace model {
namespace {

#define TESSERA_HAS_AVX512
#include "model/integer/x86_formats.h"

/// 16 values to scale * value - min.
template <int kBits>
inline __m512 scaled(__m128i bytes, float scale, float min) {
  const __m512i wide = kBits == 8 ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
  const __m512 value = _mm512_cvtepi32_ps(wide);
  return kBits == 8 ? _mm512_mul_ps(value, _mm512_set1_ps(scale))
                    : _mm512_fmsub_ps(value, _mm512_set1_ps(scale), _mm512_set1_ps(min));
}

template <class B>
void decode_panel_of(const std::byte* data, size_t stride, int rows, int groups, uint16_t* to) {
  for (int g = 0; g < groups; g += B::kGroups, data += B::kBytes) {
    __m512 pairs[B::kGroups][kPanelRows];  // of bf16, word by word
    for (int r = 0; r < kPanelRows; ++r) {
      const B block(data + static_cast<size_t>(std::min(r, rows - 1)) * stride);
      for (int i = 0; i < B::kGroups; ++i) {
        const __m256i q = block.values(i);
        constexpr int kSecond = B::kGroup == 32 ? 0 : 1;
        const __m512 low =
            scaled<B::kBits>(_mm256_castsi256_si128(q), block.scale(i, 0), block.min(i, 0));
        const __m512 high = scaled<B::kBits>(_mm256_extracti128_si256(q, 1),
                                             block.scale(i, kSecond), block.min(i, kSecond));
        pairs[i][r] = (__m512)_mm512_cvtne2ps_pbh(high, low);
      }
    }
    for (int i = 0; i < B::kGroups; ++i) {
      transpose_lanes(pairs[i]);
      for (int j = 0; j < kPanelRows; ++j, to += 2 * kPanelRows) _mm512_store_ps(to, pairs[i][j]);
    }
  }
}

void decode_panel_avx512(const Matrix& w, int first, uint16_t* panel) {
  with_type(w.type, [&](auto t) {
    decode_panel_of<Block<decltype(t)::value>>(
        w.row(first), row_bytes(w.type, static_cast<uint64_t>(w.in)),
        std::min(kPanelRows, w.out - first), w.in / 32, panel);
  });
}

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

namespace model {

void decode_panel(const Matrix& w, int first, uint16_t* panel) {
#if defined(__x86_64__)
  static const bool quick = has_avx512bf16();
  if (quick && has_integer_form(w.type)) return decode_panel_avx512(w, first, panel);
#endif
  decode_panel_reference(w, first, panel);
}

}  // namespace model
