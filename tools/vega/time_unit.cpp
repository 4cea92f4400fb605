// Time units cut a date down to some of its parts and put the rest at their first value, in 2012
// where the year is not kept: a leap year that starts on a Sunday, so months, dates and weekdays
// fall in order.
#include "tools/vega/time_unit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include "base/json.h"

#include "tools/vega/datum.h"
#include "tools/vega/not_a_number.h"
#include "tools/vega/ticks.h"

namespace tools::vega {
namespace {

using base::Errc;
using base::Error;

constexpr double kReferenceYear = 2012;
constexpr double kIsoReferenceYear = 2015;  // has a week 53

constexpr std::array<std::string_view, 12> kNames = {
    "year", "quarter",   "month", "week",    "isoweek", "date",
    "day",  "dayofyear", "hours", "minutes", "seconds", "milliseconds"};

std::string_view name_of(TimePart part) { return kNames[static_cast<size_t>(part)]; }

// Splits "yearmonthdate" into its names; false where something is left over. "dayofyear" begins
// with "day", "milliseconds" is not "minutes": so the longest name wins.
bool read_parts(std::string_view text, std::vector<TimePart>& parts) {
  while (!text.empty()) {
    size_t best = kNames.size();
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (text.starts_with(kNames[i]) &&
          (best == kNames.size() || kNames[i].size() > kNames[best].size())) {
        best = i;
      }
    }
    if (best == kNames.size()) return false;
    TimePart part = static_cast<TimePart>(best);
    if (!parts.empty() && part <= parts.back()) return false;
    parts.push_back(part);
    text.remove_prefix(kNames[best].size());
  }
  return !parts.empty();
}

bool has(const TimeUnit& unit, TimePart part) {
  return std::find(unit.parts.begin(), unit.parts.end(), part) != unit.parts.end();
}

// Weeks, dates and days of the year cannot be mixed.
bool compatible(const TimeUnit& unit) {
  bool weeks =
      has(unit, TimePart::week) || has(unit, TimePart::isoweek) || has(unit, TimePart::day);
  bool months =
      has(unit, TimePart::quarter) || has(unit, TimePart::month) || has(unit, TimePart::date);
  bool days = has(unit, TimePart::dayofyear);
  return weeks + months + days <= 1 && !(has(unit, TimePart::week) && has(unit, TimePart::isoweek));
}

// The weekday of January 1st.
int first_weekday(double year) {
  return date_parts(date_from_parts({.year = year}, Zone::utc), Zone::utc).weekday;
}

// The day of January on which ISO week 1 of the year begins; may be in December (0 or less).
double iso_week_one(double year) {
  int fourth = date_parts(date_from_parts({year, 0, 4}, Zone::utc), Zone::utc).weekday;
  return 4 - (fourth + 6) % 7;
}

}  // namespace

base::Result<TimeUnit> parse_time_unit(const nlohmann::json& spec) {
  TimeUnit unit;
  std::string text;
  if (spec.is_string()) {
    text = spec.get<std::string>();
  } else if (spec.is_object()) {
    if (auto it = spec.find("unit"); it != spec.end() && it->is_string()) {
      text = it->get<std::string>();
    }
    auto number = [&](const char* key, int fallback) {
      auto it = spec.find(key);
      if (it == spec.end() || !it->is_number()) return fallback;
      return static_cast<int>(std::clamp(it->get<double>(), 0.0, 1e6));
    };
    auto flag = [&](const char* key) {
      auto it = spec.find(key);
      return it != spec.end() && it->is_boolean() && it->get<bool>();
    };
    unit.step = std::max(1, number("step", 1));
    unit.max_bins = number("maxbins", 0);
    unit.utc = flag("utc");
    unit.binned = flag("binned");
    if (text.empty() && unit.max_bins == 0) unit.max_bins = 40;
    if (text.empty()) return unit;
    unit.max_bins = 0;
  }
  std::string_view rest = text;
  if (rest.starts_with("binned")) {
    unit.binned = true;
    rest.remove_prefix(6);
  }
  if (rest.starts_with("utc")) {
    unit.utc = true;
    rest.remove_prefix(3);
  }
  if (!read_parts(rest, unit.parts) || !compatible(unit)) {
    return Error{Errc::usage, "timeUnit \"" + text.substr(0, 80) + "\" is not a time unit"};
  }
  return unit;
}

std::string time_unit_name(const TimeUnit& unit) {
  std::string name = unit.utc ? "utc" : "";
  if (unit.parts.empty()) {
    name += "timeunit";
  } else {
    for (TimePart part : unit.parts) name += name_of(part);
  }
  if (unit.step > 1) name += "_step_" + std::to_string(unit.step);
  if (unit.max_bins > 0) name += "_maxbins_" + std::to_string(unit.max_bins);
  return name;
}

double time_unit_floor(double ms, const TimeUnit& unit) {
  if (std::isnan(ms) || unit.parts.empty()) return kNan;
  Zone zone = unit.zone();
  DateParts p = date_parts(ms, zone);
  if (std::isnan(p.year)) return kNan;
  // The finest part goes in steps from `first`.
  auto stepped = [&](TimePart part, double value, double first) {
    if (part != unit.parts.back() || unit.step <= 1) return value;
    return first + unit.step * std::floor((value - first) / unit.step);
  };
  bool iso = has(unit, TimePart::isoweek);
  int iso_year = 0;
  int iso_week = iso ? iso_week_year(ms, zone, iso_year) : 0;
  DateParts out;
  out.year = iso ? kIsoReferenceYear : kReferenceYear;
  if (has(unit, TimePart::year)) out.year = stepped(TimePart::year, iso ? iso_year : p.year, 0);
  if (has(unit, TimePart::month)) {
    out.month = stepped(TimePart::month, p.month, 0);
  } else if (has(unit, TimePart::quarter)) {
    out.month = 3 * stepped(TimePart::quarter, std::floor(p.month / 3), 0);
  }
  bool by_day = has(unit, TimePart::day);
  auto weekday = [&](double week, double day) {
    return day + week * 7 - (first_weekday(out.year) + 6) % 7;
  };
  if (has(unit, TimePart::week)) {
    double week = week_of_year(ms, zone);
    out.day = by_day ? stepped(TimePart::day, weekday(week, p.weekday), 1)
                     : weekday(stepped(TimePart::week, week, 1), 0);
  } else if (iso) {
    double one = iso_week_one(out.year);
    if (by_day) {
      out.day = stepped(TimePart::day, one + (iso_week - 1) * 7 + (p.weekday + 6) % 7, 1);
    } else {
      out.day = one + (stepped(TimePart::isoweek, iso_week, 1) - 1) * 7;
    }
  } else if (by_day) {
    out.day = stepped(TimePart::day, weekday(1, p.weekday), 1);
  } else if (has(unit, TimePart::date)) {
    out.day = stepped(TimePart::date, p.day, 1);
  } else if (has(unit, TimePart::dayofyear)) {
    out.day = stepped(TimePart::dayofyear, day_of_year(ms, zone), 1);
  }
  if (has(unit, TimePart::hours)) out.hour = stepped(TimePart::hours, p.hour, 0);
  if (has(unit, TimePart::minutes)) out.minute = stepped(TimePart::minutes, p.minute, 0);
  if (has(unit, TimePart::seconds)) out.second = stepped(TimePart::seconds, p.second, 0);
  if (has(unit, TimePart::milliseconds)) {
    out.millisecond = stepped(TimePart::milliseconds, p.millisecond, 0);
  }
  return date_from_parts(out, zone);
}

double time_unit_next(double start, const TimeUnit& unit) {
  if (unit.parts.empty()) return kNan;
  int n = unit.step;
  Interval interval = Interval::millisecond;
  switch (unit.parts.back()) {
    case TimePart::year:
      interval = Interval::year;
      break;
    case TimePart::quarter:
      interval = Interval::month;
      n *= 3;
      break;
    case TimePart::month:
      interval = Interval::month;
      break;
    case TimePart::week:
    case TimePart::isoweek:
      interval = Interval::week;
      break;
    case TimePart::date:
    case TimePart::day:
    case TimePart::dayofyear:
      interval = Interval::day;
      break;
    case TimePart::hours:
      interval = Interval::hour;
      break;
    case TimePart::minutes:
      interval = Interval::minute;
      break;
    case TimePart::seconds:
      interval = Interval::second;
      break;
    case TimePart::milliseconds:
      break;
  }
  return interval_offset(start, interval, n, unit.zone());
}

TimeUnit time_unit_bins(double min, double max, const TimeUnit& unit) {
  TimeUnit out = unit;
  out.max_bins = 0;
  double count = unit.max_bins > 0 ? unit.max_bins : 40;
  constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  using enum TimePart;
  const std::vector<TimePart> moment = {year, month, date, hours, minutes, seconds, milliseconds};
  struct Choice {
    size_t parts;  // that many of `moment`; 0 is year and week
    int step;
    double ms;
  };
  static constexpr Choice kChoices[] = {
      {6, 1, kSecond},    {6, 5, 5 * kSecond}, {6, 15, 15 * kSecond}, {6, 30, 30 * kSecond},
      {5, 1, kMinute},    {5, 5, 5 * kMinute}, {5, 15, 15 * kMinute}, {5, 30, 30 * kMinute},
      {4, 1, kHour},      {4, 3, 3 * kHour},   {4, 6, 6 * kHour},     {4, 12, 12 * kHour},
      {3, 1, kDay},       {0, 1, 7 * kDay},    {2, 1, 30 * kDay},     {2, 3, 90 * kDay},
      {1, 1, 365 * kDay},
  };
  constexpr size_t n = std::size(kChoices);
  double target = std::fabs(max - min) / count;
  size_t i = 0;
  while (i < n && kChoices[i].ms <= target) ++i;
  auto whole = [](double step) {
    return static_cast<int>(std::clamp(std::isnan(step) ? 1 : step, 1.0, 1e6));
  };
  if (i == n) {
    out.parts = {year};
    out.step = whole(tick_step(min / (365 * kDay), max / (365 * kDay), count));
  } else if (i == 0) {
    out.parts = moment;
    out.step = whole(tick_step(min, max, count));
  } else {
    const Choice& choice =
        kChoices[target / kChoices[i - 1].ms < kChoices[i].ms / target ? i - 1 : i];
    out.step = choice.step;
    if (choice.parts == 0) {
      out.parts = {year, week};
    } else {
      out.parts.assign(moment.begin(), moment.begin() + static_cast<long>(choice.parts));
    }
  }
  return out;
}

std::string time_unit_format(const TimeUnit& unit, const nlohmann::json* specifiers) {
  struct Pattern {
    std::string_view parts, text;
  };
  static constexpr Pattern kPatterns[] = {
      {"year-isoweek", "%G W%V "},
      {"year-month", "%Y-%m "},
      {"year-month-date", "%Y-%m-%d "},
      {"hours-minutes", "%H:%M"},
      {"year", "%Y "},
      {"quarter", "Q%q "},
      {"month", "%b "},
      {"date", "%d "},
      {"week", "W%U "},
      {"isoweek", "W%V "},
      {"day", "%a "},
      {"dayofyear", "%j "},
      {"hours", "%H:00"},
      {"minutes", "00:%M"},
      {"seconds", ":%S"},
      {"milliseconds", ".%L"},
  };
  static const nlohmann::json kVegaLite = {{"year-month", "%b %Y "},
                                           {"year-month-date", "%b %d, %Y "}};
  const nlohmann::json& first = specifiers != nullptr ? *specifiers : kVegaLite;
  auto pattern_of = [&](const std::string& run) -> std::string {
    if (auto it = first.find(run); it != first.end() && it->is_string()) {
      return it->get<std::string>().substr(0, 100);
    }
    for (const Pattern& pattern : kPatterns) {
      if (pattern.parts == run) return std::string(pattern.text);
    }
    return "";
  };
  std::string out;
  // The longest run of parts that has a pattern, again and again.
  for (size_t start = 0; start < unit.parts.size();) {
    size_t end = unit.parts.size();
    for (; end > start; --end) {
      std::string run;
      for (size_t i = start; i < end; ++i)
        run += (i > start ? "-" : "") + std::string(name_of(unit.parts[i]));
      std::string pattern = pattern_of(run);
      if (pattern.empty()) continue;
      out += pattern;
      break;
    }
    start = std::max(end, start + 1);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool is_cyclic(const TimeUnit& unit) { return !unit.parts.empty() && !has(unit, TimePart::year); }

base::Result<double> date_time_ms(const nlohmann::json& date_time) {
  if (!date_time.is_object()) return Error{Errc::usage, "a DateTime must be an object"};
  static constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  static constexpr std::string_view kDays = "sunmontuewedthufrisat";
  auto index_of = [](std::string_view names, std::string text) -> double {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (text.size() < 3) return kNan;
    for (size_t i = 0; i * 3 < names.size(); ++i) {
      if (names.substr(i * 3, 3) == text.substr(0, 3)) return static_cast<double>(i);
    }
    return kNan;
  };
  DateParts parts{.year = kReferenceYear};
  Zone zone = Zone::local;
  bool has_month = date_time.contains("month");
  for (const auto& [key, value] : date_time.items()) {
    if (key == "utc") {
      if (to_boolean(value)) zone = Zone::utc;
      continue;
    }
    double number = value.is_null() || value.is_structured() ? kNan : to_number(value);
    std::string text = value.is_string() ? value.get<std::string>() : "";
    if (key == "month") {
      number = std::isnan(number) ? index_of(kMonths, text) : number - 1;
      parts.month = number;
    } else if (key == "day") {
      number = std::isnan(number) ? index_of(kDays, text) : std::fmod(number, 7);
      // A weekday stands alone; beside other parts Vega-Lite drops it.
      if (date_time.size() == 1) parts.day = number + 1;
    } else if (key == "quarter") {
      if (!has_month) parts.month = (number - 1) * 3;
    } else if (key == "year") {
      parts.year = number;
    } else if (key == "date") {
      parts.day = number;
    } else if (key == "hours") {
      parts.hour = number;
    } else if (key == "minutes") {
      parts.minute = number;
    } else if (key == "seconds") {
      parts.second = number;
    } else if (key == "milliseconds") {
      parts.millisecond = number;
    } else {
      return Error{Errc::usage, "\"" + key.substr(0, 60) + "\" is not a part of a date"};
    }
    if (std::isnan(number)) {
      return Error{Errc::usage,
                   "date part \"" + key + "\" cannot be " + to_text(value).substr(0, 60)};
    }
  }
  return date_from_parts(parts, zone);
}

}  // namespace tools::vega
