#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace tools::vega {

/// The zone in which a date is cut into years, days and hours. `local` follows TZ.
enum class Zone { local, utc };

/// A date's parts, as JavaScript counts them.
struct DateParts {
  double year = 1970;
  double month = 0;  ///< 0..11
  double day = 1;    ///< 1..31
  double hour = 0, minute = 0, second = 0, millisecond = 0;
  int weekday = 0;  ///< 0 is Sunday; ignored by date_from_parts
};

/// Milliseconds since 1970 to parts and back. Parts may overflow (month 12 is next January).
/// A date outside of JavaScript's range is NaN; parts of NaN are NaN.
DateParts date_parts(double ms, Zone zone);
double date_from_parts(const DateParts& parts, Zone zone);

/// JavaScript's Date.parse: ISO 8601 (a date alone is UTC, with a time it is local), and the
/// other forms that V8 reads: "Jan 1 2000", "1 January 2000 10:00 PM", "2000/1/2", "1/2/2000",
/// GMT+0100. NaN where it is no date.
double parse_date(std::string_view text);

/// Days since January 1st (1..366), weeks since the first Sunday (0..53), the quarter (1..4).
int day_of_year(double ms, Zone zone);
int week_of_year(double ms, Zone zone);
int quarter(double ms, Zone zone);
/// The ISO week (1..53) and the year that it belongs to.
int iso_week_year(double ms, Zone zone, int& year);

/// d3-time's intervals.
/// week starts on Sunday, monday is the ISO week, unix_day counts UTC days since 1970 (d3's UTC
/// ticks).
enum class Interval { millisecond, second, minute, hour, day, unix_day, week, monday, month, year };

/// The start of the interval that holds `ms`; step as d3's every() (days of the month, hours of the
/// day, …).
double interval_floor(double ms, Interval interval, int step, Zone zone);
/// The same date `n` intervals later. n may be negative.
double interval_offset(double ms, Interval interval, int n, Zone zone);
double interval_ceil(double ms, Interval interval, int step, Zone zone);
/// The interval starts in [start, stop), at most 10,000.
std::vector<double> interval_range(double start, double stop, Interval interval, int step,
                                   Zone zone);

struct IntervalStep {
  Interval interval = Interval::year;
  int step = 1;
};
/// The interval that d3 takes for about `count` ticks between start and stop.
IntervalStep tick_interval(double start, double stop, double count, Zone zone);
/// "day", "month" …; empty for what is none.
std::optional<Interval> parse_interval(std::string_view name);

}  // namespace tools::vega
