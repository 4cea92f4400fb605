// Dates as d3-time-format prints and reads them: a pattern is text with %-directives, each with an
// optional flag for its padding (- none, _ spaces, 0 zeros).
#include <strings.h>
#include <cctype>
#include <cmath>

#include "tools/vega/datum.h"
#include "tools/vega/format.h"
#include "tools/vega/not_a_number.h"

namespace tools::vega {
namespace {

constexpr size_t kMaxPattern = 1000;

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                   "May",       "June",     "July",     "August",
                                   "September", "October",  "November", "December"};

// The patterns of the locale's composed directives.
std::string_view composed(char directive) {
  switch (directive) {
    case 'x':
      return "%-m/%-d/%Y";
    case 'X':
      return "%-I:%M:%S %p";
    case 'c':
      return "%-m/%-d/%Y, %-I:%M:%S %p";
    default:
      return {};
  }
}

// `fill` 0 is no padding.
std::string pad(double value, char fill, size_t width) {
  std::string digits = number_text(std::fabs(value));
  if (fill != 0 && digits.size() < width) digits.insert(0, width - digits.size(), fill);
  return value < 0 ? "-" + digits : digits;
}

void append_directive(std::string& out, char directive, char fill, double ms,
                      const DateParts& parts, Zone zone) {
  if (std::string_view pattern = composed(directive); !pattern.empty()) {
    out += format_time(ms, pattern, zone);
    return;
  }
  bool invalid = std::isnan(parts.year);
  size_t month = invalid ? 0 : static_cast<size_t>(parts.month);
  size_t weekday = static_cast<size_t>(parts.weekday);
  auto number = [&](double value, size_t width) {
    out += pad(invalid ? kNan : value, fill, width);
  };
  switch (directive) {
    case 'a':
      if (!invalid) out += std::string_view(kDays[weekday]).substr(0, 3);
      return;
    case 'A':
      if (!invalid) out += kDays[weekday];
      return;
    case 'b':
      if (!invalid) out += std::string_view(kMonths[month]).substr(0, 3);
      return;
    case 'B':
      if (!invalid) out += kMonths[month];
      return;
    case 'd':
    case 'e':
      return number(parts.day, 2);
    case 'f':
      number(parts.millisecond, 3);
      out += "000";
      return;
    case 'g':
    case 'G': {
      int year = 0;
      iso_week_year(ms, zone, year);
      return directive == 'g' ? number(year % 100, 2) : number(year % 10000, 4);
    }
    case 'H':
      return number(parts.hour, 2);
    case 'I':
      // JavaScript's `hour % 12 || 12`, which is 12 for NaN as well.
      out += pad(std::fmod(parts.hour, 12) > 0 ? std::fmod(parts.hour, 12) : 12, fill, 2);
      return;
    case 'j':
      return number(day_of_year(ms, zone), 3);
    case 'L':
      return number(parts.millisecond, 3);
    case 'm':
      return number(parts.month + 1, 2);
    case 'M':
      return number(parts.minute, 2);
    case 'p':
      out += parts.hour >= 12 ? "PM" : "AM";
      return;
    case 'q':
      out += number_text(invalid ? 1 : quarter(ms, zone));
      return;
    case 'Q':
      out += number_text(ms);
      return;
    case 's':
      out += number_text(std::floor(ms / 1000));
      return;
    case 'S':
      return number(parts.second, 2);
    case 'u':
      out += invalid ? "NaN" : number_text(weekday == 0 ? 7 : static_cast<double>(weekday));
      return;
    case 'U':
      return number(week_of_year(ms, zone), 2);
    case 'V': {
      int year = 0;
      return number(iso_week_year(ms, zone, year), 2);
    }
    case 'w':
      out += invalid ? "NaN" : number_text(static_cast<double>(weekday));
      return;
    case 'W':
      return number((day_of_year(ms, zone) + 6 - (parts.weekday + 6) % 7) / 7, 2);
    case 'y':
      return number(std::fmod(parts.year, 100), 2);
    case 'Y':
      return number(std::fmod(parts.year, 10000), 4);
    case 'Z': {
      if (zone == Zone::utc && !invalid) {
        out += "+0000";
        return;
      }
      double minutes = std::round((date_from_parts(parts, Zone::utc) - ms) / 60000);
      if (invalid) {
        out += "+00NaN";
        return;
      }
      out += minutes < 0 ? '-' : '+';
      minutes = std::fabs(minutes);
      out += pad(std::floor(minutes / 60), '0', 2) + pad(std::fmod(minutes, 60), '0', 2);
      return;
    }
    default:
      out += directive;  // also %%
  }
}

/// What a pattern has read so far; NaN is unset.
struct Read {
  double year = 1900, month = kNan, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0;
  double half = kNan, quarter_month = kNan, epoch_ms = kNan, epoch_s = kNan, zone = kNan;
  double weekday = kNan, iso_weekday = kNan, sunday_week = kNan, monday_week = kNan,
         iso_week = kNan;
  bool has_millisecond = false;
};

// Up to `width` characters of spaces and digits.
bool read_number(std::string_view& text, size_t width, double& out) {
  size_t i = 0, limit = std::min(width, text.size());
  while (i < limit && std::isspace(static_cast<unsigned char>(text[i]))) ++i;
  size_t start = i;
  double value = 0;
  while (i < limit && text[i] >= '0' && text[i] <= '9') value = value * 10 + (text[i++] - '0');
  if (i == start) return false;
  text.remove_prefix(i);
  out = value;
  return true;
}

// The index of the name that the text starts with, in any case; -1 where there is none.
int read_name(std::string_view& text, const char* const* names, int count, size_t length) {
  for (int i = 0; i < count; ++i) {
    std::string_view name = std::string_view(names[i]).substr(0, length);
    if (text.size() >= name.size() && strncasecmp(text.data(), name.data(), name.size()) == 0) {
      text.remove_prefix(name.size());
      return i;
    }
  }
  return -1;
}

bool read_zone(std::string_view& text, double& out) {
  if (text.starts_with('Z')) {
    text.remove_prefix(1);
    out = 0;
    return true;
  }
  if (text.size() < 3 || (text[0] != '+' && text[0] != '-')) return false;
  double sign = text[0] == '-' ? -1 : 1, hours = 0, minutes = 0;
  auto two = [&](size_t at) {
    return text.size() >= at + 2 && std::isdigit(static_cast<unsigned char>(text[at])) &&
           std::isdigit(static_cast<unsigned char>(text[at + 1]));
  };
  auto value = [&](size_t at) { return (text[at] - '0') * 10.0 + (text[at + 1] - '0'); };
  if (!two(1)) return false;
  hours = value(1);
  size_t end = 3;
  size_t at = text.size() > 3 && text[3] == ':' ? 4 : 3;
  if (two(at)) {
    minutes = value(at);
    end = at + 2;
  }
  text.remove_prefix(end);
  out = sign * (hours * 60 + minutes);
  return true;
}

bool read_pattern(std::string_view& text, std::string_view pattern, Read& read);

bool read_directive(std::string_view& text, char directive, Read& read) {
  constexpr size_t kAny = std::string_view::npos;
  if (std::string_view pattern = composed(directive); !pattern.empty()) {
    return read_pattern(text, pattern, read);
  }
  double n = 0;
  int index = -1;
  switch (directive) {
    case 'a':
    case 'A':
      index = read_name(text, kDays, 7, directive == 'a' ? 3 : kAny);
      read.weekday = index;
      return index >= 0;
    case 'b':
    case 'B':
      index = read_name(text, kMonths, 12, directive == 'b' ? 3 : kAny);
      read.month = index;
      return index >= 0;
    case 'd':
    case 'e':
      return read_number(text, 2, read.day);
    case 'f':
      if (!read_number(text, 6, n)) return false;
      read.millisecond = std::floor(n / 1000);
      read.has_millisecond = true;
      return true;
    case 'g':
    case 'y':
      if (!read_number(text, 2, n)) return false;
      read.year = n + (n > 68 ? 1900 : 2000);
      return true;
    case 'G':
    case 'Y':
      return read_number(text, 4, read.year);
    case 'H':
    case 'I':
      return read_number(text, 2, read.hour);
    case 'j':
      read.month = 0;
      return read_number(text, 3, read.day);
    case 'L':
      read.has_millisecond = true;
      return read_number(text, 3, read.millisecond);
    case 'm':
      if (!read_number(text, 2, n)) return false;
      read.month = n - 1;
      return true;
    case 'M':
      return read_number(text, 2, read.minute);
    case 'p':
      if (text.size() < 2 || std::tolower(static_cast<unsigned char>(text[1])) != 'm') return false;
      index = std::tolower(static_cast<unsigned char>(text[0]));
      if (index != 'a' && index != 'p') return false;
      read.half = index == 'p' ? 1 : 0;
      text.remove_prefix(2);
      return true;
    case 'q':
      if (!read_number(text, 1, n)) return false;
      read.quarter_month = n * 3 - 3;
      return true;
    case 'Q':
      return read_number(text, kAny, read.epoch_ms);
    case 's':
      return read_number(text, kAny, read.epoch_s);
    case 'S':
      return read_number(text, 2, read.second);
    case 'u':
      return read_number(text, 1, read.iso_weekday);
    case 'U':
      return read_number(text, 2, read.sunday_week);
    case 'V':
      return read_number(text, 2, read.iso_week);
    case 'w':
      return read_number(text, 1, read.weekday);
    case 'W':
      return read_number(text, 2, read.monday_week);
    case 'Z':
      return read_zone(text, read.zone);
    case '%':
      if (!text.starts_with('%')) return false;
      text.remove_prefix(1);
      return true;
    default:
      return false;
  }
}

bool is_flag(char c) { return c == '-' || c == '_' || c == '0'; }

bool read_pattern(std::string_view& text, std::string_view pattern, Read& read) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      if (++i < pattern.size() && is_flag(pattern[i])) ++i;
      if (i >= pattern.size() || !read_directive(text, pattern[i], read)) return false;
    } else {
      if (text.empty() || text[0] != pattern[i]) return false;
      text.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace

std::string format_time(double ms, std::string_view pattern, Zone zone) {
  DateParts parts = date_parts(ms, zone);
  std::string out;
  pattern = pattern.substr(0, kMaxPattern);
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 >= pattern.size()) {
      if (pattern[i] != '%') out += pattern[i];
      continue;
    }
    char directive = pattern[++i];
    char fill = directive == 'e' ? ' ' : '0';
    if (is_flag(directive)) {
      fill = directive == '-' ? 0 : directive == '_' ? ' ' : '0';
      if (++i >= pattern.size()) break;
      directive = pattern[i];
    }
    append_directive(out, directive, fill, ms, parts, zone);
  }
  return out;
}

double parse_time(std::string_view text, std::string_view pattern, Zone zone) {
  Read read;
  if (pattern.size() > kMaxPattern || !read_pattern(text, pattern, read) || !text.empty()) {
    return kNan;
  }
  if (!std::isnan(read.epoch_ms)) return read.epoch_ms;
  if (!std::isnan(read.epoch_s)) {
    return read.epoch_s * 1000 + (read.has_millisecond ? read.millisecond : 0);
  }
  if (!std::isnan(read.half)) read.hour = std::fmod(read.hour, 12) + read.half * 12;
  if (std::isnan(read.month)) read.month = std::isnan(read.quarter_month) ? 0 : read.quarter_month;
  Zone used = std::isnan(read.zone) ? zone : Zone::utc;
  auto weekday_of = [&](double year, double day) {
    return date_parts(date_from_parts({year, 0, day}, Zone::utc), Zone::utc).weekday;
  };
  if (!std::isnan(read.iso_week)) {
    if (read.iso_week < 1 || read.iso_week > 53) return kNan;
    double weekday = std::isnan(read.weekday) ? read.iso_weekday : read.weekday;
    if (std::isnan(weekday)) weekday = 1;
    // January 4th is always in week 1.
    double monday = 4 - (weekday_of(read.year, 4) + 6) % 7;
    read.month = 0;
    read.day = monday + (read.iso_week - 1) * 7 + std::fmod(weekday + 6, 7);
  } else if (!std::isnan(read.monday_week) || !std::isnan(read.sunday_week)) {
    bool monday = !std::isnan(read.monday_week);
    double weekday = read.weekday;
    if (std::isnan(weekday)) {
      weekday = !std::isnan(read.iso_weekday) ? std::fmod(read.iso_weekday, 7) : monday ? 1 : 0;
    }
    int first = weekday_of(read.year, 1);
    read.month = 0;
    // Days count from 0 there, so that day 0 of January is December 31st.
    read.day = monday ? std::fmod(weekday + 6, 7) + read.monday_week * 7 - (first + 5) % 7
                      : weekday + read.sunday_week * 7 - (first + 6) % 7;
  }
  double ms = date_from_parts(
      {read.year, read.month, read.day, read.hour, read.minute, read.second, read.millisecond},
      used);
  return std::isnan(read.zone) ? ms : ms - read.zone * 60000;
}

std::string format_time_multi(double ms, Zone zone) {
  auto inside = [&](Interval interval) { return interval_floor(ms, interval, 1, zone) < ms; };
  const char* pattern = inside(Interval::second)   ? ".%L"
                        : inside(Interval::minute) ? ":%S"
                        : inside(Interval::hour)   ? "%I:%M"
                        : inside(Interval::day)    ? "%I %p"
                        : inside(Interval::month)  ? (inside(Interval::week) ? "%a %d" : "%b %d")
                        : inside(Interval::year)   ? "%B"
                                                   : "%Y";
  return format_time(ms, pattern, zone);
}

}  // namespace tools::vega
