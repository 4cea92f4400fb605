#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace model {

/// How the next token is chosen. temperature 0 is greedy; the others apply in this order.
struct SamplerOptions {
  float temperature = 0;
  int top_k = 64;  ///< 0: all
  float top_p = 0.95f;
  float min_p = 0;  ///< relative to the likeliest token
  uint64_t seed = 1;
};

class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}
  /// logits: [vocab]; -infinity forbids a token. Ties go to the lower id.
  int32_t sample(std::span<const float> logits);

 private:
  SamplerOptions options_;
  std::mt19937_64 random_;
  std::vector<int32_t> candidates_;
};

}  // namespace model
