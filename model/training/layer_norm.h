#pragma once

#include <vector>

#include "model/thread_pool.h"

namespace model::training {

/// LayerNorm over rows with what its backward pass needs; plain loops, since a picture has few
/// rows. y = x_hat * weight + bias, x_hat = (x - mean) / sqrt(variance + 1e-5), per row of `width`.
struct LayerNorm {
  std::vector<float> weight, bias;                    ///< [width]
  std::vector<float> weight_gradient, bias_gradient;  ///< the same
  std::vector<float> x_hat, inverse;  ///< of the last forward: [rows, width], [rows]

  LayerNorm() = default;
  LayerNorm(std::vector<float> weight, std::vector<float> bias);
  int width() const { return static_cast<int>(weight.size()); }
  /// Overwrites x [rows, width] by y.
  void forward(float* x, int rows, ThreadPool& pool);
  /// Overwrites dy [rows, width] by dx; adds the gradients of weight and bias in the order of the
  /// rows. Follows the forward over the same rows.
  void backward(float* dy, int rows, ThreadPool& pool);
};

}  // namespace model::training
