#include "model/gemm/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "model/cpu.h"

// Eight rows of x by two panels (32 rows of W): sixteen accumulators, fed by two loads of W and
// eight broadcasts of a pair of x. vdpbf16ps multiplies the pairs and adds both products. Packed x
// is row-major bf16.

#define TESSERA_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16")]]

// GCC at -O2 would leave the loops over rows, and with them the accumulators, in memory.
#if defined(__clang__)
#define TESSERA_UNROLL _Pragma("unroll")
#else
#define TESSERA_UNROLL _Pragma("GCC unroll 8")
#endif

namespace model {
namespace {

constexpr int kTileRows = 8;

TESSERA_AVX512 void pack_x_avx512(const float* x, int m, int k, int x_stride, std::byte* to) {
  const int k_padded = round_up(k, kColumnStep);
  for (int i = 0; i < round_up(m, kRowBlock); ++i) {
    const float* row = x + static_cast<ptrdiff_t>(i) * x_stride;
    for (int c = 0; c < k_padded; c += 32, to += 64) {
      const int left = i < m ? std::clamp(k - c, 0, 32) : 0;
      const __mmask16 low = static_cast<__mmask16>((uint32_t{1} << std::min(left, 16)) - 1);
      const __mmask16 high = static_cast<__mmask16>((uint32_t{1} << std::max(left - 16, 0)) - 1);
      const __m512 a = left > 0 ? _mm512_maskz_loadu_ps(low, row + c) : _mm512_setzero_ps();
      const __m512 b = left > 16 ? _mm512_maskz_loadu_ps(high, row + c + 16) : _mm512_setzero_ps();
      const __m512bh pair = _mm512_cvtne2ps_pbh(b, a);
      _mm512_store_si512(to, (__m512i)pair);
    }
  }
}

template <int rows>
TESSERA_AVX512 void panels_avx512(const uint16_t* x, int k, const uint16_t* w, size_t panel_stride,
                                  float* y, ptrdiff_t y_stride, int n, bool accumulate) {
  __m512 sum[rows][2];
  TESSERA_UNROLL
  for (int r = 0; r < rows; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  const int* pairs = reinterpret_cast<const int*>(x);
  const int n_pairs = k / 2;
  for (int c = 0; c < n_pairs; ++c, w += 2 * kPanelRows) {
    const __m512bh w0 = (__m512bh)_mm512_load_si512(w);
    const __m512bh w1 = (__m512bh)_mm512_load_si512(w + panel_stride);
    TESSERA_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m512bh value =
          (__m512bh)_mm512_set1_epi32(pairs[static_cast<ptrdiff_t>(r) * n_pairs + c]);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], value, w0);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], value, w1);
    }
  }
  const __mmask16 low = static_cast<__mmask16>((uint32_t{1} << std::min(n, 16)) - 1);
  const __mmask16 high = static_cast<__mmask16>((uint32_t{1} << std::clamp(n - 16, 0, 16)) - 1);
  TESSERA_UNROLL
  for (int r = 0; r < rows; ++r, y += y_stride) {
    if (accumulate) {
      sum[r][0] = _mm512_add_ps(_mm512_maskz_loadu_ps(low, y), sum[r][0]);
      sum[r][1] = _mm512_add_ps(_mm512_maskz_loadu_ps(high, y + 16), sum[r][1]);
    }
    _mm512_mask_storeu_ps(y, low, sum[r][0]);
    _mm512_mask_storeu_ps(y + 16, high, sum[r][1]);
  }
}

void multiply_avx512(const std::byte* x, int m, int k, const uint16_t* w, size_t panel_stride,
                     int n, float* y, int y_stride, bool accumulate) {
  constexpr decltype(&panels_avx512<1>) kPanels[] = {
      panels_avx512<1>, panels_avx512<2>, panels_avx512<3>, panels_avx512<4>,
      panels_avx512<5>, panels_avx512<6>, panels_avx512<7>, panels_avx512<8>};
  for (int j = 0; j < n; j += 2 * kPanelRows, w += 2 * panel_stride) {
    for (int i = 0; i < m; i += kTileRows) {
      const int rows = std::min(kTileRows, m - i);
      kPanels[rows - 1](reinterpret_cast<const uint16_t*>(x) + static_cast<ptrdiff_t>(i) * k, k, w,
                        panel_stride, y + static_cast<ptrdiff_t>(i) * y_stride + j, y_stride,
                        std::min(2 * kPanelRows, n - j), accumulate);
    }
  }
}

}  // namespace

const GemmKernel kAvx512Bf16Kernel = {"avx512bf16",  has_avx512bf16, true, 2,
                                      pack_x_avx512, multiply_avx512};

}  // namespace model
#endif
