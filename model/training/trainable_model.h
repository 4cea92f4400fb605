#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "model/training/media_files.h"
#include "model/training/trainable_decoder.h"
#include "model/training/trainable_embedders.h"

namespace model::training {

/// A decoder with its embedders of pictures and sound: one loss, one pass, one list of parameters.
class TrainableModel {
 public:
  TrainableDecoder decoder;
  std::optional<TrainableVision> vision = {};
  std::optional<TrainableAudio> audio = {};
  bool train_embedders = false;  ///< else they stay as they are

  /// As TrainableDecoder::loss; the media of the batch are read from their files.
  /// Errors: as read_medium.
  base::Result<double> loss(const PackedBatch& batch, float weight, bool with_gradient,
                            uint64_t noise, ThreadPool& pool);
  /// The same with the input of each medium of the batch given.
  double loss(const PackedBatch& batch, const std::vector<std::vector<float>>& inputs, float weight,
              bool with_gradient, uint64_t noise, ThreadPool& pool);

  Parameters parameters();
};

}  // namespace model::training
