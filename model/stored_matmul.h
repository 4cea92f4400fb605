#pragma once

#include <span>

#include "model/thread_pool.h"
#include "model/weights.h"

/// y = x W^T with W as it lies in the file: nothing is unpacked at load. x: [m, in] f32, y: [m,
/// out] f32, both dense.
namespace model {

/// Weights decoded a row at a time and summed in f32; each stored byte is read once for all rows of
/// x. For a few rows: decoding, the output head.
void multiply_rows(const Matrix& w, const float* x, int m, float* y, ThreadPool& pool);

/// Weights decoded and rounded to bf16 a panel at a time, x rounded to bf16, products summed in
/// f32. For many rows: reading a prompt.
void multiply_panels(const Matrix& w, const float* x, int m, float* y, ThreadPool& pool);

/// Weights decoded to f32, products by OpenBLAS: the reference. The rows of x are those of
/// positions from `first` on; what comes out for one depends on its position, not on the others.
/// Call openblas_set_num_threads(1) first.
void multiply_f32(const Matrix& w, const float* x, int first, int m, float* y, ThreadPool& pool);

}  // namespace model
