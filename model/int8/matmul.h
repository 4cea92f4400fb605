#pragma once

#include <vector>

#include "model/int8/kernel.h"
#include "model/thread_pool.h"
#include "model/weights.h"

/// y = x W^T with quantized W as it lies in the file and x rounded to int8: nothing is unpacked at
/// load, and the products are of small integers. Only for W with has_int8_form().
namespace model {

/// Owns Int8Rows.
class Int8Activations {
 public:
  /// x: [rows, width] f32, width a multiple of 32. A group with a value that is not finite gets a
  /// scale that is not.
  const Int8Rows& assign(const float* x, int rows, int width, ThreadPool& pool);
  const Int8Rows& rows() const { return rows_; }

 private:
  std::vector<int8_t> values_;
  std::vector<float> scales_, sums_, half_sums_;
  Int8Rows rows_;
};

/// For a few rows of x (decoding): each stored byte is read once. y: [x.rows, w.out].
void multiply_int8_rows(const Matrix& w, const Int8Rows& x, float* y, ThreadPool& pool);

/// For many (reading a prompt): sixteen rows of W are decoded at a time. What comes out for a row
/// of x does not depend on the others. y: [x.rows, w.out].
void multiply_int8_panels(const Matrix& w, const Int8Rows& x, float* y, ThreadPool& pool);

/// Both with a kernel of the caller's choice, which must be supported(); for tests and benchmarks.
void multiply_int8_rows(const Int8Kernel& kernel, const Matrix& w, const Int8Rows& x, float* y,
                        ThreadPool& pool);
void multiply_int8_panels(const Int8Kernel& kernel, const Matrix& w, const Int8Rows& x, float* y,
                          ThreadPool& pool);

}  // namespace model
