#include "model/weights.h"

namespace model {

using base::Errc;
using base::Error;

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

static base::Result<Matrix> bind_matrix(const TensorSource& tensors, const std::string& name,
                                        int out, int in) {
  const StoredTensor* t = tensors.find(name);
  if (t == nullptr) return Error{Errc::corrupt, name + ": this tensor is missing"};
  if (t->shape.size() != 2 || t->shape[0] != static_cast<uint64_t>(in) ||
      t->shape[1] != static_cast<uint64_t>(out))
    return Error{Errc::corrupt, name + ": " + t->describe() + ", expected " + std::to_string(in) +
                                    "x" + std::to_string(out)};
  return Matrix{t->type, t->data.data(), out, in};
}

static base::Result<std::vector<float>> read_vector(const TensorSource& tensors,
                                                    const std::string& name, int n) {
  const StoredTensor* t = tensors.find(name);
  if (t == nullptr) return Error{Errc::corrupt, name + ": this tensor is missing"};
  if (t->n_elements() != static_cast<uint64_t>(n))
    return Error{Errc::corrupt, name + ": " + t->describe() + ", expected " + std::to_string(n)};
  std::vector<float> values(static_cast<size_t>(n));
  dequantize_row(t->type, t->data.data(), values);
  return values;
}

base::Result<Weights> Weights::bind(const TensorSource& tensors, const Architecture& a) {
  Weights w;
  std::optional<Error> failed;
  auto matrix = [&](const std::string& name, int out, int in) {
    base::Result<Matrix> m = bind_matrix(tensors, name, out, in);
    if (!m && !failed) failed = m.error();
    return m ? *m : Matrix{};
  };
  auto vector = [&](const std::string& name, int n) {
    base::Result<std::vector<float>> v = read_vector(tensors, name, n);
    if (!v && !failed) failed = v.error();
    return v ? std::move(*v) : std::vector<float>{};
  };
  // Gemma 3 multiplies by 1 + w. Its GGUF files hold the sum, the published folders w.
  const float offset = tensors.convention == Convention::hub && a.name == "gemma3" ? 1 : 0;
  auto norm = [&](const std::string& name, int n) {
    std::vector<float> w = vector(name, n);
    if (offset != 0)
      for (float& x : w) x += offset;
    return w;
  };
  w.embedding = matrix("token_embd.weight", a.vocab_size, a.hidden);
  w.output_norm = norm("output_norm.weight", a.hidden);
  for (int i = 0; i < a.n_layers && !failed; ++i) {
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const std::string blk = "blk." + std::to_string(i) + ".";
    const int q = a.query_width(i), kv = a.key_width(i);
    LayerWeights layer;
    auto set = [&](Projection p, int out, int in) {
      layer.projections[static_cast<size_t>(p)] =
          matrix(blk + std::string(projection_name(p)) + ".weight", out, in);
    };
    set(Projection::q, q, a.hidden);
    set(Projection::k, kv, a.hidden);
    if (!shape.value_from_key) set(Projection::v, kv, a.hidden);
    set(Projection::o, a.hidden, q);
    set(Projection::gate, a.feed_forward, a.hidden);
    set(Projection::up, a.feed_forward, a.hidden);
    set(Projection::down, a.hidden, a.feed_forward);
    layer.attention_norm = norm(blk + "attn_norm.weight", a.hidden);
    layer.post_attention_norm = norm(blk + "post_attention_norm.weight", a.hidden);
    layer.feed_forward_norm = norm(blk + "ffn_norm.weight", a.hidden);
    layer.post_feed_forward_norm = norm(blk + "post_ffw_norm.weight", a.hidden);
    layer.query_norm = norm(blk + "attn_q_norm.weight", shape.head_dim);
    layer.key_norm = norm(blk + "attn_k_norm.weight", shape.head_dim);
    if (a.name == "gemma4") {
      const std::vector<float> scale = vector(blk + "layer_output_scale.weight", 1);
      layer.output_scale = scale.empty() ? 1 : scale[0];
    }
    w.layers.push_back(std::move(layer));
  }
  if (failed) return *failed;
  return w;
}

}  // namespace model
