#include "model/embedder_tensors.h"

#include <array>
#include <optional>

namespace model {
namespace {

uint64_t u64(int n) { return static_cast<uint64_t>(n); }

void add_modality(GgufWriter& w, const std::string& prefix, const char* projector, int width,
                  int hidden, float norm_eps) {
  w.add(prefix + "projector_type", projector);
  w.add(prefix + "embedding_length", static_cast<uint32_t>(width));
  w.add(prefix + "feed_forward_length", uint32_t{0});
  w.add(prefix + "block_count", uint32_t{0});
  w.add(prefix + "attention.head_count", uint32_t{0});
  w.add(prefix + "projection_dim", static_cast<uint32_t>(hidden));
  w.add(prefix + "attention.layer_norm_epsilon", norm_eps);
}

}  // namespace

std::vector<NamedTensor> tensors_of(const VisionWeights& w) {
  const uint64_t in = u64(w.patch_values()), width = u64(w.width);
  return {{"v.patch_norm.1.weight", {in}, w.norm1},
          {"v.patch_norm.1.bias", {in}, w.norm1_bias},
          {"v.patch_embd.weight", {in, width}, w.dense},
          {"v.patch_embd.bias", {width}, w.dense_bias},
          {"v.patch_norm.2.weight", {width}, w.norm2},
          {"v.patch_norm.2.bias", {width}, w.norm2_bias},
          {"v.patch_norm.3.weight", {width}, w.norm3},
          {"v.patch_norm.3.bias", {width}, w.norm3_bias},
          {"v.position_embd.weight", {width, u64(w.places), 2}, w.table},
          {"mm.input_projection.weight", {width, u64(w.hidden)}, w.projection}};
}

std::vector<NamedTensor> tensors_of(const AudioWeights& w) {
  return {{"mm.a.input_projection.weight", {u64(w.frame), u64(w.hidden)}, w.projection}};
}

void add_vision_keys(GgufWriter& w, int width, int hidden, int patch_size, float norm_eps) {
  add_modality(w, "clip.vision.", "gemma4uv", width, hidden, norm_eps);
  w.add("clip.vision.image_size", uint32_t{224});  // required by readers, unused
  w.add("clip.vision.patch_size", static_cast<uint32_t>(patch_size));
  w.add("clip.vision.image_mean", std::span<const float>(std::array{0.0f, 0.0f, 0.0f}));
  w.add("clip.vision.image_std", std::span<const float>(std::array{1.0f, 1.0f, 1.0f}));
}

void add_audio_keys(GgufWriter& w, int frame, int hidden, float norm_eps) {
  add_modality(w, "clip.audio.", "gemma4ua", frame, hidden, norm_eps);
  w.add("clip.audio.num_mel_bins", uint32_t{128});  // required by readers, unused
}

base::Status write_mmproj(const std::filesystem::path& path, const VisionWeights* vision,
                          const AudioWeights* audio, bool replace) {
  constexpr float kEps = 1e-6f;
  GgufWriter w;
  w.add("general.architecture", "clip");
  w.add("general.type", "mmproj");
  w.add("clip.has_vision_encoder", vision != nullptr);
  w.add("clip.has_audio_encoder", audio != nullptr);
  std::vector<NamedTensor> tensors;
  if (vision != nullptr) {
    add_vision_keys(w, vision->width, vision->hidden, vision->side / 3, kEps);
    tensors = tensors_of(*vision);
  }
  if (audio != nullptr) {
    add_audio_keys(w, audio->frame, audio->hidden, kEps);
    for (NamedTensor& t : tensors_of(*audio)) tensors.push_back(std::move(t));
  }
  for (const NamedTensor& t : tensors) w.add_tensor(t.name, t.shape, TensorType::f32);
  base::Status done = w.begin(path, replace);
  for (const NamedTensor& t : tensors)
    if (done) done = w.write(std::as_bytes(std::span(t.values)));
  if (!done) return done;
  return w.finish();
}

base::Result<bool> write_embedders_of(const TensorSource& tensors, int hidden,
                                      const std::filesystem::path& path, bool replace) {
  std::optional<VisionWeights> vision;
  std::optional<AudioWeights> audio;
  if (VisionEmbedder::present(tensors)) {
    const base::Result<VisionEmbedder> v = VisionEmbedder::bind(tensors, hidden);
    if (!v) return v.error();
    vision = v->weights();
  }
  if (AudioEmbedder::present(tensors)) {
    const base::Result<AudioEmbedder> a = AudioEmbedder::bind(tensors, hidden);
    if (!a) return a.error();
    audio = a->weights();
  }
  if (!vision && !audio) return false;
  const base::Status written =
      write_mmproj(path, vision ? &*vision : nullptr, audio ? &*audio : nullptr, replace);
  if (!written) return written.error();
  return true;
}

}  // namespace model
