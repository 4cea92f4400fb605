#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "model/training/batch.h"

namespace model::training {

/// What the embedders of the model in training take.
struct MediaRules {
  int side = 0;    ///< pixels of a patch; 0: it does not see
  int places = 0;  ///< most columns and rows of patches
  int budget = kDefaultImageBudget;
  int frame = 0;  ///< samples of a soft token; 0: it does not hear
};

/// What a file becomes, `row` aside: one Medium for a picture, one for each 30 s of a recording.
/// Decodes the whole file, so that what is wrong with it is found before training.
/// Errors: unsupported (the model has no such embedder; a clip), and as media::decode, patch_grid
/// and media::decode_sound; the message names the file.
base::Result<std::vector<Medium>> measure(MediaKind kind, const std::filesystem::path& path,
                                          const MediaRules& rules);

/// The input of its embedder: patches as cut_patches() gives them, or samples. Errors: as
/// measure(), corrupt (the file is another one than before).
base::Result<std::vector<float>> read_medium(const Medium& medium, int side);

}  // namespace model::training
