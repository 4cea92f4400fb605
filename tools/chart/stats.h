#pragma once

#include <cstddef>
#include <vector>

namespace tools::chart {

/// Tukey's five numbers and what lies outside.
struct BoxSummary {
  double low = 0, first_quartile = 0, median = 0, third_quartile = 0, high = 0;
  std::vector<double> outliers;  ///< beyond 1.5 times the interquartile range, ascending
};

/// values: at least one, in any order. Quartiles are interpolated linearly (type 7, as R and NumPy
/// do by default).
BoxSummary summarize(std::vector<double> values);

/// Bins of equal width: [edges[i], edges[i + 1]), the last one closed.
struct Bins {
  double first_edge = 0;
  double width = 1;
  std::vector<int> counts;
  bool per_value = false;  ///< whole numbers, one bin each, centred on the number
  double edge(size_t i) const { return first_edge + width * static_cast<double>(i); }
  /// Which bin holds `value`.
  size_t index_of(double value) const;
};

/// Bins with round edges. values: at least one. max_bins: at most so many, 0 to choose by the
/// values' spread.
Bins bin_values(const std::vector<double>& values, int max_bins);

/// The round step (1, 2 or 5 times a power of ten) nearest to range / wanted; range > 0.
double round_step(double range, double wanted);

}  // namespace tools::chart
