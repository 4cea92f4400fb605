#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace model {

/// GGUF's name of a tensor of a Hugging Face checkpoint, by any of its spellings: as published
/// ("model.language_model.layers.0.mlp.up_proj.weight", "model.vision_embedder.patch_dense.bias"),
/// text-only ("model.layers.0...."), and as it is called in memory
/// ("model.embed_vision.patch_dense.bias"). nullopt for a tensor this program has no use for.
/// Source: specification of Gemma 4 unified, sections 8 and 9.
std::optional<std::string> gguf_name(std::string_view hub_name);

/// Which names a checkpoint is written with.
enum class HubStyle : uint8_t {
  unified,    ///< model.language_model.layers.0.…, model.vision_embedder.…
  text_only,  ///< model.layers.0.…; also the drafter
};

/// The published name for GGUF's; the inverse of gguf_name() within a style. nullopt for a name
/// that has no counterpart (rope_freqs.weight is computed, not stored).
std::optional<std::string> hub_name(std::string_view gguf_name, HubStyle style);

}  // namespace model
