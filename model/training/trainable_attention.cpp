#include <cblas.h>

#include <algorithm>

#include "model/elementwise.h"
#include "model/training/buffers.h"
#include "model/training/trainable_decoder.h"

// Attention runs per segment: its queries see the shared prefix and the segment up to themselves,
// and in sliding layers only the last W positions. Gradients of the prefix's keys and values are
// collected per segment and summed in segment order, so that a batch gives the same bits on every
// run.

namespace model::training {
namespace {

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

/// c [m, n] = alpha * op(a) op(b) + beta * c, single-threaded (the pool runs several at once).
void sgemm(bool ta, bool tb, int m, int n, int k, float alpha, const float* a, int lda,
           const float* b, int ldb, float beta, float* c, int ldc) {
  if (m == 0 || n == 0 || k == 0) return;
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n,
              k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace

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

void TrainableDecoder::softmax(const LayerShape& shape, const PackedBatch& batch, const Unit& unit,
                               int token, float* row) const {
  // The index of a key is its position in the sequence. Canonical mask of Gemma 4: in sliding
  // layers a patch also sees the rest of its picture; the window bounds the past alone.
  const int position = unit.prefix + token, keys = unit.prefix + unit.length;
  const int end = batch.image_ends[static_cast<size_t>(unit.begin + token)];
  const int first = shape.sliding ? std::max(0, position + 1 - architecture_.sliding_window) : 0;
  const int last = shape.sliding ? std::max(position + 1, end) : position + 1;
  masked_softmax_row(row, keys, first, last, architecture_.attention_scale);
}

void TrainableDecoder::fast_attention(int layer, const PackedBatch& batch,
                                      const std::vector<Unit>& list) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = activations(layer);
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
      for (int r = 0; r < m; ++r) softmax(shape, batch, unit, r / heads, p + area(r, keys));
      gemm(p, m, keys, PackedMatrix::pack_transposed(v.data(), hd, keys, hd),
           act.attended.data() + at, hd, false, single);
    }
  });
}

void TrainableDecoder::fast_attention_backward(int layer, const PackedBatch& batch,
                                               const std::vector<Unit>& list,
                                               const std::vector<float>& d_attended) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = activations(layer);
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
      transpose(p, m, keys, keys, turned.data());
      gemm(turned.data(), keys, m, PackedMatrix::pack_transposed(d_o, hd, m, hd), d_keys.data(), hd,
           false, single);
      hand_out(d_value_, d_prefix_value_);
      gemm(d_o, m, hd, PackedMatrix::pack(v.data(), keys, hd, hd), dp.data(), keys, false, single);
      for (int r = 0; r < m; ++r)
        softmax_backward_row(p + area(r, keys), dp.data() + area(r, keys), keys,
                             architecture_.attention_scale);
      gemm(dp.data(), m, keys, PackedMatrix::pack_transposed(k.data(), hd, keys, hd),
           d_query_.data() + at, hd, false, single);
      transpose(dp.data(), m, keys, keys, turned.data());
      gemm(turned.data(), keys, m, PackedMatrix::pack_transposed(act.query.data() + at, hd, m, hd),
           d_keys.data(), hd, false, single);
      hand_out(d_key_, d_prefix_key_);
    }
  });
}

void TrainableDecoder::attention(int layer, const PackedBatch& batch) {
  const LayerShape& shape = architecture_.layers[static_cast<size_t>(layer)];
  Activations& act = activations(layer);
  const int hd = shape.head_dim, qw = architecture_.query_width(layer),
            kw = architecture_.key_width(layer);
  const int group = architecture_.n_heads / shape.n_kv_heads;
  const std::vector<Unit> list = units(batch, layer);
  const Unit& last = list.back();
  size(act.probabilities, last.probabilities + area(last.length, last.prefix + last.length) *
                                                   static_cast<size_t>(group));
  if (fast(layer)) return fast_attention(layer, batch, list);
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
        for (int i = 0; i < unit.length; ++i) softmax(shape, batch, unit, i, p + area(i, keys));
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
  Activations& act = activations(layer);
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

}  // namespace model::training
