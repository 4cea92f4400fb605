// Dates on the proleptic Gregorian calendar, UTC, years 0 to 9999.
//
// Ticks stand on whole units. The unit is the finest one that gives no more than the wanted number
// of ticks; a finer unit is labelled in two lines ("Apr" over "2014"), the second only where it
// changes.

#include "tools/chart/dates.h"

#include <chrono>
#include <cmath>
#include <cstdio>

namespace tools::chart {
namespace {

constexpr double kDay = 86400.0;
const char* const kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  int year;
  int month;  // 1 to 12
  int day;    // 1 to 31
  double second_of_day;
};

Civil civil_of(double seconds) {
  const double days = std::floor(seconds / kDay);
  const std::chrono::sys_days date{std::chrono::days{static_cast<int>(days)}};
  const std::chrono::year_month_day ymd{date};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day())), seconds - days * kDay};
}

double seconds_of(int year, int month, int day) {
  const std::chrono::sys_days date{std::chrono::year{year} /
                                   std::chrono::month{static_cast<unsigned>(month)} /
                                   std::chrono::day{static_cast<unsigned>(day)}};
  return kDay * static_cast<double>(date.time_since_epoch().count());
}

// Reads `digits` digits at the front of `text` and removes them.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::vector<DateTick> year_ticks(double lo, double hi, int step) {
  std::vector<DateTick> ticks;
  int year = civil_of(lo).year;
  year = static_cast<int>(std::ceil(static_cast<double>(year) / step)) * step;
  for (; year <= 10000; year += step) {
    const double at = seconds_of(year, 1, 1);
    if (at > hi) break;
    if (at >= lo) ticks.push_back({at, std::to_string(year)});
  }
  return ticks;
}

std::vector<DateTick> month_ticks(double lo, double hi, int step) {
  std::vector<DateTick> ticks;
  const Civil first = civil_of(lo);
  int index = first.year * 12 + (first.month - 1) / step * step;
  int shown_year = -1;
  for (;; index += step) {
    const double at = seconds_of(index / 12, index % 12 + 1, 1);
    if (at > hi) break;
    if (at < lo) continue;
    std::string text = kMonths[index % 12];
    if (index / 12 != shown_year) text += "\n" + std::to_string(index / 12);
    shown_year = index / 12;
    ticks.push_back({at, std::move(text)});
  }
  return ticks;
}

// step 1: every day; 7: Mondays; 14: every second Monday.
std::vector<DateTick> day_ticks(double lo, double hi, int step) {
  std::vector<DateTick> ticks;
  double day = std::ceil(lo / kDay);
  if (step >= 7) {
    // 1970-01-05, day 4, was a Monday.
    day = std::ceil((day - 4) / step) * step + 4;
  }
  int shown_year = -1;
  for (; day * kDay <= hi; day += step) {
    const Civil civil = civil_of(day * kDay);
    std::string text = std::string(kMonths[civil.month - 1]) + " " + std::to_string(civil.day);
    if (civil.year != shown_year) text += "\n" + std::to_string(civil.year);
    shown_year = civil.year;
    ticks.push_back({day * kDay, std::move(text)});
  }
  return ticks;
}

std::vector<DateTick> clock_ticks(double lo, double hi, double step) {
  std::vector<DateTick> ticks;
  int shown_day = -1;
  for (double at = std::ceil(lo / step) * step; at <= hi; at += step) {
    const Civil civil = civil_of(at);
    const int second = static_cast<int>(civil.second_of_day + 0.5);
    char buffer[32];
    if (step < 60)
      std::snprintf(buffer, sizeof buffer, "%02d:%02d:%02d", second / 3600, second / 60 % 60,
                    second % 60);
    else
      std::snprintf(buffer, sizeof buffer, "%02d:%02d", second / 3600, second / 60 % 60);
    std::string text = buffer;
    if (civil.day != shown_day)
      text += std::string("\n") + kMonths[civil.month - 1] + " " + std::to_string(civil.day) +
              ", " + std::to_string(civil.year);
    shown_day = civil.day;
    ticks.push_back({at, std::move(text)});
  }
  return ticks;
}

}  // namespace

std::optional<double> parse_date(std::string_view text) {
  const std::optional<int> year = take_number(text, 4);
  if (!year) return std::nullopt;
  if (text.empty()) return seconds_of(*year, 1, 1);
  const bool slashes = text.front() == '/';
  if (!take(text, slashes ? '/' : '-')) return std::nullopt;
  const std::optional<int> month = take_number(text, 2);
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  if (text.empty()) return seconds_of(*year, *month, 1);
  if (!take(text, slashes ? '/' : '-')) return std::nullopt;
  const std::optional<int> day = take_number(text, 2);
  if (!day || *day < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  double seconds = seconds_of(*year, *month, *day);
  if (text.empty()) return seconds;
  if (!take(text, ' ') && !take(text, 'T')) return std::nullopt;
  const std::optional<int> hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const std::optional<int> minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  seconds += *hour * 3600.0 + *minute * 60.0;
  if (take(text, ':')) {
    const std::optional<int> second = take_number(text, 2);
    if (!second || *second > 60) return std::nullopt;
    seconds += *second;
    if (take(text, '.'))
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
  }
  if (text == "Z" || text == "+00:00") text = {};
  if (!text.empty()) return std::nullopt;
  return seconds;
}

std::string date_text(double seconds, double finest) {
  const Civil civil = civil_of(seconds);
  char buffer[64];
  if (finest >= 365 * kDay) return std::to_string(civil.year);
  if (finest >= 28 * kDay)
    return std::string(kMonths[civil.month - 1]) + " " + std::to_string(civil.year);
  if (finest >= kDay) {
    std::snprintf(buffer, sizeof buffer, "%s %d, %d", kMonths[civil.month - 1], civil.day,
                  civil.year);
    return buffer;
  }
  const int minute = static_cast<int>(civil.second_of_day / 60);
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d %02d:%02d", civil.year, civil.month,
                civil.day, minute / 60, minute % 60);
  return buffer;
}

double finest_unit(const std::vector<double>& seconds) {
  double unit = 365 * kDay;
  for (double at : seconds) {
    const Civil civil = civil_of(at);
    if (civil.second_of_day > 0) return 1;
    if (civil.day > 1)
      unit = kDay;
    else if (civil.month > 1 && unit > kDay)
      unit = 28 * kDay;
  }
  return unit;
}

std::vector<DateTick> date_ticks(double lo, double hi, int wanted, double finest) {
  const double range = hi - lo;
  const double limit = wanted < 1 ? 1 : wanted;
  for (double step :
       {1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0})
    if (step >= finest && range / step <= limit) return clock_ticks(lo, hi, step);
  for (int step : {1, 2, 7, 14})
    if (step * kDay >= finest && range / (step * kDay) <= limit) return day_ticks(lo, hi, step);
  for (int step : {1, 3, 6})
    if (step * 30.44 * kDay >= finest && range / (step * 30.44 * kDay) <= limit &&
        finest < 365 * kDay)
      return month_ticks(lo, hi, step);
  for (int step : {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000})
    if (range / (step * 365.25 * kDay) <= limit) return year_ticks(lo, hi, step);
  return year_ticks(lo, hi, 2000);
}

}  // namespace tools::chart
