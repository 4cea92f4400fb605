#pragma once

#include <string_view>

#include "base/result.h"
#include "model/lora.h"

namespace model::training {

/// What a fresh adapter changes and how.
struct LoraOptions {
  int rank = 16;
  float alpha = 32;
  /// Scale alpha / sqrt(rank) instead of alpha / rank. Source: Kalajdzievski, arXiv:2312.03732.
  bool rank_stabilized = false;
  std::array<bool, kProjections> projections = {true, true, true, true, true, true, true};
  uint64_t seed = 1;
};

/// "q,k,v,o,gate,up,down", any of them; "all", "attention" (q, k, v, o) and "mlp" (gate, up, down)
/// stand for several. Errors: usage, naming the word.
base::Result<std::array<bool, kProjections>> projections_named(std::string_view list);

/// A starting adapter: A uniform in +-1/sqrt(in) (Kaiming with a = sqrt 5), B zero, so that the
/// model is what it was. Layers without a value projection (Gemma 4, full) have none for it.
Lora starting_lora(const Architecture& architecture, const LoraOptions& options);

}  // namespace model::training
