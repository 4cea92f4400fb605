#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/vega/calendar.h"

namespace tools::vega {

/// A parsed d3-format specifier: [[fill]align][sign][symbol][0][width][,][.precision][~][type].
class NumberFormat {
 public:
  NumberFormat() = default;  ///< the empty specifier: shortest text
  /// Errors: usage (no such specifier). Width and precision are bounded by 100.
  static base::Result<NumberFormat> parse(std::string_view specifier);
  std::string operator()(double value) const;

  char32_t fill = U' ';
  char align = '>';
  char sign = '-';  ///< '-', '+', '(' or ' '
  char symbol = 0;  ///< '$', '#' or none
  bool zero = false;
  int width = -1;
  bool comma = false;
  int precision = -1;  ///< -1 is none
  bool trim = false;
  char type = 0;  ///< one of "bcdefgoprsxX%", or 0

  /// Set by format_prefix(): always this SI exponent (a multiple of three).
  bool fixed_prefix = false;
  int prefix_exponent = 0;
};

/// d3's formatPrefix: `specifier` with the SI prefix that suits `value`.
base::Result<NumberFormat> format_prefix(std::string_view specifier, double value);
/// The format that d3's tickFormat makes of `specifier` for ticks from start to stop (",f" with the
/// digits that the step needs where it is empty).
base::Result<NumberFormat> tick_number_format(double start, double stop, double count,
                                              std::string_view specifier);

/// Vega's format of log axes: twelve digits, without zeros at the end, where no precision is given.
base::Result<NumberFormat> variable_number_format(std::string_view specifier);

/// d3-time-format: `pattern` with every %-directive replaced. English (US) names.
/// Directives of a NaN date are "NaN", as d3 has it.
std::string format_time(double ms, std::string_view pattern, Zone zone);
/// d3-time-format's parse: NaN where the text does not follow the pattern to its end.
double parse_time(std::string_view text, std::string_view pattern, Zone zone);
/// d3's multi-format for ticks: the coarsest pattern that tells this date from its neighbours
/// (%Y, %B, %b %d, %a %d, %I %p, %I:%M, :%S, .%L).
std::string format_time_multi(double ms, Zone zone);

}  // namespace tools::vega
