// Dates as JavaScript has them: a count of milliseconds, cut into parts in one of two zones. The
// proleptic Gregorian calendar is computed; only the offset of the local zone comes from the C
// library. A local time that a change of clocks skips is read with the offset before the change,
// one that occurs twice is its first occurrence, as ECMAScript demands.
#include "tools/vega/calendar.h"

#include <time.h>

#include <algorithm>
#include <cmath>

#include "tools/vega/not_a_number.h"
#include "tools/vega/ticks.h"

namespace tools::vega {

static constexpr double kMaxDate = 8.64e15;
static constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
static constexpr double kDay = 24 * kHour, kWeek = 7 * kDay, kMonth = 30 * kDay;
static constexpr double kYear = 365 * kDay;
static constexpr size_t kMaxRange = 10000;

// Howard Hinnant's day count: years begin in March, eras have 400 years.
static int64_t days_from_civil(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400;
  int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

static double offset_at(double ms) {
  time_t seconds = static_cast<time_t>(std::floor(ms / kSecond));
  struct tm parts;
  if (localtime_r(&seconds, &parts) == nullptr) return 0;
  return static_cast<double>(parts.tm_gmtoff) * kSecond;
}

DateParts date_parts(double ms, Zone zone) {
  if (!(std::fabs(ms) <= kMaxDate)) return {kNan, kNan, kNan, kNan, kNan, kNan, kNan, 0};
  ms = std::trunc(ms);
  if (zone == Zone::local) ms += offset_at(ms);
  double day = std::floor(ms / kDay);
  double rest = ms - day * kDay;
  int64_t z = static_cast<int64_t>(day) + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  DateParts parts;
  parts.day = static_cast<double>(doy - (153 * mp + 2) / 5 + 1);
  int64_t month = mp < 10 ? mp + 3 : mp - 9;
  parts.month = static_cast<double>(month - 1);
  parts.year = static_cast<double>(yoe + era * 400 + (month <= 2));
  parts.hour = std::floor(rest / kHour);
  parts.minute = std::floor(std::fmod(rest, kHour) / kMinute);
  parts.second = std::floor(std::fmod(rest, kMinute) / kSecond);
  parts.millisecond = std::fmod(rest, kSecond);
  parts.weekday = static_cast<int>(((static_cast<int64_t>(day) + 4) % 7 + 7) % 7);
  return parts;
}

double date_from_parts(const DateParts& given, Zone zone) {
  double sum = given.year + given.month + given.day + given.hour + given.minute + given.second +
               given.millisecond;
  if (!std::isfinite(sum)) return kNan;
  double months = std::trunc(given.year) * 12 + std::trunc(given.month);
  double year = std::floor(months / 12);
  int month = static_cast<int>(months - year * 12);
  if (std::fabs(year) > 400000 || std::fabs(given.day) > 1e9) return kNan;
  double days = static_cast<double>(days_from_civil(static_cast<int64_t>(year), month + 1, 1)) +
                std::trunc(given.day) - 1;
  double ms = days * kDay + std::trunc(given.hour) * kHour + std::trunc(given.minute) * kMinute +
              std::trunc(given.second) * kSecond + std::trunc(given.millisecond);
  if (!(std::fabs(ms) <= kMaxDate + kDay)) return kNan;
  if (zone == Zone::local) {
    double before = offset_at(ms - kDay);
    double first = ms - before;
    if (offset_at(first) != before) {
      double after = offset_at(ms + kDay);
      double second = ms - after;
      if (offset_at(second) == after) first = second;
    }
    ms = first;
  }
  return std::fabs(ms) <= kMaxDate ? ms + 0.0 : kNan;
}

static double year_start(double ms, Zone zone) {
  return date_from_parts({.year = date_parts(ms, zone).year}, zone);
}

// Whole days between two dates of one zone; a day with a change of clocks counts as one.
static double days_between(double start, double end, Zone zone) {
  if (zone == Zone::local) {
    start += offset_at(start);
    end += offset_at(end);
  }
  return std::floor((end - start) / kDay);
}

int day_of_year(double ms, Zone zone) {
  if (std::isnan(date_parts(ms, zone).year)) return 0;
  return static_cast<int>(days_between(year_start(ms, zone), ms, zone)) + 1;
}

int week_of_year(double ms, Zone zone) {
  DateParts parts = date_parts(ms, zone);
  if (std::isnan(parts.year)) return 0;
  // Sundays in this year up to this day.
  return (day_of_year(ms, zone) + 6 - parts.weekday) / 7;
}

int iso_week_year(double ms, Zone zone, int& year) {
  DateParts parts = date_parts(ms, zone);
  year = 0;
  if (std::isnan(parts.year)) return 0;
  // The Thursday of a week tells its year.
  DateParts thursday{parts.year, parts.month, parts.day + 3 - (parts.weekday + 6) % 7};
  double at = date_from_parts(thursday, Zone::utc);
  year = static_cast<int>(date_parts(at, Zone::utc).year);
  return (day_of_year(at, Zone::utc) + 6) / 7;
}

int quarter(double ms, Zone zone) {
  double month = date_parts(ms, zone).month;
  return std::isnan(month) ? 0 : static_cast<int>(month) / 3 + 1;
}

static double floor_one(double ms, Interval interval, Zone zone) {
  if (std::isnan(ms)) return ms;
  switch (interval) {
    case Interval::millisecond:
      return std::floor(ms);
    case Interval::second:
      return std::floor(ms / kSecond) * kSecond;
    case Interval::minute:
    case Interval::hour: {
      double unit = interval == Interval::hour ? kHour : kMinute;
      if (zone == Zone::utc) return std::floor(ms / unit) * unit;
      // Offsets of zones are not whole hours everywhere, and were not whole minutes once.
      DateParts p = date_parts(ms, zone);
      double start = std::floor(ms) - p.second * kSecond - p.millisecond;
      return interval == Interval::hour ? start - p.minute * kMinute : start;
    }
    case Interval::unix_day:
      return std::floor(ms / kDay) * kDay;
    default:
      break;
  }
  DateParts p = date_parts(std::floor(ms), zone);
  DateParts start{.year = p.year};
  if (interval != Interval::year) start.month = p.month;
  if (interval == Interval::day || interval == Interval::week || interval == Interval::monday) {
    start.day = p.day;
  }
  if (interval == Interval::week) start.day -= p.weekday;
  if (interval == Interval::monday) start.day -= (p.weekday + 6) % 7;
  return date_from_parts(start, zone);
}

double interval_offset(double ms, Interval interval, int n, Zone zone) {
  if (std::isnan(ms)) return ms;
  switch (interval) {
    case Interval::millisecond:
      return ms + n;
    case Interval::second:
      return ms + n * kSecond;
    case Interval::minute:
      return ms + n * kMinute;
    case Interval::hour:
      return ms + n * kHour;
    default:
      break;
  }
  DateParts p = date_parts(ms, zone);
  if (interval == Interval::day || interval == Interval::unix_day) p.day += n;
  if (interval == Interval::week || interval == Interval::monday) p.day += 7.0 * n;
  if (interval == Interval::month) p.month += n;
  if (interval == Interval::year) p.year += n;
  return date_from_parts(p, zone);
}

// The number that must divide by the step, as each interval of d3-time counts.
static double interval_index(double ms, Interval interval, Zone zone) {
  if (interval == Interval::unix_day) return std::floor(ms / kDay);
  DateParts p = date_parts(ms, zone);
  switch (interval) {
    case Interval::second:
      return p.second;
    case Interval::minute:
      return p.minute;
    case Interval::hour:
      return p.hour;
    case Interval::day:
      return p.day - 1;
    case Interval::week:
    case Interval::monday: {
      double epoch = floor_one(0, interval, zone);
      return std::round(days_between(epoch, ms, zone) / 7);
    }
    case Interval::month:
      return p.month;
    default:
      return 0;
  }
}

double interval_floor(double ms, Interval interval, int step, Zone zone) {
  if (interval == Interval::unix_day) zone = Zone::utc;
  step = std::clamp(step, 1, 1'000'000'000);
  if (step == 1) return floor_one(ms, interval, zone);
  if (interval == Interval::millisecond) return std::floor(ms / step) * step;
  if (interval == Interval::year) {
    double year = date_parts(ms, zone).year;
    return date_from_parts({.year = std::floor(year / step) * step}, zone);
  }
  double at = floor_one(ms, interval, zone);
  for (size_t i = 0; i < kMaxRange && !std::isnan(at); ++i) {
    if (std::fmod(interval_index(at, interval, zone), step) == 0) break;
    at = floor_one(at - 1, interval, zone);
  }
  return at;
}

// The start of the interval after the one that starts at `at`.
static double next_start(double at, Interval interval, int step, Zone zone) {
  if (step == 1) return floor_one(interval_offset(at, interval, 1, zone), interval, zone);
  if (interval == Interval::millisecond) return at + step;
  if (interval == Interval::year) {
    return interval_floor(interval_offset(at, interval, step, zone), interval, step, zone);
  }
  for (size_t i = 0; i < kMaxRange && !std::isnan(at); ++i) {
    double next = floor_one(interval_offset(at, interval, 1, zone), interval, zone);
    if (next <= at) return kNan;
    at = next;
    if (std::fmod(interval_index(at, interval, zone), step) == 0) break;
  }
  return at;
}

double interval_ceil(double ms, Interval interval, int step, Zone zone) {
  if (interval == Interval::unix_day) zone = Zone::utc;
  step = std::clamp(step, 1, 1'000'000'000);
  double start = interval_floor(ms, interval, step, zone);
  return start >= ms ? start : next_start(start, interval, step, zone);
}

std::vector<double> interval_range(double start, double stop, Interval interval, int step,
                                   Zone zone) {
  if (interval == Interval::unix_day) zone = Zone::utc;
  step = std::clamp(step, 1, 1'000'000'000);
  std::vector<double> out;
  double at = interval_ceil(start, interval, step, zone);
  while (at < stop && out.size() < kMaxRange) {
    out.push_back(at);
    double next = next_start(at, interval, step, zone);
    if (!(next > at)) break;
    at = next;
  }
  return out;
}

IntervalStep tick_interval(double start, double stop, double count, Zone zone) {
  struct Choice {
    Interval interval;
    int step;
    double ms;
  };
  Interval day = zone == Zone::utc ? Interval::unix_day : Interval::day;
  const Choice choices[] = {
      {Interval::second, 1, kSecond},
      {Interval::second, 5, 5 * kSecond},
      {Interval::second, 15, 15 * kSecond},
      {Interval::second, 30, 30 * kSecond},
      {Interval::minute, 1, kMinute},
      {Interval::minute, 5, 5 * kMinute},
      {Interval::minute, 15, 15 * kMinute},
      {Interval::minute, 30, 30 * kMinute},
      {Interval::hour, 1, kHour},
      {Interval::hour, 3, 3 * kHour},
      {Interval::hour, 6, 6 * kHour},
      {Interval::hour, 12, 12 * kHour},
      {day, 1, kDay},
      {day, 2, 2 * kDay},
      {Interval::week, 1, kWeek},
      {Interval::month, 1, kMonth},
      {Interval::month, 3, 3 * kMonth},
      {Interval::year, 1, kYear},
  };
  constexpr size_t n = std::size(choices);
  double target = std::fabs(stop - start) / count;
  size_t i = 0;
  while (i < n && choices[i].ms <= target) ++i;
  auto whole = [](double step) {
    return static_cast<int>(std::clamp(std::isnan(step) ? 1 : std::floor(step), 1.0, 1e9));
  };
  if (i == n) return {Interval::year, whole(tick_step(start / kYear, stop / kYear, count))};
  if (i == 0) {
    return {Interval::millisecond, whole(std::max(tick_step(start, stop, count), 1.0))};
  }
  const Choice& choice =
      target / choices[i - 1].ms < choices[i].ms / target ? choices[i - 1] : choices[i];
  return {choice.interval, choice.step};
}

std::optional<Interval> parse_interval(std::string_view name) {
  if (name == "millisecond" || name == "milliseconds") return Interval::millisecond;
  if (name == "second" || name == "seconds") return Interval::second;
  if (name == "minute" || name == "minutes") return Interval::minute;
  if (name == "hour" || name == "hours") return Interval::hour;
  if (name == "day" || name == "date" || name == "dayofyear") return Interval::day;
  if (name == "week") return Interval::week;
  if (name == "isoweek") return Interval::monday;
  if (name == "month") return Interval::month;
  if (name == "year") return Interval::year;
  return std::nullopt;
}

}  // namespace tools::vega
