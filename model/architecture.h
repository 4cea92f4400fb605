#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/gguf.h"

namespace model {

/// Shape and attention rule of one decoder layer.
struct LayerShape {
  int head_dim = 0;
  int n_kv_heads = 0;
  bool sliding = true;  ///< sees the last `sliding_window` positions, itself included; else all
  bool value_from_key =
      false;  ///< no value projection: V is the raw key projection (Gemma 4, full layers)
  /// [head_dim / 2] angle per position of each rotated pair (lane i with lane i + head_dim / 2); 0
  /// leaves a pair alone.
  std::vector<float> rope_frequencies;
};

/// Everything about a Gemma 3 or Gemma 4 decoder that is not a weight.
struct Architecture {
  std::string name;  ///< "gemma3", "gemma4" or, a drafter, "gemma4-assistant"
  int n_layers = 0;
  int hidden = 0;        ///< width of the residual stream
  int feed_forward = 0;  ///< width of the gated MLP
  int n_heads = 0;       ///< query heads, the same in every layer
  int vocab_size = 0;
  int context_length = 0;
  int sliding_window = 0;
  int backbone_hidden = 0;  ///< width of the model that a drafter works for; else 0
  float norm_eps = 1e-6f;
  float embedding_scale = 1;  ///< sqrt(hidden), applied to table rows, never to soft tokens
  float attention_scale = 1;  ///< multiplies q.k
  float logit_softcap = 0;    ///< 0: none
  bool value_norm = false;    ///< RMSNorm without weight on V (Gemma 4)
  std::vector<LayerShape> layers;

  int query_width(int layer) const { return n_heads * layers[static_cast<size_t>(layer)].head_dim; }
  int key_width(int layer) const {
    const LayerShape& l = layers[static_cast<size_t>(layer)];
    return l.n_kv_heads * l.head_dim;
  }

  /// Errors: unsupported (another architecture), corrupt (a missing or absurd value, named).
  static base::Result<Architecture> from_gguf(const Gguf& gguf);
  /// The same for a drafter ("gemma4-assistant"), whose layers have queries but share the keys and
  /// values of the model it drafts for.
  static base::Result<Architecture> drafter_from_gguf(const Gguf& gguf);
};

/// [head_dim / 2] theta^(-2i / head_dim), in f32 as the reference computes it.
std::vector<float> rope_frequencies(int head_dim, double theta);

}  // namespace model
