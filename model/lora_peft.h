#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/safetensors.h"

namespace model {

/// adapter_config.json of a PEFT LoRA adapter: what decides the scale of each pair of matrices.
struct PeftConfig {
  int rank = 0;
  double alpha = 0;
  bool rank_stabilized = false;  ///< "use_rslora": alpha / sqrt(r) instead of alpha / r
  /// Modules by the end of their name, with a rank or alpha of their own.
  std::vector<std::pair<std::string, double>> rank_pattern, alpha_pattern;
  std::string base_model;  ///< "base_model_name_or_path", empty: not given

  /// Errors: corrupt (a field is missing or absurd), unsupported (DoRA, biases, saved modules); the
  /// message names the field.
  static base::Result<PeftConfig> parse(std::string_view json, const std::string& name);

  /// Factor of a module whose A has `rank` rows.
  /// Errors: corrupt (another rank than the configuration says).
  base::Result<float> scale(std::string_view module, uint64_t rank) const;
};

/// A PEFT folder: adapter_config.json and adapter_model.safetensors.
struct PeftAdapter {
  struct Pair {
    std::string module;     ///< "model.language_model.layers.0.self_attn.q_proj"
    std::string gguf_name;  ///< "blk.0.attn_q.weight"
    const StoredTensor* a;  ///< {in, rank}
    const StoredTensor* b;  ///< {rank, out}
    float scale;
  };
  PeftConfig config;
  Safetensors tensors;
  std::vector<Pair> pairs;

  /// path: the folder or one of its two files.
  /// Errors: not_found, corrupt, unsupported (a module outside the decoder's linear layers), naming
  /// file and module.
  static base::Result<PeftAdapter> open(const std::filesystem::path& path);
};

/// True for a folder that holds an adapter, or one of its two files.
bool is_peft(const std::filesystem::path& path);

}  // namespace model
