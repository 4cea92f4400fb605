#pragma once

#include <vector>

#include "model/thread_pool.h"
#include "model/training/parameter.h"

namespace model::training {

/// AdamW. Source: Loshchilov and Hutter, arXiv:1711.05101 (PyTorch's order: the decay multiplies
/// the parameter before the step).
struct AdamW {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = 0;   ///< of matrices; norms and biases are not pulled to zero
  float embedder_rate = 1;  ///< factor on the learning rate of embedders
  int64_t steps = 0;
  std::vector<std::vector<float>> first, second;  ///< moments, in the order of the parameters

  explicit AdamW(const Parameters& parameters);
  /// One step along the gradients at `learning_rate`; the same ones in the same order every time.
  void step(const Parameters& parameters, float learning_rate, ThreadPool& pool);
};

/// Euclidean norm over all gradients; the same bits whatever the number of threads.
double gradient_norm(const Parameters& parameters, ThreadPool& pool);

/// Multiplies all gradients.
void scale_gradients(const Parameters& parameters, float factor, ThreadPool& pool);

}  // namespace model::training
