#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"

namespace model {

/// What a checkpoint, adapter or bare safetensors file holds, for people and scripts.
struct Summary {
  struct Tensor {
    std::string name = {};             ///< as the file calls it
    std::string gguf_name = {};        ///< empty: none
    std::vector<uint64_t> shape = {};  ///< contiguous axis first
    std::string type = {};
    uint64_t values = 0, bytes = 0;
  };
  struct Total {
    uint64_t tensors = 0, values = 0, bytes = 0;
  };
  std::string format = {};  ///< "gguf", "safetensors" or "folder"
  std::string kind = {};    ///< "decoder", "projector", "drafter", "adapter", "tensors" or "other"
  std::string name = {};    ///< empty: not given
  std::string architecture_name = {};
  std::optional<Architecture> architecture = {};  ///< of a decoder or drafter that could be read
  std::vector<std::string> problems = {};         ///< why something above is missing
  std::string tokenizer = {};                     ///< kind of vocabulary; empty: none
  uint64_t n_pieces = 0;
  bool chat_template = false;
  std::map<std::string, std::string> extra =
      {};  ///< of projectors and adapters: width, rank, alpha
  std::vector<Tensor> tensors = {};

  Total total() const;
  std::map<std::string, Total> by_type() const;

  /// path: what Checkpoint::open takes, a PEFT folder, or any .safetensors file.
  /// Errors: not_found, corrupt, unsupported.
  static base::Result<Summary> read(const std::filesystem::path& path);
};

/// Bytes of an f16 KV cache that holds `context` tokens: sliding layers keep their window only.
uint64_t kv_cache_bytes(const Architecture& architecture, uint64_t context);

/// The layers as runs: "5 sliding, 1 full, 1 sliding, 1 full", repetitions as "(5 sliding, 1 full)
/// x 8".
std::string layer_pattern(const Architecture& architecture);

}  // namespace model
