#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "tools/vega/calendar.h"
#include "tools/vega/color.h"
#include "tools/vega/datum.h"

namespace tools::vega {

enum class ScaleType {
  linear,
  pow,
  sqrt,
  log,
  symlog,
  time,
  utc,
  sequential,  ///< linear over a ramp of colours; the Vega name of it is also "linear"
  diverging,
  band,
  point,
  ordinal,
  quantile,
  quantize,
  threshold,
  bin_ordinal,
};

inline bool is_discrete(ScaleType type) {
  return type == ScaleType::band || type == ScaleType::point || type == ScaleType::ordinal;
}
inline bool is_timed(ScaleType type) { return type == ScaleType::time || type == ScaleType::utc; }
/// Its domain is continuous, its range is not.
inline bool is_discretizing(ScaleType type) {
  return type == ScaleType::quantile || type == ScaleType::quantize ||
         type == ScaleType::threshold || type == ScaleType::bin_ordinal;
}

std::optional<ScaleType> parse_scale_type(std::string_view name);
std::string_view scale_type_name(ScaleType type);
/// linear … diverging: a number goes to a number or a colour by a formula.
bool is_continuous(ScaleType type);
/// band, point, ordinal: the domain is a list of values.

/// What a scale is made of. All in domain units or pixels; unset optionals take d3's defaults.
struct ScaleOptions {
  ScaleType type = ScaleType::linear;
  /// Continuous: two or more numbers. Discrete: the values in order. Quantile: the whole sample.
  /// Threshold, bin_ordinal: the cuts.
  std::vector<Row> domain = {};
  /// Numbers (pixels, sizes), CSS colours, or any values for a discrete range.
  std::vector<Row> range = {};
  /// A ramp or palette in place of `range`; its part in scheme_extent, scheme_count colours where
  /// set.
  std::optional<Scheme> scheme = std::nullopt;
  double scheme_begin = 0, scheme_end = 1;
  int scheme_count = 0;

  bool reverse = false;
  bool clamp = false;
  bool round = false;
  bool zero = false;
  bool nice = false;
  double nice_count = 10;
  std::optional<IntervalStep> nice_interval = std::nullopt;  ///< of time and utc
  std::optional<double> padding =
      std::nullopt;  ///< continuous: pixels; band, point: both of the below
  std::optional<double> padding_inner = std::nullopt, padding_outer = std::nullopt;
  double align = 0.5;
  double exponent = 1;  ///< pow
  double base = 10;     ///< log
  double constant = 1;  ///< symlog
  std::optional<double> domain_mid = std::nullopt, domain_min = std::nullopt,
                        domain_max = std::nullopt;
  ColorSpace interpolate = ColorSpace::rgb;
  double gamma = 1;
};

/// A d3 scale as Vega configures it. Never changes after make(); copies are independent.
class Scale {
 public:
  Scale() = default;
  /// Errors: usage (a domain or range that this type cannot have, a colour that is none).
  static base::Result<Scale> make(ScaleOptions options);

  ScaleType type() const { return options_.type; }
  const ScaleOptions& options() const { return options_; }
  /// The domain after zero, nice, padding and domain_min/mid/max.
  const std::vector<Row>& domain() const { return domain_; }
  const std::vector<double>& domain_numbers() const { return domain_numbers_; }
  const std::vector<Row>& range() const { return range_; }

  /// The range value of `value`: a number, `rgb(…)` text or a value of the range. Null where the
  /// scale has none (a value outside of a band's domain, NaN).
  Row at(const Row& value) const;
  /// The same as a number; NaN where the range is not of numbers or there is no value.
  double position(const Row& value) const;
  double position(double value) const;
  /// The same as a colour, where the range is one.
  std::optional<Color> color(const Row& value) const;
  /// The domain value at a range number (linear … utc); for band and point the nearest step's
  /// value; null where there is none.
  Row invert(double range_value) const;

  /// Width of a band and distance of bands in range units; 0 where the type has none.
  double bandwidth() const { return bandwidth_; }
  double step() const { return step_; }

  /// Tick values: round numbers, dates, or the domain of a discrete scale.
  std::vector<Row> ticks(double count = 10) const;
  std::vector<Row> ticks(const IntervalStep& interval) const;  ///< time and utc
  /// Label of every tick of `values`, as Vega's axis makes them. specifier: d3-format, or
  /// d3-time-format for time and utc; empty for the default of the scale.
  /// Errors: usage (a specifier that is none).
  base::Result<std::vector<std::string>> labels(const std::vector<Row>& values, double count,
                                                std::string_view specifier = "") const;

  /// Range values in reading order for legends of discretizing scales: the cuts between them
  /// (quantile, quantize, threshold, bin_ordinal).
  std::vector<double> thresholds() const;

 private:
  double transform(double value) const;
  double untransform(double value) const;
  double fraction(double value) const;
  int domain_index(const Row& value) const;
  int bucket(double value) const;
  base::Status prepare_range();
  base::Status prepare_continuous();
  base::Status prepare_discrete();
  base::Status prepare_discretizing();
  void adjust_domain();
  void pad_domain();
  void nice_domain();
  void place_bands();

  ScaleOptions options_;
  std::vector<Row> domain_;
  std::vector<double> domain_numbers_;
  std::vector<double> transformed_;  // transform() of each domain number
  std::vector<Row> range_;
  std::vector<double> range_numbers_;  // empty where the range has other values
  std::vector<Color> range_colors_;    // empty where the range has other values
  std::vector<double> cuts_;           // between the values of a discretizing scale
  std::unordered_map<std::string, int> index_;
  double bandwidth_ = 0, step_ = 0, start_ = 0;
};

/// The tick count that keeps ticks at least min_step apart (Vega's tickMinStep).
double limit_tick_count(const Scale& scale, double count, double min_step);
/// Of candidate ticks (such as bin boundaries) those inside of the range, in range order, every
/// second one dropped until at most `count` are left.
std::vector<Row> valid_ticks(const Scale& scale, const std::vector<double>& candidates,
                             double count);

}  // namespace tools::vega
