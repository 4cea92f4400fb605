#pragma once

#include <span>

#include "model/thread_pool.h"
#include "model/weights.h"

namespace model {

/// y[i] = dot(matrix row i, x) for all rows, weights decoded on the fly and summed in f32; the
/// product of one position with a large quantized matrix (the output head), which reads each stored
/// byte once. x: [in], y: [out]
void row_dots(const Matrix& matrix, std::span<const float> x, std::span<float> y, ThreadPool& pool);

}  // namespace model
