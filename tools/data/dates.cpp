// A tiny scanner over the text: each format is a sequence of take_* steps that must use it up.

#include "tools/data/dates.h"

#include <chrono>

#include "base/text.h"

namespace tools::data {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr std::string_view kMonths[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};

// Reads min to max digits.
bool take_number(std::string_view& text, size_t min, size_t max, int& value) {
  size_t n = 0;
  value = 0;
  while (n < max && n < text.size() && base::is_digit(text[n]))
    value = value * 10 + (text[n++] - '0');
  if (n < min) return false;
  text.remove_prefix(n);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_spaces(std::string_view& text) {
  const size_t before = text.size();
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  return text.size() < before;
}

// A month's name, full or its first three letters, in any case.
bool take_month(std::string_view& text, bool full, int& month) {
  for (int i = 0; i < 12; ++i) {
    const std::string_view name = full ? kMonths[i] : kMonths[i].substr(0, 3);
    if (text.size() < name.size()) continue;
    bool same = true;
    for (size_t k = 0; k < name.size() && same; ++k) same = (text[k] | 0x20) == name[k];
    if (!same) continue;
    text.remove_prefix(name.size());
    month = i + 1;
    return true;
  }
  return false;
}

// What may follow an ISO day: a time, a fraction (dropped), a zone (applied).
bool take_time(std::string_view& text, Civil& c, int& zone_minutes) {
  zone_minutes = 0;
  if (text.empty()) return true;
  if (!take(text, ' ') && !take(text, 'T')) return false;
  if (!take_number(text, 2, 2, c.hour) || !take(text, ':') || !take_number(text, 2, 2, c.minute))
    return false;
  if (take(text, ':')) {
    if (!take_number(text, 2, 2, c.second)) return false;
    if (take(text, '.')) {
      int fraction = 0;
      if (!take_number(text, 1, 9, fraction)) return false;
    }
  }
  if (text.empty() || take(text, 'Z')) return true;
  const bool minus = text[0] == '-';
  if (!minus && text[0] != '+') return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take_number(text, 2, 2, minutes)) return false;
  zone_minutes = (hours * 60 + minutes) * (minus ? -1 : 1);
  return true;
}

}  // namespace

std::optional<int64_t> micros_of(const Civil& c) {
  namespace ch = std::chrono;
  const ch::year_month_day day{ch::year(c.year), ch::month(static_cast<unsigned>(c.month)),
                               ch::day(static_cast<unsigned>(c.day))};
  if (c.year < 1 || c.month < 1 || c.day < 1 || !day.ok()) return std::nullopt;
  if (c.hour > 23 || c.minute > 59 || c.second > 59) return std::nullopt;
  return ch::sys_days(day).time_since_epoch().count() * kDay +
         ((c.hour * 60 + c.minute) * 60 + c.second) * kSecond;
}

Civil civil_of(int64_t micros) {
  namespace ch = std::chrono;
  int64_t days = micros / kDay;
  int64_t rest = micros % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  const ch::year_month_day day{ch::sys_days(ch::days(days))};
  const int seconds = static_cast<int>(rest / kSecond);
  return {.year = static_cast<int>(day.year()),
          .month = static_cast<int>(static_cast<unsigned>(day.month())),
          .day = static_cast<int>(static_cast<unsigned>(day.day())),
          .hour = seconds / 3600,
          .minute = seconds / 60 % 60,
          .second = seconds % 60};
}

std::optional<int64_t> parse_date(DateFormat format, std::string_view text) {
  if (text.size() < 6 || text.size() > 40) return std::nullopt;
  Civil c;
  int zone_minutes = 0;
  bool ok = false;
  switch (format) {
    case DateFormat::iso:
      ok = take_number(text, 4, 4, c.year) && take(text, '-') && take_number(text, 2, 2, c.month) &&
           take(text, '-') && take_number(text, 2, 2, c.day) && take_time(text, c, zone_minutes);
      break;
    case DateFormat::month_day:
      ok = take_number(text, 1, 2, c.month) && take(text, '/') && take_number(text, 1, 2, c.day) &&
           take(text, '/') && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::day_month:
      ok = take_number(text, 1, 2, c.day) && take(text, '/') && take_number(text, 1, 2, c.month) &&
           take(text, '/') && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::mon_day_year:
      ok = take_month(text, false, c.month) && take_spaces(text) &&
           take_number(text, 1, 2, c.day) && take_spaces(text) && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::day_mon_year:
      ok = take_number(text, 1, 2, c.day) && take_spaces(text) &&
           take_month(text, false, c.month) && take_spaces(text) && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::month_day_comma_year:
      ok = take_month(text, true, c.month) && take_spaces(text) && take_number(text, 1, 2, c.day) &&
           take(text, ',') && take_spaces(text) && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::dotted:
      ok = take_number(text, 1, 2, c.day) && take(text, '.') && take_number(text, 1, 2, c.month) &&
           take(text, '.') && take_number(text, 4, 4, c.year);
      break;
    case DateFormat::slashed:
      ok = take_number(text, 4, 4, c.year) && take(text, '/') && take_number(text, 1, 2, c.month) &&
           take(text, '/') && take_number(text, 1, 2, c.day);
      break;
    case DateFormat::year_month:
      ok = take_number(text, 4, 4, c.year) && take(text, '-') && take_number(text, 1, 2, c.month);
      break;
  }
  if (!ok || !text.empty()) return std::nullopt;
  std::optional<int64_t> micros = micros_of(c);
  if (micros) *micros -= int64_t{zone_minutes} * 60 * kSecond;
  return micros;
}

std::optional<DateRange> parse_range(std::string_view text) {
  Civil c;
  std::string_view rest = text;
  if (!take_number(rest, 4, 4, c.year)) return std::nullopt;
  Civil next = c;
  if (rest.empty()) {
    ++next.year;
  } else if (rest.size() == 3 && take(rest, '-') && take_number(rest, 2, 2, c.month)) {
    next.month = c.month + 1;
    if (next.month > 12) next = {.year = c.year + 1};
  } else {
    const std::optional<int64_t> micros = parse_date(DateFormat::iso, text);
    if (!micros) return std::nullopt;
    return DateRange{*micros, *micros + (text.size() == 10   ? kDay
                                         : text.size() == 16 ? 60 * kSecond
                                                             : kSecond)};
  }
  const std::optional<int64_t> begin = micros_of(c);
  const std::optional<int64_t> end = micros_of(next);
  if (!begin || !end) return std::nullopt;
  return DateRange{*begin, *end};
}

}  // namespace tools::data
