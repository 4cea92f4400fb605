#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/special_tokens.h"

namespace model {

/// Shape of Gemma 4 unified's picture embedder: square patches, one linear layer, a position table.
struct VisionConfig {
  int patch_size = 16;            ///< pixels; teacher patches
  int pooling = 3;                ///< patches of a side that are merged: a patch is 48 x 48 pixels
  int embed_dim = 0;              ///< width between patch and projection
  int positions = 0;              ///< rows of the position table, for each axis
  int default_soft_tokens = 280;  ///< budget of a picture when none is asked for
  float norm_eps = 1e-6f;         ///< of the norm before the projection

  int model_patch_size() const { return patch_size * pooling; }
  int patch_values() const { return 3 * model_patch_size() * model_patch_size(); }
};

/// Shape of the sound embedder: raw samples, one linear layer.
struct AudioConfig {
  int samples_per_token = 640;
  float norm_eps = 1e-6f;
};

/// Ids of the tokens around and in place of media, as the configuration gives them; -1: not given.
struct MediaTokens {
  TokenId image_begin = -1, image = -1, image_end = -1;
  TokenId audio_begin = -1, audio = -1, audio_end = -1;
  TokenId video = -1;
};

/// Where the rotation frequencies of an Architecture come from, for writing them down again.
struct RopeConfig {
  double theta_full = 1e6, theta_sliding = 1e4;
  double linear_factor = 1;  ///< full layers of large Gemma 3
  double partial = 1;        ///< share of the pairs that rotate in full layers
};

/// config.json of a Hugging Face checkpoint of Gemma 3 (text) or Gemma 4 (unified, or its drafter).
struct HubConfig {
  std::string model_type;  ///< "gemma3_text", "gemma3", "gemma4_unified", …
  bool drafter = false;    ///< a gemma4_unified_assistant: `architecture` is its own
  Architecture architecture;
  RopeConfig rope;
  std::optional<VisionConfig> vision;
  std::optional<AudioConfig> audio;
  MediaTokens media;
  std::vector<TokenId> eos;  ///< empty: not given

  /// Reads the text of a config.json in either spelling of the head sizes of full layers.
  /// Errors: unsupported (another model, a feature this program lacks), corrupt (a missing or
  /// absurd value, named). Source: specification of Gemma 4 unified, section 1.1.
  static base::Result<HubConfig> parse(std::string_view json, const std::string& name);
};

}  // namespace model
