#include "model/weights.h"

#include "model/bind.h"

namespace model {

void Matrix::dequantize(int first, int n, float* to) const {
  const size_t bytes = row_bytes(type, static_cast<uint64_t>(in));
  const size_t width = static_cast<size_t>(in);
  for (int i = 0; i < n; ++i)
    dequantize_row(type, data + static_cast<size_t>(first + i) * bytes,
                   {to + static_cast<size_t>(i) * width, width});
}

std::string_view projection_name(Projection projection) {
  constexpr std::string_view kNames[] = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                         "ffn_gate", "ffn_up", "ffn_down"};
  return kNames[static_cast<size_t>(projection)];
}

base::Result<Weights> Weights::bind(const TensorSource& tensors, const Architecture& a) {
  Weights w;
  Binder bind(tensors);
  // Gemma 3 multiplies by 1 + w. Its GGUF files hold the sum, the published folders w.
  const float offset = tensors.convention == Convention::hub && a.name == "gemma3" ? 1 : 0;
  auto norm = [&](const std::string& name, int n) {
    std::vector<float> w = bind.vector(name, n);
    if (offset != 0)
      for (float& x : w) x += offset;
    return w;
  };
  const bool drafter = a.backbone_hidden > 0;  // reads the keys and values of its model
  w.embedding = bind.matrix("token_embd.weight", a.vocab_size, a.hidden);
  w.output_norm = norm("output_norm.weight", a.hidden);
  for (int i = 0; i < a.n_layers && !bind.failed(); ++i) {
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const std::string blk = "blk." + std::to_string(i) + ".";
    const int q = a.query_width(i), kv = a.key_width(i);
    LayerWeights layer;
    auto set = [&](Projection p, int out, int in) {
      layer.projections[static_cast<size_t>(p)] =
          bind.matrix(blk + std::string(projection_name(p)) + ".weight", out, in);
    };
    set(Projection::q, q, a.hidden);
    if (!drafter) set(Projection::k, kv, a.hidden);
    if (!drafter && !shape.value_from_key) set(Projection::v, kv, a.hidden);
    set(Projection::o, a.hidden, q);
    set(Projection::gate, a.feed_forward, a.hidden);
    set(Projection::up, a.feed_forward, a.hidden);
    set(Projection::down, a.hidden, a.feed_forward);
    layer.attention_norm = norm(blk + "attn_norm.weight", a.hidden);
    layer.post_attention_norm = norm(blk + "post_attention_norm.weight", a.hidden);
    layer.feed_forward_norm = norm(blk + "ffn_norm.weight", a.hidden);
    layer.post_feed_forward_norm = norm(blk + "post_ffw_norm.weight", a.hidden);
    layer.query_norm = norm(blk + "attn_q_norm.weight", shape.head_dim);
    if (!drafter) layer.key_norm = norm(blk + "attn_k_norm.weight", shape.head_dim);
    if (a.name != "gemma3") {
      const std::vector<float> scale = bind.vector(blk + "layer_output_scale.weight", 1);
      layer.output_scale = scale.empty() ? 1 : scale[0];
    }
    w.layers.push_back(std::move(layer));
  }
  if (bind.failed()) return *bind.failed();
  return w;
}

}  // namespace model
