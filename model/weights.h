#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/tensor.h"

namespace model {

/// A linear layer as stored: `out` rows of `in` values, quantized, inside the mapping.
struct Matrix {
  TensorType type = TensorType::f32;
  const std::byte* data = nullptr;
  int out = 0;
  int in = 0;

  const std::byte* row(int i) const {
    return data + static_cast<size_t>(i) * row_bytes(type, static_cast<uint64_t>(in));
  }
  /// Decodes rows [first, first + n) into [n, in] f32.
  void dequantize(int first, int n, float* to) const;
};

/// The seven linear layers of a decoder layer, in the order in which they run.
enum class Projection { q, k, v, o, gate, up, down };
constexpr int kProjections = 7;
/// GGUF's name inside a layer: "attn_q", …
std::string_view projection_name(Projection projection);

struct LayerWeights {
  std::array<Matrix, kProjections>
      projections;  ///< v is empty (out 0) where V is the key projection; a drafter has no k and v
  std::vector<float> attention_norm, post_attention_norm, feed_forward_norm,
      post_feed_forward_norm;               ///< [hidden]
  std::vector<float> query_norm, key_norm;  ///< [head_dim]
  float output_scale = 1;                   ///< multiplies the residual stream after the layer

  const Matrix& at(Projection p) const { return projections[static_cast<size_t>(p)]; }
};

/// The decoder's weights, bound to a mapped file that outlives them.
struct Weights {
  Matrix embedding;  ///< [vocab, hidden]: input table and output head
  std::vector<float> output_norm;
  std::vector<LayerWeights> layers;

  /// Errors: corrupt, naming the tensor with its shape and the expected one.
  static base::Result<Weights> bind(const TensorSource& tensors, const Architecture& architecture);
};

}  // namespace model
