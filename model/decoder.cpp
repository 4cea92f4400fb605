#include "model/decoder.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "model/elementwise.h"
#include "model/row_dot.h"

// The layer equations stand in model/training/trainable_decoder.cpp, whose tests check both. Here
// keys and values go into the cache first and queries read them from there, so a pass over many
// positions and many passes over one give the same sums.

namespace model {
namespace {

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

/// A buffer of at least n floats.
float* sized(std::vector<float>& v, size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}

}  // namespace

Decoder::Decoder(const Architecture& architecture, const Weights& weights, const Lora* lora,
                 Precision precision, ThreadPool& pool)
    : architecture_(architecture), weights_(weights), precision_(precision) {
  openblas_set_num_threads(1);  // the pool is the only source of threads
  if (precision == Precision::f32) {
    if (lora != nullptr) lora_ = *lora;
    return;
  }
  packed_.resize(weights.layers.size());
  for (int i = 0; i < architecture.n_layers; ++i)
    for (int p = 0; p < kProjections; ++p) {
      const Matrix& matrix =
          weights.layers[static_cast<size_t>(i)].projections[static_cast<size_t>(p)];
      if (matrix.out == 0) continue;
      const LowRank* low = lora != nullptr ? &lora->at(i, static_cast<Projection>(p)) : nullptr;
      auto row = [&](int r, std::span<float> out) {
        matrix.dequantize(r, 1, out.data());
        if (low == nullptr || low->rank == 0) return;
        // W' = W + scale B A, a row at a time.
        cblas_sgemv(CblasRowMajor, CblasTrans, low->rank, low->in, low->scale, low->a.data(),
                    low->in, low->b.data() + area(r, low->rank), 1, 1.0f, out.data(), 1);
      };
      packed_[static_cast<size_t>(i)][static_cast<size_t>(p)] =
          PackedMatrix::pack(row, matrix.out, matrix.in, &pool);
    }
}

void Decoder::embed(int32_t token, float* row) const {
  weights_.embedding.dequantize(token, 1, row);
  for (int i = 0; i < architecture_.hidden; ++i) row[i] *= architecture_.embedding_scale;
}

void Decoder::logits(const float* normed, std::span<float> out, ThreadPool& pool) const {
  row_dots(weights_.embedding, {normed, static_cast<size_t>(architecture_.hidden)}, out, pool);
  if (architecture_.logit_softcap > 0)
    for (float& v : out)
      v = architecture_.logit_softcap * std::tanh(v / architecture_.logit_softcap);
}

void Decoder::linear(int layer, Projection p, const float* x, int m, float* y, Workspace& work,
                     ThreadPool& pool) const {
  const Matrix& matrix = weights_.layers[static_cast<size_t>(layer)].at(p);
  if (precision_ == Precision::bf16) {
    gemm(x, m, matrix.in, packed_[static_cast<size_t>(layer)][static_cast<size_t>(p)], y,
         matrix.out, false, pool);
    return;
  }
  constexpr int kRows = 32;
  pool.parallel_for(matrix.out, kRows, [&](int worker, int begin, int end) {
    const int rows = end - begin;
    float* w =
        reinterpret_cast<float*>(pool.scratch(worker, area(rows, matrix.in) * sizeof(float)));
    matrix.dequantize(begin, rows, w);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, rows, matrix.in, 1, x, matrix.in, w,
                matrix.in, 0, y + begin, matrix.out);
  });
  if (!lora_) return;
  const LowRank& low = lora_->at(layer, p);
  if (low.rank == 0) return;
  float* xa = sized(work.low, area(m, low.rank));
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, low.rank, low.in, low.scale, x, low.in,
              low.a.data(), low.in, 0, xa, low.rank);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, low.out, low.rank, 1, xa, low.rank,
              low.b.data(), low.rank, 1, y, low.out);
}

void Decoder::attention(int layer, int n, KvCache& cache, Workspace& work, ThreadPool& pool) const {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  const int hd = shape.head_dim, qw = architecture_.query_width(layer),
            kw = architecture_.key_width(layer);
  const int group = architecture_.n_heads / shape.n_kv_heads;
  const int total = cache.size(), past = total - n;
  const int window = architecture_.sliding_window, slots = cache.slots(layer);
  constexpr int kQueries = 32;  // a block shares its range of keys
  const int blocks = (n + kQueries - 1) / kQueries;
  pool.parallel_for(blocks * architecture_.n_heads, 1, [&](int worker, int begin, int end) {
    for (int task = begin; task < end; ++task) {
      const int head = task % architecture_.n_heads, block = task / architecture_.n_heads;
      const int q0 = block * kQueries, q1 = std::min(n, q0 + kQueries), rows = q1 - q0;
      const int first = shape.sliding ? std::max(0, past + q0 + 1 - window) : 0;
      const int last = past + q1, keys = last - first;
      const int offset = head / group * hd;
      float* scores =
          reinterpret_cast<float*>(pool.scratch(worker, area(rows, keys) * sizeof(float)));
      const float* q = work.query.data() + area(q0, qw) + head * hd;
      float* o = work.attended.data() + area(q0, qw) + head * hd;
      // Keys lie in at most two runs of slots, before and after the end of the ring.
      for (int p = first; p < last;) {
        const int run = std::min(last - p, slots - p % slots);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, run, hd, 1, q, qw,
                    cache.key(layer, p) + offset, kw, 0, scores + (p - first), keys);
        p += run;
      }
      for (int i = 0; i < rows; ++i) {
        const int position = past + q0 + i;
        const int from = shape.sliding ? std::max(0, position + 1 - window) : 0;
        masked_softmax_row(scores + area(i, keys), keys, from - first, position + 1 - first,
                           architecture_.attention_scale);
      }
      float beta = 0;
      for (int p = first; p < last;) {
        const int run = std::min(last - p, slots - p % slots);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, hd, run, 1,
                    scores + (p - first), keys, cache.value(layer, p) + offset, kw, beta, o, qw);
        beta = 1;
        p += run;
      }
    }
  });
}

void Decoder::forward(std::vector<float>& stream, int n, KvCache& cache, Workspace& work,
                      ThreadPool& pool) const {
  const Architecture& a = architecture_;
  const int64_t values = static_cast<int64_t>(area(n, a.hidden));
  const int past = cache.size();
  cache.extend(past + n);
  work.positions.resize(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) work.positions[static_cast<size_t>(i)] = past + i;
  float* h = stream.data();
  float* normed = sized(work.normed, area(n, a.hidden));
  float* branch = sized(work.branch, area(n, a.hidden));
  float* gate = sized(work.gate, area(n, a.feed_forward));
  float* up = sized(work.up, area(n, a.feed_forward));
  float* inverse = sized(work.inverse, area(n, a.n_heads));
  for (int i = 0; i < a.n_layers; ++i) {
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const LayerWeights& w = weights_.layers[static_cast<size_t>(i)];
    const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
    float* q = sized(work.query, area(n, qw));
    float* k = sized(work.key, area(n, kw));
    float* v = sized(work.value, area(n, kw));
    sized(work.attended, area(n, qw));
    rms_norm(h, n, a.hidden, w.attention_norm.data(), a.norm_eps, normed, inverse, pool);
    linear(i, Projection::q, normed, n, q, work, pool);
    linear(i, Projection::k, normed, n, k, work, pool);
    if (shape.value_from_key)
      std::copy(k, k + area(n, kw), v);
    else
      linear(i, Projection::v, normed, n, v, work, pool);
    rms_norm(q, n * a.n_heads, hd, w.query_norm.data(), a.norm_eps, q, inverse, pool);
    rms_norm(k, n * shape.n_kv_heads, hd, w.key_norm.data(), a.norm_eps, k, inverse, pool);
    if (a.value_norm) rms_norm(v, n * shape.n_kv_heads, hd, nullptr, a.norm_eps, v, inverse, pool);
    rope(q, n, a.n_heads, hd, work.positions.data(), shape.rope_frequencies.data(), 1, pool);
    rope(k, n, shape.n_kv_heads, hd, work.positions.data(), shape.rope_frequencies.data(), 1, pool);
    for (int t = 0; t < n; ++t) {
      std::copy_n(k + area(t, kw), kw, cache.key(i, past + t));
      std::copy_n(v + area(t, kw), kw, cache.value(i, past + t));
    }
    attention(i, n, cache, work, pool);
    linear(i, Projection::o, work.attended.data(), n, branch, work, pool);
    rms_norm(branch, n, a.hidden, w.post_attention_norm.data(), a.norm_eps, branch, inverse, pool);
    add(h, branch, values, pool);
    rms_norm(h, n, a.hidden, w.feed_forward_norm.data(), a.norm_eps, normed, inverse, pool);
    linear(i, Projection::gate, normed, n, gate, work, pool);
    linear(i, Projection::up, normed, n, up, work, pool);
    gelu_gate(gate, up, gate, static_cast<int64_t>(area(n, a.feed_forward)), pool);
    linear(i, Projection::down, gate, n, branch, work, pool);
    rms_norm(branch, n, a.hidden, w.post_feed_forward_norm.data(), a.norm_eps, branch, inverse,
             pool);
    add(h, branch, values, pool);
    if (w.output_scale != 1) scale(h, w.output_scale, values, pool);
  }
  rms_norm(h, n, a.hidden, weights_.output_norm.data(), a.norm_eps, h, inverse, pool);
}

}  // namespace model
