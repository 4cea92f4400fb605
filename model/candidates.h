#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace model {

/// Tokens that may come next, by rising id, and the logit of each.
struct Candidates {
  std::vector<int32_t> ids = {};
  std::vector<float> logits = {};

  /// A whole vocabulary.
  static Candidates of_all(std::span<const float> logits) {
    Candidates c{.ids = std::vector<int32_t>(logits.size()),
                 .logits = {logits.begin(), logits.end()}};
    std::iota(c.ids.begin(), c.ids.end(), 0);
    return c;
  }
  size_t size() const { return ids.size(); }
  void clear() { ids.clear(), logits.clear(); }
  void add(int32_t id, float logit) { ids.push_back(id), logits.push_back(logit); }
};

}  // namespace model
