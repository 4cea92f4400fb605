#include "model/drafter.h"

#include <algorithm>

#include "model/attention/attention.h"
#include "model/bind.h"
#include "model/elementwise.h"
#include "model/stored_matmul.h"

// One guess, with E the target's table and t the last token:
//   x = pre [ E[t] sqrt(d) ; g ];  layers as the target's, but with queries only: the keys and
//   values are those of the target's last sliding and last full layer;  y = norm(x);  logits = y
//   table^T; the next g = post y.
// All guesses of a round stand at one position, that of t: the drafter adds nothing to the cache.
// Sliding layers see one key more than the target's window, as the reference does.
// Source: docs/model.md, "Drafter".

namespace model {

using base::Errc;
using base::Error;

base::Result<Drafter> Drafter::load(const std::filesystem::path& path, const Engine& target) {
  base::Result<Checkpoint> file = Checkpoint::open(path);
  if (!file) return file.error();
  base::Result<Architecture> architecture = file->drafter_architecture();
  if (!architecture) return architecture.error();
  const Architecture& a = *architecture;
  const Architecture& t = target.architecture();
  const std::string name = path.filename().string();
  if (a.vocab_size != t.vocab_size)
    return Error{Errc::usage, name + ": its vocabulary of " + std::to_string(a.vocab_size) +
                                  " is not the model's of " + std::to_string(t.vocab_size)};
  base::Result<Weights> weights = Weights::bind(file->tensors(), a);
  if (!weights) return Error{weights.error().code, name + ": " + weights.error().message};
  auto parts = std::make_unique<Parts>(
      Parts{std::move(*file), std::move(*architecture), std::move(*weights)});
  const Architecture& own = parts->architecture;
  Binder bind(parts->file.tensors());
  parts->pre = bind.matrix("nextn.pre_projection.weight", own.hidden, 2 * t.hidden);
  parts->post = bind.matrix("nextn.post_projection.weight", t.hidden, own.hidden);
  for (int i = 0; i < own.n_layers; ++i) {
    const LayerShape& shape = own.layers[static_cast<size_t>(i)];
    int target_layer = -1;
    for (int l = 0; l < t.n_layers; ++l)
      if (t.layers[static_cast<size_t>(l)].sliding == shape.sliding) target_layer = l;
    if (target_layer < 0 ||
        t.layers[static_cast<size_t>(target_layer)].head_dim != shape.head_dim ||
        own.n_heads % t.layers[static_cast<size_t>(target_layer)].n_kv_heads != 0)
      return Error{Errc::usage, name + ": layer " + std::to_string(i) + " has heads of " +
                                    std::to_string(shape.head_dim) +
                                    " lanes; the model has no such layer to share keys with"};
    parts->target_layers.push_back(target_layer);
  }
  if (bind.failed()) return Error{bind.failed()->code, name + ": " + bind.failed()->message};
  return Drafter(target, std::move(parts));
}

void Drafter::step(const Session& session, TokenId token, std::vector<float>& g,
                   std::vector<float>& logits) {
  const Architecture& a = parts_->architecture;
  ThreadPool& pool = *target_->parts_->pool;
  const size_t wide = static_cast<size_t>(target_->architecture().hidden);
  const size_t hidden = static_cast<size_t>(a.hidden), feed = static_cast<size_t>(a.feed_forward);
  const int position = session.cache_.size();
  std::vector<float> in(2 * wide), x(hidden), normed(hidden), branch(hidden), gate(feed), up(feed);
  std::vector<float> query, attended, inverse(static_cast<size_t>(a.n_heads));
  target_->parts_->decoder->embed(token, in.data());
  std::copy(g.begin(), g.end(), in.begin() + static_cast<int64_t>(wide));
  multiply_rows(parts_->pre, in.data(), 1, x.data(), pool);
  auto norm = [&](const float* from, const std::vector<float>& weight, float* to) {
    rms_norm(from, 1, a.hidden, weight.data(), a.norm_eps, to, inverse.data(), pool);
  };
  const int64_t n = a.hidden;
  for (size_t i = 0; i < parts_->target_layers.size(); ++i) {
    const LayerWeights& layer = parts_->weights.layers[i];
    const LayerShape& shape = a.layers[i];
    const int hd = shape.head_dim, target_layer = parts_->target_layers[i];
    const Architecture& target = target_->architecture();
    query.resize(static_cast<size_t>(a.n_heads * hd));
    attended.resize(query.size());
    norm(x.data(), layer.attention_norm, normed.data());
    multiply_rows(layer.at(Projection::q), normed.data(), 1, query.data(), pool);
    rms_norm(query.data(), a.n_heads, hd, layer.query_norm.data(), a.norm_eps, query.data(),
             inverse.data(), pool);
    rope(query.data(), 1, a.n_heads, hd, &position, shape.rope_frequencies.data(), 1, pool);
    const KeyRange reach{shape.sliding ? std::max(0, position - 1 - target.sliding_window) : 0,
                         position};
    const KvCache* const cache = &session.cache_;
    attend_each(best_attention_kernel(false),
                {a.n_heads, target.layers[static_cast<size_t>(target_layer)].n_kv_heads, hd,
                 a.attention_scale},
                query.data(), {&cache, 1}, {&reach, 1}, target_layer, attended.data(), pool);
    multiply_rows(layer.at(Projection::o), attended.data(), 1, branch.data(), pool);
    norm(branch.data(), layer.post_attention_norm, branch.data());
    add(x.data(), branch.data(), n, pool);
    norm(x.data(), layer.feed_forward_norm, normed.data());
    multiply_rows(layer.at(Projection::gate), normed.data(), 1, gate.data(), pool);
    multiply_rows(layer.at(Projection::up), normed.data(), 1, up.data(), pool);
    gelu_gate(gate.data(), up.data(), gate.data(), a.feed_forward, pool);
    multiply_rows(layer.at(Projection::down), gate.data(), 1, branch.data(), pool);
    norm(branch.data(), layer.post_feed_forward_norm, branch.data());
    add(x.data(), branch.data(), n, pool);
    scale(x.data(), layer.output_scale, n, pool);
  }
  norm(x.data(), parts_->weights.output_norm, x.data());
  logits.resize(static_cast<size_t>(a.vocab_size));
  multiply_rows(parts_->weights.embedding, x.data(), 1, logits.data(), pool);
  multiply_rows(parts_->post, x.data(), 1, g.data(), pool);
}

std::vector<TokenId> Drafter::draft(const Session& session, TokenId token, int n,
                                    std::span<const TokenId> suppress) {
  std::vector<TokenId> guesses;
  std::vector<float> g = session.hidden_, logits;
  if (session.size() == 0 || g.empty()) return guesses;
  for (int i = 0; i < n; ++i) {
    step(session, guesses.empty() ? token : guesses.back(), g, logits);
    for (const TokenId id : suppress)
      if (id >= 0 && static_cast<size_t>(id) < logits.size())
        logits[static_cast<size_t>(id)] = -1e30f;
    guesses.push_back(
        static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
  }
  return guesses;
}

}  // namespace model
