#pragma once

#include <cstddef>
#include <type_traits>

#include "model/integer/kernel.h"

// How the kernels get from run-time types and counts to their templates; the same for every
// instruction set.

namespace model {

/// Calls f(std::integral_constant<TensorType, type>) for the formats of has_integer_form().
template <class F>
void with_type(TensorType type, F f) {
  using enum TensorType;
  switch (type) {
    case q4_0:
      return f(std::integral_constant<TensorType, q4_0>());
    case q4_1:
      return f(std::integral_constant<TensorType, q4_1>());
    case q5_0:
      return f(std::integral_constant<TensorType, q5_0>());
    case q5_1:
      return f(std::integral_constant<TensorType, q5_1>());
    case q8_0:
      return f(std::integral_constant<TensorType, q8_0>());
    case q4_k:
      return f(std::integral_constant<TensorType, q4_k>());
    case q5_k:
      return f(std::integral_constant<TensorType, q5_k>());
    case q6_k:
      return f(std::integral_constant<TensorType, q6_k>());
    default:
      return;
  }
}

/// Calls f(std::bool_constant<value>).
template <class F>
void with_bool(bool value, F f) {
  value ? f(std::true_type()) : f(std::false_type());
}

/// Cuts the rows of x, and of y with them, into tiles of kRows and single ones at the end: f(number
/// of rows as an integral_constant<int>, x, y).
template <int kRows, class F>
void for_tiles(const IntegerRows& x, float* y, size_t y_stride, F f) {
  int t = 0;
  for (; t + kRows <= x.rows; t += kRows)
    f(std::integral_constant<int, kRows>(), x.from(t), y + static_cast<size_t>(t) * y_stride);
  for (; t < x.rows; ++t)
    f(std::integral_constant<int, 1>(), x.from(t), y + static_cast<size_t>(t) * y_stride);
}

}  // namespace model
