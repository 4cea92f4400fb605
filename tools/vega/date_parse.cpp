// Date.parse. First the ISO 8601 profile of ECMAScript; what does not follow it goes through the
// lenient reader that browsers share: numbers are filed as they come into a time (after a colon) or
// a day, words are month names, AM/PM or zones, and words that mean nothing may only stand before
// the first number.
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "tools/vega/calendar.h"
#include "tools/vega/not_a_number.h"

namespace tools::vega {
namespace {

bool read_digits(std::string_view& text, size_t count, double& out) {
  if (text.size() < count) return false;
  double value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!base::is_digit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  out = value;
  return true;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// The fraction of a second as milliseconds; more digits than three are dropped.
double read_fraction(std::string_view& text) {
  double ms = 0, unit = 100;
  while (!text.empty() && base::is_digit(text[0])) {
    ms += (text[0] - '0') * unit;
    unit = std::floor(unit / 10);
    text.remove_prefix(1);
  }
  return ms;
}

// nullopt: not the ISO form.
std::optional<double> parse_iso(std::string_view text) {
  DateParts parts;
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
    if (!read_digits(text, 6, parts.year) || (negative && parts.year == 0)) return std::nullopt;
    if (negative) parts.year = -parts.year;
  } else if (!read_digits(text, 4, parts.year)) {
    return std::nullopt;
  }
  double month = 1;
  if (skip(text, '-')) {
    if (!read_digits(text, 2, month) || month < 1 || month > 12) return std::nullopt;
    if (skip(text, '-')) {
      if (!read_digits(text, 2, parts.day) || parts.day < 1 || parts.day > 31) return std::nullopt;
    }
  }
  parts.month = month - 1;
  if (text.empty()) return date_from_parts(parts, Zone::utc);
  if (!skip(text, 'T') && !skip(text, 't')) return std::nullopt;
  if (!read_digits(text, 2, parts.hour) || !skip(text, ':') ||
      !read_digits(text, 2, parts.minute)) {
    return std::nullopt;
  }
  if (skip(text, ':')) {
    if (!read_digits(text, 2, parts.second)) return std::nullopt;
    if (skip(text, '.')) {
      if (text.empty() || !base::is_digit(text[0])) return std::nullopt;
      parts.millisecond = read_fraction(text);
    }
  }
  if (parts.minute > 59 || parts.second > 59 || parts.hour > 24 ||
      (parts.hour == 24 && parts.minute + parts.second + parts.millisecond > 0)) {
    return kNan;
  }
  if (text.empty()) return date_from_parts(parts, Zone::local);
  double sign = 0, hours = 0, minutes = 0;
  if (!skip(text, 'Z') && !skip(text, 'z')) {
    if (text[0] != '+' && text[0] != '-') return std::nullopt;
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    if (!read_digits(text, 2, hours)) return std::nullopt;
    skip(text, ':');
    if (!read_digits(text, 2, minutes)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return date_from_parts(parts, Zone::utc) - sign * (hours * 60 + minutes) * 60000;
}

int month_of(std::string_view word) {
  static constexpr std::string_view kNames = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (word.size() < 3) return -1;
  for (int i = 0; i < 12; ++i) {
    if (kNames.substr(static_cast<size_t>(i) * 3, 3) == word.substr(0, 3)) return i;
  }
  return -1;
}

std::optional<int> zone_of(std::string_view word) {
  if (word == "z" || word == "ut" || word == "utc" || word == "gmt") return 0;
  static constexpr struct {
    std::string_view name;
    int hours;
  } kZones[] = {{"est", -5}, {"edt", -4}, {"cst", -6}, {"cdt", -5},
                {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};
  for (const auto& zone : kZones) {
    if (zone.name == word) return zone.hours;
  }
  return std::nullopt;
}

/// The lenient reader's state.
class LenientDate {
 public:
  double parse(std::string_view text) {
    while (!text.empty()) {
      char c = text[0];
      bool ok = true;
      if (base::is_digit(c)) {
        ok = number(text);
      } else if (std::isalpha(static_cast<unsigned char>(c))) {
        ok = word(text);
      } else if ((c == '+' || c == '-') && (utc_ || n_time_ > 0)) {
        ok = offset(text);
      } else if ((c == '+' || c == '-' || c == ')') && has_number_) {
        ok = false;
      } else if (c == '(') {
        int depth = 0;
        do {
          depth += text[0] == '(' ? 1 : text[0] == ')' ? -1 : 0;
          text.remove_prefix(1);
        } while (depth > 0 && !text.empty());
      } else {
        text.remove_prefix(1);
      }
      if (!ok) return kNan;
    }
    return result();
  }

 private:
  bool number(std::string_view& text) {
    size_t length = 0;
    double n = 0;
    for (; length < text.size() && base::is_digit(text[length]); ++length) {
      if (length < 9) n = n * 10 + (text[length] - '0');
    }
    text.remove_prefix(length);
    has_number_ = true;
    bool expects_time = n_time_ > 0 && !time_done_;
    if (!text.empty() && text[0] == ':') {
      text.remove_prefix(1);
      if (expects_offset_minutes_) return false;
      if (time_done_ || n_time_ >= 3) return false;
      time_[n_time_++] = n;
      if (!text.empty() && text[0] == '.') text.remove_prefix(1);
      return true;
    }
    if (!text.empty() && text[0] == '.' && expects_time) {
      text.remove_prefix(1);
      if (n_time_ >= 3 || text.empty() || !base::is_digit(text[0])) return false;
      time_[n_time_++] = n;
      milliseconds_ = read_fraction(text);
      time_done_ = true;
      return true;
    }
    if (!text.empty() && text[0] == '.') text.remove_prefix(1);
    if (expects_offset_minutes_) {
      offset_minutes_ = n;
      expects_offset_minutes_ = false;
      return true;
    }
    if (expects_time) {
      if (n_time_ >= 3) return false;
      time_[n_time_++] = n;
      time_done_ = true;
      return text.empty() || std::isspace(static_cast<unsigned char>(text[0])) || text[0] == 'Z' ||
             text[0] == 'z' || text[0] == '+' || text[0] == '-';
    }
    if (n_day_ >= 3) return false;
    day_[n_day_++] = n;
    skip(text, '-');
    return true;
  }

  bool word(std::string_view& text) {
    std::string word;
    while (!text.empty() && std::isalpha(static_cast<unsigned char>(text[0]))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
      text.remove_prefix(1);
    }
    if ((word == "am" || word == "pm") && n_time_ > 0) {
      time_done_ = true;
      half_ = word == "pm" ? 12 : 0;
      return true;
    }
    if (int month = month_of(word); month >= 0) {
      month_ = month;
      skip(text, '-');
      return true;
    }
    if (std::optional<int> hours = zone_of(word); hours && has_number_) {
      utc_ = true;
      zone_hours_ = *hours;
      return true;
    }
    if (has_number_ && word != "t") return false;
    return text.empty() || !base::is_digit(text[0]) || word == "t";
  }

  bool offset(std::string_view& text) {
    offset_sign_ = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    size_t length = 0;
    double n = 0;
    for (; length < text.size() && base::is_digit(text[length]); ++length) {
      if (length < 9) n = n * 10 + (text[length] - '0');
    }
    text.remove_prefix(length);
    has_number_ = has_offset_ = time_done_ = true;
    if (!text.empty() && text[0] == ':') {
      text.remove_prefix(1);
      offset_hours_ = n;
      expects_offset_minutes_ = true;
    } else if (length >= 1 && length <= 2) {
      offset_hours_ = n;
    } else if (length == 3 || length == 4) {
      offset_hours_ = std::floor(n / 100);
      offset_minutes_ = std::fmod(n, 100);
    } else {
      return false;
    }
    return true;
  }

  double result() {
    if (n_day_ < 1) return kNan;
    while (n_day_ < 3) day_[n_day_++] = 1;
    auto is_day = [](double n) { return n >= 1 && n <= 31; };
    double year = 0, month = 0, day = 0;
    if (month_ < 0) {
      if (!is_day(day_[0])) {
        year = day_[0], month = day_[1], day = day_[2];
      } else {
        month = day_[0], day = day_[1], year = day_[2];
      }
    } else {
      month = month_ + 1;
      if (is_day(day_[0])) {
        day = day_[0], year = day_[1];
      } else {
        year = day_[0], day = day_[1];
      }
    }
    if (year <= 49) {
      year += 2000;
    } else if (year <= 99) {
      year += 1900;
    }
    if (month < 1 || month > 12 || !is_day(day)) return kNan;
    double hour = time_[0];
    if (half_ >= 0) {
      if (hour < 1 || hour > 12) return kNan;
      hour = std::fmod(hour, 12) + half_;
    }
    bool midnight = hour == 24 && time_[1] == 0 && time_[2] == 0 && milliseconds_ == 0;
    if ((hour > 23 && !midnight) || time_[1] > 59 || time_[2] > 59) return kNan;
    DateParts parts{year, month - 1, day, hour, time_[1], time_[2], milliseconds_};
    if (!utc_ && !has_offset_) return date_from_parts(parts, Zone::local);
    double minutes =
        has_offset_ ? offset_sign_ * (offset_hours_ * 60 + offset_minutes_) : zone_hours_ * 60.0;
    return date_from_parts(parts, Zone::utc) - minutes * 60000;
  }

  double day_[3] = {}, time_[3] = {};
  int n_day_ = 0, n_time_ = 0, month_ = -1, half_ = -1, zone_hours_ = 0;
  double milliseconds_ = 0, offset_sign_ = 1, offset_hours_ = 0, offset_minutes_ = 0;
  bool has_number_ = false, time_done_ = false, utc_ = false, has_offset_ = false;
  bool expects_offset_minutes_ = false;
};

}  // namespace

double parse_date(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  if (text.empty() || text.size() > 200) return kNan;
  if (std::optional<double> iso = parse_iso(text)) return *iso;
  return LenientDate().parse(text);
}

}  // namespace tools::vega
