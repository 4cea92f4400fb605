#include "model/training/trainable_decoder.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "model/elementwise.h"
#include "model/training/buffers.h"
#include "model/training/random.h"

// One decoder layer on a residual stream h [rows, hidden]; names as in Activations:
//   normed = norm(h); q, k, v = linear(normed); q, k = rope(norm(q, k)); v = norm(v) on Gemma 4
//   attended = softmax(mask(scale q k^T)) v; middle = h + norm(linear(attended))
//   h' = (middle + norm(linear(gelu(gate) * up))) * output_scale
// backward_layer() walks the same lines upwards. Matrix products with weights go through
// PackedMatrix (bf16) or f32; a LoRA adds  y += (scale dropout(x) A^T) B^T,  by products.h, as
// gradients of weights are. Masters and sums are f32; refresh() rounds the masters to bf16 again
// after a step.

namespace model::training {

TrainableDecoder::TrainableDecoder(const Architecture& architecture, const Weights& weights,
                                   Lora lora, Precision precision, ThreadPool& pool,
                                   DecoderOptions options)
    : architecture_(architecture),
      weights_(weights),
      options_(options),
      lora_(std::move(lora)),
      gradient_(lora_),
      precision_(precision),
      products_(products(precision)),
      pool_(pool) {
  openblas_set_num_threads(1);  // the pool is the only source of threads
  for (int i = 0; i < pool.n_threads(); ++i) single_.push_back(std::make_unique<ThreadPool>(1));
  const size_t n = weights.layers.size();
  linears_.resize(n);
  norms_.resize(n);
  streams_.resize(n);
  layers_.resize(options_.recompute ? 1 : n);
  auto norm = [&](const std::vector<float>& weight) {
    return Norm{.weight = weight,
                .gradient = std::vector<float>(options_.full ? weight.size() : 0, 0.0f)};
  };
  for (size_t i = 0; i < n; ++i) {
    const LayerWeights& w = weights.layers[i];
    for (size_t p = 0; p < kProjections; ++p)
      if (w.projections[p].out > 0) linears_[i][p] = take(w.projections[p]);
    const std::vector<float>& frequencies = architecture.layers[i].rope_frequencies;
    const auto same = std::ranges::find(turns_, frequencies, &Turns::frequencies);
    turns_of_.push_back(static_cast<size_t>(same - turns_.begin()));
    if (same == turns_.end()) turns_.push_back({.frequencies = frequencies});
    norms_[i] = {norm(w.attention_norm),    norm(w.post_attention_norm),
                 norm(w.feed_forward_norm), norm(w.post_feed_forward_norm),
                 norm(w.query_norm),        norm(w.key_norm)};
  }
  output_norm_ = norm(weights.output_norm);
  head_ = options_.choices.empty() ? take(weights.embedding)
                                   : take(weights.embedding, options_.choices);
  clear_gradient();
}

TrainableDecoder::Linear TrainableDecoder::take(const Matrix& matrix) {
  std::vector<int32_t> rows(static_cast<size_t>(matrix.out));
  std::iota(rows.begin(), rows.end(), 0);
  return take(matrix, rows);
}

TrainableDecoder::Linear TrainableDecoder::take(const Matrix& matrix,
                                                const std::vector<int32_t>& rows) {
  Linear l;
  l.out = static_cast<int>(rows.size());
  l.in = matrix.in;
  if (precision_ != Precision::f32 && !options_.full) {  // a frozen row is needed in bf16 alone
    const PackedMatrix::RowSource row = [&](int r, std::span<float> to) {
      matrix.dequantize(rows[static_cast<size_t>(r)], 1, to.data());
    };
    l.forward = PackedMatrix::pack(row, l.out, l.in, &pool_);
    l.backward = PackedMatrix::pack_transposed(row, l.in, l.out, &pool_);
    return l;
  }
  l.f32.resize(area(l.out, l.in));
  pool_.parallel_for(l.out, 256, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r)
      matrix.dequantize(rows[static_cast<size_t>(r)], 1, l.f32.data() + area(r, l.in));
  });
  if (options_.full) l.gradient.resize(l.f32.size());
  pack(l);
  return l;
}

void TrainableDecoder::pack(Linear& l) {
  if (precision_ == Precision::f32) return;
  l.forward = PackedMatrix::pack(l.f32.data(), l.out, l.in, l.in, &pool_);
  l.backward = PackedMatrix::pack_transposed(l.f32.data(), l.in, l.out, l.in, &pool_);
}

void TrainableDecoder::refresh() {
  if (!options_.full) return;
  for (auto& layer : linears_)
    for (Linear& l : layer)
      if (l.out > 0) pack(l);
  pack(head_);
}

Parameters TrainableDecoder::parameters() {
  Parameters list;
  auto matrix = [&](const std::string& name, int in, int out, std::vector<float>& value,
                    std::vector<float>& gradient) {
    list.push_back(
        {name, {static_cast<uint64_t>(in), static_cast<uint64_t>(out)}, &value, &gradient});
  };
  auto norm = [&](const std::string& name, Norm& n) {
    list.push_back({name, {n.weight.size()}, &n.weight, &n.gradient});
  };
  constexpr const char* kNormNames[kNorms] = {"attn_norm",   "post_attention_norm",
                                              "ffn_norm",    "post_ffw_norm",
                                              "attn_q_norm", "attn_k_norm"};
  if (options_.full) matrix("token_embd.weight", head_.in, head_.out, head_.f32, head_.gradient);
  for (size_t i = 0; i < linears_.size(); ++i) {
    const std::string block = "blk." + std::to_string(i) + ".";
    for (size_t p = 0; p < kProjections; ++p) {
      const std::string name =
          block + std::string(projection_name(static_cast<Projection>(p))) + ".weight";
      Linear& l = linears_[i][p];
      if (options_.full && l.out > 0) matrix(name, l.in, l.out, l.f32, l.gradient);
      LowRank& low = lora_.layers[i][p];
      LowRank& g = gradient_.layers[i][p];
      if (low.rank == 0) continue;
      matrix(name + ".lora_a", low.in, low.rank, low.a, g.a);
      matrix(name + ".lora_b", low.rank, low.out, low.b, g.b);
    }
    for (size_t k = 0; options_.full && k < kNorms; ++k)
      norm(block + kNormNames[k] + ".weight", norms_[i][k]);
  }
  if (options_.full) norm("output_norm.weight", output_norm_);
  return list;
}

void TrainableDecoder::base_forward(const Linear& l, const float* x, int m, float* y) {
  if (precision_ == Precision::f32)
    gemm_f32(x, m, l.in, l.f32.data(), l.out, l.in, l.in, y, l.out, false, pool_);
  else
    gemm(x, m, l.in, l.forward, y, l.out, false, pool_);
}

void TrainableDecoder::base_backward(Linear& l, const float* x, const float* dy, int m, float* dx,
                                     bool accumulate) {
  if (options_.full)
    products_.gradient(dy, l.out, l.out, x, l.in, l.in, m, l.gradient.data(), l.in, pool_);
  if (precision_ == Precision::f32)
    gemm_f32_transposed(dy, m, l.out, l.f32.data(), l.in, l.out, l.in, dx, l.in, accumulate, pool_);
  else
    gemm(dy, m, l.out, l.backward, dx, l.in, accumulate, pool_);
}

bool TrainableDecoder::drops(int layer, Projection p) const {
  return noise_ != 0 && options_.lora_dropout > 0 && lora_.at(layer, p).rank > 0;
}

/// to = x with a share of its values dropped and the others scaled up; which ones depends on the
/// pass, the layer, the projection and the place alone, so that the way back drops the same.
void TrainableDecoder::drop(int layer, Projection p, const float* x, int in,
                            std::vector<float>& to) {
  const uint64_t key =
      mix(noise_ ^ mix(static_cast<uint64_t>(layer * kProjections) + static_cast<uint64_t>(p)));
  const uint64_t limit = static_cast<uint64_t>(static_cast<double>(options_.lora_dropout) * 65536);
  const float kept = 1.0f / (1.0f - static_cast<float>(limit) / 65536.0f);
  size(to, area(rows_, in));
  pool_.parallel_for(rows_, 16, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r) {
      const float* from = x + area(r, in);
      float* out = to.data() + area(r, in);
      uint64_t bits = 0;
      for (int i = 0; i < in; ++i) {
        bits = i % 4 == 0 ? mix(key + (static_cast<uint64_t>(r) << 32) + static_cast<uint64_t>(i))
                          : bits >> 16;
        out[i] = (bits & 0xFFFF) < limit ? 0.0f : from[i] * kept;
      }
    }
  });
}

void TrainableDecoder::linear(int layer, Projection p, const float* x, float* y) {
  const Linear& l = linears_[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  base_forward(l, x, rows_, y);
  const LowRank& low = lora_.at(layer, p);
  if (low.rank == 0) return;
  if (drops(layer, p)) {
    drop(layer, p, x, l.in, dropped_);
    x = dropped_.data();
  }
  std::vector<float>& xa = activations(layer).low[static_cast<size_t>(p)];
  size(xa, area(rows_, low.rank));
  products_.forward(x, rows_, l.in, low.a.data(), low.rank, l.in, l.in, xa.data(), low.rank, false,
                    pool_);
  for (size_t i = 0; i < area(rows_, low.rank); ++i) xa[i] *= low.scale;
  products_.forward(xa.data(), rows_, low.rank, low.b.data(), l.out, low.rank, low.rank, y, l.out,
                    true, pool_);
}

void TrainableDecoder::linear_backward(int layer, Projection p, const float* x, const float* dy,
                                       float* dx, bool accumulate) {
  Linear& l = linears_[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  base_backward(l, x, dy, rows_, dx, accumulate);
  const LowRank& low = lora_.at(layer, p);
  if (low.rank == 0) return;
  LowRank& g = gradient_.layers[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  const std::vector<float>& xa = activations(layer).low[static_cast<size_t>(p)];
  products_.gradient(dy, l.out, l.out, xa.data(), low.rank, low.rank, rows_, g.b.data(), low.rank,
                     pool_);
  size(d_low_, area(rows_, low.rank));
  products_.transposed(dy, rows_, l.out, low.b.data(), low.rank, l.out, low.rank, d_low_.data(),
                       low.rank, false, pool_);
  for (size_t i = 0; i < area(rows_, low.rank); ++i) d_low_[i] *= low.scale;
  if (!drops(layer, p)) {
    products_.gradient(d_low_.data(), low.rank, low.rank, x, l.in, l.in, rows_, g.a.data(), l.in,
                       pool_);
    products_.transposed(d_low_.data(), rows_, low.rank, low.a.data(), l.in, low.rank, l.in, dx,
                         l.in, true, pool_);
    return;
  }
  drop(layer, p, x, l.in, dropped_);
  products_.gradient(d_low_.data(), low.rank, low.rank, dropped_.data(), l.in, l.in, rows_,
                     g.a.data(), l.in, pool_);
  std::vector<float> through(area(rows_, l.in));
  products_.transposed(d_low_.data(), rows_, low.rank, low.a.data(), l.in, low.rank, l.in,
                       through.data(), l.in, false, pool_);
  drop(layer, p, through.data(), l.in, dropped_);
  add(dx, dropped_.data(), static_cast<int64_t>(area(rows_, l.in)), pool_);
}

void TrainableDecoder::norm_backward(Norm& norm, const float* x, const std::vector<float>& inv,
                                     const float* dy, int rows, int width, float* dx,
                                     bool accumulate) {
  if (options_.full)
    rms_norm_weight_gradient(x, inv.data(), dy, rows, width, norm.gradient.data(), pool_);
  rms_norm_backward(x, inv.data(), dy, rows, width, norm.weight.data(), dx, accumulate, pool_);
}

/// Once for a batch: a sine for each layer, head and direction would take a tenth of a step.
void TrainableDecoder::turn(const PackedBatch& batch) {
  for (Turns& t : turns_) {
    const size_t n = area(rows_, static_cast<int>(t.frequencies.size()));
    for (std::vector<float>* v : {&t.cosines, &t.sines, &t.sines_back}) size(*v, n);
    rope_angles(batch.positions.data(), rows_, t.frequencies, t.cosines.data(), t.sines.data(),
                pool_);
    std::transform(t.sines.begin(), t.sines.begin() + static_cast<ptrdiff_t>(n),
                   t.sines_back.begin(), std::negate<>());
  }
}

const TrainableDecoder::Turns& TrainableDecoder::turns(int layer) const {
  return turns_[turns_of_[static_cast<size_t>(layer)]];
}

void TrainableDecoder::embed(const PackedBatch& batch, const SoftRows* soft) {
  const int hidden = architecture_.hidden;
  std::vector<float>& stream = streams_[0];
  for (int r = 0; r < rows_; ++r) {
    const int32_t token = batch.tokens[static_cast<size_t>(r)];
    float* row = stream.data() + area(r, hidden);
    if (options_.full)
      std::copy_n(head_.f32.data() + area(token, hidden), hidden, row);
    else
      weights_.embedding.dequantize(token, 1, row);
  }
  scale(stream.data(), architecture_.embedding_scale, static_cast<int64_t>(area(rows_, hidden)),
        pool_);
  for (size_t i = 0; soft != nullptr && i < soft->rows.size(); ++i)  // unscaled
    std::copy_n(soft->values.data() + i * static_cast<size_t>(hidden), hidden,
                stream.data() + area(soft->rows[i], hidden));
}

void TrainableDecoder::embed_backward(const PackedBatch& batch, SoftRows* soft) {
  const int hidden = architecture_.hidden;
  std::vector<uint8_t> is_soft(static_cast<size_t>(rows_), 0);
  if (soft != nullptr) {
    soft->gradient.resize(soft->values.size());
    for (size_t i = 0; i < soft->rows.size(); ++i) {
      is_soft[static_cast<size_t>(soft->rows[i])] = 1;
      std::copy_n(d_stream_.data() + area(soft->rows[i], hidden), hidden,
                  soft->gradient.data() + i * static_cast<size_t>(hidden));
    }
  }
  if (!options_.full) return;
  for (int r = 0; r < rows_; ++r) {
    const int32_t token = batch.tokens[static_cast<size_t>(r)];
    if (is_soft[static_cast<size_t>(r)] != 0 || token == 0) continue;  // 0 pads: never looked up
    float* g = head_.gradient.data() + area(token, hidden);
    const float* d = d_stream_.data() + area(r, hidden);
    for (int i = 0; i < hidden; ++i) g[i] += architecture_.embedding_scale * d[i];
  }
}

void TrainableDecoder::forward_layer(int i, const PackedBatch& batch) {
  const Architecture& a = architecture_;
  const LayerShape& shape = a.layers[static_cast<size_t>(i)];
  const float output_scale = weights_.layers[static_cast<size_t>(i)].output_scale;
  const std::array<Norm, kNorms>& norms = norms_[static_cast<size_t>(i)];
  const std::vector<float>& input = streams_[static_cast<size_t>(i)];
  std::vector<float>& output = i + 1 < a.n_layers ? streams_[static_cast<size_t>(i) + 1] : output_;
  Activations& act = activations(i);
  const size_t stream = area(rows_, a.hidden);
  const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
  for (std::vector<float>* v :
       {&output, &act.normed, &act.attention_out, &act.middle, &act.middle_normed, &act.down})
    size(*v, stream);
  for (std::vector<float>* v : {&act.query_raw, &act.query, &act.attended})
    size(*v, area(rows_, qw));
  for (std::vector<float>* v : {&act.key_raw, &act.value_raw, &act.key, &act.value})
    size(*v, area(rows_, kw));
  for (std::vector<float>* v : {&act.gate, &act.up, &act.gated})
    size(*v, area(rows_, a.feed_forward));
  for (std::vector<float>* v : {&act.inv.attention, &act.inv.post_attention, &act.inv.feed_forward,
                                &act.inv.post_feed_forward})
    size(*v, static_cast<size_t>(rows_));
  size(act.inv.query, area(rows_, a.n_heads));
  size(act.inv.key, area(rows_, shape.n_kv_heads));
  size(act.inv.value, area(rows_, shape.n_kv_heads));

  rms_norm(input.data(), rows_, a.hidden, norms[attention_norm].weight.data(), a.norm_eps,
           act.normed.data(), act.inv.attention.data(), pool_);
  linear(i, Projection::q, act.normed.data(), act.query_raw.data());
  linear(i, Projection::k, act.normed.data(), act.key_raw.data());
  if (!shape.value_from_key) linear(i, Projection::v, act.normed.data(), act.value_raw.data());
  const std::vector<float>& value_raw = shape.value_from_key ? act.key_raw : act.value_raw;
  rms_norm(act.query_raw.data(), rows_ * a.n_heads, hd, norms[query_norm].weight.data(), a.norm_eps,
           act.query.data(), act.inv.query.data(), pool_);
  rms_norm(act.key_raw.data(), rows_ * shape.n_kv_heads, hd, norms[key_norm].weight.data(),
           a.norm_eps, act.key.data(), act.inv.key.data(), pool_);
  if (a.value_norm)
    rms_norm(value_raw.data(), rows_ * shape.n_kv_heads, hd, nullptr, a.norm_eps, act.value.data(),
             act.inv.value.data(), pool_);
  else
    std::copy_n(value_raw.begin(), area(rows_, kw), act.value.begin());
  const Turns& t = turns(i);
  rope(act.query.data(), rows_, a.n_heads, hd, t.cosines.data(), t.sines.data(), pool_);
  rope(act.key.data(), rows_, shape.n_kv_heads, hd, t.cosines.data(), t.sines.data(), pool_);
  attention(i, batch);
  linear(i, Projection::o, act.attended.data(), act.attention_out.data());
  rms_norm(act.attention_out.data(), rows_, a.hidden, norms[post_attention_norm].weight.data(),
           a.norm_eps, act.middle.data(), act.inv.post_attention.data(), pool_);
  add(act.middle.data(), input.data(), static_cast<int64_t>(stream), pool_);
  rms_norm(act.middle.data(), rows_, a.hidden, norms[feed_forward_norm].weight.data(), a.norm_eps,
           act.middle_normed.data(), act.inv.feed_forward.data(), pool_);
  linear(i, Projection::gate, act.middle_normed.data(), act.gate.data());
  linear(i, Projection::up, act.middle_normed.data(), act.up.data());
  gelu_gate(act.gate.data(), act.up.data(), act.gated.data(),
            static_cast<int64_t>(area(rows_, a.feed_forward)), pool_);
  linear(i, Projection::down, act.gated.data(), act.down.data());
  rms_norm(act.down.data(), rows_, a.hidden, norms[post_feed_forward_norm].weight.data(),
           a.norm_eps, output.data(), act.inv.post_feed_forward.data(), pool_);
  add(output.data(), act.middle.data(), static_cast<int64_t>(stream), pool_);
  if (output_scale != 1) scale(output.data(), output_scale, static_cast<int64_t>(stream), pool_);
}

void TrainableDecoder::forward(const PackedBatch& batch, const SoftRows* soft) {
  const Architecture& a = architecture_;
  rows_ = batch.rows();
  const size_t stream = area(rows_, a.hidden);
  size(streams_[0], stream);
  turn(batch);
  embed(batch, soft);
  for (int i = 0; i < a.n_layers; ++i) forward_layer(i, batch);
  size(final_normed_, stream);
  size(final_inv_, static_cast<size_t>(rows_));
  rms_norm(output_.data(), rows_, a.hidden, output_norm_.weight.data(), a.norm_eps,
           final_normed_.data(), final_inv_.data(), pool_);
}

int TrainableDecoder::choice_of(int32_t token) const {
  const std::vector<int32_t>& choices = options_.choices;
  if (choices.empty()) return token;
  return static_cast<int>(std::lower_bound(choices.begin(), choices.end(), token) -
                          choices.begin());
}

std::vector<float> TrainableDecoder::logits(const PackedBatch& batch, SoftRows* soft) {
  noise_ = 0;
  forward(batch, soft);
  std::vector<float> out(area(rows_, head_.out));
  base_forward(head_, final_normed_.data(), rows_, out.data());
  if (architecture_.logit_softcap > 0)
    for (float& v : out)
      v = architecture_.logit_softcap * std::tanh(v / architecture_.logit_softcap);
  return out;
}

double TrainableDecoder::loss(const PackedBatch& batch, float weight, bool with_gradient,
                              SoftRows* soft, uint64_t noise) {
  const Architecture& a = architecture_;
  noise_ = noise;
  forward(batch, soft);
  std::vector<int> rows;
  for (int r = 0; r < rows_; ++r)
    if (batch.labels[static_cast<size_t>(r)] >= 0) rows.push_back(r);
  std::vector<float> d_normed(area(rows_, a.hidden), 0.0f);
  // Logits of a few rows at a time: a row of them is 1 MB.
  constexpr int kChunk = 128;
  std::vector<float> hidden(area(kChunk, a.hidden)), d_hidden(area(kChunk, a.hidden));
  std::vector<float> logits(area(std::min<int>(kChunk, static_cast<int>(rows.size())), head_.out));
  std::vector<double> losses(rows.size());
  for (size_t begin = 0; begin < rows.size(); begin += kChunk) {
    const int n = static_cast<int>(std::min<size_t>(kChunk, rows.size() - begin));
    for (int i = 0; i < n; ++i)
      std::copy_n(final_normed_.data() + area(rows[begin + static_cast<size_t>(i)], a.hidden),
                  a.hidden, hidden.data() + area(i, a.hidden));
    base_forward(head_, hidden.data(), n, logits.data());
    pool_.parallel_for(n, 1, [&](int, int b, int e) {
      for (int i = b; i < e; ++i)
        losses[begin + static_cast<size_t>(i)] = static_cast<double>(cross_entropy_row(
            logits.data() + area(i, head_.out), head_.out,
            choice_of(batch.labels[static_cast<size_t>(rows[begin + static_cast<size_t>(i)])]),
            a.logit_softcap, weight));
    });
    if (!with_gradient) continue;
    base_backward(head_, hidden.data(), logits.data(), n, d_hidden.data(), false);
    for (int i = 0; i < n; ++i)
      std::copy_n(d_hidden.data() + area(i, a.hidden), a.hidden,
                  d_normed.data() + area(rows[begin + static_cast<size_t>(i)], a.hidden));
  }
  double total = 0;
  for (const double l : losses) total += l;
  if (with_gradient) {
    size(d_stream_, area(rows_, a.hidden));
    norm_backward(output_norm_, output_.data(), final_inv_, d_normed.data(), rows_, a.hidden,
                  d_stream_.data(), false);
    backward(batch);
    embed_backward(batch, soft);
  }
  return total * static_cast<double>(weight);
}

void TrainableDecoder::backward(const PackedBatch& batch) {
  const Architecture& a = architecture_;
  for (std::vector<float>* v : {&d_branch_, &d_normed_}) size(*v, area(rows_, a.hidden));
  for (std::vector<float>* v : {&d_gated_, &d_gate_, &d_up_}) size(*v, area(rows_, a.feed_forward));
  for (int i = a.n_layers - 1; i >= 0; --i) {
    // The last layer's activations are still there.
    if (options_.recompute && i + 1 < a.n_layers) forward_layer(i, batch);
    backward_layer(i, batch);
  }
}

void TrainableDecoder::backward_layer(int i, const PackedBatch& batch) {
  const Architecture& a = architecture_;
  const LayerShape& shape = a.layers[static_cast<size_t>(i)];
  const float output_scale = weights_.layers[static_cast<size_t>(i)].output_scale;
  std::array<Norm, kNorms>& norms = norms_[static_cast<size_t>(i)];
  Activations& act = activations(i);
  const size_t stream = area(rows_, a.hidden);
  const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
  for (std::vector<float>* v : {&d_attended_, &d_query_, &d_query_raw_}) size(*v, area(rows_, qw));
  for (std::vector<float>* v : {&d_key_, &d_value_, &d_key_raw_, &d_value_raw_})
    size(*v, area(rows_, kw));
  if (output_scale != 1) scale(d_stream_.data(), output_scale, static_cast<int64_t>(stream), pool_);

  // h' = middle + norm(down): d_stream_ is d middle so far, and the branch's output gradient.
  norm_backward(norms[post_feed_forward_norm], act.down.data(), act.inv.post_feed_forward,
                d_stream_.data(), rows_, a.hidden, d_branch_.data(), false);
  linear_backward(i, Projection::down, act.gated.data(), d_branch_.data(), d_gated_.data(), false);
  gelu_gate_backward(act.gate.data(), act.up.data(), d_gated_.data(), d_gate_.data(), d_up_.data(),
                     static_cast<int64_t>(area(rows_, a.feed_forward)), pool_);
  linear_backward(i, Projection::gate, act.middle_normed.data(), d_gate_.data(), d_normed_.data(),
                  false);
  linear_backward(i, Projection::up, act.middle_normed.data(), d_up_.data(), d_normed_.data(),
                  true);
  norm_backward(norms[feed_forward_norm], act.middle.data(), act.inv.feed_forward, d_normed_.data(),
                rows_, a.hidden, d_stream_.data(), true);

  // middle = input + norm(attention_out)
  norm_backward(norms[post_attention_norm], act.attention_out.data(), act.inv.post_attention,
                d_stream_.data(), rows_, a.hidden, d_branch_.data(), false);
  linear_backward(i, Projection::o, act.attended.data(), d_branch_.data(), d_attended_.data(),
                  false);
  attention_backward(i, batch, d_attended_);
  const Turns& t = turns(i);
  rope(d_query_.data(), rows_, a.n_heads, hd, t.cosines.data(), t.sines_back.data(), pool_);
  rope(d_key_.data(), rows_, shape.n_kv_heads, hd, t.cosines.data(), t.sines_back.data(), pool_);
  norm_backward(norms[query_norm], act.query_raw.data(), act.inv.query, d_query_.data(),
                rows_ * a.n_heads, hd, d_query_raw_.data(), false);
  norm_backward(norms[key_norm], act.key_raw.data(), act.inv.key, d_key_.data(),
                rows_ * shape.n_kv_heads, hd, d_key_raw_.data(), false);
  const std::vector<float>& value_raw = shape.value_from_key ? act.key_raw : act.value_raw;
  std::vector<float>& d_value = shape.value_from_key ? d_key_raw_ : d_value_raw_;
  if (a.value_norm)
    rms_norm_backward(value_raw.data(), act.inv.value.data(), d_value_.data(),
                      rows_ * shape.n_kv_heads, hd, nullptr, d_value.data(), shape.value_from_key,
                      pool_);
  else if (shape.value_from_key)
    add(d_value.data(), d_value_.data(), static_cast<int64_t>(area(rows_, kw)), pool_);
  else
    std::copy_n(d_value_.begin(), area(rows_, kw), d_value.begin());
  linear_backward(i, Projection::q, act.normed.data(), d_query_raw_.data(), d_normed_.data(),
                  false);
  linear_backward(i, Projection::k, act.normed.data(), d_key_raw_.data(), d_normed_.data(), true);
  if (!shape.value_from_key)
    linear_backward(i, Projection::v, act.normed.data(), d_value_raw_.data(), d_normed_.data(),
                    true);
  norm_backward(norms[attention_norm], streams_[static_cast<size_t>(i)].data(), act.inv.attention,
                d_normed_.data(), rows_, a.hidden, d_stream_.data(), true);
}

}  // namespace model::training
