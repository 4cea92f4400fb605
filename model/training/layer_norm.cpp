#include "model/training/layer_norm.h"

#include <cmath>

#include "model/training/buffers.h"

namespace model::training {

static constexpr float kEps = 1e-5f;

LayerNorm::LayerNorm(std::vector<float> w, std::vector<float> b)
    : weight(std::move(w)),
      bias(std::move(b)),
      weight_gradient(weight.size(), 0.0f),
      bias_gradient(weight.size(), 0.0f) {}

void LayerNorm::forward(float* x, int rows, ThreadPool& pool) {
  const int n = width();
  x_hat.resize(area(rows, n));
  inverse.resize(static_cast<size_t>(rows));
  pool.parallel_for(rows, 4, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r) {
      float* row = x + area(r, n);
      float* hat = x_hat.data() + area(r, n);
      double sum = 0, squares = 0;
      for (int i = 0; i < n; ++i) sum += static_cast<double>(row[i]);
      const float mean = static_cast<float>(sum / n);
      for (int i = 0; i < n; ++i) {
        const double d = static_cast<double>(row[i] - mean);
        squares += d * d;
      }
      const float inv = 1.0f / std::sqrt(static_cast<float>(squares / n) + kEps);
      inverse[static_cast<size_t>(r)] = inv;
      for (int i = 0; i < n; ++i) {
        hat[i] = (row[i] - mean) * inv;
        row[i] = hat[i] * weight[static_cast<size_t>(i)] + bias[static_cast<size_t>(i)];
      }
    }
  });
}

void LayerNorm::backward(float* dy, int rows, ThreadPool& pool) {
  const int n = width();
  pool.parallel_for(n, 64, [&](int, int begin, int end) {
    for (int r = 0; r < rows; ++r)
      for (int i = begin; i < end; ++i) {
        const float d = dy[area(r, n) + static_cast<size_t>(i)];
        weight_gradient[static_cast<size_t>(i)] += d * x_hat[area(r, n) + static_cast<size_t>(i)];
        bias_gradient[static_cast<size_t>(i)] += d;
      }
  });
  pool.parallel_for(rows, 4, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r) {
      float* row = dy + area(r, n);
      const float* hat = x_hat.data() + area(r, n);
      double sum = 0, along = 0;  // of d x_hat, and of d x_hat * x_hat
      for (int i = 0; i < n; ++i) {
        row[i] *= weight[static_cast<size_t>(i)];
        sum += static_cast<double>(row[i]);
        along += static_cast<double>(row[i]) * static_cast<double>(hat[i]);
      }
      const float mean = static_cast<float>(sum / n), pull = static_cast<float>(along / n);
      for (int i = 0; i < n; ++i)
        row[i] = (row[i] - mean - hat[i] * pull) * inverse[static_cast<size_t>(r)];
    }
  });
}

}  // namespace model::training
