#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools::chart {

/// Seconds since 1970-01-01 UTC of "2014", "2014-03", "2014-03-05", "2014-03-05 10:20[:30]" ('T'
/// and 'Z' allowed).
std::optional<double> parse_date(std::string_view text);

/// "2014", "Mar 2014", "Mar 5, 2014" or "2014-03-05 10:20", as `finest` (see finest_unit) needs.
std::string date_text(double seconds, double finest);

struct DateTick {
  double seconds;
  std::string text;  ///< one or two lines: the finer unit, and the coarser one where it changes
};

/// The finest unit `seconds` need: 1 (a time of day occurs), a day, 28 days (all on the first of a
/// month) or 365 days (all on the first of January), in seconds.
double finest_unit(const std::vector<double>& seconds);

/// Ticks on whole years, months, days, hours, … in [lo, hi], about `wanted` of them, no finer than
/// `finest` seconds.
std::vector<DateTick> date_ticks(double lo, double hi, int wanted, double finest);

}  // namespace tools::chart
