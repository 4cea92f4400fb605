#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/architecture.h"
#include "model/decoder.h"
#include "model/gemm/packed_matrix.h"
#include "model/lora.h"
#include "model/thread_pool.h"
#include "model/training/batch.h"
#include "model/training/parameter.h"
#include "model/training/products.h"
#include "model/weights.h"

namespace model::training {

/// Soft tokens of a batch, where they stand, and what the loss wants of them.
struct SoftRows {
  std::vector<int> rows;        ///< of the batch, ascending
  std::vector<float> values;    ///< [rows.size(), hidden]
  std::vector<float> gradient;  ///< the same; written by a pass with gradient
};

struct DecoderOptions {
  /// Every weight is trained (f32 masters, products as the precision says) instead of an adapter.
  bool full = false;
  /// Activations of one layer alone are held; the others are computed again on the way back. Same
  /// bits, a third more work, a twentieth of the memory.
  bool recompute = false;
  /// Share of the values before A that a pass with noise drops.
  float lora_dropout = 0;
  /// The loss chooses among these tokens alone, ascending; every label is one of them. Empty: among
  /// all. With an adapter only: most of a small model's arithmetic is its table of pieces.
  std::vector<int32_t> choices = {};
};

/// A decoder whose adapter, or whose every weight, is trained: the loss of a batch and the gradient
/// of what is trained. Holds all activations of one batch (about 50 KB a token and layer for Gemma
/// 3 270M). One thread at a time; the architecture, the weights and the pool outlive it. Source:
/// shared decoder equations in docs/model.md; the backward pass is their derivative, checked
/// against finite differences and a reference implementation in the tests.
class TrainableDecoder {
 public:
  TrainableDecoder(const Architecture& architecture, const Weights& weights, Lora lora,
                   Precision precision, ThreadPool& pool, DecoderOptions options = {});

  /// Sum over labelled rows of the cross-entropy, times `weight`; adds the gradient of that to
  /// those of parameters(). With gradient off only the loss is computed.
  /// soft: of the rows that are soft tokens, null: none. noise: what the dropout of this pass is
  /// drawn from; 0: no dropout.
  double loss(const PackedBatch& batch, float weight, bool with_gradient, SoftRows* soft = nullptr,
              uint64_t noise = 0);
  /// Logits of every row, [rows, vocab] or [rows, choices]; for tests on small vocabularies.
  std::vector<float> logits(const PackedBatch& batch, SoftRows* soft = nullptr);

  /// What is trained, layer by layer.
  Parameters parameters();
  /// To be called when the values of parameters() were changed.
  void refresh();

  Lora& lora() { return lora_; }
  /// Same shapes as lora(); `a` and `b` hold the gradients.
  Lora& gradient() { return gradient_; }
  void clear_gradient() { clear_gradients(parameters()); }

 private:
  struct Linear {
    int out = 0, in = 0;
    std::vector<float> f32, gradient;  // [out, in]; f32 in precision f32 or where it is trained
    PackedMatrix forward, backward;
  };
  struct Norm {
    std::vector<float> weight, gradient;
  };
  enum NormOf {
    attention_norm,
    post_attention_norm,
    feed_forward_norm,
    post_feed_forward_norm,
    query_norm,
    key_norm,
    kNorms
  };
  struct InverseRms {
    std::vector<float> attention, query, key, value, post_attention, feed_forward,
        post_feed_forward;
  };
  struct Activations {
    std::vector<float> normed, query_raw, key_raw, value_raw, query, key, value, attended,
        attention_out;
    std::vector<float> middle, middle_normed, gate, up, gated, down;
    std::vector<float> probabilities;
    std::array<std::vector<float>, kProjections> low;  // scale * dropout(x) A^T
    InverseRms inv;
  };
  /// Turns of a batch's positions by one set of frequencies, [rows, frequencies.size()].
  struct Turns {
    std::vector<float> frequencies, cosines, sines, sines_back;
  };
  struct Unit {  // one segment, or the prefix itself, for one key head
    int begin, length, prefix, kv_head, segment;
    size_t probabilities;  // offset of the first query head's [length, prefix + length]
  };

  Linear take(const Matrix& matrix);
  Linear take(const Matrix& matrix, const std::vector<int32_t>& rows);
  int choice_of(int32_t token) const;
  void pack(Linear& l);
  void linear(int layer, Projection p, const float* x, float* y);
  void linear_backward(int layer, Projection p, const float* x, const float* dy, float* dx,
                       bool accumulate);
  void base_forward(const Linear& l, const float* x, int m, float* y);
  void base_backward(Linear& l, const float* x, const float* dy, int m, float* dx, bool accumulate);
  void norm_backward(Norm& norm, const float* x, const std::vector<float>& inv, const float* dy,
                     int rows, int width, float* dx, bool accumulate);
  bool drops(int layer, Projection p) const;
  void drop(int layer, Projection p, const float* x, int in, std::vector<float>& to);

  void turn(const PackedBatch& batch);
  const Turns& turns(int layer) const;
  void embed(const PackedBatch& batch, const SoftRows* soft);
  void embed_backward(const PackedBatch& batch, SoftRows* soft);
  void forward(const PackedBatch& batch, const SoftRows* soft);
  void forward_layer(int layer, const PackedBatch& batch);
  void backward(const PackedBatch& batch);
  void backward_layer(int layer, const PackedBatch& batch);

  // trainable_attention.cpp
  void attention(int layer, const PackedBatch& batch);
  void attention_backward(int layer, const PackedBatch& batch,
                          const std::vector<float>& d_attended);
  void fast_attention(int layer, const PackedBatch& batch, const std::vector<Unit>& list);
  void fast_attention_backward(int layer, const PackedBatch& batch, const std::vector<Unit>& list,
                               const std::vector<float>& d_attended);
  void softmax(const LayerShape& shape, const PackedBatch& batch, const Unit& unit, int token,
               float* row) const;
  bool fast(int layer) const;
  std::vector<Unit> units(const PackedBatch& batch, int layer) const;

  Activations& activations(int layer) {
    return layers_[options_.recompute ? 0 : static_cast<size_t>(layer)];
  }

  const Architecture& architecture_;
  const Weights& weights_;
  DecoderOptions options_;
  Lora lora_, gradient_;
  Precision precision_;
  Products products_;
  ThreadPool& pool_;
  std::vector<std::unique_ptr<ThreadPool>>
      single_;  // one per worker: products inside a loop of pool_
  std::vector<std::array<Linear, kProjections>> linears_;
  std::vector<std::array<Norm, kNorms>> norms_;
  std::vector<Turns> turns_;      // one for each set of frequencies that layers have
  std::vector<size_t> turns_of_;  // [layers]
  Norm output_norm_;
  Linear head_;                              // and input table; rows as in options_.choices
  std::vector<std::vector<float>> streams_;  // residual stream before each layer
  std::vector<Activations> layers_;
  std::vector<float> output_, final_normed_, final_inv_;  // residual stream at the end, its norm
  std::vector<float> d_stream_;                           // gradient of the residual stream
  std::vector<float> d_branch_, d_normed_, d_gated_, d_gate_, d_up_, d_attended_;
  std::vector<float> d_query_, d_key_, d_value_, d_prefix_key_, d_prefix_value_;
  std::vector<float> d_query_raw_, d_key_raw_, d_value_raw_;
  std::vector<float> dropped_, d_low_;
  uint64_t noise_ = 0;
  int rows_ = 0;
};

}  // namespace model::training
