// The functions of the expression language, in one table sorted by theme. Each takes the arguments
// that the call has; at() gives undefined for those it has not.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "tools/vega/color.h"
#include "tools/vega/expression_node.h"
#include "tools/vega/format.h"
#include "tools/vega/not_a_number.h"
#include "tools/vega/regexp.h"
#include "tools/vega/statistics.h"
#include "tools/vega/time_unit.h"

namespace tools::vega {
namespace {

using base::Errc;

constexpr const char* kRegexpKey = "\x01regexp";

const Row& at(const Arguments& a, size_t i) {
  static const Row missing = undefined();
  return i < a.size() ? a[i] : missing;
}
double number(const Arguments& a, size_t i) { return to_number(at(a, i)); }
double number_or(const Arguments& a, size_t i, double fallback) {
  return is_nullish(at(a, i)) ? fallback : number(a, i);
}
std::string text(const Arguments& a, size_t i) { return to_text(at(a, i)); }
// A position in a text or array.
int position(double value, int size) {
  if (std::isnan(value)) return 0;
  return static_cast<int>(std::clamp(std::trunc(value), -1.0 * size, 1.0 * size));
}
Row bounded(Evaluation& e, std::string value) {
  if (value.size() > kMaxValue) {
    return e.fail(Errc::limit, "expression makes a text longer than 1000000 bytes");
  }
  return value;
}

// A date as the Date constructor reads it: a number, or text.
double date_of(const Row& value) {
  if (value.is_string()) return parse_date(value.get_ref<const std::string&>());
  double ms = to_number(value);
  return std::fabs(ms) <= 8.64e15 ? std::trunc(ms) : kNan;
}

// ---- numbers

template <double (*F)(double)>
Row math(Evaluation&, Arguments& a) {
  return F(number(a, 0));
}
double js_round(double x) { return std::floor(x + 0.5); }
Row hypot_of(Evaluation&, Arguments& a) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum = std::hypot(sum, number(a, i));
  return sum;
}
Row atan2_of(Evaluation&, Arguments& a) { return std::atan2(number(a, 0), number(a, 1)); }
Row pow_of(Evaluation&, Arguments& a) {
  double base = number(a, 0), exponent = number(a, 1);
  // C has 1 to the power of NaN or infinity as 1, JavaScript as NaN.
  if (std::isnan(exponent) || (std::fabs(base) == 1 && std::isinf(exponent))) return kNan;
  return std::pow(base, exponent);
}
template <bool kMax>
Row extreme(Evaluation&, Arguments& a) {
  double out = kMax ? -HUGE_VAL : HUGE_VAL;
  for (size_t i = 0; i < a.size(); ++i) {
    double value = number(a, i);
    if (std::isnan(value)) return kNan;
    out = kMax ? std::max(out, value) : std::min(out, value);
  }
  return out;
}
Row clamp_of(Evaluation&, Arguments& a) {
  return std::max(number(a, 1), std::min(number(a, 2), number(a, 0)));
}
Row random_of(Evaluation& e, Arguments&) {
  if (e.scope.random == nullptr) return e.fail(Errc::usage, "random() cannot be used here");
  return e.scope.random->next();
}
// Number.isNaN and Number.isFinite: what is no number is neither.
Row is_nan(Evaluation&, Arguments& a) { return at(a, 0).is_number() && std::isnan(number(a, 0)); }
Row is_finite(Evaluation&, Arguments& a) {
  return at(a, 0).is_number() && std::isfinite(number(a, 0));
}
Row parse_float(Evaluation&, Arguments& a) {
  std::string s = text(a, 0);
  size_t start = s.find_first_not_of(" \t\r\n\v\f");
  if (start == std::string::npos) return kNan;
  size_t i = start;
  if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
  if (s.compare(i, 8, "Infinity") == 0) return s[start] == '-' ? -HUGE_VAL : HUGE_VAL;
  auto digits = [&] {
    size_t from = i;
    while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
    return i > from;
  };
  bool any = digits();
  if (i < s.size() && s[i] == '.') {
    size_t point = i++;
    bool fraction = digits();
    if (!any && !fraction) i = point;
    any = any || fraction;
  }
  if (!any) return kNan;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    size_t mark = i++;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (!digits()) i = mark;
  }
  return text_number(std::string_view(s).substr(start, i - start));
}
Row parse_int(Evaluation&, Arguments& a) {
  std::string s = text(a, 0);
  size_t i = s.find_first_not_of(" \t\r\n\v\f");
  if (i == std::string::npos) return kNan;
  bool negative = s[i] == '-';
  if (s[i] == '+' || s[i] == '-') ++i;
  double radix = number_or(a, 1, 0);
  bool hex = i + 1 < s.size() && s[i] == '0' && (s[i + 1] == 'x' || s[i + 1] == 'X');
  if (hex && (radix == 0 || radix == 16)) {
    radix = 16;
    i += 2;
  }
  if (radix == 0) radix = 10;
  if (!(radix >= 2 && radix <= 36)) return kNan;
  double value = 0;
  bool any = false;
  for (; i < s.size(); ++i, any = true) {
    char c = s[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'z' ? c - 'a' + 10
                : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                       : 99;
    if (digit >= radix) break;
    value = value * radix + digit;
  }
  return !any ? kNan : negative ? -value : value;
}
Row normal_cumulative_of(Evaluation&, Arguments& a) {
  return normal_cumulative((number(a, 0) - number_or(a, 1, 0)) / number_or(a, 2, 1));
}
Row normal_quantile_of(Evaluation&, Arguments& a) {
  return number_or(a, 1, 0) + number_or(a, 2, 1) * normal_quantile(number(a, 0));
}
Row normal_density_of(Evaluation&, Arguments& a) {
  double deviation = number_or(a, 2, 1), z = (number(a, 0) - number_or(a, 1, 0)) / deviation;
  return std::exp(-0.5 * z * z) / (deviation * std::sqrt(2 * M_PI));
}

// ---- types

Row to_boolean_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (is_nullish(v) || (v.is_string() && v == "")) return nullptr;
  if (v.is_string() && (v == "false" || v == "0")) return false;
  return to_boolean(v);
}
Row to_number_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (is_nullish(v) || (v.is_string() && v == "")) return nullptr;
  return to_number(v);
}
Row to_string_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (is_nullish(v) || (v.is_string() && v == "")) return nullptr;
  return to_text(v);
}
Row to_date_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (is_nullish(v) || (v.is_string() && v == "")) return nullptr;
  return date_of(v);
}
Row is_array(Evaluation&, Arguments& a) { return at(a, 0).is_array(); }
Row is_boolean(Evaluation&, Arguments& a) { return at(a, 0).is_boolean(); }
Row is_date(Evaluation&, Arguments&) { return false; }  // dates are numbers here
Row is_defined(Evaluation&, Arguments& a) { return !is_undefined(at(a, 0)); }
Row is_number(Evaluation&, Arguments& a) { return at(a, 0).is_number(); }
Row is_object(Evaluation&, Arguments& a) { return at(a, 0).is_structured(); }
Row is_regexp_of(Evaluation&, Arguments& a) { return is_regexp(at(a, 0)); }
Row is_string(Evaluation&, Arguments& a) { return at(a, 0).is_string(); }
Row is_valid_of(Evaluation&, Arguments& a) { return is_valid(at(a, 0)); }

// ---- text and arrays

Row length_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (v.is_string()) return utf16_length(v.get_ref<const std::string&>());
  if (v.is_array()) return v.size();
  return undefined();
}
// ASCII only changes byte by byte; other letters of Latin, Greek and Cyrillic by their code points.
std::string change_case(const std::string& s, bool up) {
  std::string out;
  for (size_t i = 0; i < s.size();) {
    unsigned char c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      bool letter = up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
      out += static_cast<char>(letter ? c ^ 0x20 : c);
      ++i;
      continue;
    }
    size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (length != 2 || i + 1 >= s.size()) {
      out += s.substr(i, length);
      i += length;
      continue;
    }
    unsigned code = ((c & 0x1Fu) << 6) | (static_cast<unsigned char>(s[i + 1]) & 0x3Fu);
    i += 2;
    if (up) {
      if (code == 0xDF) {
        out += "SS";
        continue;
      }
      if (code == 0xFF) {
        code = 0x178;
      } else if ((code >= 0xE0 && code <= 0xFE && code != 0xF7) ||
                 (code >= 0x3B1 && code <= 0x3C9 && code != 0x3C2) ||
                 (code >= 0x430 && code <= 0x44F)) {
        code -= 0x20;
      } else if (code >= 0x450 && code <= 0x45F) {
        code -= 0x50;
      } else if (code >= 0x100 && code <= 0x137 && (code & 1)) {
        --code;
      }
    } else {
      if ((code >= 0xC0 && code <= 0xDE && code != 0xD7) || (code >= 0x391 && code <= 0x3A9) ||
          (code >= 0x410 && code <= 0x42F)) {
        code += 0x20;
      } else if (code >= 0x400 && code <= 0x40F) {
        code += 0x50;
      } else if (code >= 0x100 && code <= 0x137 && !(code & 1)) {
        ++code;
      }
    }
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}
Row upper(Evaluation&, Arguments& a) { return change_case(text(a, 0), true); }
Row lower(Evaluation&, Arguments& a) { return change_case(text(a, 0), false); }
Row trim_of(Evaluation&, Arguments& a) {
  std::string s = text(a, 0);
  size_t first = s.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string::npos) return "";
  return s.substr(first, s.find_last_not_of(" \t\r\n\v\f") - first + 1);
}
Row substring_of(Evaluation&, Arguments& a) {
  std::string s = text(a, 0);
  int n = utf16_length(s);
  int begin = std::max(0, position(number(a, 1), n));
  int end = is_undefined(at(a, 2)) ? n : std::max(0, position(number(a, 2), n));
  return utf16_substring(s, std::min(begin, end), std::max(begin, end));
}
Row slice_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  std::string s = v.is_array() ? "" : to_text(v);
  int n = v.is_array() ? static_cast<int>(v.size()) : utf16_length(s);
  int begin = position(number(a, 1), n);
  int end = is_undefined(at(a, 2)) ? n : position(number(a, 2), n);
  if (begin < 0) begin += n;
  if (end < 0) end += n;
  if (!v.is_array()) return utf16_substring(s, begin, std::max(begin, end));
  Row out = Row::array();
  for (int i = begin; i < end; ++i) out.push_back(v[static_cast<size_t>(i)]);
  return out;
}
template <bool kLast>
Row index_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (v.is_array()) {
    int found = -1;
    for (size_t i = 0; i < v.size(); ++i) {
      if (!strictly_equal(v[i], at(a, 1))) continue;
      found = static_cast<int>(i);
      if (!kLast) break;
    }
    return found;
  }
  std::string s = to_text(v), part = text(a, 1);
  size_t found = kLast ? s.rfind(part) : s.find(part);
  if (found == std::string::npos) return -1;
  return utf16_length(std::string_view(s).substr(0, found));
}
Row split_of(Evaluation& e, Arguments& a) {
  std::string s = text(a, 0);
  Row out = Row::array();
  if (is_regexp(at(a, 1))) {
    return e.fail(Errc::unsupported, "split() by a regular expression is not supported");
  }
  if (is_undefined(at(a, 1))) return Row::array({s});
  std::string separator = text(a, 1);
  double limit = number_or(a, 2, kMaxValue);
  auto add = [&](std::string part) {
    if (static_cast<double>(out.size()) < limit) out.push_back(std::move(part));
  };
  if (separator.empty()) {
    int n = utf16_length(s);
    if (n > 10000) return e.fail(Errc::limit, "split() of a text longer than 10000 characters");
    for (int i = 0; i < n; ++i) add(utf16_substring(s, i, i + 1));
    return out;
  }
  size_t start = 0, found = 0;
  while ((found = s.find(separator, start)) != std::string::npos) {
    add(s.substr(start, found - start));
    start = found + separator.size();
  }
  add(s.substr(start));
  return out;
}
Row join_of(Evaluation& e, Arguments& a) {
  const Row& v = at(a, 0);
  if (!v.is_array()) return undefined();
  std::string separator = is_nullish(at(a, 1)) ? "," : text(a, 1), out;
  for (size_t i = 0; i < v.size(); ++i) {
    if (i > 0) out += separator;
    if (!v[i].is_null()) out += to_text(v[i]);
    if (out.size() > kMaxValue) break;
  }
  return bounded(e, std::move(out));
}
Row reverse_of(Evaluation&, Arguments& a) {
  Row v = at(a, 0);
  if (v.is_array()) std::reverse(v.begin(), v.end());
  return v;
}
Row sort_of(Evaluation&, Arguments& a) {
  Row v = at(a, 0);
  if (v.is_array()) {
    std::stable_sort(v.begin(), v.end(),
                     [](const Row& x, const Row& y) { return compare(x, y) < 0; });
  }
  return v;
}
Row replace_of(Evaluation& e, Arguments& a) {
  std::string s = text(a, 0), replacement = text(a, 2);
  const Row& pattern = at(a, 1);
  if (is_regexp(pattern)) {
    auto out = regexp_replace(pattern[kRegexpKey], pattern["flags"], s, replacement);
    if (!out) return e.fail(out.error().code, out.error().message);
    return bounded(e, std::move(*out));
  }
  std::string part = to_text(pattern);
  size_t found = s.find(part);
  if (found == std::string::npos) return s;
  return bounded(e, s.replace(found, part.size(), replacement));
}
Row regexp_of(Evaluation&, Arguments& a) {
  return make_regexp(text(a, 0), is_undefined(at(a, 1)) ? "" : text(a, 1));
}
Row test_of(Evaluation& e, Arguments& a) {
  const Row& pattern = at(a, 0);
  auto found = is_regexp(pattern) ? regexp_test(pattern[kRegexpKey], pattern["flags"], text(a, 1))
                                  : regexp_test(to_text(pattern), "", text(a, 1));
  if (!found) return e.fail(found.error().code, found.error().message);
  return *found;
}
Row pad_of(Evaluation& e, Arguments& a) {
  std::string s = text(a, 0), fill = is_nullish(at(a, 2)) ? " " : text(a, 2);
  std::string align = is_nullish(at(a, 3)) ? "right" : text(a, 3);
  double missing = number(a, 1) - utf16_length(s);
  if (!(missing > 0)) return s;
  if (missing > 10000) return e.fail(Errc::limit, "pad() to more than 10000 characters");
  auto repeat = [&](int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += fill;
    return out;
  };
  int n = static_cast<int>(missing);
  // Vega's "right" puts the padding on the right.
  if (align == "left") return bounded(e, repeat(n) + s);
  if (align == "center") return bounded(e, repeat(n / 2) + s + repeat((n + 1) / 2));
  return bounded(e, s + repeat(n));
}
Row truncate_of(Evaluation&, Arguments& a) {
  std::string s = text(a, 0);
  int n = utf16_length(s);
  double length = number(a, 1);
  std::string align = is_nullish(at(a, 2)) ? "right" : text(a, 2);
  std::string ellipsis = is_nullish(at(a, 3)) ? "\u2026" : text(a, 3);
  if (!(n > length)) return s;
  int keep = static_cast<int>(std::max(0.0, length - utf16_length(ellipsis)));
  if (align == "left") return ellipsis + utf16_substring(s, n - keep, n);
  if (align == "center") {
    return utf16_substring(s, 0, (keep + 1) / 2) + ellipsis + utf16_substring(s, n - keep / 2, n);
  }
  return utf16_substring(s, 0, keep) + ellipsis;
}
Row extent_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  Row low = undefined(), high = undefined();
  if (v.is_array()) {
    for (const Row& item : v) {
      if (!is_valid(item)) continue;
      if (is_undefined(low) || compare(item, low) < 0) low = item;
      if (is_undefined(high) || compare(item, high) > 0) high = item;
    }
  }
  if (is_undefined(low)) return Row::array({nullptr, nullptr});
  return Row::array({low, high});
}
Row peek_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  return v.is_array() && !v.empty() ? v.back() : undefined();
}
Row span_of(Evaluation&, Arguments& a) {
  const Row& v = at(a, 0);
  if (!v.is_array() || v.empty()) return 0;
  return to_number(v.back()) - to_number(v.front());
}
Row in_range(Evaluation&, Arguments& a) {
  const Row& range = at(a, 1);
  if (!range.is_array() || range.empty()) return false;
  double value = number(a, 0), low = to_number(range.front()), high = to_number(range.back());
  if (high < low) std::swap(low, high);
  bool left = is_undefined(at(a, 2)) || to_boolean(at(a, 2));
  bool right = is_undefined(at(a, 3)) || to_boolean(at(a, 3));
  return (left ? low <= value : low < value) && (right ? value <= high : value < high);
}
Row lerp_of(Evaluation&, Arguments& a) {
  const Row& range = at(a, 0);
  if (!range.is_array() || range.empty()) return 0;
  double low = to_number(range.front()), high = to_number(range.back()), f = number(a, 1);
  return f == 0 ? low : f == 1 ? high : low + f * (high - low);
}
Row flush_of(Evaluation&, Arguments& a) {
  const Row& range = at(a, 0);
  if (!range.is_array() || range.empty()) return at(a, 4);
  double value = number(a, 1), threshold = number(a, 2), low = to_number(range.front());
  double high = to_number(range.back());
  size_t left = 3, right = 4;
  if (std::fabs(high - low) == 0) return at(a, 5);
  if (threshold != 0) {
    if (std::fabs(value - low) < threshold) return at(a, left);
    if (std::fabs(value - high) < threshold) return at(a, right);
  }
  return at(a, 5);
}
Row sequence_of(Evaluation& e, Arguments& a) {
  double start = a.size() > 1 ? number(a, 0) : 0, stop = number(a, a.size() > 1 ? 1 : 0);
  double step = a.size() > 2 ? number(a, 2) : 1;
  double n = std::max(0.0, std::ceil((stop - start) / step));
  if (!(n <= kMaxValue)) return e.fail(Errc::limit, "sequence() of more than 1000000 numbers");
  Row out = Row::array();
  for (double i = 0; i < n; ++i) out.push_back(number_row(start + i * step));
  return out;
}
Row merge_of(Evaluation&, Arguments& a) {
  Row out = Row::object();
  for (const Row& part : a) {
    if (part.is_object()) out.update(part);
  }
  return out;
}

// ---- dates

enum class DatePart {
  year,
  quarter,
  month,
  date,
  day,
  hours,
  minutes,
  seconds,
  milliseconds,
  dayofyear,
  week,
  isoweek
};
template <DatePart kPart, Zone kZone>
Row part_of(Evaluation&, Arguments& a) {
  double ms = date_of(at(a, 0));
  if (std::isnan(ms)) return kNan;
  if (kPart == DatePart::quarter) return quarter(ms, kZone);
  if (kPart == DatePart::dayofyear) return day_of_year(ms, kZone);
  if (kPart == DatePart::week) return week_of_year(ms, kZone);
  int year = 0;
  if (kPart == DatePart::isoweek) return iso_week_year(ms, kZone, year);
  DateParts parts = date_parts(ms, kZone);
  switch (kPart) {
    case DatePart::year:
      return parts.year;
    case DatePart::month:
      return parts.month;
    case DatePart::date:
      return parts.day;
    case DatePart::day:
      return parts.weekday;
    case DatePart::hours:
      return parts.hour;
    case DatePart::minutes:
      return parts.minute;
    case DatePart::seconds:
      return parts.second;
    default:
      return parts.millisecond;
  }
}
Row date_from(const Arguments& a, Zone zone) {
  DateParts parts;
  double* fields[] = {&parts.year,   &parts.month,  &parts.day,        &parts.hour,
                      &parts.minute, &parts.second, &parts.millisecond};
  for (size_t i = 0; i < std::size(fields) && i < a.size(); ++i) *fields[i] = number(a, i);
  if (parts.year >= 0 && parts.year <= 99) parts.year = 1900 + std::trunc(parts.year);
  return date_from_parts(parts, zone);
}
Row datetime_of(Evaluation& e, Arguments& a) {
  if (a.empty()) {
    return e.fail(Errc::usage, "datetime() of now is not available: a chart must not depend on it");
  }
  if (a.size() == 1) return date_of(a[0]);
  return date_from(a, Zone::local);
}
Row utc_of(Evaluation&, Arguments& a) { return date_from(a, Zone::utc); }
Row time_of(Evaluation&, Arguments& a) { return date_of(at(a, 0)); }
Row now_of(Evaluation& e, Arguments&) {
  return e.fail(Errc::usage, "now() is not available: a chart must not depend on the time");
}
Row zone_offset(Evaluation&, Arguments& a) {
  double ms = date_of(at(a, 0));
  return std::round((ms - date_from_parts(date_parts(ms, Zone::local), Zone::utc)) / 60000);
}
template <Zone kZone>
Row offset_of(Evaluation& e, Arguments& a) {
  std::string unit = text(a, 0);
  double n = std::clamp(std::floor(number_or(a, 2, 1)), -1e6, 1e6);
  double factor = unit == "quarter" ? 3 : 1;
  auto interval = parse_interval(unit == "quarter" ? "month" : unit);
  if (!interval) return e.fail(Errc::usage, "\"" + unit.substr(0, 60) + "\" is not a time unit");
  return interval_offset(date_of(at(a, 1)), *interval, static_cast<int>(n * factor), kZone);
}
template <Zone kZone>
Row time_sequence(Evaluation& e, Arguments& a) {
  std::string unit = text(a, 0);
  auto interval = parse_interval(unit);
  if (!interval) return e.fail(Errc::usage, "\"" + unit.substr(0, 60) + "\" is not a time unit");
  int step = static_cast<int>(std::clamp(number_or(a, 3, 1), 1.0, 1e6));
  Row out = Row::array();
  std::vector<double> all =
      interval_range(date_of(at(a, 1)), date_of(at(a, 2)), *interval, 1, kZone);
  for (size_t i = 0; i < all.size(); i += static_cast<size_t>(step)) out.push_back(all[i]);
  return out;
}

// ---- formats

Row format_of(Evaluation& e, Arguments& a) {
  std::string specifier = is_nullish(at(a, 1)) ? "" : text(a, 1);
  auto format = NumberFormat::parse(specifier);
  if (!format) return e.fail(format.error().code, format.error().message);
  return (*format)(number(a, 0));
}
template <Zone kZone>
Row time_format_of(Evaluation& e, Arguments& a) {
  double ms = to_number(at(a, 0));
  const Row& pattern = at(a, 1);
  if (is_nullish(pattern) || pattern.is_object()) return format_time_multi(ms, kZone);
  if (text(a, 1).size() > 1000) return e.fail(Errc::limit, "time format is longer than 1000 bytes");
  return format_time(ms, text(a, 1), kZone);
}
template <Zone kZone>
Row time_parse_of(Evaluation&, Arguments& a) {
  double ms = parse_time(text(a, 0), text(a, 1), kZone);
  return std::isnan(ms) ? Row() : Row(ms);
}
Row time_unit_specifier(Evaluation& e, Arguments& a) {
  Row joined = at(a, 0);
  if (joined.is_array()) {
    std::string all;
    for (const Row& unit : at(a, 0)) all += to_text(unit);
    joined = all;
  }
  auto unit = parse_time_unit(joined);
  if (!unit) return e.fail(unit.error().code, unit.error().message);
  static const Row kNone = Row::object();
  return time_unit_format(*unit, at(a, 1).is_object() ? &at(a, 1) : &kNone);
}
template <int kPattern>
Row name_format(Evaluation&, Arguments& a) {
  // January 1st 2012 was a Sunday.
  double n = number(a, 0);
  bool month = kPattern < 2;
  double ms = date_from_parts({2012, month ? n : 0, month ? 1 : n + 1}, Zone::utc);
  static constexpr const char* kPatterns[] = {"%B", "%b", "%A", "%a"};
  return format_time(ms, kPatterns[kPattern], Zone::utc);
}

// ---- colours

double luminance(const Row& value) {
  std::optional<Color> color =
      value.is_string() ? parse_color(value.get<std::string>()) : std::nullopt;
  if (!color) return kNan;
  auto linear = [](double x) {
    x /= 255;
    return x <= 0.03928 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color->r) + 0.7152 * linear(color->g) + 0.0722 * linear(color->b);
}
Row luminance_of(Evaluation&, Arguments& a) { return luminance(at(a, 0)); }
Row contrast_of(Evaluation&, Arguments& a) {
  double u = luminance(at(a, 0)), v = luminance(at(a, 1));
  return (std::max(u, v) + 0.05) / (std::min(u, v) + 0.05);
}

constexpr int kMany = 1000;
constexpr Function kFunctions[] = {
    {"abs", 1, 1, math<std::fabs>},
    {"acos", 1, 1, math<std::acos>},
    {"asin", 1, 1, math<std::asin>},
    {"atan", 1, 1, math<std::atan>},
    {"atan2", 2, 2, atan2_of},
    {"ceil", 1, 1, math<std::ceil>},
    {"clamp", 3, 3, clamp_of},
    {"cos", 1, 1, math<std::cos>},
    {"cumulativeNormal", 1, 3, normal_cumulative_of},
    {"densityNormal", 1, 3, normal_density_of},
    {"exp", 1, 1, math<std::exp>},
    {"floor", 1, 1, math<std::floor>},
    {"hypot", 0, kMany, hypot_of},
    {"isFinite", 1, 1, is_finite},
    {"isNaN", 1, 1, is_nan},
    {"log", 1, 1, math<std::log>},
    {"max", 0, kMany, extreme<true>},
    {"min", 0, kMany, extreme<false>},
    {"parseFloat", 1, 1, parse_float},
    {"parseInt", 1, 2, parse_int},
    {"pow", 2, 2, pow_of},
    {"quantileNormal", 1, 3, normal_quantile_of},
    {"random", 0, 0, random_of},
    {"round", 1, 1, math<js_round>},
    {"sin", 1, 1, math<std::sin>},
    {"sqrt", 1, 1, math<std::sqrt>},
    {"tan", 1, 1, math<std::tan>},

    {"isArray", 1, 1, is_array},
    {"isBoolean", 1, 1, is_boolean},
    {"isDate", 1, 1, is_date},
    {"isDefined", 1, 1, is_defined},
    {"isNumber", 1, 1, is_number},
    {"isObject", 1, 1, is_object},
    {"isRegExp", 1, 1, is_regexp_of},
    {"isString", 1, 1, is_string},
    {"isValid", 1, 1, is_valid_of},
    {"toBoolean", 1, 1, to_boolean_of},
    {"toDate", 1, 1, to_date_of},
    {"toNumber", 1, 1, to_number_of},
    {"toString", 1, 1, to_string_of},

    {"extent", 1, 1, extent_of},
    {"flush", 6, 6, flush_of},
    {"indexof", 2, 2, index_of<false>},
    {"inrange", 2, 4, in_range},
    {"join", 1, 2, join_of},
    {"lastindexof", 2, 2, index_of<true>},
    {"length", 1, 1, length_of},
    {"lerp", 2, 2, lerp_of},
    {"lower", 1, 1, lower},
    {"merge", 0, kMany, merge_of},
    {"pad", 2, 4, pad_of},
    {"peek", 1, 1, peek_of},
    {"regexp", 1, 2, regexp_of},
    {"replace", 3, 3, replace_of},
    {"reverse", 1, 1, reverse_of},
    {"sequence", 1, 3, sequence_of},
    {"slice", 1, 3, slice_of},
    {"sort", 1, 1, sort_of},
    {"span", 1, 1, span_of},
    {"split", 1, 3, split_of},
    {"substring", 1, 3, substring_of},
    {"test", 2, 2, test_of},
    {"trim", 1, 1, trim_of},
    {"truncate", 2, 4, truncate_of},
    {"upper", 1, 1, upper},

    {"date", 1, 1, part_of<DatePart::date, Zone::local>},
    {"datetime", 0, 7, datetime_of},
    {"day", 1, 1, part_of<DatePart::day, Zone::local>},
    {"dayofyear", 1, 1, part_of<DatePart::dayofyear, Zone::local>},
    {"hours", 1, 1, part_of<DatePart::hours, Zone::local>},
    {"isoweek", 1, 1, part_of<DatePart::isoweek, Zone::local>},
    {"milliseconds", 1, 1, part_of<DatePart::milliseconds, Zone::local>},
    {"minutes", 1, 1, part_of<DatePart::minutes, Zone::local>},
    {"month", 1, 1, part_of<DatePart::month, Zone::local>},
    {"now", 0, 0, now_of},
    {"quarter", 1, 1, part_of<DatePart::quarter, Zone::local>},
    {"seconds", 1, 1, part_of<DatePart::seconds, Zone::local>},
    {"time", 1, 1, time_of},
    {"timeOffset", 2, 3, offset_of<Zone::local>},
    {"timeSequence", 3, 4, time_sequence<Zone::local>},
    {"timezoneoffset", 1, 1, zone_offset},
    {"utc", 1, 7, utc_of},
    {"utcOffset", 2, 3, offset_of<Zone::utc>},
    {"utcSequence", 3, 4, time_sequence<Zone::utc>},
    {"utcdate", 1, 1, part_of<DatePart::date, Zone::utc>},
    {"utcday", 1, 1, part_of<DatePart::day, Zone::utc>},
    {"utcdayofyear", 1, 1, part_of<DatePart::dayofyear, Zone::utc>},
    {"utchours", 1, 1, part_of<DatePart::hours, Zone::utc>},
    {"utcisoweek", 1, 1, part_of<DatePart::isoweek, Zone::utc>},
    {"utcmilliseconds", 1, 1, part_of<DatePart::milliseconds, Zone::utc>},
    {"utcminutes", 1, 1, part_of<DatePart::minutes, Zone::utc>},
    {"utcmonth", 1, 1, part_of<DatePart::month, Zone::utc>},
    {"utcquarter", 1, 1, part_of<DatePart::quarter, Zone::utc>},
    {"utcseconds", 1, 1, part_of<DatePart::seconds, Zone::utc>},
    {"utcweek", 1, 1, part_of<DatePart::week, Zone::utc>},
    {"utcyear", 1, 1, part_of<DatePart::year, Zone::utc>},
    {"week", 1, 1, part_of<DatePart::week, Zone::local>},
    {"year", 1, 1, part_of<DatePart::year, Zone::local>},

    {"dayAbbrevFormat", 1, 1, name_format<3>},
    {"dayFormat", 1, 1, name_format<2>},
    {"format", 1, 2, format_of},
    {"monthAbbrevFormat", 1, 1, name_format<1>},
    {"monthFormat", 1, 1, name_format<0>},
    {"timeFormat", 1, 2, time_format_of<Zone::local>},
    {"timeParse", 2, 2, time_parse_of<Zone::local>},
    {"timeUnitSpecifier", 1, 2, time_unit_specifier},
    {"utcFormat", 1, 2, time_format_of<Zone::utc>},
    {"utcParse", 2, 2, time_parse_of<Zone::utc>},

    {"contrast", 2, 2, contrast_of},
    {"luminance", 1, 1, luminance_of},
};

}  // namespace

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Row make_regexp(std::string pattern, std::string flags) {
  return {{kRegexpKey, std::move(pattern)}, {"flags", std::move(flags)}};
}

bool is_regexp(const Row& value) { return value.is_object() && value.contains(kRegexpKey); }

}  // namespace tools::vega
