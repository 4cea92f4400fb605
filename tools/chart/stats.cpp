#include "tools/chart/stats.h"

#include <algorithm>
#include <cmath>

namespace tools::chart {
namespace {

double quantile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return sorted[below] * (1 - part) + sorted[above] * part;
}

}  // namespace

BoxSummary summarize(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  BoxSummary box;
  box.first_quartile = quantile(values, 0.25);
  box.median = quantile(values, 0.5);
  box.third_quartile = quantile(values, 0.75);
  const double reach = 1.5 * (box.third_quartile - box.first_quartile);
  // Whiskers end at readings, not at the fences; with few readings a fence may lie inside the box.
  box.low = box.first_quartile;
  box.high = box.third_quartile;
  for (double value : values) {
    if (value < box.first_quartile - reach || value > box.third_quartile + reach) {
      box.outliers.push_back(value);
    } else {
      box.low = std::min(box.low, value);
      box.high = std::max(box.high, value);
    }
  }
  return box;
}

double round_step(double range, double wanted) {
  const double raw = range / std::max(wanted, 1.0);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  // Thresholds are the geometric means of neighbours.
  return power * (lead < 1.4142 ? 1 : lead < 3.1623 ? 2 : lead < 7.0711 ? 5 : 10);
}

size_t Bins::index_of(double value) const {
  // A value that equals an edge may fall below it by rounding; half a billionth of a bin puts it
  // right.
  const double place = std::floor((value - first_edge) / width + 1e-9);
  return static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(counts.size()) - 1));
}

Bins bin_values(const std::vector<double>& values, int max_bins) {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const double lo = sorted.front();
  const double hi = sorted.back();
  const bool whole = std::all_of(sorted.begin(), sorted.end(),
                                 [](double v) { return v == std::floor(v) && std::abs(v) < 1e15; });
  Bins bins;
  const double magnitude = std::max(std::abs(lo), std::abs(hi));
  if (whole && hi - lo <= 20 && (max_bins == 0 || hi - lo < max_bins)) {
    bins.per_value = true;
    bins.first_edge = lo - 0.5;
    bins.counts.assign(static_cast<size_t>(hi - lo) + 1, 0);
  } else if (hi - lo <= magnitude * 1e-12) {
    bins.width = magnitude == 0 ? 1 : round_step(magnitude, 10);
    bins.first_edge = std::floor(lo / bins.width) * bins.width;
    bins.counts.assign(1, 0);
  } else {
    double wanted = max_bins;
    if (max_bins == 0) {
      // The finer of Sturges and Freedman-Diaconis, between 5 and 30 bins.
      const double n = static_cast<double>(sorted.size());
      const double spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
      const double sturges = std::ceil(std::log2(n)) + 1;
      const double freedman = spread > 0 ? (hi - lo) / (2 * spread / std::cbrt(n)) : sturges;
      wanted = std::clamp(std::max(sturges, freedman), 5.0, 30.0);
    }
    bins.width = round_step(hi - lo, wanted);
    if (whole) bins.width = std::max(bins.width, 1.0);
    const auto place = [&] {
      bins.first_edge = std::floor(lo / bins.width + 1e-9) * bins.width;
      const double count = std::ceil((hi - bins.first_edge) / bins.width - 1e-9);
      // The last bin is closed, but whole numbers on the last edge deserve a bin of their own.
      const bool own =
          whole && std::abs(bins.first_edge + count * bins.width - hi) < 1e-9 * bins.width;
      return static_cast<size_t>(std::max(count + (own ? 1 : 0), 1.0));
    };
    size_t count = place();
    while (max_bins > 0 && count > static_cast<size_t>(max_bins)) {
      bins.width = round_step(bins.width * 2.2, 1);
      count = place();
      if (max_bins == 1 && count <= 2) break;
    }
    bins.counts.assign(count, 0);
  }
  for (double value : values) ++bins.counts[bins.index_of(value)];
  return bins;
}

}  // namespace tools::chart
