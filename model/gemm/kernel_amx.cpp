#include "model/gemm/kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

// 32 rows of x by 32 rows of W: four accumulator tiles (0..3), two tiles of x (4, 5) and two of W
// (6, 7), all 16 rows of 64 bytes. Packed x is a sequence of such tiles: for each 16 rows, for each
// 32 columns, 16 x 32 bf16. Sizes that do not fill a tile are padded with zeros in the operands,
// and results at the edge of y go through a buffer.
//
// GCC's tileloadd carries no memory clobber, so a store that must be seen by one is followed by a
// compiler barrier.

#define TESSERA_AMX [[gnu::target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")]]

namespace model {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileValues = 16 * 32;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
constexpr TileConfig kTileConfig;

bool ask_for_amx() {
  constexpr long kArchReqXcompPerm = 0x1023, kXtileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  if ((d & kAmxBf16) == 0 || (d & kAmxTile) == 0 || !kAvx512Bf16Kernel.supported()) return false;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;  // for the whole process
}

bool supported_amx() {
  static const bool granted = ask_for_amx();
  return granted;
}

TESSERA_AMX void pack_x_amx(const float* x, int m, int k, int x_stride, std::byte* to) {
  for (int i0 = 0; i0 < round_up(m, kRowBlock); i0 += kTileRows) {
    for (int c = 0; c < k; c += 32) {
      const int left = std::min(k - c, 32);
      const __mmask16 low = static_cast<__mmask16>((uint32_t{1} << std::min(left, 16)) - 1);
      const __mmask16 high = static_cast<__mmask16>((uint32_t{1} << std::max(left - 16, 0)) - 1);
      const float* from = x + static_cast<ptrdiff_t>(i0) * x_stride + c;
      for (int r = 0; r < kTileRows; ++r, from += x_stride, to += 64) {
        if (i0 + r >= m) {
          _mm512_store_si512(to, _mm512_setzero_si512());
          continue;
        }
        const __m512 a = _mm512_maskz_loadu_ps(low, from);
        const __m512 b = _mm512_maskz_loadu_ps(high, from + 16);
        _mm512_store_si512(to, (__m512i)_mm512_cvtne2ps_pbh(b, a));
      }
    }
  }
}

// y [16 * row_tiles, 32] = (accumulate ? y : 0) + x W^T over `steps` tiles.
template <int row_tiles>
TESSERA_AMX inline void tiles_amx(const uint16_t* x, int steps, const uint16_t* w,
                                  size_t panel_stride, float* y, ptrdiff_t y_stride,
                                  bool accumulate) {
  const ptrdiff_t stride = y_stride * static_cast<ptrdiff_t>(sizeof(float));
  const uint16_t* x1 = x + static_cast<ptrdiff_t>(steps) * kTileValues;
  const uint16_t* w1 = w + panel_stride;
  if (accumulate) {
    _tile_loadd(0, y, stride);
    _tile_loadd(1, y + 16, stride);
    if constexpr (row_tiles == 2) {
      _tile_loadd(2, y + 16 * y_stride, stride);
      _tile_loadd(3, y + 16 * y_stride + 16, stride);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (row_tiles == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  for (int s = 0; s < steps; ++s) {
    const ptrdiff_t at = static_cast<ptrdiff_t>(s) * kTileValues;
    _tile_loadd(6, w + at, 64);
    _tile_loadd(4, x + at, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, w1 + at, 64);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (row_tiles == 2) {
      _tile_loadd(5, x1 + at, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, y, stride);
  _tile_stored(1, y + 16, stride);
  if constexpr (row_tiles == 2) {
    _tile_stored(2, y + 16 * y_stride, stride);
    _tile_stored(3, y + 16 * y_stride + 16, stride);
  }
}

TESSERA_AMX void multiply_amx(const std::byte* packed_x, int m, int k, const uint16_t* w,
                              size_t panel_stride, int n, float* y, int y_stride, bool accumulate) {
  const int steps = k / 32;
  alignas(64) float edge[kRowBlock * 2 * kPanelRows] = {};
  asm volatile("" ::: "memory");
  _tile_loadconfig(&kTileConfig);
  for (int j = 0; j < n; j += 2 * kPanelRows, w += 2 * panel_stride) {
    const int columns = std::min(2 * kPanelRows, n - j);
    for (int i = 0; i < m; i += kRowBlock) {
      const int rows = std::min(kRowBlock, m - i);
      const uint16_t* x =
          reinterpret_cast<const uint16_t*>(packed_x) + static_cast<ptrdiff_t>(i) * k;
      float* out = y + static_cast<ptrdiff_t>(i) * y_stride + j;
      if (columns == 2 * kPanelRows && rows == kRowBlock) {
        tiles_amx<2>(x, steps, w, panel_stride, out, y_stride, accumulate);
        continue;
      }
      if (columns == 2 * kPanelRows && rows == kTileRows) {
        tiles_amx<1>(x, steps, w, panel_stride, out, y_stride, accumulate);
        continue;
      }
      const size_t row_bytes = static_cast<size_t>(columns) * sizeof(float);
      if (accumulate) {
        for (int r = 0; r < rows; ++r) {
          std::memcpy(edge + r * 2 * kPanelRows, out + static_cast<ptrdiff_t>(r) * y_stride,
                      row_bytes);
        }
        asm volatile("" ::: "memory");
      }
      if (rows > kTileRows) {
        tiles_amx<2>(x, steps, w, panel_stride, edge, 2 * kPanelRows, accumulate);
      } else {
        tiles_amx<1>(x, steps, w, panel_stride, edge, 2 * kPanelRows, accumulate);
      }
      asm volatile("" ::: "memory");
      for (int r = 0; r < rows; ++r) {
        std::memcpy(out + static_cast<ptrdiff_t>(r) * y_stride, edge + r * 2 * kPanelRows,
                    row_bytes);
      }
    }
  }
  _tile_release();
}

}  // namespace

const GemmKernel kAmxKernel = {"amx", supported_amx, true, 2, pack_x_amx, multiply_amx};

}  // namespace model
#endif
