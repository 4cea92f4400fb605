// Ticks of scales and their labels.
#include <algorithm>
#include <cmath>

#include "tools/vega/format.h"
#include "tools/vega/scale.h"
#include "tools/vega/ticks.h"

namespace tools::vega {

static Zone zone_of(ScaleType type) { return type == ScaleType::utc ? Zone::utc : Zone::local; }

static std::vector<Row> rows_of(const std::vector<double>& numbers, bool reverse = false) {
  std::vector<Row> out;
  for (double number : numbers) out.push_back(number_row(number));
  if (reverse) std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Row> Scale::ticks(double count) const {
  if (!(is_continuous(type()) || type() == ScaleType::quantize)) return domain_;
  double first = domain_numbers_.front(), last = domain_numbers_.back();
  if (type() == ScaleType::log) return rows_of(log_ticks(first, last, count, options_.base));
  if (!is_timed(type())) return rows_of(vega::ticks(first, last, count));
  if (!(count > 0)) return {};
  return ticks(tick_interval(std::min(first, last), std::max(first, last), count, zone_of(type())));
}

std::vector<Row> Scale::ticks(const IntervalStep& interval) const {
  if (!is_timed(type())) return {};
  double first = domain_numbers_.front(), last = domain_numbers_.back();
  return rows_of(interval_range(std::min(first, last), std::max(first, last) + 1, interval.interval,
                                interval.step, zone_of(type())),
                 last < first);
}

base::Result<std::vector<std::string>> Scale::labels(const std::vector<Row>& values, double count,
                                                     std::string_view specifier) const {
  std::vector<std::string> out;
  out.reserve(values.size());
  if (is_timed(type())) {
    for (const Row& value : values) {
      double ms = to_number(value);
      out.push_back(specifier.empty() ? format_time_multi(ms, zone_of(type()))
                                      : format_time(ms, specifier, zone_of(type())));
    }
    return out;
  }
  if (type() == ScaleType::log) {
    base::Result<NumberFormat> format = variable_number_format(specifier);
    if (!format) return format.error();
    // Only the first few multiples of each power get a label where there are many ticks.
    double base = options_.base;
    double n = static_cast<double>(ticks(count).size());
    double limit = std::max(1.0, base * count / n);
    for (const Row& value : values) {
      double number = to_number(value);
      double i = number / std::pow(base, std::floor(std::log(number) / std::log(base) + 0.5));
      if (i * base < base - 0.5) i *= base;
      out.push_back(i <= limit ? (*format)(number) : "");
    }
    return out;
  }
  if (is_continuous(type()) || type() == ScaleType::quantize) {
    base::Result<NumberFormat> format =
        tick_number_format(domain_numbers_.front(), domain_numbers_.back(), count, specifier);
    if (!format) return format.error();
    for (const Row& value : values) out.push_back((*format)(to_number(value)));
    return out;
  }
  base::Result<NumberFormat> format = NumberFormat::parse(specifier);
  if (!format) return format.error();
  for (const Row& value : values) {
    out.push_back(specifier.empty() ? to_text(value) : (*format)(to_number(value)));
  }
  return out;
}

double limit_tick_count(const Scale& scale, double count, double min_step) {
  const std::vector<double>& domain = scale.domain_numbers();
  if (domain.size() < 2 || !(min_step > 0)) return count;
  double low = std::min(domain.front(), domain.back());
  double high = std::max(domain.front(), domain.back());
  double steps = (high - low) / min_step;
  count = std::min(count, std::floor(steps != 0 ? steps : 1) + 1);
  if (scale.type() != ScaleType::log && !is_timed(scale.type()) && low < high) {
    while (count > 1 && tick_step(low, high, count) < min_step) --count;
  }
  return count;
}

std::vector<Row> valid_ticks(const Scale& scale, const std::vector<double>& candidates,
                             double count) {
  const std::vector<Row>& range = scale.range();
  if (range.empty()) return {};
  double first = to_number(range.front()), last = to_number(range.back());
  double low = std::floor(std::min(first, last)), high = std::ceil(std::max(first, last));
  std::vector<std::pair<double, double>> placed;
  for (double value : candidates) {
    double at = scale.position(value);
    if (low <= at && at <= high) placed.emplace_back(at, value);
  }
  std::stable_sort(placed.begin(), placed.end(), [&](const auto& a, const auto& b) {
    return first <= last ? a.first < b.first : a.first > b.first;
  });
  std::vector<double> values;
  for (const auto& [at, value] : placed) values.push_back(value);
  if (count > 0 && values.size() > 1) {
    std::vector<double> ends = {values.front(), values.back()};
    while (static_cast<double>(values.size()) > count && values.size() >= 3) {
      std::vector<double> half;
      for (size_t i = 0; i < values.size(); i += 2) half.push_back(values[i]);
      values = std::move(half);
    }
    if (values.size() < 3) values = ends;
  }
  return rows_of(values);
}

}  // namespace tools::vega
