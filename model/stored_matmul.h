#pragma once

#include <span>

#include "model/gemm/kernel.h"
#include "model/gemm/packed_matrix.h"
#include "model/huge_pages.h"
#include "model/thread_pool.h"
#include "model/weights.h"

/// y = x W^T with W as it lies in the file: nothing is unpacked at load. x: [m, in] f32, y: [m,
/// out] f32, both dense.
namespace model {

/// Weights decoded a row at a time and summed in f32; each stored byte is read once for all rows of
/// x. For a few rows: decoding, the output head.
void multiply_rows(const Matrix& w, const float* x, int m, float* y, ThreadPool& pool);

/// Rows of x rounded to bf16, in the order in which the best kernel reads them (gemm/kernel.h).
class PackedRows {
 public:
  /// x: [m, k] f32, dense.
  void assign(const float* x, int m, int k, ThreadPool& pool);
  /// Of rows that are nowhere as f32: make(begin, end, to) writes rows [begin, end) to `to`, [end -
  /// begin, k], and is called by any worker, once for each kRowBlock rows.
  template <class Make>
  void assign(int m, int k, ThreadPool& pool, const Make& make) {
    resize(m, k);
    pool.parallel_for(m, kRowBlock, [&](int worker, int begin, int end) {
      auto* rows = reinterpret_cast<float*>(pool.scratch(
          worker, static_cast<size_t>(kRowBlock) * static_cast<size_t>(k) * sizeof(float)));
      make(begin, end, rows);
      pack(rows, begin, end);
    });
  }
  int m() const { return m_; }
  int k() const { return k_; }
  /// Row `row`, a multiple of kRowBlock, of the columns from `column` on, a multiple of kColumns:
  /// up to kColumns of them.
  const std::byte* columns(int column, int row = 0) const;
  static constexpr int kColumns = 2048;  ///< that a pass over a panel reads, at most

 private:
  void resize(int m, int k);
  /// Rows [begin, end), which begin with a block; x: [end - begin, k].
  void pack(const float* x, int begin, int end);

  Buffer storage_;
  std::byte* packed_ = nullptr;
  int m_ = 0, k_ = 0;
};

/// A product with a matrix that is there as bf16, to be added to another.
struct PackedTerm {
  const PackedRows* x = nullptr;
  const PackedMatrix* w = nullptr;
};

/// Weights decoded and rounded to bf16 a panel at a time, times x in bf16, summed in f32, plus
/// `more`. For many rows: reading a prompt. What comes out for a row of x does not depend on the
/// others.
void multiply_panels(const Matrix& w, const PackedRows& x, const PackedTerm& more, float* y,
                     ThreadPool& pool);

/// y = x W^T for a W of few rows. y: [x.m, w.n], dense.
void multiply_packed(const PackedMatrix& w, const PackedRows& x, float* y, ThreadPool& pool);

/// Weights decoded to f32, products by OpenBLAS: the reference. The rows of x are those of
/// positions from `first` on; what comes out for one depends on its position, not on the others.
/// Call openblas_set_num_threads(1) first.
void multiply_f32(const Matrix& w, const float* x, int first, int m, float* y, ThreadPool& pool);

}  // namespace model
