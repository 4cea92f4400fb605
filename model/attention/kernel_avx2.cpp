#include "model/attention/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "model/cpu.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

namespace model {
namespace {

#include "model/attention/tiles.h"
#include "model/x86_lanes.h"

struct Avx2 {
  using Vector = __m256;
  static constexpr int kWidth = 8, kTileRows = 4, kHeads = 2, kPerWord = 1;

  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector load(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static Vector all(float x) { return _mm256_set1_ps(x); }
  static float first(Vector v) { return _mm256_cvtss_f32(v); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector multiply_words(Vector sum, Vector x, Vector w) {
    return _mm256_fmadd_ps(x, w, sum);
  }
  static Vector largest(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  static float sum_of(Vector v) { return sum_lanes(v); }
  static float largest_of(Vector v) { return max_lanes(v); }

  static Vector seen_or(Vector v, int begin, int end, Vector other) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i before_end = _mm256_cmpgt_epi32(_mm256_set1_epi32(end), lane);
    const __m256i before_begin = _mm256_cmpgt_epi32(_mm256_set1_epi32(begin), lane);
    return _mm256_blendv_ps(other, v,
                            _mm256_castsi256_ps(_mm256_andnot_si256(before_begin, before_end)));
  }

  /// Source of the polynomial: Cephes exp2f.
  static Vector exp2(Vector x) {
    const Vector n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vector r = _mm256_sub_ps(x, n);
    Vector p = all(1.535336188319500e-4f);
    p = _mm256_fmadd_ps(p, r, all(1.339887440266574e-3f));
    p = _mm256_fmadd_ps(p, r, all(9.618437357674640e-3f));
    p = _mm256_fmadd_ps(p, r, all(5.550332471162809e-2f));
    p = _mm256_fmadd_ps(p, r, all(2.402264791363012e-1f));
    p = _mm256_fmadd_ps(p, r, all(6.931472028550421e-1f));
    p = _mm256_fmadd_ps(p, r, all(1.0f));
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    // Not below or equal: what is not a number stays one.
    const Vector counts = _mm256_cmp_ps(x, all(-100), _CMP_NLE_UQ);
    return _mm256_and_ps(counts, _mm256_mul_ps(p, _mm256_castsi256_ps(exponent)));
  }

  static void store_sums(const Vector (&v)[4], float* p) {
    const Vector four = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    _mm_storeu_ps(p, _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps(four, 1)));
  }

  static void transpose(Vector (&t)[8]) {
    Vector u[8];
    TESSERA_UNROLL
    for (int i = 0; i < 8; i += 4) {
      const Vector a = _mm256_unpacklo_ps(t[i], t[i + 1]);
      const Vector b = _mm256_unpackhi_ps(t[i], t[i + 1]);
      const Vector c = _mm256_unpacklo_ps(t[i + 2], t[i + 3]);
      const Vector d = _mm256_unpackhi_ps(t[i + 2], t[i + 3]);
      u[i] = _mm256_shuffle_ps(a, c, 0x44);
      u[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
      u[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
      u[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    TESSERA_UNROLL
    for (int i = 0; i < 4; ++i) {
      t[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
      t[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
  }

  template <class Number>
  static Vector key_words(const std::byte* row, int lane, int head_dim) {
    return lanes_of<Avx2, Number>(row, lane, head_dim);
  }
  template <class Number>
  static Vector value_words(const std::byte* const* rows, int lane, int head_dim) {
    return lanes_of<Avx2, Number>(rows[0], lane, head_dim);
  }
  static void weights(Vector a, Vector b, float* to) {
    store(to, a);
    store(to + kWidth, b);
  }
};

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const AttentionKernel kAttentionAvx2 = {
    "avx2",          has_avx2,          false,      4,           pack_queries<Avx2>,
    pack_keys<Avx2>, pack_values<Avx2>, read<Avx2>, decode<Avx2>};

}  // namespace model
#endif
