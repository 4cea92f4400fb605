#pragma once

#include "model/lora.h"

namespace model::training {

/// AdamW over every A and B of a LoRA. Source: Loshchilov and Hutter, arXiv:1711.05101 (PyTorch's
/// order: the decay multiplies the parameter before the step).
struct AdamW {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = 0;
  int64_t steps = 0;
  Lora first, second;  ///< moments, same shapes as the parameters

  explicit AdamW(const Lora& parameters);
  /// One step along `gradient` at `learning_rate`.
  void step(Lora& parameters, const Lora& gradient, float learning_rate);
};

/// Euclidean norm over all gradients.
double norm(const Lora& gradient);

/// A starting adapter of rank `rank` on every linear layer: A uniform in +-1/sqrt(in) (Kaiming with
/// a = sqrt 5), B zero.
Lora starting_lora(const Architecture& architecture, int rank, float alpha, uint64_t seed);

}  // namespace model::training
