#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
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

/// f(std::integral_constant<int, count>) for a count of 1 to kMost.
template <int kMost, class F>
void with_count(int count, F f) {
  if constexpr (kMost > 1)
    if (count < kMost) return with_count<kMost - 1>(count, f);
  f(std::integral_constant<int, kMost>());
}

/// Cuts the rows of x, and of y with them, into tiles of kRows and a smaller one at the end:
/// f(number of rows as an integral_constant<int>, x, y).
template <int kRows, class F>
void for_tiles(const IntegerRows& x, float* y, size_t y_stride, F f) {
  for (int t = 0; t < x.rows; t += kRows)
    with_count<kRows>(std::min(kRows, x.rows - t), [&](auto count) {
      f(count, x.from(t), y + static_cast<size_t>(t) * y_stride);
    });
}

/// A kernel's multiply() by one that takes a single panel.
template <class F>
void for_panels(std::span<const IntegerPanel> panels, int rows, float* y, F one) {
  for (size_t i = 0; i < panels.size(); ++i, rows -= kIntegerPanelRows, y += kIntegerPanelRows)
    one(panels[i], std::min(rows, kIntegerPanelRows), y);
}

}  // namespace model
