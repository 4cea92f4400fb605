#pragma once

#include <span>

#include "base/result.h"
#include "model/tensor.h"
#include "model/thread_pool.h"
#include "model/vision.h"
#include "model/weights.h"

namespace model {

inline constexpr int kSampleRate = 16000;  ///< of all sound the model hears, mono
inline constexpr double kMaxClipSeconds =
    30.0;  ///< of one recording between its begin and end tokens

/// The numbers of an audio embedder in f32.
struct AudioWeights {
  int frame = 0;                  ///< samples of a soft token
  int hidden = 0;                 ///< of the decoder
  std::vector<float> projection;  ///< [hidden, frame]
};

/// Gemma 4's audio embedder: each frame of 640 samples (40 ms) becomes one soft token by a norm and
/// a matrix. The matrix stays in the checkpoint, which outlives the embedder.
class AudioEmbedder {
 public:
  /// Errors: corrupt, as VisionEmbedder::bind.
  static base::Result<AudioEmbedder> bind(const TensorSource& tensors, int hidden);
  static bool present(const TensorSource& tensors);

  /// samples: mono, 16 kHz, in [-1, 1]; the last frame is filled up with zeros. ceil(n / 640) soft
  /// tokens. Errors: usage (no samples).
  base::Result<SoftTokens> embed(std::span<const float> samples, ThreadPool& pool) const;

  int frame() const { return projection_.in; }  ///< samples of a soft token
  AudioWeights weights() const;

 private:
  AudioEmbedder() = default;
  Matrix projection_;
};

}  // namespace model
