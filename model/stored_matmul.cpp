#include "model/stored_matmul.h"

#include <cblas.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "model/clones.h"
#include "model/cpu.h"
#include "model/elementwise.h"
#include "model/gemm/decode_panel.h"
#include "model/gemm/kernel.h"

// Q8_0 and Q4_0, the formats of the 270M's vocabulary and of the 12B's files, have loops of their
// own: sum over blocks of d * sum(q x). Everything else is decoded row by row into a buffer that
// stays in the first-level cache.

namespace model {
namespace {

constexpr int kRowsPerTask = 128;

/// Rows [begin, end) of a Q8_0 matrix of `blocks` blocks a row; the reference for the two below.
void q8_0_rows(const std::byte* data, size_t stride, int begin, int end, int blocks, const float* x,
               float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    float sum = 0;
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      float part = 0;
      for (int j = 0; j < 32; ++j)
        part += static_cast<float>(static_cast<int8_t>(at[2 + j])) * x[block * 32 + j];
      sum += f16_to_f32(half) * part;
    }
    y[row] = sum;
  }
}

/// The same for Q4_0: byte j of a block holds values j (low half) and j + 16 (high half), plus 8.
void q4_0_rows(const std::byte* data, size_t stride, int begin, int end, int blocks, const float* x,
               float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    float sum = 0;
    for (int block = 0; block < blocks; ++block, at += 18) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      float part = 0;
      for (int j = 0; j < 16; ++j) {
        const int byte = static_cast<int>(at[2 + j]);
        part += static_cast<float>((byte & 15) - 8) * x[block * 32 + j];
        part += static_cast<float>((byte >> 4) - 8) * x[block * 32 + 16 + j];
      }
      sum += f16_to_f32(half) * part;
    }
    y[row] = sum;
  }
}

#if defined(__x86_64__)
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#endif
[[gnu::target("avx2,fma,f16c")]] void q8_0_rows_avx2(const std::byte* data, size_t stride,
                                                     int begin, int end, int blocks, const float* x,
                                                     float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m256 sum = _mm256_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const float* in = x + block * 32;
      __m256 part = _mm256_setzero_ps();
      for (int j = 0; j < 32; j += 8) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 2 + j));
        part = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
                               _mm256_loadu_ps(in + j), part);
      }
      sum = _mm256_fmadd_ps(_mm256_set1_ps(_cvtsh_ss(half)), part, sum);
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    y[row] = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
             ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl,f16c")]] void q8_0_rows_avx512(const std::byte* data,
                                                                        size_t stride, int begin,
                                                                        int end, int blocks,
                                                                        const float* x, float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m512 sum = _mm512_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
      const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 18));
      __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(low)),
                                  _mm512_loadu_ps(x + block * 32));
      part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(high)),
                             _mm512_loadu_ps(x + block * 32 + 16), part);
      sum = _mm512_fmadd_ps(_mm512_set1_ps(_cvtsh_ss(half)), part, sum);
    }
    y[row] = _mm512_reduce_add_ps(sum);
  }
}

[[gnu::target("avx2,fma,f16c")]] void q4_0_rows_avx2(const std::byte* data, size_t stride,
                                                     int begin, int end, int blocks, const float* x,
                                                     float* y) {
  const __m128i low_half = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m256 sum = _mm256_setzero_ps(), sum_high = _mm256_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 18) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const float* in = x + block * 32;
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
      const __m128i low = _mm_sub_epi8(_mm_and_si128(bytes, low_half), eight);
      const __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low_half), eight);
      const __m256 scale = _mm256_set1_ps(_cvtsh_ss(half));
      __m256 part =
          _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low)), _mm256_loadu_ps(in));
      part = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(low, 8))),
                             _mm256_loadu_ps(in + 8), part);
      __m256 part_high =
          _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high)), _mm256_loadu_ps(in + 16));
      part_high = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(high, 8))),
                                  _mm256_loadu_ps(in + 24), part_high);
      sum = _mm256_fmadd_ps(scale, part, sum);
      sum_high = _mm256_fmadd_ps(scale, part_high, sum_high);
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, _mm256_add_ps(sum, sum_high));
    y[row] = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
             ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl,f16c")]] void q4_0_rows_avx512(const std::byte* data,
                                                                        size_t stride, int begin,
                                                                        int end, int blocks,
                                                                        const float* x, float* y) {
  const __m128i low_half = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m512 sum = _mm512_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 18) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
      const __m128i low = _mm_sub_epi8(_mm_and_si128(bytes, low_half), eight);
      const __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low_half), eight);
      __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(low)),
                                  _mm512_loadu_ps(x + block * 32));
      part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(high)),
                             _mm512_loadu_ps(x + block * 32 + 16), part);
      sum = _mm512_fmadd_ps(_mm512_set1_ps(_cvtsh_ss(half)), part, sum);
    }
    y[row] = _mm512_reduce_add_ps(sum);
  }
}
#pragma GCC diagnostic pop
#endif

using Rows = void (*)(const std::byte*, size_t, int, int, int, const float*, float*);

struct RowKernels {
  Rows q8_0, q4_0;
};

RowKernels best_row_kernels() {
#if defined(__x86_64__)
  if (has_avx512()) return {q8_0_rows_avx512, q4_0_rows_avx512};
  if (has_avx2()) return {q8_0_rows_avx2, q4_0_rows_avx2};
#endif
  return {q8_0_rows, q4_0_rows};
}

}  // namespace

void multiply_rows(const Matrix& w, const float* x, int m, float* y, ThreadPool& pool) {
  static const RowKernels kernels = best_row_kernels();
  const Rows rows = w.type == TensorType::q8_0   ? kernels.q8_0
                    : w.type == TensorType::q4_0 ? kernels.q4_0
                                                 : nullptr;
  const size_t in = static_cast<size_t>(w.in), out = static_cast<size_t>(w.out);
  const size_t stride = row_bytes(w.type, static_cast<uint64_t>(w.in));
  pool.parallel_for(w.out, kRowsPerTask, [&](int worker, int begin, int end) {
    if (rows != nullptr) {
      constexpr int kCached = 8;  // rows of W that stay in the first cache for all rows of x
      for (int i = begin; i < end; i += kCached)
        for (int t = 0; t < m; ++t)
          rows(w.data, stride, i, std::min(end, i + kCached), w.in / 32,
               x + static_cast<size_t>(t) * in, y + static_cast<size_t>(t) * out);
      return;
    }
    float* row = reinterpret_cast<float*>(pool.scratch(worker, in * sizeof(float)));
    for (int i = begin; i < end; ++i) {
      w.dequantize(i, 1, row);
      for (int t = 0; t < m; ++t)
        y[static_cast<size_t>(t) * out + static_cast<size_t>(i)] =
            dot(row, x + static_cast<size_t>(t) * in, w.in);
    }
  });
}

void PackedRows::resize(int m, int k) {
  m_ = m;
  k_ = k;
  packed_ = storage_.sized(static_cast<size_t>(round_up(m, kRowBlock)) *
                           static_cast<size_t>(round_up(k, kColumnStep)) *
                           static_cast<size_t>(best_gemm_kernel().x_value_bytes));
}

void PackedRows::pack(const float* x, int begin, int end) {
  static const GemmKernel& kernel = best_gemm_kernel();
  for (int c = 0; c < k_; c += kColumns)
    kernel.pack_x(x + c, end - begin, std::min(kColumns, k_ - c), k_,
                  packed_ + (columns(c, begin) - packed_));
}

void PackedRows::assign(const float* x, int m, int k, ThreadPool& pool) {
  resize(m, k);
  pool.parallel_for(m, kRowBlock, [&](int, int begin, int end) {
    pack(x + static_cast<ptrdiff_t>(begin) * k, begin, end);
  });
}

const std::byte* PackedRows::columns(int column, int row) const {
  static const GemmKernel& kernel = best_gemm_kernel();
  const int padded = round_up(std::min(kColumns, k_ - column), kColumnStep);
  const size_t values = static_cast<size_t>(round_up(m_, kRowBlock)) * static_cast<size_t>(column) +
                        static_cast<size_t>(row) * static_cast<size_t>(padded);
  return packed_ + values * static_cast<size_t>(kernel.x_value_bytes);
}

void multiply_packed(const PackedMatrix& w, const PackedRows& x, float* y, ThreadPool& pool) {
  static const GemmKernel& kernel = best_gemm_kernel();
  assert(x.k() == w.k());
  const PackedView& view = w.view();
  const int k = round_up(w.k(), kColumnStep);
  pool.parallel_for(x.m(), 2 * kRowBlock, [&](int, int begin, int end) {
    for (int c = 0; c < k; c += PackedRows::kColumns)
      kernel.multiply(x.columns(c, begin), end - begin, std::min(PackedRows::kColumns, k - c),
                      view.panels + static_cast<size_t>(c) * kPanelRows, view.panel_stride, w.n(),
                      y + static_cast<ptrdiff_t>(begin) * w.n(), w.n(), c > 0);
  });
}

void multiply_panels(const Matrix& w, const PackedRows& x, const PackedTerm& more, float* y,
                     ThreadPool& pool) {
  static const GemmKernel& kernel = best_gemm_kernel();
  constexpr int kRows = 2 * kPanelRows;  // rows of W that are decoded together
  assert(x.k() == w.in);
  const int k = round_up(w.in, kColumnStep);
  const size_t panel = static_cast<size_t>(k) * kPanelRows;  // values
  pool.parallel_for(w.out, kRows, [&](int worker, int begin, int end) {
    auto* panels = reinterpret_cast<uint16_t*>(pool.scratch(worker, 2 * panel * sizeof(uint16_t)));
    decode_panel(w, begin, panels);
    if (begin + kPanelRows < end) decode_panel(w, begin + kPanelRows, panels + panel);
    for (int c = 0; c < k; c += PackedRows::kColumns)
      kernel.multiply(x.columns(c), x.m(), std::min(PackedRows::kColumns, k - c),
                      panels + static_cast<size_t>(c) * kPanelRows, panel, end - begin, y + begin,
                      w.out, c > 0);
    if (more.w == nullptr) return;
    const PackedView& view = more.w->view();
    const uint16_t* rows =
        view.panels + static_cast<size_t>(begin / kPanelRows) * view.panel_stride;
    const int columns = round_up(more.w->k(), kColumnStep);
    for (int c = 0; c < columns; c += PackedRows::kColumns)
      kernel.multiply(more.x->columns(c), x.m(), std::min(PackedRows::kColumns, columns - c),
                      rows + static_cast<size_t>(c) * kPanelRows, view.panel_stride, end - begin,
                      y + begin, w.out, true);
  });
}

void multiply_f32(const Matrix& w, const float* x, int first, int m, float* y, ThreadPool& pool) {
  constexpr int kRows = 32;
  // Products of one shape, in which each row has the place its position gives it: OpenBLAS sums in
  // another order elsewhere (attention.cpp).
  constexpr int kBlock = 64;
  const size_t in = static_cast<size_t>(w.in), out = static_cast<size_t>(w.out);
  const int shift = first % kBlock, blocks = (shift + m + kBlock - 1) / kBlock;
  std::vector<float> padded(static_cast<size_t>(blocks * kBlock) * in);
  std::copy_n(x, static_cast<size_t>(m) * in, padded.data() + static_cast<size_t>(shift) * in);
  pool.parallel_for(w.out, kRows, [&](int worker, int begin, int end) {
    const int rows = end - begin;
    const size_t n = static_cast<size_t>(rows);
    float* decoded = reinterpret_cast<float*>(
        pool.scratch(worker, (n * in + static_cast<size_t>(kBlock) * n) * sizeof(float)));
    float* product = decoded + n * in;
    w.dequantize(begin, rows, decoded);
    for (int block = 0; block < blocks; ++block) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, kBlock, rows, w.in, 1,
                  padded.data() + static_cast<size_t>(block * kBlock) * in, w.in, decoded, w.in, 0,
                  product, rows);
      for (int r = 0; r < kBlock; ++r) {
        const int at = block * kBlock + r - shift;
        if (at < 0 || at >= m) continue;
        std::copy_n(product + static_cast<size_t>(r) * n, n,
                    y + static_cast<size_t>(at) * out + static_cast<size_t>(begin));
      }
    }
  });
}

}  // namespace model
