#pragma once

#include "model/decoder.h"
#include "model/gemm/gemm.h"

namespace model::training {

/// Products with matrices that are trained, and the gradients of these; arguments as gemm_f32(),
/// gemm_f32_transposed() and add_weight_gradient() take them.
struct Products {
  decltype(&gemm_f32) forward = gemm_f32;
  decltype(&gemm_f32_transposed) transposed = gemm_f32_transposed;
  decltype(&add_weight_gradient) gradient = add_weight_gradient;
};

/// In f32, or with operands in bf16 where the processor multiplies those itself: there OpenBLAS
/// would take as long for an adapter as the frozen weights beside it.
inline Products products(Precision precision) {
  if (precision != Precision::bf16 || !best_gemm_kernel().native) return {};
  return {gemm_bf16, gemm_bf16_transposed, add_weight_gradient_bf16};
}

}  // namespace model::training
