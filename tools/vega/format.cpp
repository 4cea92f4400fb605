// Numbers as d3-format prints them. Digits come from the C library, which rounds exact ties to
// even, whereas JavaScript rounds them away from zero: fixed() and digits_of() see to that.
#include "tools/vega/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/utf8.h"
#include "tools/vega/datum.h"
#include "tools/vega/ticks.h"

namespace tools::vega {
namespace {

using base::Errc;
using base::Error;

constexpr int kMaxWidth = 100;
constexpr std::string_view kMinus = "\u2212";  // d3's default locale has a real minus sign
constexpr const char* kPrefixes[] = {"y", "z", "a", "f", "p", "n", "\u00b5", "m", "",
                                     "k", "M", "G", "T", "P", "E", "Z",      "Y"};

// Adds one unit to the last digit of a decimal number.
std::string increment(std::string text) {
  for (size_t i = text.size(); i-- > 0;) {
    if (text[i] == '.') continue;
    if (text[i] != '9') {
      ++text[i];
      return text;
    }
    text[i] = '0';
  }
  return "1" + text;
}

std::string print(const char* form, int precision, double value) {
  char buffer[512];
  int length = std::snprintf(buffer, sizeof buffer, form, precision, value);
  return std::string(buffer, static_cast<size_t>(std::clamp(length, 0, 511)));
}

// Number.toFixed of a non-negative number.
std::string fixed(double x, int precision) {
  if (!std::isfinite(x) || x >= 1e21) return number_text(x);
  std::string out = print("%.*f", precision, x);
  double scaled = std::ldexp(x, precision + 1);
  if (scaled == std::floor(scaled) && x < 1e15) {
    // The decimal expansion is short enough to be exact with one digit more.
    std::string longer = print("%.*f", precision + 1, x);
    if (longer.back() == '5') {
      longer.pop_back();
      if (longer.back() == '.') longer.pop_back();
      out = increment(longer);
    }
  }
  return out;
}

// The leading `precision` digits (0: as many as are needed) and the decimal exponent.
struct Digits {
  std::string coefficient;
  int exponent = 0;
};
Digits digits_of(double x, int precision) {
  std::string text;
  if (precision <= 0) {
    char buffer[64];
    auto [end, error] =
        std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific);
    text.assign(buffer, static_cast<size_t>(end - buffer));
  } else {
    text = print("%.*e", precision - 1, x);
    std::string longer = print("%.*e", precision + 40, x);
    size_t e = longer.find('e');
    size_t tie = static_cast<size_t>(precision) + (precision > 1 ? 1 : 1);
    // A tie: a 5 behind the last digit and nothing but zeros behind that.
    if (longer[tie] == '5' && longer.find_first_not_of('0', tie + 1) == e) {
      std::string head = longer.substr(0, tie);
      bool bare = head.back() == '.';
      if (bare) head.pop_back();
      std::string up = increment(head);
      int exponent = std::atoi(longer.c_str() + e + 1);
      if (up.size() > head.size()) {
        ++exponent;
        up.pop_back();
      }
      std::erase(up, '.');
      return {up, exponent};
    }
  }
  size_t e = text.find('e');
  Digits digits;
  digits.exponent = std::atoi(text.c_str() + e + 1);
  digits.coefficient = text.substr(0, e);
  std::erase(digits.coefficient, '.');
  return digits;
}

int exponent_of(double x) { return digits_of(std::fabs(x), 0).exponent; }
bool has_exponent(double x) { return std::isfinite(x) && x != 0; }
int prefix_of(int exponent) {
  return std::clamp(static_cast<int>(std::floor(exponent / 3.0)), -8, 8) * 3;
}

std::string zeros(int n) { return std::string(static_cast<size_t>(std::max(0, n)), '0'); }

std::string exponential(double x, int precision) {
  if (!std::isfinite(x)) return number_text(x);
  Digits d = digits_of(x, precision + 1);
  if (x == 0) d = {zeros(precision + 1), 0};
  std::string out = d.coefficient.substr(0, 1);
  if (precision > 0) out += "." + d.coefficient.substr(1);
  return out + (d.exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(d.exponent));
}

// Number.toPrecision.
std::string precise(double x, int precision) {
  if (!std::isfinite(x)) return number_text(x);
  if (x == 0) return precision > 1 ? "0." + zeros(precision - 1) : "0";
  Digits d = digits_of(x, precision);
  if (d.exponent < -6 || d.exponent >= precision) {
    std::string out = d.coefficient.substr(0, 1);
    if (precision > 1) out += "." + d.coefficient.substr(1);
    return out + (d.exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(d.exponent));
  }
  if (d.exponent < 0) return "0." + zeros(-d.exponent - 1) + d.coefficient;
  size_t whole = static_cast<size_t>(d.exponent) + 1;
  if (whole >= d.coefficient.size()) return d.coefficient;
  return d.coefficient.substr(0, whole) + "." + d.coefficient.substr(whole);
}

// Decimal notation with `precision` significant digits.
std::string rounded(double x, int precision) {
  if (!has_exponent(x)) return number_text(x);
  Digits d = digits_of(x, precision);
  int n = static_cast<int>(d.coefficient.size());
  if (d.exponent < 0) return "0." + zeros(-d.exponent - 1) + d.coefficient;
  if (n > d.exponent + 1) {
    size_t whole = static_cast<size_t>(d.exponent) + 1;
    return d.coefficient.substr(0, whole) + "." + d.coefficient.substr(whole);
  }
  return d.coefficient + zeros(d.exponent - n + 1);
}

// Like rounded(), in units of the SI prefix whose exponent it stores.
std::string with_prefix(double x, int precision, int& prefix) {
  prefix = 0;
  if (!has_exponent(x)) return precise(x, precision);
  Digits d = digits_of(x, precision);
  prefix = prefix_of(d.exponent);
  int i = d.exponent - prefix + 1;
  int n = static_cast<int>(d.coefficient.size());
  if (i == n) return d.coefficient;
  if (i > n) return d.coefficient + zeros(i - n);
  if (i > 0) {
    size_t whole = static_cast<size_t>(i);
    return d.coefficient.substr(0, whole) + "." + d.coefficient.substr(whole);
  }
  return "0." + zeros(-i) + digits_of(x, std::max(0, precision + i - 1)).coefficient;
}

std::string in_base(double x, int base, bool upper) {
  x = std::floor(x + 0.5);
  if (!std::isfinite(x)) return upper ? "INFINITY" : "Infinity";
  std::string out;
  // A double has at most 1024 binary digits.
  for (; x >= 1 && out.size() < 1100; x = std::floor(x / base)) {
    int digit = static_cast<int>(std::fmod(x, base));
    out += static_cast<char>(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
  }
  if (out.empty()) out = "0";
  return std::string(out.rbegin(), out.rend());
}

std::string decimal(double x) {
  x = std::floor(x + 0.5);
  if (std::isinf(x)) return "\u221e";
  if (x >= 1e21) {
    // The digits that tell the number from its neighbours, then zeros.
    Digits d = digits_of(x, 0);
    return d.coefficient + zeros(d.exponent + 1 - static_cast<int>(d.coefficient.size()));
  }
  return number_text(x);
}

// Drops zeros at the end of the fraction, before an exponent too.
std::string trimmed(const std::string& text) {
  size_t point = text.find('.');
  if (point == std::string::npos) return text;
  size_t end = point + 1;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  size_t keep = end;
  while (keep > point + 1 && text[keep - 1] == '0') --keep;
  if (keep == point + 1) keep = point;
  return text.substr(0, keep) + text.substr(end);
}

// Commas between groups of three, from the right; no longer than `width`.
std::string grouped(const std::string& value, int width) {
  std::vector<std::string> groups;
  int i = static_cast<int>(value.size()), length = 0;
  while (i > 0) {
    int g = 3;
    if (length + g + 1 > width) g = std::max(1, width - length);
    int start = std::max(0, i - g);
    groups.push_back(value.substr(static_cast<size_t>(start), static_cast<size_t>(i - start)));
    i -= g;
    if ((length += g + 1) > width) break;
  }
  std::string out;
  for (size_t k = groups.size(); k-- > 0;) out += groups[k] + (k > 0 ? "," : "");
  return out;
}

// The first character and its length in bytes (0: none).
std::pair<char32_t, size_t> first_character(std::string_view text) {
  if (text.empty()) return {0, 0};
  unsigned char c = static_cast<unsigned char>(text[0]);
  size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  if (length > text.size()) return {0xFFFD, 1};
  char32_t value = length == 1 ? c : c & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  return {value, length};
}

bool one_of(char c, const char* set) { return c != 0 && std::strchr(set, c) != nullptr; }

}  // namespace

base::Result<NumberFormat> NumberFormat::parse(std::string_view specifier) {
  NumberFormat format;
  std::string_view rest = specifier;
  auto wrong = [&] {
    return Error{Errc::usage,
                 "\"" + std::string(specifier.substr(0, 60)) + "\" is not a number format"};
  };
  auto take = [&](const char* set) -> char {
    if (rest.empty() || !one_of(rest[0], set)) return 0;
    char c = rest[0];
    rest.remove_prefix(1);
    return c;
  };
  auto take_number = [&](int& out) {
    long value = 0;
    bool any = false;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      value = std::min(value * 10 + (rest[0] - '0'), 1'000'000L);
      rest.remove_prefix(1);
      any = true;
    }
    if (any) out = static_cast<int>(value);
    return any;
  };
  auto [fill, length] = first_character(rest);
  if (length > 0 && rest.size() > length && one_of(rest[length], "<>=^")) {
    format.fill = fill;
    format.align = rest[length];
    rest.remove_prefix(length + 1);
  } else if (char align = take("<>=^")) {
    format.align = align;
  }
  if (char sign = take("+-( ")) format.sign = sign;
  format.symbol = take("$#");
  format.zero = take("0") != 0;
  take_number(format.width);
  format.comma = take(",") != 0;
  if (take(".") != 0 && !take_number(format.precision)) return wrong();
  format.trim = take("~") != 0;
  if (!rest.empty() && (std::isalpha(static_cast<unsigned char>(rest[0])) || rest[0] == '%')) {
    format.type = rest[0];
    rest.remove_prefix(1);
  }
  if (!rest.empty()) return wrong();
  if (format.width > kMaxWidth) {
    return Error{Errc::usage, "number format \"" + std::string(specifier.substr(0, 60)) +
                                  "\": width is at most 100"};
  }
  return format;
}

std::string NumberFormat::operator()(double value) const {
  bool commas = comma, trims = trim, pad_zero = zero;
  char kind = type, alignment = align;
  char32_t filler = fill;
  int digits = precision;
  if (kind == 'n') {
    commas = true;
    kind = 'g';
  } else if (!one_of(kind, "%bcdefgoprsXx")) {
    if (digits < 0) digits = 12;
    trims = true;
    kind = 'g';
  }
  if (pad_zero || (filler == U'0' && alignment == '=')) {
    pad_zero = true;
    filler = U'0';
    alignment = '=';
  }
  std::string prefix, suffix;
  if (symbol == '$') prefix = "$";
  if (symbol == '#' && one_of(kind, "boxX")) {
    prefix = std::string("0") + static_cast<char>(kind == 'X' ? 'x' : kind);
  }
  if (one_of(kind, "%p")) suffix = "%";
  bool splits = one_of(kind, "defgprs%");  // what follows the integer digits goes to the suffix
  if (digits < 0) {
    digits = 6;
  } else {
    digits = one_of(kind, "gprs") ? std::clamp(digits, 1, 21) : std::clamp(digits, 0, 20);
  }

  std::string text;
  if (kind == 'c') {
    suffix = number_text(value) + suffix;
  } else {
    if (fixed_prefix) value = std::pow(10, -prefix_exponent) * value;
    bool negative = std::signbit(value) && !std::isnan(value);
    double x = std::fabs(value);
    int si = 0;
    if (std::isnan(value)) {
      text = "NaN";
    } else {
      switch (kind) {
        case '%':
          text = fixed(x * 100, digits);
          break;
        case 'b':
          text = in_base(x, 2, false);
          break;
        case 'd':
          text = decimal(x);
          break;
        case 'e':
          text = exponential(x, digits);
          break;
        case 'f':
          text = fixed(x, digits);
          break;
        case 'g':
          text = precise(x, digits);
          break;
        case 'o':
          text = in_base(x, 8, false);
          break;
        case 'p':
          text = rounded(x * 100, digits);
          break;
        case 'r':
          text = rounded(x, digits);
          break;
        case 's':
          text = with_prefix(x, digits, si);
          break;
        default:
          text = in_base(x, 16, kind == 'X');
          break;
      }
    }
    if (trims) text = trimmed(text);
    if (negative && text_number(text) == 0 && sign != '+') negative = false;
    if (negative) {
      prefix = (sign == '(' ? std::string("(") : std::string(kMinus)) + prefix;
    } else if (sign == '+' || sign == ' ') {
      prefix = sign + prefix;
    }
    if (kind == 's' && has_exponent(value)) suffix = kPrefixes[8 + si / 3] + suffix;
    if (fixed_prefix) suffix = kPrefixes[8 + prefix_exponent / 3] + suffix;
    if (negative && sign == '(') suffix += ")";
    if (splits) {
      size_t end = 0;
      while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
      suffix = text.substr(end) + suffix;
      text.resize(end);
    }
  }
  if (commas && !pad_zero) text = grouped(text, 1 << 20);
  int length = utf16_length(prefix) + utf16_length(text) + utf16_length(suffix);
  std::string unit, padding;
  base::append_utf8(unit, filler);
  for (int i = length; i < width; ++i) padding += unit;
  if (commas && pad_zero) {
    text = grouped(padding + text, padding.empty() ? 1 << 20 : width - utf16_length(suffix));
    padding.clear();
  }
  switch (alignment) {
    case '<':
      return prefix + text + suffix + padding;
    case '=':
      return prefix + padding + text + suffix;
    case '^': {
      size_t half = padding.size() / unit.size() / 2 * unit.size();
      return padding.substr(0, half) + prefix + text + suffix + padding.substr(half);
    }
    default:
      return padding + prefix + text + suffix;
  }
}

static NumberFormat prefixed(NumberFormat format, double value) {
  format.type = 'f';
  format.fixed_prefix = true;
  format.prefix_exponent = has_exponent(value) ? prefix_of(exponent_of(value)) : 0;
  return format;
}

base::Result<NumberFormat> format_prefix(std::string_view specifier, double value) {
  base::Result<NumberFormat> format = NumberFormat::parse(specifier);
  if (!format) return format.error();
  return prefixed(*format, value);
}

base::Result<NumberFormat> tick_number_format(double start, double stop, double count,
                                              std::string_view specifier) {
  base::Result<NumberFormat> format =
      NumberFormat::parse(specifier.empty() ? std::string_view(",f") : specifier);
  if (!format) return format.error();
  double step = tick_step(start, stop, count);
  double largest = std::max(std::fabs(start), std::fabs(stop));
  bool has_step = has_exponent(step);
  if (format->precision < 0) {
    switch (format->type) {
      case 's':
        if (has_step && has_exponent(largest)) {
          format->precision = std::max(0, prefix_of(exponent_of(largest)) - exponent_of(step));
        }
        return prefixed(*format, largest);
      case 0:
      case 'e':
      case 'g':
      case 'p':
      case 'r': {
        double rest = std::fabs(largest) - std::fabs(step);
        if (has_step && has_exponent(rest)) {
          format->precision = std::max(0, exponent_of(rest) - exponent_of(step)) + 1 -
                              (format->type == 'e' ? 1 : 0);
        }
        break;
      }
      case 'f':
      case '%':
        if (has_step) {
          format->precision =
              std::max(0, std::max(0, -exponent_of(step)) - (format->type == '%' ? 2 : 0));
        }
        break;
    }
  }
  return format;
}

base::Result<NumberFormat> variable_number_format(std::string_view specifier) {
  base::Result<NumberFormat> format =
      NumberFormat::parse(specifier.empty() ? std::string_view(",") : specifier);
  if (!format) return format.error();
  if (format->precision < 0) {
    format->precision = format->type == '%' ? 10 : format->type == 'e' ? 11 : 12;
    format->trim = true;
  }
  return format;
}

}  // namespace tools::vega
