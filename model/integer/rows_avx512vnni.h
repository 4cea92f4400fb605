#pragma once

#include "model/integer/kernel.h"

namespace model {

/// multiply_rows of kIntegerAvx512Vnni for Q4_0 and Q5_0. False, and nothing done, for other
/// formats.
bool multiply_rows_in_pairs(TensorType type, const std::byte* data, size_t stride, int begin,
                            int end, const IntegerRows& x, float* y, size_t y_stride);

}  // namespace model
