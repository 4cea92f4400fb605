#include "model/audio.h"

#include <algorithm>

#include "model/bind.h"
#include "model/elementwise.h"
#include "model/stored_matmul.h"

namespace model {

using base::Errc;
using base::Error;

bool AudioEmbedder::present(const TensorSource& tensors) {
  return tensors.find("mm.a.input_projection.weight") != nullptr;
}

base::Result<AudioEmbedder> AudioEmbedder::bind(const TensorSource& tensors, int hidden) {
  const StoredTensor* t = tensors.find("mm.a.input_projection.weight");
  if (t == nullptr)
    return Error{
        Errc::corrupt,
        "mm.a.input_projection.weight: this tensor is missing; the file holds no audio embedder"};
  if (t->shape.size() != 2 || t->shape[0] > 65536)
    return Error{Errc::corrupt,
                 "mm.a.input_projection.weight: " + t->describe() + ", expected a matrix"};
  AudioEmbedder a;
  Binder bind(tensors);
  a.projection_ =
      bind.matrix("mm.a.input_projection.weight", hidden, static_cast<int>(t->shape[0]));
  if (bind.failed()) return *bind.failed();
  return a;
}

AudioWeights AudioEmbedder::weights() const {
  AudioWeights w{.frame = projection_.in, .hidden = projection_.out, .projection = {}};
  w.projection.resize(static_cast<size_t>(w.frame) * static_cast<size_t>(w.hidden));
  projection_.dequantize(0, w.hidden, w.projection.data());
  return w;
}

base::Result<SoftTokens> AudioEmbedder::embed(std::span<const float> samples,
                                              ThreadPool& pool) const {
  if (samples.empty()) return Error{Errc::usage, "the recording is empty"};
  const size_t frame = static_cast<size_t>(projection_.in);
  SoftTokens soft{.n = static_cast<int>((samples.size() + frame - 1) / frame), .values = {}};
  std::vector<float> frames(static_cast<size_t>(soft.n) * frame);
  std::copy(samples.begin(), samples.end(), frames.begin());
  std::vector<float> inverse(static_cast<size_t>(soft.n));
  rms_norm(frames.data(), soft.n, projection_.in, nullptr, 1e-6f, frames.data(), inverse.data(),
           pool);
  soft.values.resize(static_cast<size_t>(soft.n) * static_cast<size_t>(projection_.out));
  multiply_f32(projection_, frames.data(), 0, soft.n, soft.values.data(), pool);
  return soft;
}

}  // namespace model
