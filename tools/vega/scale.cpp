// Scales as Vega sets up d3's. Continuous ones map a number by a monotone function to a fraction of
// their domain and the fraction to numbers or colours; a range of colours over a domain of two or
// three numbers is one ramp over the whole domain (Vega's sequential and diverging scales), other
// ranges go piece by piece. Discrete ones look a value up, discretizing ones look for its bucket.
#include "tools/vega/scale.h"

#include <algorithm>
#include <cmath>

#include "tools/vega/not_a_number.h"
#include "tools/vega/statistics.h"
#include "tools/vega/ticks.h"

namespace tools::vega {

using base::Errc;
using base::Error;
using base::Ok;

static constexpr int kDefaultSchemeCount = 5;

static constexpr std::pair<std::string_view, ScaleType> kTypes[] = {
    {"linear", ScaleType::linear},
    {"pow", ScaleType::pow},
    {"sqrt", ScaleType::sqrt},
    {"log", ScaleType::log},
    {"symlog", ScaleType::symlog},
    {"time", ScaleType::time},
    {"utc", ScaleType::utc},
    {"sequential", ScaleType::sequential},
    {"diverging", ScaleType::diverging},
    {"band", ScaleType::band},
    {"point", ScaleType::point},
    {"ordinal", ScaleType::ordinal},
    {"quantile", ScaleType::quantile},
    {"quantize", ScaleType::quantize},
    {"threshold", ScaleType::threshold},
    {"bin-ordinal", ScaleType::bin_ordinal},
};

std::optional<ScaleType> parse_scale_type(std::string_view name) {
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

std::string_view scale_type_name(ScaleType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return "";
}

bool is_continuous(ScaleType type) { return type <= ScaleType::diverging; }

static double signed_pow(double x, double exponent) {
  return x < 0 ? -std::pow(-x, exponent) : std::pow(x, exponent);
}

double Scale::transform(double x) const {
  switch (options_.type) {
    case ScaleType::pow:
      return options_.exponent == 1 ? x : signed_pow(x, options_.exponent);
    case ScaleType::sqrt:
      return x < 0 ? -std::sqrt(-x) : std::sqrt(x);
    case ScaleType::log:
      // d3 mirrors a domain that begins below zero.
      return !domain_numbers_.empty() && domain_numbers_[0] < 0 ? -std::log(-x) : std::log(x);
    case ScaleType::symlog:
      return std::copysign(std::log1p(std::fabs(x / options_.constant)), x);
    default:
      return x;
  }
}

double Scale::untransform(double x) const {
  switch (options_.type) {
    case ScaleType::pow:
      return options_.exponent == 1 ? x : signed_pow(x, 1 / options_.exponent);
    case ScaleType::sqrt:
      return x < 0 ? -x * x : x * x;
    case ScaleType::log:
      return !domain_numbers_.empty() && domain_numbers_[0] < 0 ? -std::exp(-x) : std::exp(x);
    case ScaleType::symlog:
      return std::copysign(std::expm1(std::fabs(x)) * options_.constant, x);
    default:
      return x;
  }
}

base::Result<Scale> Scale::make(ScaleOptions options) {
  Scale scale;
  if (options.type == ScaleType::log && !(options.base > 0 && options.base != 1)) {
    return Error{Errc::usage, "scale base " + number_text(options.base) + " is not usable"};
  }
  scale.options_ = std::move(options);
  ScaleType type = scale.options_.type;
  base::Status status = is_continuous(type) ? scale.prepare_continuous()
                        : is_discrete(type) ? scale.prepare_discrete()
                                            : scale.prepare_discretizing();
  if (!status) return status.error();
  return scale;
}

// Range values from the range or the scheme; needs the size of the domain.
base::Status Scale::prepare_range() {
  const ScaleOptions& o = options_;
  int n_domain = static_cast<int>(std::min<size_t>(domain_.size(), 100000));
  if (o.scheme) {
    const Scheme& scheme = *o.scheme;
    std::vector<Color> colors = scheme.colors;
    if (scheme.continuous && !is_continuous(o.type)) {
      int count = o.type == ScaleType::threshold                 ? n_domain + 1
                  : o.type == ScaleType::bin_ordinal             ? n_domain - 1
                  : o.scheme_count > 0                           ? o.scheme_count
                  : o.type == ScaleType::ordinal && n_domain > 0 ? n_domain
                                                                 : kDefaultSchemeCount;
      colors = quantize_scheme(scheme, count, o.scheme_begin, o.scheme_end);
    } else if (!scheme.continuous && !is_discrete(o.type) && !is_continuous(o.type)) {
      int count = o.type == ScaleType::threshold     ? n_domain + 1
                  : o.type == ScaleType::bin_ordinal ? n_domain - 1
                  : o.scheme_count > 0               ? o.scheme_count
                                                     : kDefaultSchemeCount;
      colors.resize(std::min(colors.size(), static_cast<size_t>(std::max(0, count))));
    }
    for (const Color& color : colors) {
      // A palette is written as #rrggbb, what is computed as rgb().
      range_.push_back(scheme.continuous ? rgb_text(color) : hex_text(color));
    }
    range_colors_ = colors;
    if (!is_continuous(o.type) && o.reverse) {
      std::reverse(range_.begin(), range_.end());
      std::reverse(range_colors_.begin(), range_colors_.end());
    }
    return Ok{};
  }
  range_ = o.range;
  if (o.reverse) std::reverse(range_.begin(), range_.end());
  bool numbers = !range_.empty(), colors = !range_.empty();
  for (const Row& value : range_) {
    numbers = numbers && value.is_number();
    colors = colors && value.is_string() && parse_color(value.get_ref<const std::string&>());
  }
  for (const Row& value : range_) {
    if (numbers) range_numbers_.push_back(value.get<double>());
    if (colors) range_colors_.push_back(*parse_color(value.get_ref<const std::string&>()));
  }
  return Ok{};
}

void Scale::adjust_domain() {
  const ScaleOptions& o = options_;
  std::vector<double>& d = domain_numbers_;
  if (d.empty()) return;
  size_t last = d.size() - 1;
  if (o.zero) {
    if (d[0] > 0) d[0] = 0;
    if (d[last] < 0) d[last] = 0;
  }
  if (o.domain_min) d[0] = *o.domain_min;
  if (o.domain_max) d[last] = *o.domain_max;
  if (o.domain_mid) {
    double mid = *o.domain_mid;
    size_t at = mid > d[last] ? last + 1 : mid < d[0] ? 0 : last;
    d.insert(d.begin() + static_cast<long>(at), mid);
  }
}

// Widens the domain so that `padding` pixels of the range are left at each end.
void Scale::pad_domain() {
  std::vector<double>& d = domain_numbers_;
  if (!options_.padding || *options_.padding == 0 || d.size() < 2 || d.front() == d.back() ||
      range_numbers_.size() < 2) {
    return;
  }
  double span = std::fabs(range_numbers_.back() - range_numbers_.front());
  double factor = span / (span - 2 * *options_.padding);
  double low = transform(d.front()), high = transform(d.back());
  double middle = (low + high) / 2;
  double first = untransform(middle + (low - middle) * factor);
  double last = untransform(middle + (high - middle) * factor);
  if (!std::isfinite(first) || !std::isfinite(last)) return;
  d.front() = first;
  d.back() = last;
}

void Scale::nice_domain() {
  const ScaleOptions& o = options_;
  std::vector<double>& d = domain_numbers_;
  if (!o.nice || d.size() < 2) return;
  double first = d.front(), last = d.back();
  if (is_timed(o.type) || o.type == ScaleType::log) {
    bool reverse = last < first;
    double low = reverse ? last : first, high = reverse ? first : last;
    if (o.type == ScaleType::log) {
      auto logs = [&](double x) {
        double log = o.base == 10  ? std::log10(std::fabs(x))
                     : o.base == 2 ? std::log2(std::fabs(x))
                                   : std::log(std::fabs(x)) / std::log(o.base);
        return first < 0 ? -log : log;
      };
      auto pows = [&](double x) { return first < 0 ? -std::pow(o.base, -x) : std::pow(o.base, x); };
      low = pows(std::floor(logs(low)));
      high = pows(std::ceil(logs(high)));
    } else {
      Zone zone = o.type == ScaleType::utc ? Zone::utc : Zone::local;
      IntervalStep interval =
          o.nice_interval ? *o.nice_interval : tick_interval(first, last, o.nice_count, zone);
      low = interval_floor(low, interval.interval, interval.step, zone);
      high = interval_ceil(high, interval.interval, interval.step, zone);
    }
    if (!std::isfinite(low) || !std::isfinite(high)) return;
    first = reverse ? high : low;
    last = reverse ? low : high;
  } else {
    vega::nice(first, last, o.nice_count);
  }
  d.front() = first;
  d.back() = last;
}

base::Status Scale::prepare_continuous() {
  for (const Row& value : options_.domain) {
    double number = value.is_null() ? kNan : to_number(value);
    if (std::isnan(number)) {
      return Error{Errc::usage,
                   "scale domain has a value that is no number: " + to_text(value).substr(0, 60)};
    }
    domain_numbers_.push_back(number);
  }
  if (domain_numbers_.empty()) domain_numbers_ = {0, 1};
  if (domain_numbers_.size() == 1) domain_numbers_.push_back(domain_numbers_[0]);
  domain_.resize(domain_numbers_.size());
  if (base::Status status = prepare_range(); !status) return status.error();
  if (range_.empty()) {
    range_ = {0, 1};
    range_numbers_ = {0, 1};
  }
  if (range_numbers_.empty() && range_colors_.empty()) {
    return Error{Errc::usage, "scale range of a " + std::string(scale_type_name(type())) +
                                  " scale has a value that is neither number nor colour"};
  }
  adjust_domain();
  pad_domain();
  nice_domain();
  domain_.clear();
  for (double number : domain_numbers_) {
    domain_.push_back(number_row(number));
    transformed_.push_back(transform(number));
  }
  return Ok{};
}

static std::string index_key(const Row& value) {
  switch (value.type()) {
    case Row::value_t::string:
      return "s" + value.get_ref<const std::string&>();
    case Row::value_t::number_integer:
    case Row::value_t::number_unsigned:
    case Row::value_t::number_float:
      return "n" + number_text(value.get<double>());
    default:
      return "v" + to_text(value);
  }
}

base::Status Scale::prepare_discrete() {
  for (const Row& value : options_.domain) {
    auto [at, is_new] = index_.emplace(index_key(value), static_cast<int>(domain_.size()));
    if (is_new) domain_.push_back(value);
  }
  if (options_.type == ScaleType::ordinal) return prepare_range();
  range_ = options_.range;
  if (range_.empty()) range_ = {0, 1};
  if (options_.reverse) std::reverse(range_.begin(), range_.end());
  for (const Row& value : range_) {
    double number = to_number(value);
    if (!std::isfinite(number)) {
      return Error{Errc::usage, "scale range of a " + std::string(scale_type_name(type())) +
                                    " scale has a value that is no number"};
    }
    range_numbers_.push_back(number);
  }
  if (range_numbers_.size() != 2) {
    return Error{Errc::usage, "scale range of a " + std::string(scale_type_name(type())) +
                                  " scale must be two numbers"};
  }
  place_bands();
  return Ok{};
}

void Scale::place_bands() {
  auto part = [](double value) { return std::clamp(value, 0.0, 1.0); };
  const ScaleOptions& o = options_;
  double both = o.padding.value_or(0);
  bool is_point = o.type == ScaleType::point;
  double inner = is_point ? 1 : part(o.padding_inner.value_or(both));
  // d3 keeps the outer padding of points unbounded only from above; Vega clamps it to one.
  double outer = part(o.padding_outer.value_or(both));
  double n = static_cast<double>(domain_.size());
  double first = range_numbers_[0], last = range_numbers_[1];
  double low = std::min(first, last), high = std::max(first, last);
  double space = n - inner + outer * 2;
  space = n > 0 ? (space > 0 ? space : 1) : 0;
  step_ = (high - low) / (space > 0 ? space : 1);
  if (o.round) step_ = std::floor(step_);
  start_ = low + (high - low - step_ * (n - inner)) * part(o.align);
  bandwidth_ = step_ * (1 - inner);
  if (o.round) {
    start_ = std::floor(start_ + 0.5);
    bandwidth_ = std::floor(bandwidth_ + 0.5);
  }
}

base::Status Scale::prepare_discretizing() {
  for (const Row& value : options_.domain) {
    double number = value.is_null() ? kNan : to_number(value);
    if (!std::isnan(number)) domain_numbers_.push_back(number);
  }
  std::vector<double>& d = domain_numbers_;
  domain_.resize(d.size());
  if (base::Status status = prepare_range(); !status) return status.error();
  if (range_.empty()) {
    return Error{Errc::usage,
                 "scale of type " + std::string(scale_type_name(type())) + " has no range"};
  }
  size_t n = range_.size();
  switch (options_.type) {
    case ScaleType::quantile:
      std::sort(d.begin(), d.end());
      for (size_t i = 1; i < n; ++i) {
        cuts_.push_back(quantile_sorted(d, static_cast<double>(i) / static_cast<double>(n)));
      }
      break;
    case ScaleType::quantize: {
      if (d.empty()) d = {0, 1};
      if (d.size() == 1) d.push_back(d[0]);
      adjust_domain();
      nice_domain();
      double count = static_cast<double>(n);
      for (double i = 1; i < count; ++i) {
        cuts_.push_back((i * d.back() - (i - count) * d.front()) / count);
      }
      break;
    }
    default:
      if (!std::is_sorted(d.begin(), d.end())) {
        return Error{Errc::usage, "scale domain of a " + std::string(scale_type_name(type())) +
                                      " scale must be in rising order"};
      }
      cuts_ = d;
      if (options_.type == ScaleType::threshold && cuts_.size() >= n) cuts_.resize(n - 1);
      break;
  }
  domain_.clear();
  for (double number : d) domain_.push_back(number_row(number));
  return Ok{};
}

// How far `value` is along the domain: 0..1 inside of it. Domains of three count each half.
double Scale::fraction(double value) const {
  double x = transform(value);
  size_t n = transformed_.size();
  bool falls = transformed_.back() < transformed_.front();
  size_t piece = 0;
  while (piece + 2 < n && (falls ? x < transformed_[piece + 1] : x >= transformed_[piece + 1])) {
    ++piece;
  }
  double a = transformed_[piece], b = transformed_[piece + 1];
  double local = b == a ? (std::isnan(x) ? kNan : 0.5) : (x - a) / (b - a);
  double t = n == 2 ? local : (static_cast<double>(piece) + local) / static_cast<double>(n - 1);
  return options_.clamp && !std::isnan(t) ? std::clamp(t, 0.0, 1.0) : t;
}

int Scale::domain_index(const Row& value) const {
  auto it = index_.find(index_key(value));
  return it == index_.end() ? -1 : it->second;
}

int Scale::bucket(double value) const {
  if (std::isnan(value)) return -1;
  int i = static_cast<int>(std::upper_bound(cuts_.begin(), cuts_.end(), value) - cuts_.begin());
  int n = static_cast<int>(range_.size());
  if (options_.type == ScaleType::bin_ordinal) return i == 0 ? -1 : (i - 1) % n;
  return std::min(i, n - 1);
}

double Scale::position(double value) const {
  if (!is_continuous(options_.type)) return position(Row(value));
  size_t n = std::min(transformed_.size(), range_numbers_.size());
  if (n < 2 || std::isnan(value)) return kNan;
  size_t piece = 0;
  double x = transform(value);
  bool falls = transformed_.back() < transformed_.front();
  if (n > 2) {
    while (piece + 2 < n && (falls ? x < transformed_[piece + 1] : x >= transformed_[piece + 1])) {
      ++piece;
    }
  }
  double a = transformed_[piece], b = transformed_[piece + 1];
  if (options_.clamp) {
    double first = transformed_[0], last = transformed_[n - 1];
    x = std::clamp(x, std::min(first, last), std::max(first, last));
  }
  double t = b == a ? 0.5 : (x - a) / (b - a);
  double out = range_numbers_[piece] * (1 - t) + range_numbers_[piece + 1] * t;
  return options_.round ? std::floor(out + 0.5) : out;
}

double Scale::position(const Row& value) const {
  ScaleType type = options_.type;
  if (is_continuous(type)) return value.is_null() ? kNan : position(to_number(value));
  if (type == ScaleType::band || type == ScaleType::point) {
    int i = domain_index(value);
    if (i < 0) return kNan;
    if (range_numbers_[1] < range_numbers_[0]) i = static_cast<int>(domain_.size()) - 1 - i;
    return start_ + step_ * i;
  }
  Row found = at(value);
  return found.is_number() ? found.get<double>() : kNan;
}

std::optional<Color> Scale::color(const Row& value) const {
  if (range_colors_.empty()) return std::nullopt;
  if (!is_continuous(options_.type)) {
    int i = options_.type == ScaleType::ordinal ? domain_index(value)
            : value.is_null()                   ? -1
                                                : bucket(to_number(value));
    if (i < 0) return std::nullopt;
    return range_colors_[static_cast<size_t>(i) % range_colors_.size()];
  }
  if (value.is_null()) return std::nullopt;
  double t = fraction(to_number(value));
  if (std::isnan(t)) return std::nullopt;
  if (options_.scheme) {
    if (options_.reverse) t = 1 - t;
    t = options_.scheme_begin + t * (options_.scheme_end - options_.scheme_begin);
    return scheme_color(*options_.scheme, t);
  }
  double n = static_cast<double>(range_colors_.size()) - 1;
  if (n < 1) return range_colors_[0];
  double piece = std::clamp(std::floor(t * n), 0.0, n - 1);
  return interpolate_color(range_colors_[static_cast<size_t>(piece)],
                           range_colors_[static_cast<size_t>(piece) + 1], t * n - piece,
                           options_.interpolate, options_.gamma);
}

Row Scale::at(const Row& value) const {
  ScaleType type = options_.type;
  if (is_continuous(type) || type == ScaleType::band || type == ScaleType::point) {
    if (!range_colors_.empty()) {
      std::optional<Color> found = color(value);
      return found ? Row(rgb_text(*found)) : Row();
    }
    double number = position(value);
    return std::isnan(number) ? Row() : number_row(number);
  }
  int i = type == ScaleType::ordinal ? domain_index(value)
          : value.is_null()          ? -1
                                     : bucket(to_number(value));
  if (i < 0 || range_.empty()) return Row();
  return range_[static_cast<size_t>(i) % range_.size()];
}

Row Scale::invert(double range_value) const {
  if (std::isnan(range_value)) return Row();
  ScaleType type = options_.type;
  if (type == ScaleType::band || type == ScaleType::point) {
    int n = static_cast<int>(domain_.size());
    bool reverse = range_numbers_[1] < range_numbers_[0];
    if (n == 0 || range_value < start_ ||
        range_value > std::max(range_numbers_[0], range_numbers_[1])) {
      return Row();
    }
    double steps = step_ > 0 ? std::floor((range_value - start_) / step_) : 0;
    int i = static_cast<int>(std::clamp(steps, 0.0, static_cast<double>(n - 1)));
    if (range_value - (start_ + step_ * i) > bandwidth_ + 1e-10) return Row();
    return domain_[static_cast<size_t>(reverse ? n - 1 - i : i)];
  }
  if (!is_continuous(type) || range_numbers_.size() < 2) return Row();
  size_t n = std::min(transformed_.size(), range_numbers_.size());
  bool falls = range_numbers_[n - 1] < range_numbers_[0];
  size_t piece = 0;
  while (piece + 2 < n && (falls ? range_value < range_numbers_[piece + 1]
                                 : range_value >= range_numbers_[piece + 1])) {
    ++piece;
  }
  double a = range_numbers_[piece], b = range_numbers_[piece + 1];
  double t = a == b ? 0.5 : (range_value - a) / (b - a);
  double x = untransform(transformed_[piece] * (1 - t) + transformed_[piece + 1] * t);
  if (options_.clamp) {
    double first = domain_numbers_[0], last = domain_numbers_[n - 1];
    x = std::clamp(x, std::min(first, last), std::max(first, last));
  }
  return number_row(is_timed(type) ? std::trunc(x) : x);
}

std::vector<double> Scale::thresholds() const { return cuts_; }

}  // namespace tools::vega
