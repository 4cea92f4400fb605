#include "model/token_mask.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace model {
namespace {

// Beside a plain set, at sizes that fill their last word and that do not.
TEST(TokenMask, HoldsWhatASetHolds) {
  std::mt19937 random(1);
  for (const int size : {1, 31, 32, 33, 100, 4096}) {
    TokenMask mask = TokenMask::all(size), other(size), shorter(size / 2);
    EXPECT_EQ(mask.count(), size);
    std::set<int32_t> kept, others, in_shorter;
    for (int i = 0; i < size; ++i) {
      const auto token = static_cast<int32_t>(random() % static_cast<uint32_t>(2 * size));
      other.add(token), shorter.add(token);
      if (token < size) others.insert(token);
      if (token < size / 2) in_shorter.insert(token);
    }
    other.add(-1), other.remove(-1), other.remove(size + 5);
    mask.remove(0);
    for (int32_t token = 1; token < size; ++token)
      if (others.contains(token)) kept.insert(token);
    mask.keep(other);
    const auto all_of = [](const TokenMask& m) {
      std::set<int32_t> found;
      m.for_each(0, m.size(), [&](int32_t token) { found.insert(token); });
      return found;
    };
    EXPECT_EQ(all_of(mask), kept);
    EXPECT_EQ(mask.count(), static_cast<int>(kept.size()));
    for (int32_t token = -2; token < size + 2; ++token)
      EXPECT_EQ(mask.contains(token), kept.contains(token));
    int n = 0;
    other.for_each(0, std::min(size, 20), [&](int32_t token) { n += token < 20; });
    EXPECT_EQ(n, static_cast<int>(std::distance(others.begin(), others.lower_bound(20))));
    other.keep(shorter);
    EXPECT_EQ(all_of(other), in_shorter);
    mask.fill();
    EXPECT_EQ(mask.count(), size);
  }
}

}  // namespace
}  // namespace model
