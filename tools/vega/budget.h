#pragma once

#include <cstdint>

#include "base/result.h"

namespace tools::vega {

/// What one chart may cost, whatever its specification says: parts of expressions that are
/// evaluated, rows that pass through transforms, marks that are made. A unit is some tens of
/// nanoseconds, so that the whole is a few seconds. One million points cost half of it.
class Budget {
 public:
  static constexpr uint64_t kRow = 10, kMark = 50, kText = 500;
  static constexpr uint64_t kDefault = 100'000'000;

  explicit Budget(uint64_t units = kDefault) : left_(units) {}

  /// False, now and ever after, where less than `units` are left.
  bool spend(uint64_t units) {
    if (units > left_) {
      left_ = 0;
      spent_ = true;
    } else {
      left_ -= units;
    }
    return !spent_;
  }
  static base::Error error() {
    return {base::Errc::limit,
            "the chart is too much work: fewer rows, layers, texts or expressions are needed"};
  }

 private:
  uint64_t left_;
  bool spent_ = false;
};

}  // namespace tools::vega
