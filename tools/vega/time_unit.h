#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vega/calendar.h"

namespace tools::vega {

/// The parts that a time unit keeps, coarse to fine, in Vega's order.
enum class TimePart {
  year,
  quarter,
  month,
  week,
  isoweek,
  date,
  day,
  dayofyear,
  hours,
  minutes,
  seconds,
  milliseconds
};

/// A Vega-Lite time unit: "yearmonth", "utchours", "binnedyear", {"unit": "month", "step": 3}.
struct TimeUnit {
  std::vector<TimePart> parts;  ///< coarse to fine, without repeats
  int step = 1;                 ///< of the finest part
  int max_bins = 0;             ///< parts are chosen from the data (time_unit_bins); 0 is none
  bool utc = false;
  bool binned = false;  ///< the data is already cut

  Zone zone() const { return utc ? Zone::utc : Zone::local; }
};

/// Reads a timeUnit property. Errors: usage (no such unit).
base::Result<TimeUnit> parse_time_unit(const nlohmann::json& spec);
/// Its name in derived columns: "yearmonth", "utcyear", "month-step-3" without "binned".
std::string time_unit_name(const TimeUnit& unit);

/// The start of the unit that holds `ms`. Parts that the unit leaves out come from 2012-01-01.
double time_unit_floor(double ms, const TimeUnit& unit);
/// The start of the unit after the one that starts at `start`.
double time_unit_next(double start, const TimeUnit& unit);
/// The unit for max_bins over an extent, as Vega's timeBin chooses it.
TimeUnit time_unit_bins(double min, double max, const TimeUnit& unit);

/// The pattern that names such a date: "%b %Y" for yearmonth.
/// specifiers: patterns for runs of parts ({"year-month": "%b %Y "}) that go before Vega's;
/// nullptr: those of Vega-Lite, which Vega's expression function timeUnitSpecifier does not have by
/// itself.
std::string time_unit_format(const TimeUnit& unit, const nlohmann::json* specifiers = nullptr);
/// Whether a scale over this unit shows a cycle (month, day, hours …) rather than a moment.
bool is_cyclic(const TimeUnit& unit);

/// A Vega-Lite DateTime object ({"year": 2012, "month": "jan", "day": "monday"}) as ms.
/// Errors: usage (an unknown part or name).
base::Result<double> date_time_ms(const nlohmann::json& date_time);

}  // namespace tools::vega
