#include "model/training/trainable_decoder.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "model/elementwise.h"

// One decoder layer on a residual stream h [rows, hidden]; names as in Activations:
//   normed = norm(h); q, k, v = linear(normed); q, k = rope(norm(q, k)); v = norm(v) on Gemma 4
//   attended = softmax(mask(scale q k^T)) v; middle = h + norm(linear(attended))
//   h' = (middle + norm(linear(gelu(gate) * up))) * output_scale
// backward() walks the same lines upwards. Matrix products of frozen weights go through
// PackedMatrix (bf16) or f32; a LoRA adds  y += (scale x A^T) B^T  and is always f32.
//
// Attention runs per segment: its queries see the shared prefix and the segment up to themselves,
// and in sliding layers only the last W positions. Gradients of the prefix's keys and values are
// collected per segment and summed in segment order, so that a batch gives the same bits on every
// run.

namespace model::training {
namespace {

void size(std::vector<float>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

/// The keys (or values) that a unit sees, one after the other: the shared prefix, then its own
/// rows.
std::vector<float> keys_of(const std::vector<float>& rows, int prefix, int begin, int length,
                           int width) {
  std::vector<float> out(area(prefix + length, width));
  std::copy_n(rows.data(), area(prefix, width), out.data());
  std::copy_n(rows.data() + area(begin, width), area(length, width),
              out.data() + area(prefix, width));
  return out;
}

/// out [n, m] = in [m, n] transposed, in blocks that fit the first-level cache.
void transpose(const float* in, int m, int n, float* out) {
  constexpr int kBlock = 32;
  for (int i0 = 0; i0 < m; i0 += kBlock)
    for (int j0 = 0; j0 < n; j0 += kBlock)
      for (int j = j0; j < std::min(n, j0 + kBlock); ++j)
        for (int i = i0; i < std::min(m, i0 + kBlock); ++i)
          out[area(j, m) + static_cast<size_t>(i)] = in[area(i, n) + static_cast<size_t>(j)];
}

/// c [m, n] = alpha * op(a) op(b) + beta * c, single-threaded (the pool runs several at once).
void sgemm(bool ta, bool tb, int m, int n, int k, float alpha, const float* a, int lda,
           const float* b, int ldb, float beta, float* c, int ldc) {
  if (m == 0 || n == 0 || k == 0) return;
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n,
              k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace

TrainableDecoder::TrainableDecoder(const Architecture& architecture, const Weights& weights,
                                   Lora lora, Precision precision, ThreadPool& pool)
    : architecture_(architecture),
      weights_(weights),
      lora_(std::move(lora)),
      gradient_(lora_),
      precision_(precision),
      pool_(pool) {
  openblas_set_num_threads(1);  // the pool is the only source of threads
  for (int i = 0; i < pool.n_threads(); ++i) single_.push_back(std::make_unique<ThreadPool>(1));
  clear_gradient();
  linears_.resize(weights.layers.size());
  layers_.resize(weights.layers.size());
  for (size_t i = 0; i < weights.layers.size(); ++i)
    for (size_t p = 0; p < kProjections; ++p)
      if (weights.layers[i].projections[p].out > 0)
        linears_[i][p] = freeze(weights.layers[i].projections[p]);
  head_ = freeze(weights.embedding);
}

TrainableDecoder::Linear TrainableDecoder::freeze(const Matrix& matrix) {
  Linear l;
  l.out = matrix.out;
  l.in = matrix.in;
  std::vector<float> values(area(matrix.out, matrix.in));
  pool_.parallel_for(matrix.out, 256, [&](int, int begin, int end) {
    matrix.dequantize(begin, end - begin, values.data() + area(begin, matrix.in));
  });
  if (precision_ == Precision::f32) {
    l.f32 = std::move(values);
  } else {
    l.forward = PackedMatrix::pack(values.data(), matrix.out, matrix.in, matrix.in);
    l.backward = PackedMatrix::pack_transposed(values.data(), matrix.in, matrix.out, matrix.in);
  }
  return l;
}

void TrainableDecoder::clear_gradient() {
  for (auto& layer : gradient_.layers)
    for (LowRank& low : layer) {
      std::fill(low.a.begin(), low.a.end(), 0.0f);
      std::fill(low.b.begin(), low.b.end(), 0.0f);
    }
}

void TrainableDecoder::frozen_forward(const Linear& l, const float* x, int m, float* y) {
  if (precision_ == Precision::f32)
    gemm_f32(x, m, l.in, l.f32.data(), l.out, l.in, l.in, y, l.out, false, pool_);
  else
    gemm(x, m, l.in, l.forward, y, l.out, false, pool_);
}

void TrainableDecoder::frozen_backward(const Linear& l, const float* dy, int m, float* dx,
                                       bool accumulate) {
  if (precision_ == Precision::f32)
    gemm_f32_transposed(dy, m, l.out, l.f32.data(), l.in, l.out, l.in, dx, l.in, accumulate, pool_);
  else
    gemm(dy, m, l.out, l.backward, dx, l.in, accumulate, pool_);
}

void TrainableDecoder::linear(int layer, Projection p, const float* x, float* y) {
  const Linear& l = linears_[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  frozen_forward(l, x, rows_, y);
  const LowRank& low = lora_.at(layer, p);
  if (low.rank == 0) return;
  std::vector<float>& xa = layers_[static_cast<size_t>(layer)].low[static_cast<size_t>(p)];
  size(xa, area(rows_, low.rank));
  gemm_f32(x, rows_, l.in, low.a.data(), low.rank, l.in, l.in, xa.data(), low.rank, false, pool_);
  for (size_t i = 0; i < area(rows_, low.rank); ++i) xa[i] *= low.scale;
  gemm_f32(xa.data(), rows_, low.rank, low.b.data(), l.out, low.rank, low.rank, y, l.out, true,
           pool_);
}

void TrainableDecoder::linear_backward(int layer, Projection p, const float* x, const float* dy,
                                       float* dx, bool accumulate) {
  const Linear& l = linears_[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  frozen_backward(l, dy, rows_, dx, accumulate);
  const LowRank& low = lora_.at(layer, p);
  if (low.rank == 0) return;
  LowRank& g = gradient_.layers[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  const std::vector<float>& xa = layers_[static_cast<size_t>(layer)].low[static_cast<size_t>(p)];
  add_weight_gradient(dy, l.out, l.out, xa.data(), low.rank, low.rank, rows_, g.b.data(), low.rank,
                      pool_);
  std::vector<float> dxa(area(rows_, low.rank));
  gemm_f32_transposed(dy, rows_, l.out, low.b.data(), low.rank, l.out, low.rank, dxa.data(),
                      low.rank, false, pool_);
  for (float& v : dxa) v *= low.scale;
  add_weight_gradient(dxa.data(), low.rank, low.rank, x, l.in, l.in, rows_, g.a.data(), l.in,
                      pool_);
  gemm_f32_transposed(dxa.data(), rows_, low.rank, low.a.data(), l.in, low.rank, l.in, dx, l.in,
                      true, pool_);
}

std::vector<TrainableDecoder::Unit> TrainableDecoder::units(const PackedBatch& batch,
                                                            int layer) const {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  const int group = architecture_.n_heads / shape.n_kv_heads;
  std::vector<Unit> list;
  size_t offset = 0;
  auto add_unit = [&](int begin, int length, int prefix, int segment) {
    for (int kv = 0; kv < shape.n_kv_heads; ++kv) {
      list.push_back({begin, length, prefix, kv, segment, offset});
      offset += area(length, prefix + length) * static_cast<size_t>(group);
    }
  };
  if (batch.prefix > 0) add_unit(0, batch.prefix, 0, -1);
  for (size_t s = 0; s < batch.segments.size(); ++s)
    add_unit(batch.segments[s].begin, batch.segments[s].length, batch.prefix, static_cast<int>(s));
  return list;
}

// With one key head the queries of all heads of a token lie one after the other, so [tokens, heads
// * head_dim] is also [tokens * heads, head_dim]: one product serves every head. Row r of the
// probabilities is token r / heads.
bool TrainableDecoder::fast(int layer) const {
  return precision_ == Precision::bf16 &&
         architecture_.layers[static_cast<size_t>(layer)].n_kv_heads == 1;
}

void TrainableDecoder::fast_attention(int layer, const std::vector<Unit>& list) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = layers_[static_cast<size_t>(layer)];
  const int hd = shape.head_dim, heads = architecture_.n_heads;
  pool_.parallel_for(static_cast<int>(list.size()), 1, [&](int worker, int begin, int end) {
    ThreadPool& single = *single_[static_cast<size_t>(worker)];
    for (int u = begin; u < end; ++u) {
      const Unit& unit = list[static_cast<size_t>(u)];
      const int keys = unit.prefix + unit.length, m = unit.length * heads;
      const std::vector<float> k = keys_of(act.key, unit.prefix, unit.begin, unit.length, hd);
      const std::vector<float> v = keys_of(act.value, unit.prefix, unit.begin, unit.length, hd);
      float* p = act.probabilities.data() + unit.probabilities;
      const size_t at = area(unit.begin * heads, hd);
      gemm(act.query.data() + at, m, hd, PackedMatrix::pack(k.data(), keys, hd, hd), p, keys, false,
           single);
      for (int r = 0; r < m; ++r) {
        const int position = unit.prefix + r / heads;
        const int first =
            shape.sliding ? std::max(0, position + 1 - architecture_.sliding_window) : 0;
        masked_softmax_row(p + area(r, keys), keys, first, position + 1,
                           architecture_.attention_scale);
      }
      gemm(p, m, keys, PackedMatrix::pack_transposed(v.data(), hd, keys, hd),
           act.attended.data() + at, hd, false, single);
    }
  });
}

void TrainableDecoder::fast_attention_backward(int layer, const PackedBatch& batch,
                                               const std::vector<Unit>& list,
                                               const std::vector<float>& d_attended) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = layers_[static_cast<size_t>(layer)];
  const int hd = shape.head_dim, heads = architecture_.n_heads;
  const size_t prefix_area = area(batch.prefix, hd);
  pool_.parallel_for(static_cast<int>(list.size()), 1, [&](int worker, int begin, int end) {
    ThreadPool& single = *single_[static_cast<size_t>(worker)];
    for (int u = begin; u < end; ++u) {
      const Unit& unit = list[static_cast<size_t>(u)];
      const int keys = unit.prefix + unit.length, m = unit.length * heads;
      const std::vector<float> k = keys_of(act.key, unit.prefix, unit.begin, unit.length, hd);
      const std::vector<float> v = keys_of(act.value, unit.prefix, unit.begin, unit.length, hd);
      const float* p = act.probabilities.data() + unit.probabilities;
      const size_t at = area(unit.begin * heads, hd);
      const float* d_o = d_attended.data() + at;
      std::vector<float> dp(area(m, keys)), turned(area(m, keys)), d_keys(area(keys, hd));
      // Gradients of keys and values: the rows of the prefix are summed over segments later.
      auto hand_out = [&](std::vector<float>& own, std::vector<float>& prefix) {
        std::copy_n(d_keys.data() + area(unit.prefix, hd), area(unit.length, hd),
                    own.data() + area(unit.begin, hd));
        if (unit.prefix > 0)
          std::copy_n(d_keys.data(), prefix_area,
                      prefix.data() + prefix_area * static_cast<size_t>(unit.segment));
      };
      transpose(p, m, keys, turned.data());
      gemm(turned.data(), keys, m, PackedMatrix::pack_transposed(d_o, hd, m, hd), d_keys.data(), hd,
           false, single);
      hand_out(d_value_, d_prefix_value_);
      gemm(d_o, m, hd, PackedMatrix::pack(v.data(), keys, hd, hd), dp.data(), keys, false, single);
      for (int r = 0; r < m; ++r)
        softmax_backward_row(p + area(r, keys), dp.data() + area(r, keys), keys,
                             architecture_.attention_scale);
      gemm(dp.data(), m, keys, PackedMatrix::pack_transposed(k.data(), hd, keys, hd),
           d_query_.data() + at, hd, false, single);
      transpose(dp.data(), m, keys, turned.data());
      gemm(turned.data(), keys, m, PackedMatrix::pack_transposed(act.query.data() + at, hd, m, hd),
           d_keys.data(), hd, false, single);
      hand_out(d_key_, d_prefix_key_);
    }
  });
}

void TrainableDecoder::attention(int layer, const PackedBatch& batch) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = layers_[static_cast<size_t>(layer)];
  const int hd = shape.head_dim, qw = architecture_.query_width(layer),
            kw = architecture_.key_width(layer);
  const int group = architecture_.n_heads / shape.n_kv_heads;
  const std::vector<Unit> list = units(batch, layer);
  const Unit& last = list.back();
  size(act.probabilities, last.probabilities + area(last.length, last.prefix + last.length) *
                                                   static_cast<size_t>(group));
  if (fast(layer)) return fast_attention(layer, list);
  pool_.parallel_for(static_cast<int>(list.size()), 1, [&](int, int begin, int end) {
    for (int u = begin; u < end; ++u) {
      const Unit& unit = list[static_cast<size_t>(u)];
      const int keys = unit.prefix + unit.length;
      const float* own_k = act.key.data() + area(unit.begin, kw) + unit.kv_head * hd;
      const float* own_v = act.value.data() + area(unit.begin, kw) + unit.kv_head * hd;
      const float* prefix_k = act.key.data() + unit.kv_head * hd;
      const float* prefix_v = act.value.data() + unit.kv_head * hd;
      for (int g = 0; g < group; ++g) {
        const int head = unit.kv_head * group + g;
        const float* q = act.query.data() + area(unit.begin, qw) + head * hd;
        float* o = act.attended.data() + area(unit.begin, qw) + head * hd;
        float* p = act.probabilities.data() + unit.probabilities +
                   static_cast<size_t>(g) * area(unit.length, keys);
        sgemm(false, true, unit.length, unit.prefix, hd, 1, q, qw, prefix_k, kw, 0, p, keys);
        sgemm(false, true, unit.length, unit.length, hd, 1, q, qw, own_k, kw, 0, p + unit.prefix,
              keys);
        for (int i = 0; i < unit.length; ++i) {
          const int position = unit.prefix + i;  // key index == position within the sequence
          const int first =
              shape.sliding ? std::max(0, position + 1 - architecture_.sliding_window) : 0;
          masked_softmax_row(p + area(i, keys), keys, first, position + 1,
                             architecture_.attention_scale);
        }
        sgemm(false, false, unit.length, hd, unit.length, 1, p + unit.prefix, keys, own_v, kw, 0, o,
              qw);
        sgemm(false, false, unit.length, hd, unit.prefix, 1, p, keys, prefix_v, kw, 1, o, qw);
      }
    }
  });
}

void TrainableDecoder::attention_backward(int layer, const PackedBatch& batch,
                                          const std::vector<float>& d_attended) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = layers_[static_cast<size_t>(layer)];
  const int hd = shape.head_dim, qw = architecture_.query_width(layer),
            kw = architecture_.key_width(layer);
  const int group = architecture_.n_heads / shape.n_kv_heads;
  const std::vector<Unit> list = units(batch, layer);
  const size_t prefix_area = area(batch.prefix, kw);
  size(d_prefix_key_, prefix_area * batch.segments.size());
  size(d_prefix_value_, prefix_area * batch.segments.size());
  if (fast(layer)) {
    fast_attention_backward(layer, batch, list, d_attended);
  } else {
    pool_.parallel_for(static_cast<int>(list.size()), 1, [&](int worker, int begin, int end) {
      for (int u = begin; u < end; ++u) {
        const Unit& unit = list[static_cast<size_t>(u)];
        const int keys = unit.prefix + unit.length;
        const size_t at = area(unit.begin, kw) + static_cast<size_t>(unit.kv_head * hd);
        const size_t own_prefix = prefix_area * static_cast<size_t>(std::max(unit.segment, 0)) +
                                  static_cast<size_t>(unit.kv_head * hd);
        const float* own_k = act.key.data() + at;
        const float* own_v = act.value.data() + at;
        const float* prefix_k = act.key.data() + unit.kv_head * hd;
        const float* prefix_v = act.value.data() + unit.kv_head * hd;
        float* dp = reinterpret_cast<float*>(
            pool_.scratch(worker, area(unit.length, keys) * sizeof(float)));
        for (int g = 0; g < group; ++g) {
          const int head = unit.kv_head * group + g;
          const float beta = g == 0 ? 0.0f : 1.0f;  // the first query head of the group overwrites
          const float* q = act.query.data() + area(unit.begin, qw) + head * hd;
          const float* d_o = d_attended.data() + area(unit.begin, qw) + head * hd;
          const float* p = act.probabilities.data() + unit.probabilities +
                           static_cast<size_t>(g) * area(unit.length, keys);
          sgemm(true, false, unit.length, hd, unit.length, 1, p + unit.prefix, keys, d_o, qw, beta,
                d_value_.data() + at, kw);
          sgemm(false, true, unit.length, unit.length, hd, 1, d_o, qw, own_v, kw, 0,
                dp + unit.prefix, keys);
          sgemm(false, true, unit.length, unit.prefix, hd, 1, d_o, qw, prefix_v, kw, 0, dp, keys);
          for (int i = 0; i < unit.length; ++i)
            softmax_backward_row(p + area(i, keys), dp + area(i, keys), keys,
                                 architecture_.attention_scale);
          float* d_q = d_query_.data() + area(unit.begin, qw) + head * hd;
          sgemm(false, false, unit.length, hd, unit.length, 1, dp + unit.prefix, keys, own_k, kw, 0,
                d_q, qw);
          sgemm(false, false, unit.length, hd, unit.prefix, 1, dp, keys, prefix_k, kw, 1, d_q, qw);
          sgemm(true, false, unit.length, hd, unit.length, 1, dp + unit.prefix, keys, q, qw, beta,
                d_key_.data() + at, kw);
          if (unit.prefix > 0) {
            sgemm(true, false, unit.prefix, hd, unit.length, 1, p, keys, d_o, qw, beta,
                  d_prefix_value_.data() + own_prefix, kw);
            sgemm(true, false, unit.prefix, hd, unit.length, 1, dp, keys, q, qw, beta,
                  d_prefix_key_.data() + own_prefix, kw);
          }
        }
      }
    });
  }
  for (size_t s = 0; s < batch.segments.size(); ++s) {
    add(d_key_.data(), d_prefix_key_.data() + prefix_area * s, static_cast<int64_t>(prefix_area),
        pool_);
    add(d_value_.data(), d_prefix_value_.data() + prefix_area * s,
        static_cast<int64_t>(prefix_area), pool_);
  }
}

void TrainableDecoder::forward(const PackedBatch& batch) {
  const Architecture& a = architecture_;
  rows_ = batch.rows();
  const size_t stream = area(rows_, a.hidden);
  size(output_, stream);
  for (int r = 0; r < rows_; ++r) {
    weights_.embedding.dequantize(batch.tokens[static_cast<size_t>(r)], 1,
                                  output_.data() + area(r, a.hidden));
  }
  scale(output_.data(), a.embedding_scale, static_cast<int64_t>(stream), pool_);
  for (int i = 0; i < a.n_layers; ++i) {
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const LayerWeights& w = weights_.layers[static_cast<size_t>(i)];
    Activations& act = layers_[static_cast<size_t>(i)];
    const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
    for (std::vector<float>* v :
         {&act.input, &act.normed, &act.attention_out, &act.middle, &act.middle_normed, &act.down})
      size(*v, stream);
    for (std::vector<float>* v : {&act.query_raw, &act.query, &act.attended})
      size(*v, area(rows_, qw));
    for (std::vector<float>* v : {&act.key_raw, &act.value_raw, &act.key, &act.value})
      size(*v, area(rows_, kw));
    for (std::vector<float>* v : {&act.gate, &act.up, &act.gated})
      size(*v, area(rows_, a.feed_forward));
    for (std::vector<float>* v : {&act.inv.attention, &act.inv.post_attention,
                                  &act.inv.feed_forward, &act.inv.post_feed_forward})
      size(*v, static_cast<size_t>(rows_));
    size(act.inv.query, area(rows_, a.n_heads));
    size(act.inv.key, area(rows_, shape.n_kv_heads));
    size(act.inv.value, area(rows_, shape.n_kv_heads));

    std::copy(output_.begin(), output_.begin() + static_cast<int64_t>(stream), act.input.begin());
    rms_norm(act.input.data(), rows_, a.hidden, w.attention_norm.data(), a.norm_eps,
             act.normed.data(), act.inv.attention.data(), pool_);
    linear(i, Projection::q, act.normed.data(), act.query_raw.data());
    linear(i, Projection::k, act.normed.data(), act.key_raw.data());
    if (!shape.value_from_key) linear(i, Projection::v, act.normed.data(), act.value_raw.data());
    const std::vector<float>& value_raw = shape.value_from_key ? act.key_raw : act.value_raw;
    rms_norm(act.query_raw.data(), rows_ * a.n_heads, hd, w.query_norm.data(), a.norm_eps,
             act.query.data(), act.inv.query.data(), pool_);
    rms_norm(act.key_raw.data(), rows_ * shape.n_kv_heads, hd, w.key_norm.data(), a.norm_eps,
             act.key.data(), act.inv.key.data(), pool_);
    if (a.value_norm)
      rms_norm(value_raw.data(), rows_ * shape.n_kv_heads, hd, nullptr, a.norm_eps,
               act.value.data(), act.inv.value.data(), pool_);
    else
      std::copy(value_raw.begin(), value_raw.begin() + static_cast<int64_t>(area(rows_, kw)),
                act.value.begin());
    rope(act.query.data(), rows_, a.n_heads, hd, batch.positions.data(),
         shape.rope_frequencies.data(), 1, pool_);
    rope(act.key.data(), rows_, shape.n_kv_heads, hd, batch.positions.data(),
         shape.rope_frequencies.data(), 1, pool_);
    attention(i, batch);
    linear(i, Projection::o, act.attended.data(), act.attention_out.data());
    rms_norm(act.attention_out.data(), rows_, a.hidden, w.post_attention_norm.data(), a.norm_eps,
             act.middle.data(), act.inv.post_attention.data(), pool_);
    add(act.middle.data(), act.input.data(), static_cast<int64_t>(stream), pool_);
    rms_norm(act.middle.data(), rows_, a.hidden, w.feed_forward_norm.data(), a.norm_eps,
             act.middle_normed.data(), act.inv.feed_forward.data(), pool_);
    linear(i, Projection::gate, act.middle_normed.data(), act.gate.data());
    linear(i, Projection::up, act.middle_normed.data(), act.up.data());
    gelu_gate(act.gate.data(), act.up.data(), act.gated.data(),
              static_cast<int64_t>(area(rows_, a.feed_forward)), pool_);
    linear(i, Projection::down, act.gated.data(), act.down.data());
    rms_norm(act.down.data(), rows_, a.hidden, w.post_feed_forward_norm.data(), a.norm_eps,
             output_.data(), act.inv.post_feed_forward.data(), pool_);
    add(output_.data(), act.middle.data(), static_cast<int64_t>(stream), pool_);
    if (w.output_scale != 1)
      scale(output_.data(), w.output_scale, static_cast<int64_t>(stream), pool_);
  }
  size(final_normed_, stream);
  size(final_inv_, static_cast<size_t>(rows_));
  rms_norm(output_.data(), rows_, a.hidden, weights_.output_norm.data(), a.norm_eps,
           final_normed_.data(), final_inv_.data(), pool_);
}

std::vector<float> TrainableDecoder::logits(const PackedBatch& batch) {
  forward(batch);
  std::vector<float> out(area(rows_, architecture_.vocab_size));
  frozen_forward(head_, final_normed_.data(), rows_, out.data());
  if (architecture_.logit_softcap > 0)
    for (float& v : out)
      v = architecture_.logit_softcap * std::tanh(v / architecture_.logit_softcap);
  return out;
}

double TrainableDecoder::loss(const PackedBatch& batch, float weight, bool with_gradient) {
  const Architecture& a = architecture_;
  forward(batch);
  std::vector<int> rows;
  for (int r = 0; r < rows_; ++r)
    if (batch.labels[static_cast<size_t>(r)] >= 0) rows.push_back(r);
  std::vector<float> d_normed(area(rows_, a.hidden), 0.0f);
  // Logits of a few rows at a time: a row of them is 1 MB.
  constexpr int kChunk = 128;
  std::vector<float> hidden(area(kChunk, a.hidden)), d_hidden(area(kChunk, a.hidden));
  std::vector<float> logits(
      area(std::min<int>(kChunk, static_cast<int>(rows.size())), a.vocab_size));
  std::vector<double> losses(rows.size());
  for (size_t begin = 0; begin < rows.size(); begin += kChunk) {
    const int n = static_cast<int>(std::min<size_t>(kChunk, rows.size() - begin));
    for (int i = 0; i < n; ++i)
      std::copy_n(final_normed_.data() + area(rows[begin + static_cast<size_t>(i)], a.hidden),
                  a.hidden, hidden.data() + area(i, a.hidden));
    frozen_forward(head_, hidden.data(), n, logits.data());
    pool_.parallel_for(n, 1, [&](int, int b, int e) {
      for (int i = b; i < e; ++i)
        losses[begin + static_cast<size_t>(i)] = static_cast<double>(cross_entropy_row(
            logits.data() + area(i, a.vocab_size), a.vocab_size,
            batch.labels[static_cast<size_t>(rows[begin + static_cast<size_t>(i)])],
            a.logit_softcap, weight));
    });
    if (!with_gradient) continue;
    frozen_backward(head_, logits.data(), n, d_hidden.data(), false);
    for (int i = 0; i < n; ++i)
      std::copy_n(d_hidden.data() + area(i, a.hidden), a.hidden,
                  d_normed.data() + area(rows[begin + static_cast<size_t>(i)], a.hidden));
  }
  double total = 0;
  for (const double l : losses) total += l;
  if (with_gradient) {
    size(d_stream_, area(rows_, a.hidden));
    rms_norm_backward(output_.data(), final_inv_.data(), d_normed.data(), rows_, a.hidden,
                      weights_.output_norm.data(), d_stream_.data(), false, pool_);
    backward(batch);
  }
  return total * static_cast<double>(weight);
}

void TrainableDecoder::backward(const PackedBatch& batch) {
  const Architecture& a = architecture_;
  const size_t stream = area(rows_, a.hidden);
  std::vector<float> d_branch(stream), d_normed(stream);
  std::vector<float> d_gated(area(rows_, a.feed_forward)), d_gate(d_gated.size()),
      d_up(d_gated.size());
  for (int i = a.n_layers - 1; i >= 0; --i) {
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const LayerWeights& w = weights_.layers[static_cast<size_t>(i)];
    Activations& act = layers_[static_cast<size_t>(i)];
    const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
    if (w.output_scale != 1)
      scale(d_stream_.data(), w.output_scale, static_cast<int64_t>(stream), pool_);

    // h' = middle + norm(down): d_stream_ is d middle so far, and the branch's output gradient.
    rms_norm_backward(act.down.data(), act.inv.post_feed_forward.data(), d_stream_.data(), rows_,
                      a.hidden, w.post_feed_forward_norm.data(), d_branch.data(), false, pool_);
    linear_backward(i, Projection::down, act.gated.data(), d_branch.data(), d_gated.data(), false);
    gelu_gate_backward(act.gate.data(), act.up.data(), d_gated.data(), d_gate.data(), d_up.data(),
                       static_cast<int64_t>(d_gated.size()), pool_);
    linear_backward(i, Projection::gate, act.middle_normed.data(), d_gate.data(), d_normed.data(),
                    false);
    linear_backward(i, Projection::up, act.middle_normed.data(), d_up.data(), d_normed.data(),
                    true);
    rms_norm_backward(act.middle.data(), act.inv.feed_forward.data(), d_normed.data(), rows_,
                      a.hidden, w.feed_forward_norm.data(), d_stream_.data(), true, pool_);

    // middle = input + norm(attention_out)
    rms_norm_backward(act.attention_out.data(), act.inv.post_attention.data(), d_stream_.data(),
                      rows_, a.hidden, w.post_attention_norm.data(), d_branch.data(), false, pool_);
    std::vector<float> d_attended(area(rows_, qw));
    linear_backward(i, Projection::o, act.attended.data(), d_branch.data(), d_attended.data(),
                    false);
    size(d_query_, area(rows_, qw));
    size(d_key_, area(rows_, kw));
    size(d_value_, area(rows_, kw));
    attention_backward(i, batch, d_attended);
    rope(d_query_.data(), rows_, a.n_heads, hd, batch.positions.data(),
         shape.rope_frequencies.data(), -1, pool_);
    rope(d_key_.data(), rows_, shape.n_kv_heads, hd, batch.positions.data(),
         shape.rope_frequencies.data(), -1, pool_);
    std::vector<float> d_query_raw(area(rows_, qw)), d_key_raw(area(rows_, kw)),
        d_value_raw(area(rows_, kw));
    rms_norm_backward(act.query_raw.data(), act.inv.query.data(), d_query_.data(),
                      rows_ * a.n_heads, hd, w.query_norm.data(), d_query_raw.data(), false, pool_);
    rms_norm_backward(act.key_raw.data(), act.inv.key.data(), d_key_.data(),
                      rows_ * shape.n_kv_heads, hd, w.key_norm.data(), d_key_raw.data(), false,
                      pool_);
    const std::vector<float>& value_raw = shape.value_from_key ? act.key_raw : act.value_raw;
    std::vector<float>& d_value = shape.value_from_key ? d_key_raw : d_value_raw;
    if (a.value_norm)
      rms_norm_backward(value_raw.data(), act.inv.value.data(), d_value_.data(),
                        rows_ * shape.n_kv_heads, hd, nullptr, d_value.data(), shape.value_from_key,
                        pool_);
    else if (shape.value_from_key)
      add(d_value.data(), d_value_.data(), static_cast<int64_t>(area(rows_, kw)), pool_);
    else
      std::copy_n(d_value_.begin(), static_cast<int64_t>(area(rows_, kw)), d_value.begin());
    linear_backward(i, Projection::q, act.normed.data(), d_query_raw.data(), d_normed.data(),
                    false);
    linear_backward(i, Projection::k, act.normed.data(), d_key_raw.data(), d_normed.data(), true);
    if (!shape.value_from_key)
      linear_backward(i, Projection::v, act.normed.data(), d_value_raw.data(), d_normed.data(),
                      true);
    rms_norm_backward(act.input.data(), act.inv.attention.data(), d_normed.data(), rows_, a.hidden,
                      w.attention_norm.data(), d_stream_.data(), true, pool_);
  }
}

}  // namespace model::training
