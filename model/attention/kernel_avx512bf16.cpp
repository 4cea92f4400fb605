#include "model/attention/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "model/cpu.h"

// Reading multiplies values and weights in pairs of bf16 (vdpbf16ps), twice as many as f32 in an
// instruction. Scores stay in f32: what they lose by rounding, the softmax makes larger. Decoding
// is bound by memory and stays in f32, too.

#if defined(__clang__)
#pragma clang attribute push(                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512bf16"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512bf16")
// GCC bug 105593, in its own intrinsics.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace model {
namespace {

#include "model/attention/tiles.h"
#include "model/attention/x86_avx512.h"

struct Avx512Bf16 : Avx512 {
  static constexpr int kPerWord = 2;

  static Vector multiply_words(Vector sum, Vector x, Vector w) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
  }
  static __m512i rounded(Vector low, Vector high) {
    const __m512bh pair = _mm512_cvtne2ps_pbh(high, low);
    return (__m512i)pair;
  }
  template <class Number>
  static Vector value_words(const std::byte* const* rows, int lane, int head_dim) {
    const __m512i both = rounded(lanes_of<Avx512, Number>(rows[0], lane, head_dim),
                                 lanes_of<Avx512, Number>(rows[1], lane, head_dim));
    alignas(64) static constexpr uint16_t kInterleaved[] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(_mm512_load_si512(kInterleaved), both));
  }
  static void weights(Vector a, Vector b, float* to) { _mm512_storeu_si512(to, rounded(a, b)); }
};

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const AttentionKernel kAttentionAvx512Bf16 = {"avx512bf16",
                                              has_avx512bf16,
                                              true,
                                              4,
                                              pack_queries<Avx512>,
                                              pack_keys<Avx512>,
                                              pack_values<Avx512Bf16>,
                                              read<Avx512Bf16, Avx512>,
                                              decode<Avx512>};

}  // namespace model
#endif
