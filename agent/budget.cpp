#include "agent/budget.h"

#include <algorithm>
#include <filesystem>

namespace agent {

void Budget::reply(int64_t prompt_tokens, int64_t completion_tokens) {
  tokens_ += prompt_tokens + completion_tokens;
  cost_ += (static_cast<double>(prompt_tokens) * options_.prices.prompt +
            static_cast<double>(completion_tokens) * options_.prices.completion) /
           1e6;
}

void Budget::bytes(uint64_t n) {
  constexpr int64_t kMost = INT64_MAX / 2;
  bytes_ = std::min(kMost, bytes_ + static_cast<int64_t>(std::min<uint64_t>(n, kMost)));
}

const char* Budget::used_up() const {
  if (std::chrono::steady_clock::now() >= deadline_) return "seconds";
  if (options_.max_tokens > 0 && tokens_ >= options_.max_tokens) return "tokens";
  if (options_.max_bytes > 0 && bytes_ >= options_.max_bytes) return "bytes";
  if (options_.max_cost > 0 && cost_ >= options_.max_cost) return "money";
  return turns_ >= options_.max_turns ? "turns" : nullptr;
}

uint64_t bytes_of(const Run& run, const tools::Observation& observation) {
  uint64_t bytes = observation.text.size();
  const auto add = [&](const std::string& file) {
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(run.toolbox.workspace() / file, error);
    if (!error) bytes += size;
  };
  for (const std::string& file : observation.files) add(file);
  for (const tools::ChartMade& chart : observation.charts) add(chart.path);
  return bytes;
}

}  // namespace agent
