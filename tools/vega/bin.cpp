// Bins: a width that is 1, 2 or 5 times a power of the base and gives no more than so many bins.
#include <algorithm>
#include <cmath>
#include <limits>
#include "base/json.h"

#include "tools/vega/groups.h"
#include "tools/vega/transform.h"

namespace tools::vega {

using base::Errc;
using base::Error;

base::Result<BinOptions> parse_bin(const Row& spec) {
  BinOptions options;
  if (spec.is_boolean() || spec.is_null()) return options;
  if (!spec.is_object()) return Error{Errc::usage, "bin must be true or an object"};
  const std::pair<const char*, std::optional<double> BinOptions::*> numbers[] = {
      {"maxbins", &BinOptions::max_bins}, {"step", &BinOptions::step},
      {"minstep", &BinOptions::min_step}, {"base", &BinOptions::base},
      {"anchor", &BinOptions::anchor},    {"span", &BinOptions::span}};
  for (const auto& [key, member] : numbers) {
    auto it = spec.find(key);
    if (it == spec.end() || it->is_null()) continue;
    if (!it->is_number() || !std::isfinite(it->get<double>())) {
      return Error{Errc::usage, std::string("bin ") + key + " must be a number"};
    }
    options.*member = it->get<double>();
  }
  auto list = [&](const char* key, std::vector<double>& out) -> bool {
    auto it = spec.find(key);
    if (it == spec.end() || !it->is_array()) return true;
    if (it->size() > 1000) return false;
    for (const Row& value : *it) {
      if (!value.is_number() || !(value.get<double>() > 0)) return false;
      out.push_back(value.get<double>());
    }
    return true;
  };
  if (!list("steps", options.steps) || !list("divide", options.divide)) {
    return Error{Errc::usage, "bin steps and divide must be positive numbers"};
  }
  if (auto it = spec.find("nice"); it != spec.end() && it->is_boolean()) {
    options.nice = it->get<bool>();
  }
  if (auto it = spec.find("extent"); it != spec.end() && it->is_array()) {
    if (it->size() != 2 || !(*it)[0].is_number() || !(*it)[1].is_number()) {
      return Error{Errc::usage, "bin extent must be two numbers"};
    }
    options.extent = {(*it)[0].get<double>(), (*it)[1].get<double>()};
  }
  if ((options.step && !(*options.step > 0)) || (options.max_bins && !(*options.max_bins >= 1)) ||
      (options.base && !(*options.base > 1))) {
    return Error{Errc::usage, "bin step and maxbins must be positive, base above 1"};
  }
  return options;
}

Bins choose_bins(double min, double max, const BinOptions& o, double default_max_bins) {
  if (o.extent) {
    min = (*o.extent)[0];
    max = (*o.extent)[1];
  }
  if (!std::isfinite(min) || !std::isfinite(max)) return {0, 1, 1};
  double max_bins = o.max_bins.value_or(default_max_bins);
  double base = o.base.value_or(10), log_base = std::log(base);
  double span = o.span.value_or(0);
  if (span == 0) span = max - min;
  if (span == 0) span = std::fabs(min);
  if (span == 0) span = 1;
  double step = 0;
  if (o.step) {
    step = *o.step;
  } else if (!o.steps.empty()) {
    double least = span / max_bins;
    size_t i = 0;
    while (i < o.steps.size() && o.steps[i] < least) ++i;
    step = o.steps[i > 0 ? i - 1 : 0];
  } else {
    double level = std::ceil(std::log(max_bins) / log_base), least = o.min_step.value_or(0);
    step = std::max(least, std::pow(base, std::floor(std::log(span) / log_base + 0.5) - level));
    while (std::ceil(span / step) > max_bins) step *= base;
    static const std::vector<double> kDivide = {5, 2};
    for (double divide : o.divide.empty() ? kDivide : o.divide) {
      double smaller = step / divide;
      if (smaller >= least && span / smaller <= max_bins) step = smaller;
    }
  }
  if (!(step > 0) || !std::isfinite(step)) step = 1;
  double log_step = std::log(step);
  double precision = log_step >= 0 ? 0 : std::trunc(-log_step / log_base) + 1;
  double epsilon = std::pow(base, -precision - 1);
  if (o.nice) {
    double start = std::floor(min / step + epsilon) * step;
    min = min < start ? start - step : start;
    max = std::ceil(max / step) * step;
  }
  double stop = max == min ? min + step : max;
  Bins bins{min, min + std::ceil((stop - min) / step) * step, step};
  if (o.anchor) {
    double shift = *o.anchor - (bins.start + step * std::floor((*o.anchor - bins.start) / step));
    bins.start += shift;
    bins.stop += shift;
  }
  return bins;
}

double bin_start(double value, const Bins& bins) {
  constexpr double kEpsilon = 1e-14;  // a value on an edge belongs to the bin above it
  if (std::isnan(value)) return value;
  if (value < bins.start) return -HUGE_VAL;
  if (value > bins.stop) return HUGE_VAL;
  value = std::max(bins.start, std::min(value, bins.stop - bins.step));
  return bins.start + bins.step * std::floor(kEpsilon + (value - bins.start) / bins.step);
}

base::Status bin_rows(Rows& rows, const Field& field, const Bins& bins, const std::string& start_as,
                      const std::string& end_as) {
  for (Row& row : rows) {
    const Row* value = field.find(row);
    if (!row.is_object()) continue;
    double start = is_missing(value) ? NAN : bin_start(to_number(*value), bins);
    if (std::isnan(start)) {
      row[start_as] = nullptr;
      if (!end_as.empty()) row[end_as] = nullptr;
      continue;
    }
    // Written so that the end is the very number that the next bin starts with.
    double end = bins.start + bins.step * (1 + (start - bins.start) / bins.step);
    row[start_as] = number_row(start);
    if (!end_as.empty()) row[end_as] = number_row(end);
  }
  return base::Ok{};
}

std::optional<std::array<double, 2>> extent(const Rows& rows, const Field& field) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const Row& row : rows) {
    const Row* value = field.find(row);
    if (is_missing(value)) continue;
    double number = to_number(*value);
    if (number < low) low = number;
    if (number > high) high = number;
  }
  if (low > high) return std::nullopt;
  return std::array{low, high};
}

}  // namespace tools::vega
