#pragma once

#include <immintrin.h>

#define TESSERA_HAS_AVX512
#include "model/x86_lanes.h"

// The vectors of tiles.h in 512-bit registers; included after it.

struct Avx512 {
  using Vector = __m512;
  static constexpr int kWidth = 16, kTileRows = 8, kHeads = 4, kPerWord = 1;

  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load(const uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector all(float x) { return _mm512_set1_ps(x); }
  static float first(Vector v) { return _mm512_cvtss_f32(v); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector multiply_words(Vector sum, Vector x, Vector w) {
    return _mm512_fmadd_ps(x, w, sum);
  }
  static Vector largest(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static float sum_of(Vector v) { return _mm512_reduce_add_ps(v); }
  static float largest_of(Vector v) { return _mm512_reduce_max_ps(v); }

  static Vector seen_or(Vector v, int begin, int end, Vector other) {
    const uint32_t below_end = (uint32_t{1} << std::clamp(end, 0, 16)) - 1;
    const uint32_t below_begin = (uint32_t{1} << std::clamp(begin, 0, 16)) - 1;
    return _mm512_mask_mov_ps(other, static_cast<__mmask16>(below_end & ~below_begin), v);
  }

  /// Source of the polynomial: Cephes exp2f.
  static Vector exp2(Vector x) {
    const Vector n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vector r = _mm512_sub_ps(x, n);
    Vector p = all(1.535336188319500e-4f);
    p = _mm512_fmadd_ps(p, r, all(1.339887440266574e-3f));
    p = _mm512_fmadd_ps(p, r, all(9.618437357674640e-3f));
    p = _mm512_fmadd_ps(p, r, all(5.550332471162809e-2f));
    p = _mm512_fmadd_ps(p, r, all(2.402264791363012e-1f));
    p = _mm512_fmadd_ps(p, r, all(6.931472028550421e-1f));
    p = _mm512_fmadd_ps(p, r, all(1.0f));
    // Not below or equal: what is not a number stays one.
    const __mmask16 counts = _mm512_cmp_ps_mask(x, all(-100), _CMP_NLE_UQ);
    return _mm512_maskz_scalef_ps(counts, p, n);
  }

  static void store_sums(const Vector (&v)[4], float* p) {
    const Vector ab = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
    const Vector cd = _mm512_add_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
    const Vector abcd =
        _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    const __m256 half =
        _mm256_add_ps(_mm512_castps512_ps256(abcd),
                      _mm512_castps512_ps256(_mm512_shuffle_f32x4(abcd, abcd, 0x4e)));
    _mm_storeu_ps(p, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
  }

  static void transpose(Vector (&t)[16]) { transpose_lanes(t); }

  template <class Number>
  static Vector key_words(const std::byte* row, int lane, int head_dim) {
    return lanes_of<Avx512, Number>(row, lane, head_dim);
  }
  template <class Number>
  static Vector value_words(const std::byte* const* rows, int lane, int head_dim) {
    return lanes_of<Avx512, Number>(rows[0], lane, head_dim);
  }
  static void weights(Vector a, Vector b, float* to) {
    store(to, a);
    store(to + kWidth, b);
  }
};
