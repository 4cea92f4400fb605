#pragma once

#include <immintrin.h>

// What kernels do across the lanes of a register: included inside a file's target region and its
// anonymous namespace, like the formats and tiles that use it. TESSERA_HAS_AVX512: with those of
// 512 bits.

inline float sum_lanes(__m256 v) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

inline float max_lanes(__m256 v) {
  const __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 pair = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

#if defined(TESSERA_HAS_AVX512)
/// 16 rows of 16 words of 32 bits to their columns.
inline void transpose_lanes(__m512 (&t)[16]) {
  __m512 u[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    u[i] = _mm512_unpacklo_ps(t[i], t[i + 1]);
    u[i + 1] = _mm512_unpackhi_ps(t[i], t[i + 1]);
  }
  // Words 0..3 of each quarter of rows i..i+3.
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    t[i] = _mm512_shuffle_ps(u[i], u[i + 2], 0x44);
    t[i + 1] = _mm512_shuffle_ps(u[i], u[i + 2], 0xee);
    t[i + 2] = _mm512_shuffle_ps(u[i + 1], u[i + 3], 0x44);
    t[i + 3] = _mm512_shuffle_ps(u[i + 1], u[i + 3], 0xee);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) {
    const __m512 a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);  // quarters 0, 2
    const __m512 b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);  // quarters 1, 3
    const __m512 c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
    const __m512 d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
    u[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    u[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
    u[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
    u[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) t[i] = u[i];
}
#endif
