#include "model/sampler.h"

#include <algorithm>
#include <cmath>

namespace model {

int32_t Sampler::sample(std::span<const float> logits) {
  const int32_t best =
      static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  if (options_.temperature <= 0) return best;
  const float top = logits[static_cast<size_t>(best)];
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    // Below exp(-40) of the best a token cannot be drawn in practice.
    if (logits[i] > top - 40 * std::max(options_.temperature, 1.0f))
      candidates_.push_back(static_cast<int32_t>(i));
  auto better = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  const size_t keep =
      options_.top_k > 0 ? std::min<size_t>(static_cast<size_t>(options_.top_k), candidates_.size())
                         : candidates_.size();
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<int64_t>(keep),
                    candidates_.end(), better);
  candidates_.resize(keep);
  std::vector<double> weights(keep);
  double total = 0;
  for (size_t i = 0; i < keep; ++i) {
    weights[i] = std::exp(static_cast<double>((logits[static_cast<size_t>(candidates_[i])] - top) /
                                              options_.temperature));
    total += weights[i];
  }
  double sum = 0;
  size_t n = 0;
  while (n < keep) {
    if (weights[n] < static_cast<double>(options_.min_p) && n > 0) break;
    sum += weights[n++];
    if (sum >= static_cast<double>(options_.top_p) * total) break;
  }
  double pick = static_cast<double>(random_() >> 11) * 0x1p-53 * sum;
  for (size_t i = 0; i < n; ++i) {
    pick -= weights[i];
    if (pick < 0) return candidates_[i];
  }
  return candidates_[n - 1];
}

}  // namespace model
