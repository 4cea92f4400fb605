#include "model/architecture.h"

#include <cmath>

// Gemma 3: one head geometry, every sixth layer is full, plain RoPE, scale 1/sqrt(head_dim).
// Gemma 4: two head geometries, the pattern is in the file, scale 1, "proportional" RoPE on full
// layers that the file spells as divisors in rope_freqs.weight (1e30 leaves a pair alone), V = K on
// full layers, layer scalars.

namespace model {

using base::Errc;
using base::Error;

std::vector<float> rope_frequencies(int head_dim, double theta) {
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = 1.0f / std::pow(static_cast<float>(theta),
                                     static_cast<float>(2 * i) / static_cast<float>(head_dim));
  return frequencies;
}

/// Gemma 3 has one rotation in all layers but stretches that of full layers ("linear") in its
/// larger sizes; 1 where the file says nothing.
static double linear_factor(const Gguf& gguf, const std::string& name) {
  if (gguf.string(name + ".rope.scaling.type").value_or("none") != "linear") return 1;
  const double factor = gguf.number(name + ".rope.scaling.factor").value_or(1);
  return factor >= 1 && factor < 1e6 ? factor : 1;
}

static base::Result<Architecture> read_gguf(const Gguf& gguf) {
  Architecture a;
  a.name = std::string(gguf.string("general.architecture").value_or(""));
  const bool drafter = a.name == "gemma4-assistant";
  const bool gemma4 = drafter || a.name == "gemma4";

  std::string bad;
  auto positive = [&](const std::string& key, uint64_t limit) {
    const std::optional<uint64_t> v = gguf.integer(a.name + "." + key);
    if ((!v || *v == 0 || *v > limit) && bad.empty())
      bad =
          a.name + "." + key + (v ? ": " + std::to_string(*v) + " is out of range" : " is missing");
    return static_cast<int>(v.value_or(1) <= limit ? v.value_or(1) : 1);
  };
  a.n_layers = positive("block_count", 1024);
  a.hidden = positive("embedding_length", 1 << 16);
  a.feed_forward = positive("feed_forward_length", 1 << 18);
  a.n_heads = positive("attention.head_count", 1024);
  a.context_length = positive("context_length", 1 << 24);
  a.sliding_window = positive("attention.sliding_window", 1 << 24);
  const int full_head_dim = positive("attention.key_length", 4096);
  const int sliding_head_dim = gemma4 ? positive("attention.key_length_swa", 4096) : full_head_dim;
  if (drafter) a.backbone_hidden = positive("embedding_length_out", 1 << 16);
  if (!bad.empty()) return Error{Errc::corrupt, bad};

  a.norm_eps =
      static_cast<float>(gguf.number(a.name + ".attention.layer_norm_rms_epsilon").value_or(1e-6));
  a.embedding_scale = std::sqrt(static_cast<float>(a.hidden));
  // Gemma 3 27B (62 layers) divides by the width of its heads as if they made up the hidden size;
  // the file does not say so.
  a.attention_scale = gemma4 ? 1.0f
                      : a.n_layers == 62
                          ? 1.0f / std::sqrt(static_cast<float>(a.hidden / a.n_heads))
                          : 1.0f / std::sqrt(static_cast<float>(full_head_dim));
  a.logit_softcap =
      static_cast<float>(gguf.number(a.name + ".final_logit_softcapping").value_or(0));
  a.value_norm = gemma4;

  const StoredTensor* embedding = gguf.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2 || embedding->shape[1] > (1u << 24))
    return Error{Errc::corrupt, "token_embd.weight: missing or not a matrix"};
  a.vocab_size = static_cast<int>(embedding->shape[1]);

  const std::vector<double>* pattern = gguf.numbers(a.name + ".attention.sliding_window_pattern");
  const std::vector<double>* kv_heads = gguf.numbers(a.name + ".attention.head_count_kv");
  const size_t n = static_cast<size_t>(a.n_layers);
  if (gemma4 && (pattern == nullptr || pattern->size() != n))
    return Error{Errc::corrupt,
                 a.name + ".attention.sliding_window_pattern: expected one entry a layer"};
  if (kv_heads != nullptr && kv_heads->size() != n)
    return Error{Errc::corrupt, a.name + ".attention.head_count_kv: expected one entry a layer"};

  const double full_theta = gguf.number(a.name + ".rope.freq_base").value_or(1e6);
  const double sliding_theta = gguf.number(a.name + ".rope.freq_base_swa").value_or(1e4);
  std::vector<float> full_frequencies = rope_frequencies(full_head_dim, full_theta);
  if (const double factor = linear_factor(gguf, a.name); !gemma4 && factor != 1)
    for (float& f : full_frequencies) f /= static_cast<float>(factor);
  if (const StoredTensor* divisors = gguf.find("rope_freqs.weight")) {
    if (divisors->type != TensorType::f32 || divisors->n_elements() != full_frequencies.size())
      return Error{Errc::corrupt, "rope_freqs.weight: " + divisors->describe() + ", expected " +
                                      std::to_string(full_frequencies.size()) + " F32"};
    std::vector<float> by(full_frequencies.size());
    dequantize_row(TensorType::f32, divisors->data.data(), by);
    for (size_t i = 0; i < by.size(); ++i)
      full_frequencies[i] = by[i] > 1e20f ? 0.0f : full_frequencies[i] / by[i];
  }

  for (int i = 0; i < a.n_layers; ++i) {
    LayerShape layer;
    layer.sliding = gemma4 ? (*pattern)[static_cast<size_t>(i)] != 0 : (i + 1) % 6 != 0;
    layer.head_dim = layer.sliding ? sliding_head_dim : full_head_dim;
    const double heads =
        kv_heads != nullptr
            ? (*kv_heads)[static_cast<size_t>(i)]
            : static_cast<double>(gguf.integer(a.name + ".attention.head_count_kv").value_or(0));
    if (!(heads >= 1 && heads <= a.n_heads) || a.n_heads % static_cast<int>(heads) != 0 ||
        layer.head_dim % 2 != 0)
      return Error{Errc::corrupt, "layer " + std::to_string(i) + ": " + std::to_string(heads) +
                                      " key heads do not divide " + std::to_string(a.n_heads) +
                                      " query heads"};
    layer.n_kv_heads = static_cast<int>(heads);
    // Only full layers of Gemma 4 may do without; elsewhere the missing tensor is an error.
    layer.value_from_key = gemma4 && !layer.sliding &&
                           gguf.find("blk." + std::to_string(i) + ".attn_v.weight") == nullptr;
    layer.rope_frequencies =
        layer.sliding ? rope_frequencies(layer.head_dim, sliding_theta) : full_frequencies;
    a.layers.push_back(std::move(layer));
  }
  return a;
}

base::Result<Architecture> Architecture::from_gguf(const Gguf& gguf) {
  const std::string name(gguf.string("general.architecture").value_or(""));
  if (name != "gemma3" && name != "gemma4")
    return Error{Errc::unsupported,
                 "architecture \"" + name + "\" is not supported; known: gemma3, gemma4"};
  return read_gguf(gguf);
}

base::Result<Architecture> Architecture::drafter_from_gguf(const Gguf& gguf) {
  const std::string name(gguf.string("general.architecture").value_or(""));
  if (name != "gemma4-assistant")
    return Error{Errc::unsupported,
                 "architecture \"" + name + "\" is not a drafter; known: gemma4-assistant"};
  return read_gguf(gguf);
}

}  // namespace model
