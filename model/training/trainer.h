#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "model/training/adamw.h"
#include "model/training/trainable_decoder.h"

namespace model::training {

struct TrainOptions {
  int steps = 0;            ///< optimizer steps
  int batch_tokens = 2048;  ///< rows of one pass, a shared prefix counted once
  int accumulate = 1;       ///< passes in a step
  float learning_rate = 5e-4f;
  int warmup_steps = 20;
  float final_fraction = 0.05f;  ///< of the learning rate, at the end of the cosine
  float weight_decay = 0;
  float clip = 1;  ///< largest norm of a gradient
  uint64_t seed = 1;
  std::filesystem::path checkpoint;  ///< empty: none
  int checkpoint_every = 50;
  int evaluate_every = 100;
};

struct StepReport {
  int step = 0;  ///< finished steps
  int steps = 0;
  double loss = 0;           ///< mean over the step's labelled tokens
  double gradient_norm = 0;  ///< before clipping
  float learning_rate = 0;
  double tokens_per_s = 0;  ///< tokens of the sequences, a shared prefix counted in each
  double rows_per_s = 0;    ///< rows that went through the decoder
  double evaluation = -1;   ///< mean loss of the held-out sequences, where it was taken
};

/// Trains decoder.lora() on `sequences` with AdamW, warm-up and cosine. Which sequences a step sees
/// depends on the seed and the step alone, and a checkpoint holds parameters and moments in full
/// precision, so a run that was killed and resumed gives the same bits as one that was not. Errors:
/// usage (a sequence does not fit a batch), corrupt (the checkpoint), system, cancelled (after a
/// checkpoint).
base::Status train(TrainableDecoder& decoder, const std::vector<Sequence>& sequences,
                   const std::vector<Sequence>& held_out, const TrainOptions& options,
                   const std::function<void(const StepReport&)>& report, std::stop_token stop);

}  // namespace model::training
