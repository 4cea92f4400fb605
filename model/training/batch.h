#pragma once

#include <cstdint>
#include <vector>

namespace model::training {

/// Several token sequences in one pass. They may share their beginning: `prefix` tokens stand first
/// and once, and every segment continues them, which gives the same loss and gradients as repeating
/// the prefix in each.
struct PackedBatch {
  struct Segment {
    int begin = 0;  ///< rows [begin, begin + length) of the batch
    int length = 0;
  };
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;  ///< position in its sequence, prefix included
  std::vector<int32_t> labels;     ///< token to predict after this row; -1: no loss here
  int prefix = 0;
  std::vector<Segment> segments;

  int rows() const { return static_cast<int>(tokens.size()); }
};

/// One sequence: labels[i] is the token after tokens[i] where that token counts, else -1.
struct Sequence {
  std::vector<int32_t> tokens;
  std::vector<int32_t> labels;
};

/// Packs `sequences` behind their longest common beginning that carries no loss.
PackedBatch pack(const std::vector<const Sequence*>& sequences);

}  // namespace model::training
