#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/architecture.h"
#include "model/decoder.h"
#include "model/gemm/gemm.h"
#include "model/lora.h"
#include "model/thread_pool.h"
#include "model/training/batch.h"
#include "model/weights.h"

namespace model::training {

/// A decoder with frozen weights and a trainable LoRA: the loss of a batch and the gradient of
/// every A and B. Holds all activations of one batch (about 50 KB a token for Gemma 3 270M). One
/// thread at a time; the architecture and the pool outlive it. Source: shared decoder equations in
/// docs/model.md; the backward pass is their derivative, checked against finite differences and a
/// reference implementation in the tests.
class TrainableDecoder {
 public:
  TrainableDecoder(const Architecture& architecture, const Weights& weights, Lora lora,
                   Precision precision, ThreadPool& pool);

  /// Sum over labelled rows of the cross-entropy, times `weight`; adds the gradient of that to
  /// gradient(). With gradient off only the loss is computed.
  double loss(const PackedBatch& batch, float weight, bool with_gradient);
  /// Logits of every row, [rows, vocab]; for tests on small vocabularies.
  std::vector<float> logits(const PackedBatch& batch);

  Lora& lora() { return lora_; }
  /// Same shapes as lora(); `a` and `b` hold the gradients.
  Lora& gradient() { return gradient_; }
  void clear_gradient();

 private:
  struct Linear {
    int out = 0, in = 0;
    std::vector<float> f32;  // [out, in], precision f32
    PackedMatrix forward, backward;
  };
  struct Norms {
    std::vector<float> attention, query, key, value, post_attention, feed_forward,
        post_feed_forward;  // inverse rms
  };
  struct Activations {
    std::vector<float> input, normed, query_raw, key_raw, value_raw, query, key, value, attended,
        attention_out;
    std::vector<float> middle, middle_normed, gate, up, gated, down;
    std::vector<float> probabilities;
    std::array<std::vector<float>, kProjections> low;  // scale * x A^T
    Norms inv;
  };
  struct Unit {  // one segment, or the prefix itself, for one key head
    int begin, length, prefix, kv_head, segment;
    size_t probabilities;  // offset of the first query head's [length, prefix + length]
  };

  Linear freeze(const Matrix& matrix);
  void linear(int layer, Projection p, const float* x, float* y);
  void linear_backward(int layer, Projection p, const float* x, const float* dy, float* dx,
                       bool accumulate);
  void frozen_forward(const Linear& l, const float* x, int m, float* y);
  void frozen_backward(const Linear& l, const float* dy, int m, float* dx, bool accumulate);
  void forward(const PackedBatch& batch);
  void attention(int layer, const PackedBatch& batch);
  void attention_backward(int layer, const PackedBatch& batch,
                          const std::vector<float>& d_attended);
  void fast_attention(int layer, const std::vector<Unit>& list);
  void fast_attention_backward(int layer, const PackedBatch& batch, const std::vector<Unit>& list,
                               const std::vector<float>& d_attended);
  bool fast(int layer) const;
  std::vector<Unit> units(const PackedBatch& batch, int layer) const;
  void backward(const PackedBatch& batch);

  const Architecture& architecture_;
  const Weights& weights_;
  Lora lora_, gradient_;
  Precision precision_;
  ThreadPool& pool_;
  std::vector<std::unique_ptr<ThreadPool>>
      single_;  // one per worker: products inside a loop of pool_
  std::vector<std::array<Linear, kProjections>> linears_;
  Linear head_;
  std::vector<Activations> layers_;
  std::vector<float> output_, final_normed_, final_inv_;  // residual stream at the end, its norm
  std::vector<float> d_stream_;                           // gradient of the residual stream
  std::vector<float> d_query_, d_key_, d_value_, d_prefix_key_, d_prefix_value_;
  int rows_ = 0;
};

}  // namespace model::training
