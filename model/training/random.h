#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace model::training {

/// Starting values of parameters: the same on every machine, which the standard library's
/// distributions are not.
class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}
  float between(float low, float high) {
    const float unit = static_cast<float>(bits_() >> 40) / static_cast<float>(1 << 24);
    return low + unit * (high - low);
  }
  /// Of mean 0 and this standard deviation, by the sum of twelve uniform values.
  float normal(float deviation) {
    float sum = -6;
    for (int i = 0; i < 12; ++i) sum += between(0, 1);
    return sum * deviation;
  }

 private:
  std::mt19937_64 bits_;
};

/// A number that looks random for each `x`. Source: SplitMix64 (Steele, Lea and Flood, 2014).
inline uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace model::training
