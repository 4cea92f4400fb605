#pragma once

#include <string>
#include <vector>

#include "model/audio.h"
#include "model/gguf_writer.h"
#include "model/vision.h"

namespace model {

/// A tensor on its way into a GGUF file. shape: contiguous axis first.
struct NamedTensor {
  std::string name;
  std::vector<uint64_t> shape;
  std::vector<float> values;
};

/// The tensors of embedders under their names in GGUF ("v.patch_embd.weight").
std::vector<NamedTensor> tensors_of(const VisionWeights& weights);
std::vector<NamedTensor> tensors_of(const AudioWeights& weights);

/// What readers of "mmproj" files expect of a vision embedder. width: between its matrices; hidden:
/// of the decoder; patch_size: pixels of a third of a patch.
void add_vision_keys(GgufWriter& w, int width, int hidden, int patch_size, float norm_eps);
void add_audio_keys(GgufWriter& w, int frame, int hidden, float norm_eps);

/// Writes embedders as a file of their own ("mmproj"), in F32.
/// Errors: refused (`path` exists and `replace` is false), system.
base::Status write_mmproj(const std::filesystem::path& path, const VisionWeights* vision,
                          const AudioWeights* audio, bool replace);

/// The same for those that `tensors`, of an adapter for a decoder of this width, hold. False: none.
/// Errors: corrupt (as VisionEmbedder::bind), refused (`path` exists and `replace` is false),
/// system.
base::Result<bool> write_embedders_of(const TensorSource& tensors, int hidden,
                                      const std::filesystem::path& path, bool replace);

}  // namespace model
