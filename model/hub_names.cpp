#include "model/hub_names.h"

#include <array>
#include <charconv>
#include <utility>

// A name is a prefix (which part of the model), then a fixed name or "layers.N." and one of
// fourteen endings. The tables hold both spellings side by side, so that the two directions cannot
// disagree.

namespace model {
namespace {

struct Pair {
  std::string_view gguf, hub;
};

constexpr std::array kLayer = {
    Pair{"attn_q.weight", "self_attn.q_proj.weight"},
    Pair{"attn_k.weight", "self_attn.k_proj.weight"},
    Pair{"attn_v.weight", "self_attn.v_proj.weight"},
    Pair{"attn_output.weight", "self_attn.o_proj.weight"},
    Pair{"attn_q_norm.weight", "self_attn.q_norm.weight"},
    Pair{"attn_k_norm.weight", "self_attn.k_norm.weight"},
    Pair{"ffn_gate.weight", "mlp.gate_proj.weight"},
    Pair{"ffn_up.weight", "mlp.up_proj.weight"},
    Pair{"ffn_down.weight", "mlp.down_proj.weight"},
    Pair{"attn_norm.weight", "input_layernorm.weight"},
    Pair{"post_attention_norm.weight", "post_attention_layernorm.weight"},
    Pair{"ffn_norm.weight", "pre_feedforward_layernorm.weight"},
    Pair{"post_ffw_norm.weight", "post_feedforward_layernorm.weight"},
    Pair{"layer_output_scale.weight", "layer_scalar"},
};

constexpr std::array kText = {
    Pair{"token_embd.weight", "embed_tokens.weight"},
    Pair{"output_norm.weight", "norm.weight"},
};

constexpr std::array kDrafter = {
    Pair{"nextn.pre_projection.weight", "pre_projection.weight"},
    Pair{"nextn.post_projection.weight", "post_projection.weight"},
};

constexpr std::array kVision = {
    Pair{"v.patch_norm.1.weight", "patch_ln1.weight"},
    Pair{"v.patch_norm.1.bias", "patch_ln1.bias"},
    Pair{"v.patch_embd.weight", "patch_dense.weight"},
    Pair{"v.patch_embd.bias", "patch_dense.bias"},
    Pair{"v.patch_norm.2.weight", "patch_ln2.weight"},
    Pair{"v.patch_norm.2.bias", "patch_ln2.bias"},
    Pair{"v.patch_norm.3.weight", "pos_norm.weight"},
    Pair{"v.patch_norm.3.bias", "pos_norm.bias"},
    Pair{"v.position_embd.weight", "pos_embedding"},
};

constexpr std::string_view kProjection = "embedding_projection.weight";

template <size_t N>
const Pair* by_hub(const std::array<Pair, N>& pairs, std::string_view name) {
  for (const Pair& p : pairs)
    if (p.hub == name) return &p;
  return nullptr;
}

template <size_t N>
const Pair* by_gguf(const std::array<Pair, N>& pairs, std::string_view name) {
  for (const Pair& p : pairs)
    if (p.gguf == name) return &p;
  return nullptr;
}

bool take(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

/// Cuts "12." off; nullopt unless it is a plain small number, so that "layers.007." is no name.
std::optional<int> take_number(std::string_view& name) {
  int value = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data(), end, value);
  if (error != std::errc() || at == end || *at != '.' || value < 0 || value >= 1024)
    return std::nullopt;
  const size_t digits = static_cast<size_t>(at - name.data());
  if (digits > 1 && name[0] == '0') return std::nullopt;
  name.remove_prefix(digits + 1);
  return value;
}

}  // namespace

std::optional<std::string> gguf_name(std::string_view name) {
  if (const Pair* p = by_hub(kDrafter, name)) return std::string(p->gguf);
  std::string_view rest = name;
  take(rest, "model.");
  std::string_view media = rest;
  if (take(media, "vision_embedder.")) {
    if (const Pair* p = by_hub(kVision, media)) return std::string(p->gguf);
    return std::nullopt;
  }
  if (take(media, "embed_vision.")) {
    take(media, "multimodal_embedder.");
    if (media == kProjection) return "mm.input_projection.weight";
    if (const Pair* p = by_hub(kVision, media)) return std::string(p->gguf);
    return std::nullopt;
  }
  if (take(media, "embed_audio.")) {
    take(media, "multimodal_embedder.");
    if (media == kProjection) return "mm.a.input_projection.weight";
    return std::nullopt;
  }
  // "model.language_model.layers.…", "language_model.model.layers.…", "model.layers.…".
  if (take(rest, "language_model.")) take(rest, "model.");
  if (const Pair* p = by_hub(kText, rest)) return std::string(p->gguf);
  if (!take(rest, "layers.")) return std::nullopt;
  const std::optional<int> layer = take_number(rest);
  if (!layer) return std::nullopt;
  if (const Pair* p = by_hub(kLayer, rest))
    return "blk." + std::to_string(*layer) + "." + std::string(p->gguf);
  return std::nullopt;
}

std::optional<std::string> hub_name(std::string_view name, HubStyle style) {
  if (const Pair* p = by_gguf(kDrafter, name)) return std::string(p->hub);
  if (const Pair* p = by_gguf(kVision, name)) return "model.vision_embedder." + std::string(p->hub);
  if (name == "mm.input_projection.weight") return "model.embed_vision." + std::string(kProjection);
  if (name == "mm.a.input_projection.weight")
    return "model.embed_audio." + std::string(kProjection);
  const std::string prefix = style == HubStyle::unified ? "model.language_model." : "model.";
  if (const Pair* p = by_gguf(kText, name)) return prefix + std::string(p->hub);
  std::string_view rest = name;
  if (!take(rest, "blk.")) return std::nullopt;
  const std::optional<int> layer = take_number(rest);
  if (!layer) return std::nullopt;
  if (const Pair* p = by_gguf(kLayer, rest))
    return prefix + "layers." + std::to_string(*layer) + "." + std::string(p->hub);
  return std::nullopt;
}

}  // namespace model
