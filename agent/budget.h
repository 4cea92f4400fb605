#pragma once

#include <chrono>
#include <cstdint>

#include "agent/loop.h"

namespace agent {

/// What a run has used of what it may use. Sub-tasks of a run share it.
class Budget {
 public:
  Budget(const RunOptions& options, std::chrono::steady_clock::time_point deadline)
      : options_(options), deadline_(deadline) {}

  void reply(int64_t prompt_tokens, int64_t completion_tokens);
  void turn() { ++turns_; }
  void bytes(uint64_t n);

  /// What is used up: "seconds", "turns", "tokens", "bytes" or "money"; null: nothing.
  const char* used_up() const;
  int turns_left() const { return options_.max_turns - turns_; }
  double cost() const { return cost_; }

 private:
  const RunOptions& options_;
  std::chrono::steady_clock::time_point deadline_;
  int turns_ = 0;
  int64_t tokens_ = 0, bytes_ = 0;
  double cost_ = 0;
};

/// Of a call's result and of the files that it left.
uint64_t bytes_of(const Run& run, const tools::Observation& observation);

}  // namespace agent
