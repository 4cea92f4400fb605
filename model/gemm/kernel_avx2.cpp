#include "model/gemm/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

// Six rows of x by one panel (16 rows of W): twelve accumulators. A 32-bit lane of a panel holds
// the pair of columns (2c, 2c + 1) of one row of W, so shifting left by 16 widens the even column
// and masking widens the odd one. Packed x is row-major f32, already rounded to bf16, and is
// broadcast from memory.

#define TESSERA_AVX2 [[gnu::target("avx2,fma")]]

// GCC at -O2 would leave the loops over rows, and with them the accumulators, in memory.
#if defined(__clang__)
#define TESSERA_UNROLL _Pragma("unroll")
#else
#define TESSERA_UNROLL _Pragma("GCC unroll 8")
#endif

namespace model {
namespace {

constexpr int kRows = 6;

bool supported_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

TESSERA_AVX2 inline __m256 round_avx2(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256 cut = _mm256_castsi256_ps(_mm256_and_si256(rounded, _mm256_set1_epi32(-0x10000)));
  return _mm256_blendv_ps(cut, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));  // a NaN stays a NaN
}

TESSERA_AVX2 void pack_x_avx2(const float* x, int m, int k, int x_stride, std::byte* to) {
  float* out = reinterpret_cast<float*>(to);
  const int k_padded = round_up(k, kColumnStep);
  for (int i = 0; i < m; ++i, out += k_padded) {
    const float* row = x + static_cast<ptrdiff_t>(i) * x_stride;
    int c = 0;
    for (; c + 8 <= k; c += 8) _mm256_store_ps(out + c, round_avx2(_mm256_loadu_ps(row + c)));
    if (c < k) {
      alignas(32) float rest[8] = {};
      std::copy(row + c, row + k, rest);
      _mm256_store_ps(out + c, round_avx2(_mm256_load_ps(rest)));
      c += 8;
    }
    std::fill(out + c, out + k_padded, 0.0f);
  }
  std::fill(
      out, reinterpret_cast<float*>(to) + static_cast<ptrdiff_t>(round_up(m, kRowBlock)) * k_padded,
      0.0f);
}

template <int rows>
TESSERA_AVX2 void panel_avx2(const float* x, int k, const uint16_t* w, float* y, ptrdiff_t y_stride,
                             int n, bool accumulate) {
  __m256 sum[rows][2];
  TESSERA_UNROLL
  for (int r = 0; r < rows; ++r) sum[r][0] = sum[r][1] = _mm256_setzero_ps();
  const __m256i high = _mm256_set1_epi32(-0x10000);
  for (int c = 0; c < k; c += 2, w += 2 * kPanelRows) {
    const __m256i left = _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
    const __m256i right = _mm256_load_si256(reinterpret_cast<const __m256i*>(w) + 1);
    __m256 w0 = _mm256_castsi256_ps(_mm256_slli_epi32(left, 16));
    __m256 w1 = _mm256_castsi256_ps(_mm256_slli_epi32(right, 16));
    TESSERA_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m256 value = _mm256_broadcast_ss(x + static_cast<ptrdiff_t>(r) * k + c);
      sum[r][0] = _mm256_fmadd_ps(value, w0, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(value, w1, sum[r][1]);
    }
    w0 = _mm256_castsi256_ps(_mm256_and_si256(left, high));
    w1 = _mm256_castsi256_ps(_mm256_and_si256(right, high));
    TESSERA_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m256 value = _mm256_broadcast_ss(x + static_cast<ptrdiff_t>(r) * k + c + 1);
      sum[r][0] = _mm256_fmadd_ps(value, w0, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(value, w1, sum[r][1]);
    }
  }
  TESSERA_UNROLL
  for (int r = 0; r < rows; ++r, y += y_stride) {
    if (n >= kPanelRows) {
      for (int half = 0; half < 2; ++half) {
        const __m256 before = accumulate ? _mm256_loadu_ps(y + 8 * half) : _mm256_setzero_ps();
        _mm256_storeu_ps(y + 8 * half, _mm256_add_ps(before, sum[r][half]));
      }
    } else {
      alignas(32) float out[kPanelRows];
      _mm256_store_ps(out, sum[r][0]);
      _mm256_store_ps(out + 8, sum[r][1]);
      for (int j = 0; j < n; ++j) y[j] = (accumulate ? y[j] : 0.0f) + out[j];
    }
  }
}

void multiply_avx2(const std::byte* x, int m, int k, const uint16_t* w, size_t panel_stride, int n,
                   float* y, int y_stride, bool accumulate) {
  constexpr decltype(&panel_avx2<1>) kPanels[] = {panel_avx2<1>, panel_avx2<2>, panel_avx2<3>,
                                                  panel_avx2<4>, panel_avx2<5>, panel_avx2<6>};
  for (int j = 0; j < n; j += kPanelRows, w += panel_stride) {
    for (int i = 0; i < m; i += kRows) {
      const int rows = std::min(kRows, m - i);
      kPanels[rows - 1](reinterpret_cast<const float*>(x) + static_cast<ptrdiff_t>(i) * k, k, w,
                        y + static_cast<ptrdiff_t>(i) * y_stride + j, y_stride,
                        std::min(kPanelRows, n - j), accumulate);
    }
  }
}

}  // namespace

const GemmKernel kAvx2Kernel = {"avx2", supported_avx2, false, 4, pack_x_avx2, multiply_avx2};

}  // namespace model
#endif
