#pragma once

#include <cstddef>
#include <vector>

namespace model::training {

/// Grows `v` to n values if it has fewer; what it held is then of no use.
inline void size(std::vector<float>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

inline size_t area(int rows, int width) {
  return static_cast<size_t>(rows) * static_cast<size_t>(width);
}

}  // namespace model::training
