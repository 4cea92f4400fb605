#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/training/adamw.h"
#include "model/training/trainable_model.h"

namespace model::training {

/// How the learning rate goes from its peak, after the warm-up, to its end.
enum class Schedule : uint8_t { constant, linear, cosine };
std::optional<Schedule> schedule_named(std::string_view name);

struct TrainOptions {
  int steps = 0;            ///< optimizer steps
  int batch_tokens = 2048;  ///< rows of one pass, a shared prefix counted once
  int accumulate = 1;       ///< passes in a step
  float learning_rate = 5e-4f;
  float embedder_rate = 1;  ///< factor on it for embedders
  int warmup_steps = 20;
  Schedule schedule = Schedule::cosine;
  float final_fraction = 0.05f;  ///< of the learning rate, at the end of the schedule
  float weight_decay = 0;
  float clip = 1;  ///< largest norm of a gradient; 0: any
  uint64_t seed = 1;
  std::filesystem::path checkpoint = {};  ///< empty: none
  int checkpoint_every = 50;
  int evaluate_every = 100;
  uint64_t variant = 0;  ///< hash of what else decides the bits: base, precision, dropout
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
  bool saved = false;       ///< to the checkpoint
};

/// Learning rate of the step after `step` finished ones.
float learning_rate(const TrainOptions& options, int step);

/// Trains model.parameters() on `sequences` with AdamW. Which sequences a step sees and what its
/// dropout drops depend on the seed and the step alone, and a checkpoint holds parameters and
/// moments in full precision, so a run that was killed and resumed gives the same bits as one that
/// was not. Errors: usage (a sequence does not fit a batch; a checkpoint of other data or options),
/// corrupt (the checkpoint), system, those of the media, cancelled (after a checkpoint).
base::Status train(TrainableModel& model, const std::vector<Sequence>& sequences,
                   const std::vector<Sequence>& held_out, const TrainOptions& options,
                   const std::function<void(const StepReport&)>& report, ThreadPool& pool,
                   std::stop_token stop);

}  // namespace model::training
