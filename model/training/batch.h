#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "model/chat.h"
#include "model/vision.h"

namespace model::training {

/// A picture or a piece of a recording: where its soft tokens stand and which file it comes from.
struct Medium {
  MediaKind kind = MediaKind::image;  ///< image or audio
  int row = 0;                        ///< of its first soft token, in the sequence or batch
  int n = 0;                          ///< soft tokens
  PatchGrid grid = {};                ///< of a picture
  std::filesystem::path path = {};
  size_t begin = 0, end = 0;  ///< samples of a recording
};

/// One sequence: labels[i] is the token after tokens[i] where that token counts, else -1.
struct Sequence {
  std::vector<int32_t> tokens;  ///< where a soft token stands, its placeholder
  std::vector<int32_t> labels;
  std::vector<Medium> media = {};

  /// Rows before the first soft token: what other sequences may begin with as well.
  size_t text_rows() const {
    return media.empty() ? tokens.size() : static_cast<size_t>(media[0].row);
  }
};

/// Several sequences in one pass. They may share their beginning: `prefix` tokens stand first and
/// once, and every segment continues them, which gives the same loss and gradients as repeating the
/// prefix in each.
struct PackedBatch {
  struct Segment {
    int begin = 0;  ///< rows [begin, begin + length) of the batch
    int length = 0;
  };
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;  ///< position in its sequence, prefix included
  std::vector<int32_t> labels;     ///< token to predict after this row; -1: no loss here
  /// Of a row in a picture the position after its picture, else 0: in sliding layers it sees so
  /// far.
  std::vector<int32_t> image_ends;
  std::vector<Medium> media;  ///< in order of `row`
  int prefix = 0;
  std::vector<Segment> segments;

  int rows() const { return static_cast<int>(tokens.size()); }
  int labelled() const;  ///< rows with a loss
};

/// Tokens at the beginning of all sequences that are the same text.
size_t common_prefix(const std::vector<const Sequence*>& sequences);

/// Packs `sequences` behind their longest common beginning that carries no loss and no media.
PackedBatch pack(const std::vector<const Sequence*>& sequences);

}  // namespace model::training
