#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/weights.h"

namespace model {

/// A low-rank change of one linear layer: y += scale * (x A^T) B^T. Empty where rank is 0.
struct LowRank {
  int rank = 0;
  int in = 0;
  int out = 0;
  float scale = 1;
  std::vector<float> a;  ///< [rank, in]
  std::vector<float> b;  ///< [out, rank]
};

/// Widths of a linear layer of the decoder.
int projection_in(const Architecture& architecture, int layer, Projection projection);
int projection_out(const Architecture& architecture, int layer, Projection projection);

/// A text LoRA adapter for one architecture; a value that may be shared by any number of sessions.
struct Lora {
  std::vector<std::array<LowRank, kProjections>> layers;

  const LowRank& at(int layer, Projection p) const {
    return layers[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  }

  /// Reads a GGUF adapter (general.type "adapter", tensors NAME.lora_a and NAME.lora_b; scale alpha
  /// / rank; tensors of embedders beside them are Engine's) or a PEFT folder (adapter_config.json,
  /// adapter_model.safetensors). Errors: not_found, corrupt, unsupported, or usage, naming the
  /// tensor that does not fit the base checkpoint.
  static base::Result<Lora> open(const std::filesystem::path& path,
                                 const Architecture& architecture);
};

struct NamedTensor;

/// Writes `lora` as a GGUF adapter with f16 matrices, and `embedders` beside them, matrices in f16
/// and vectors in f32. alpha:
/// the factor that open() divides by the rank, not 0; where a module has another scale than that,
/// its B takes up the difference. Replaces `path`. Errors: system.
base::Status write_lora(const std::filesystem::path& path, const Lora& lora,
                        const Architecture& architecture, float alpha,
                        std::span<const NamedTensor> embedders = {});

}  // namespace model
