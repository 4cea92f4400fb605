#pragma once

#include <span>

#include "model/huge_pages.h"
#include "model/integer/kernel.h"
#include "model/thread_pool.h"
#include "model/weights.h"

/// y = x W^T with quantized W as it lies in the file and x rounded to integers: nothing is unpacked
/// at load, and the products are of small integers. Only for W with has_integer_form().
namespace model {

/// Owns IntegerRows.
class IntegerActivations {
 public:
  /// x: [rows, width] f32, width a multiple of 32. A group with a value that is not finite gets a
  /// scale that is not.
  const IntegerRows& assign(const float* x, int rows, int width, bool words, ThreadPool& pool);
  /// With a kernel of the caller's choice, which must be supported(); for tests.
  const IntegerRows& assign(const IntegerKernel& kernel, const float* x, int rows, int width,
                            bool words, ThreadPool& pool);
  const IntegerRows& rows() const { return rows_; }

 private:
  Buffer bytes_, words_, scales_, sums_, half_sums_;
  IntegerRows rows_;
};

/// One of several products of the same x: y [x.rows, w->out].
struct IntegerProduct {
  const Matrix* w;
  float* y;
};

/// For a few rows of x (decoding): each stored byte is read once. The matrices are divided among
/// the threads as one.
void multiply_integer_rows(std::span<const IntegerProduct> products, const IntegerRows& x,
                           ThreadPool& pool);
void multiply_integer_rows(const Matrix& w, const IntegerRows& x, float* y, ThreadPool& pool);

/// For many (reading a prompt): sixteen rows of W are decoded at a time. What comes out for a row
/// of x does not depend on the others. y: [x.rows, w.out].
void multiply_integer_panels(const Matrix& w, const IntegerRows& x, float* y, ThreadPool& pool);

/// Both with a kernel of the caller's choice, which must be supported(); for tests and benchmarks.
void multiply_integer_rows(const IntegerKernel& kernel, std::span<const IntegerProduct> products,
                           const IntegerRows& x, ThreadPool& pool);
void multiply_integer_panels(const IntegerKernel& kernel, const Matrix& w, const IntegerRows& x,
                             float* y, ThreadPool& pool);

}  // namespace model
