#pragma once

#include "model/checkpoint.h"
#include "model/training/trainable_model.h"
#include "tests/golden.h"
#include "tests/npy.h"

// The tiny Gemma 4 with its embedders, and the mixed sequence of the reference: text, a picture of
// 3x2 patches, 13 frames of sound, a picture of 4x4 patches, text.

namespace model::training {

struct TinyModel {
  Checkpoint checkpoint = std::move(*Checkpoint::open(golden("tiny/tiny-f32.gguf")));
  Checkpoint media = std::move(*Checkpoint::open(golden("tiny/mmproj-f32.gguf")));
  Architecture architecture = *checkpoint.architecture();
  Weights weights = *Weights::bind(checkpoint.tensors(), architecture);
  ThreadPool pool{2};

  Lora no_lora() const {
    Lora lora;
    lora.layers.resize(static_cast<size_t>(architecture.n_layers));
    return lora;
  }
  TrainableModel model(Lora lora, DecoderOptions options, Precision precision = Precision::f32) {
    TrainableModel m{.decoder = TrainableDecoder(architecture, weights, std::move(lora), precision,
                                                 pool, options)};
    m.vision.emplace(VisionEmbedder::bind(media.tensors(), architecture.hidden)->weights(),
                     precision);
    m.audio.emplace(AudioEmbedder::bind(media.tensors(), architecture.hidden)->weights(),
                    precision);
    m.train_embedders = true;
    return m;
  }

  static Sequence mixed_sequence() {
    Sequence s{.tokens = read_npy<int32_t>(golden("tiny/train/ids.npy")), .labels = {}};
    const std::vector<int32_t> labels = read_npy<int32_t>(golden("tiny/train/labels.npy"));
    s.labels.assign(s.tokens.size(), -1);
    for (size_t i = 0; i + 1 < s.tokens.size(); ++i)
      s.labels[i] = labels[i + 1] == -100 ? -1 : labels[i + 1];
    auto add = [&](MediaKind kind, int placeholder, size_t from, int n, PatchGrid grid) {
      const auto at =
          std::find(s.tokens.begin() + static_cast<ptrdiff_t>(from), s.tokens.end(), placeholder);
      s.media.push_back(
          {.kind = kind, .row = static_cast<int>(at - s.tokens.begin()), .n = n, .grid = grid});
    };
    add(MediaKind::image, 501, 0, 6, {3, 2});
    add(MediaKind::audio, 504, 0, 13, {});
    add(MediaKind::image, 501, 20, 16, {4, 4});
    return s;
  }
  /// What the embedders get, in the order of the media.
  static std::vector<std::vector<float>> mixed_inputs() {
    const std::vector<float> table =
        read_npy<float>(golden("tiny/image_preprocess_rescale_table.npy"));
    auto patches = [&](const char* grid) {
      std::vector<float> values;
      for (const uint8_t byte :
           read_npy<uint8_t>(golden(std::string("tiny/vision_") + grid + "_patches_u8.npy")))
        values.push_back(table[byte]);
      return values;
    };
    return {patches("g3x2"), read_npy<float>(golden("tiny/audio_waveform_7777.npy")),
            patches("g4x4")};
  }
  static float weight(const PackedBatch& batch) {
    return 1.0f / static_cast<float>(batch.labelled());
  }
};

}  // namespace model::training
