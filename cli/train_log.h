#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/terminal/style.h"
#include "model/training/trainer.h"

namespace cli {

/// What a training says while it runs: a bar on stderr, a line a step in JSON Lines, and the curve
/// of the loss as a picture. A log that is there already is never lost: a new training adds to it.
class TrainLog {
 public:
  /// log, curve: empty: none. Errors: system (the log cannot be written).
  static base::Result<TrainLog> open(std::filesystem::path log, std::filesystem::path curve);

  /// After each step. The first call of a resumed training drops the lines of its steps that are
  /// done again, where the log is a regular file.
  void report(const model::training::StepReport& step);
  /// Says that the first of `steps` is under way, which takes a while with a large model.
  void start(int steps) {
    if (look_.rich) draw_bar(0, steps, {"the first step is under way"});
  }
  /// The bar stays as it is, and what is written next stands below it.
  void end_line();
  /// Draws the curve, of the steps in the log, or without one of those reported; none: draws
  /// nothing. Errors: system, those of drawing.
  base::Status draw() const;

 private:
  /// first_step: steps that were done before this run.
  void begin(int first_step);
  void draw_bar(int step, int steps, std::initializer_list<std::string> facts);

  std::filesystem::path log_, curve_;
  std::ofstream out_;
  std::vector<nlohmann::json> lines_;
  Look look_ = look_of(2);
  bool open_line_ = false;
  int first_step_ = -1;
  double started_ = 0, held_out_ = -1;
};

}  // namespace cli
