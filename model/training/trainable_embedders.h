#pragma once

#include <span>
#include <vector>

#include "model/audio.h"
#include "model/thread_pool.h"
#include "model/training/layer_norm.h"
#include "model/training/parameter.h"
#include "model/training/products.h"
#include "model/vision.h"

namespace model::training {

/// The patch embedder (model/vision.h) with gradients. forward() over all pictures of a batch, then
/// backward() with what the decoder wants of the soft tokens.
class TrainableVision {
 public:
  TrainableVision(VisionWeights weights, Precision precision);

  /// Forgets the pictures of the batch before.
  void clear() { grids_.clear(), patches_.clear(), n_ = 0; }
  /// patches: as cut_patches() gives them.
  void add(const std::vector<float>& patches, PatchGrid grid);
  /// [n, hidden] soft tokens of all added pictures, in order.
  std::vector<float> forward(ThreadPool& pool);
  /// d_soft: [n, hidden]. Adds to the gradients of parameters().
  void backward(const float* d_soft, ThreadPool& pool);

  Parameters parameters();
  /// As they stand now.
  VisionWeights weights() const;
  int side() const { return shape_.side; }
  int places() const { return shape_.places; }

 private:
  Products products_;
  VisionWeights shape_;  // its dense, table and projection are the parameters
  LayerNorm norm1_, norm2_, norm3_;
  std::vector<float> dense_gradient_, dense_bias_gradient_, table_gradient_, projection_gradient_;
  std::vector<PatchGrid> grids_;
  int n_ = 0;
  std::vector<float> patches_, normed_;           // [n, patch values] before and after norm1
  std::vector<float> summed_, scaled_, inverse_;  // after norm3, after its RMSNorm, 1 / rms
};

/// The audio embedder (model/audio.h) with gradients; used as TrainableVision.
class TrainableAudio {
 public:
  TrainableAudio(AudioWeights weights, Precision precision);

  void clear() { frames_.clear(), n_ = 0; }
  /// samples: mono, 16 kHz; the last frame is filled up with zeros.
  void add(std::span<const float> samples);
  std::vector<float> forward(ThreadPool& pool);
  void backward(const float* d_soft, ThreadPool& pool);

  Parameters parameters();
  AudioWeights weights() const { return weights_; }
  int frame() const { return weights_.frame; }

 private:
  Products products_;
  AudioWeights weights_;
  std::vector<float> gradient_;
  int n_ = 0;
  std::vector<float> frames_, normed_, inverse_;
};

/// Embedders that know nothing yet, for a checkpoint that neither sees nor hears. Shapes are Gemma
/// 4's: 48x48 patches through a width of `hidden`, 1,120 places, 40 ms of sound. Their soft tokens
/// start as large as `row_size`, the root mean square of the decoder's scaled table rows.
VisionWeights fresh_vision(int hidden, float row_size, uint64_t seed);
AudioWeights fresh_audio(int hidden, float row_size, uint64_t seed);

}  // namespace model::training
