#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/quants.h"

namespace model {

/// One tensor of a file. shape[0] is the contiguous axis, as GGUF writes it, so a linear layer
/// [out, in] is {in, out}. `data` lies in the mapping of the file, holds exactly the bytes that
/// shape and type need, and may be at any address (safetensors does not align).
struct StoredTensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<uint64_t> shape = {};
  std::span<const std::byte> data = {};

  uint64_t n_elements() const;
  /// "640x2048 Q5_0", for messages.
  std::string describe() const;
};

/// Whose habits the numbers of a checkpoint follow, where the two families of files differ.
enum class Convention : uint8_t {
  gguf,  ///< norms of Gemma 3 hold 1 + w; patches are CHW; the position table is [axis, place,
         ///< width]
  hub,   ///< norms of Gemma 3 hold w; patches are HWC; the position table is [place, axis, width]
};

/// The tensors of a checkpoint by GGUF's names ("blk.0.attn_q.weight", "v.patch_embd.weight"),
/// whatever the file calls them. Valid as long as the checkpoint.
struct TensorSource {
  std::function<const StoredTensor*(std::string_view gguf_name)> find;  ///< nullptr: none
  Convention convention = Convention::gguf;
};

}  // namespace model
