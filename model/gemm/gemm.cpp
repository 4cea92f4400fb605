#include "model/gemm/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cassert>
#include <vector>

// Blocking. A kernel streams packed x once for every 32 rows of W, so the packed rows of a task
// (about 1 MiB) stay in the L2 cache of a core, where AMX can be fed at three quarters of its peak;
// reading and writing y and reading W from L3 is what costs, and software prefetch does not help.
// There are two ways to divide the work, and in both every element of y is computed by one thread
// in one order of k:
//   - a matrix of the body (W of a few MiB): a thread takes some rows of x, packs them for itself
//   and multiplies by
//     all of W; measured 1.3 times as fast as the other way at m = 256;
//   - the vocabulary, or a handful of rows: x is packed once by all threads, then a thread takes
//   some rows of W, so
//     that W, which is then larger than the caches, is read once per 1 MiB of packed x.

namespace model {
namespace {

constexpr int kMaxColumns = 2048;
constexpr int kRowsPerTask = 256;
constexpr size_t kPackedBytes = size_t{1} << 20;
constexpr double kBodyBytes = 8 << 20;

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// k in equal blocks of at most kMaxColumns.
int column_block(int k) {
  return std::max(kColumnStep, round_up(ceil_div(k, ceil_div(k, kMaxColumns)), kColumnStep));
}

void by_rows_of_x(const GemmKernel& kernel, const float* x, int m, int x_stride,
                  const PackedView& w, float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  const int kc = column_block(w.k);
  const int rows = std::min(kRowsPerTask, round_up(ceil_div(m, pool.n_threads()), kRowBlock));
  pool.parallel_for(m, rows, [&](int worker, int begin, int end) {
    std::byte* packed = pool.scratch(worker, static_cast<size_t>(rows) * static_cast<size_t>(kc) *
                                                 static_cast<size_t>(kernel.x_value_bytes));
    float* to = y + static_cast<ptrdiff_t>(begin) * y_stride;
    for (int c = 0; c < w.k; c += kc) {
      const int columns = std::min(kc, w.k - c);
      kernel.pack_x(x + static_cast<ptrdiff_t>(begin) * x_stride + c, end - begin, columns,
                    x_stride, packed);
      kernel.multiply(packed, end - begin, round_up(columns, kColumnStep),
                      w.panels + static_cast<size_t>(c) * kPanelRows, w.panel_stride, w.n, to,
                      y_stride, accumulate || c > 0);
    }
  });
}

void by_rows_of_w(const GemmKernel& kernel, const float* x, int m, int x_stride,
                  const PackedView& w, float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  const int kc = column_block(w.k);
  const size_t row_bytes = static_cast<size_t>(kc) * static_cast<size_t>(kernel.x_value_bytes);
  const int most =
      std::max(kRowBlock, static_cast<int>(kPackedBytes / row_bytes) / kRowBlock * kRowBlock);
  const int mc = round_up(ceil_div(m, ceil_div(m, most)), kRowBlock);
  const int pairs = ceil_div(w.n, 2 * kPanelRows);
  const int grain = std::clamp(pairs / (4 * pool.n_threads()), 1, 32);
  std::byte* packed = pool.scratch(0, static_cast<size_t>(mc) * row_bytes);
  for (int i = 0; i < m; i += mc) {
    const int rows = std::min(mc, m - i);
    for (int c = 0; c < w.k; c += kc) {
      const int columns = std::min(kc, w.k - c);
      const int columns_padded = round_up(columns, kColumnStep);
      pool.parallel_for(rows, kRowBlock, [&](int, int begin, int end) {
        kernel.pack_x(
            x + static_cast<ptrdiff_t>(i + begin) * x_stride + c, end - begin, columns, x_stride,
            packed + static_cast<ptrdiff_t>(begin) * columns_padded * kernel.x_value_bytes);
      });
      pool.parallel_for(pairs, grain, [&](int, int begin, int end) {
        const int first = begin * 2 * kPanelRows;
        const int last = std::min(w.n, end * 2 * kPanelRows);
        kernel.multiply(packed, rows, columns_padded,
                        w.panels + static_cast<size_t>(2 * begin) * w.panel_stride +
                            static_cast<size_t>(c) * kPanelRows,
                        w.panel_stride, last - first,
                        y + static_cast<ptrdiff_t>(i) * y_stride + first, y_stride,
                        accumulate || c > 0);
      });
    }
  }
}

// OpenBLAS on ranges of the longer side of c [m, n] = beta c + op(a) op(b).
void sgemm_in_ranges(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m, int n, int k,
                     const float* a, int a_stride, const float* b, int b_stride, bool accumulate,
                     float* c, int c_stride, ThreadPool& pool) {
  if (m <= 0 || n <= 0) return;
  const bool split_m = m >= n;
  const int grain = std::max(16, round_up(ceil_div(split_m ? m : n, pool.n_threads()), 16));
  pool.parallel_for(split_m ? m : n, grain, [&](int, int begin, int end) {
    const int i = split_m ? begin : 0;
    const int j = split_m ? 0 : begin;
    cblas_sgemm(CblasRowMajor, op_a, op_b, split_m ? end - begin : m, split_m ? n : end - begin, k,
                1.0f, a + static_cast<ptrdiff_t>(i) * (op_a == CblasTrans ? 1 : a_stride), a_stride,
                b + static_cast<ptrdiff_t>(j) * (op_b == CblasTrans ? b_stride : 1), b_stride,
                accumulate ? 1.0f : 0.0f, c + static_cast<ptrdiff_t>(i) * c_stride + j, c_stride);
  });
}

}  // namespace

std::span<const GemmKernel* const> all_gemm_kernels() {
  static constexpr const GemmKernel* kKernels[] = {
    &kReferenceKernel,
#if defined(__x86_64__)
    &kAvx2Kernel,
    &kAvx512Bf16Kernel,
    &kAmxKernel,
#endif
  };
  return kKernels;
}

const GemmKernel& best_gemm_kernel() {
  const std::span<const GemmKernel* const> kernels = all_gemm_kernels();
  return **std::find_if(kernels.rbegin(), kernels.rend(),
                        [](const GemmKernel* k) { return k->supported(); });
}

void gemm(const GemmKernel& kernel, const float* x, int m, int x_stride, const PackedView& w,
          float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  assert(m >= 0 && x_stride >= w.k && y_stride >= w.n);
  if (m == 0 || w.n == 0) return;
  if (w.k == 0) {
    for (int i = 0; i < m && !accumulate; ++i)
      std::fill_n(y + static_cast<ptrdiff_t>(i) * y_stride, w.n, 0.0f);
    return;
  }
  const bool body = sizeof(uint16_t) * static_cast<double>(w.n) * w.k <= kBodyBytes;
  if (body && m > kRowBlock * pool.n_threads()) {
    by_rows_of_x(kernel, x, m, x_stride, w, y, y_stride, accumulate, pool);
  } else {
    by_rows_of_w(kernel, x, m, x_stride, w, y, y_stride, accumulate, pool);
  }
}

void gemm(const float* x, int m, int x_stride, const PackedView& w, float* y, int y_stride,
          bool accumulate, ThreadPool& pool) {
  static const GemmKernel& best = best_gemm_kernel();
  gemm(best, x, m, x_stride, w, y, y_stride, accumulate, pool);
}

void add_weight_gradient(const float* dy, int n, int dy_stride, const float* x, int k, int x_stride,
                         int m, float* dw, int dw_stride, ThreadPool& pool) {
  sgemm_in_ranges(CblasTrans, CblasNoTrans, n, k, m, dy, dy_stride, x, x_stride, true, dw,
                  dw_stride, pool);
}

void gemm_f32(const float* x, int m, int x_stride, const float* w, int n, int k, int w_stride,
              float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  if (m == 1) {  // sgemm would copy W first; one that stays in a core's cache is not worth two
    const int grain = static_cast<int64_t>(n) * k <= 16384 ? n : ceil_div(n, pool.n_threads());
    pool.parallel_for(n, std::max(grain, 1), [&](int, int begin, int end) {
      // Unlike sgemm's, its beta of 0 may keep a NaN that was there.
      if (!accumulate) std::fill(y + begin, y + end, 0.0f);
      cblas_sgemv(CblasRowMajor, CblasNoTrans, end - begin, k, 1.0f,
                  w + static_cast<ptrdiff_t>(begin) * w_stride, w_stride, x, 1, 1.0f, y + begin, 1);
    });
    return;
  }
  sgemm_in_ranges(CblasNoTrans, CblasTrans, m, n, k, x, x_stride, w, w_stride, accumulate, y,
                  y_stride, pool);
}

void gemm_f32_transposed(const float* x, int m, int x_stride, const float* w, int n, int k,
                         int w_stride, float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  sgemm_in_ranges(CblasNoTrans, CblasNoTrans, m, n, k, x, x_stride, w, w_stride, accumulate, y,
                  y_stride, pool);
}

void gemm_bf16(const float* x, int m, int x_stride, const float* w, int n, int k, int w_stride,
               float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  gemm(x, m, x_stride, PackedMatrix::pack(w, n, k, w_stride, &pool), y, y_stride, accumulate, pool);
}

void gemm_bf16_transposed(const float* x, int m, int x_stride, const float* w, int n, int k,
                          int w_stride, float* y, int y_stride, bool accumulate, ThreadPool& pool) {
  gemm(x, m, x_stride, PackedMatrix::pack_transposed(w, n, k, w_stride, &pool), y, y_stride,
       accumulate, pool);
}

void add_weight_gradient_bf16(const float* dy, int n, int dy_stride, const float* x, int k,
                              int x_stride, int m, float* dw, int dw_stride, ThreadPool& pool) {
  // The larger of the two is packed as it lies, the smaller one is turned.
  const size_t rows = static_cast<size_t>(m), most = static_cast<size_t>(std::min(n, k));
  std::vector<float> turned(rows * most);
  if (n <= k) {
    transpose(dy, m, n, dy_stride, turned.data(), &pool);
    gemm(turned.data(), n, m, PackedMatrix::pack_transposed(x, k, m, x_stride, &pool), dw,
         dw_stride, true, pool);
    return;
  }
  transpose(x, m, k, x_stride, turned.data(), &pool);
  std::vector<float> sum(most * static_cast<size_t>(n));
  gemm(turned.data(), k, m, PackedMatrix::pack_transposed(dy, n, m, dy_stride, &pool), sum.data(),
       n, false, pool);
  pool.parallel_for(n, 64, [&](int, int begin, int end) {
    for (int j = begin; j < end; ++j)
      for (int i = 0; i < k; ++i)
        dw[static_cast<ptrdiff_t>(j) * dw_stride + i] +=
            sum[static_cast<size_t>(i) * static_cast<size_t>(n) + static_cast<size_t>(j)];
  });
}

void transpose(const float* in, int m, int n, int in_stride, float* out, ThreadPool* pool) {
  constexpr int kBlock = 16;  // a line of either side
  auto columns = [&](int begin, int end) {
    for (int j0 = begin; j0 < end; j0 += kBlock)
      for (int i0 = 0; i0 < m; i0 += kBlock) {
        const int jn = std::min(end, j0 + kBlock), in_ = std::min(m, i0 + kBlock);
        for (int j = j0; j < jn; ++j)
          for (int i = i0; i < in_; ++i)
            out[static_cast<ptrdiff_t>(j) * m + i] = in[static_cast<ptrdiff_t>(i) * in_stride + j];
      }
  };
  if (pool == nullptr) return columns(0, n);
  pool->parallel_for(n, kBlock, [&](int, int begin, int end) { columns(begin, end); });
}

}  // namespace model
