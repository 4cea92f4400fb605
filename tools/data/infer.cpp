#include "tools/data/infer.h"

#include <charconv>
#include <cmath>
#include <string>

#include "base/text.h"

namespace tools::data {
namespace {

constexpr std::string_view kMissing[] = {"NA", "N/A", "NaN", "null", "NULL", "None", "-"};
// As UTF-8, and as the one byte that Windows-1252 has for it, which is never UTF-8 by itself.
struct Currency {
  std::string_view spelled, sign;
};
constexpr Currency kCurrencies[] = {{"$", "$"},    {"€", "€"}, {"\x80", "€"}, {"£", "£"},
                                    {"\xA3", "£"}, {"¥", "¥"}, {"\xA5", "¥"}};

struct Decorated {
  double value = 0;
  std::string_view currency{};
  bool percent = false;
};

// Digits in groups of three: "1,234,567", or none grouped. Appends the bare digits.
bool take_grouped(std::string_view& text, char separator, std::string& digits) {
  size_t n = 0;
  while (n < text.size() && base::is_digit(text[n])) ++n;
  if (n == 0) return false;
  digits.append(text.substr(0, n));
  text.remove_prefix(n);
  if (n > 3 || text.empty() || text[0] != separator) return true;
  while (text.size() >= 4 && text[0] == separator && base::is_digit(text[1]) &&
         base::is_digit(text[2]) && base::is_digit(text[3])) {
    if (text.size() > 4 && base::is_digit(text[4])) return false;
    digits.append(text.substr(1, 3));
    text.remove_prefix(4);
  }
  return true;
}

std::optional<double> finish(const std::string& digits) {
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<Decorated> parse_decorated(std::string_view text) {
  if (text.size() > 40) return std::nullopt;
  Decorated out;
  std::string digits;
  const auto take_sign = [&] {
    if (!text.empty() && (text[0] == '-' || text[0] == '+') && digits.empty()) {
      if (text[0] == '-') digits = "-";
      text.remove_prefix(1);
      return true;
    }
    return false;
  };
  const auto take_currency = [&] {
    for (const Currency& c : kCurrencies)
      if (text.starts_with(c.spelled)) {
        out.currency = c.sign;
        text.remove_prefix(c.spelled.size());
        return true;
      }
    return false;
  };
  const bool sign = take_sign();
  if (take_currency()) {
    while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
    if (!sign) take_sign();
  }
  if (!take_grouped(text, ',', digits)) return std::nullopt;
  if (!text.empty() && text[0] == '.') {
    digits += '.';
    text.remove_prefix(1);
    while (!text.empty() && base::is_digit(text[0])) {
      digits += text[0];
      text.remove_prefix(1);
    }
    if (digits.back() == '.') digits += '0';
  }
  if (!text.empty() && out.currency.empty()) {
    while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
    if (text == "%") {
      out.percent = true;
      text = {};
    } else {
      take_currency();
    }
  }
  if (!text.empty()) return std::nullopt;
  const std::optional<double> value = finish(digits);
  if (!value) return std::nullopt;
  out.value = *value;
  return out;
}

std::optional<double> parse_decimal_comma(std::string_view text) {
  if (text.empty() || text.size() > 40) return std::nullopt;
  std::string digits;
  if (text[0] == '-' || text[0] == '+') {
    if (text[0] == '-') digits = "-";
    text.remove_prefix(1);
  }
  if (!take_grouped(text, '.', digits)) return std::nullopt;
  if (!text.empty() && text[0] == ',') {
    digits += '.';
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    while (!text.empty() && base::is_digit(text[0])) {
      digits += text[0];
      text.remove_prefix(1);
    }
  }
  return text.empty() ? finish(digits) : std::nullopt;
}

}  // namespace

// A number that a column of names should keep as text: 16 digits do not survive a double, and "007"
// is a code.
bool is_code(std::string_view field) {
  if (!field.empty() && (field[0] == '-' || field[0] == '+')) field.remove_prefix(1);
  size_t digits = 0;
  while (digits < field.size() && base::is_digit(field[digits])) ++digits;
  return digits == field.size() && (digits > 15 || (digits > 2 && field[0] == '0'));
}

bool is_missing(std::string_view field) {
  if (field.empty()) return true;
  // Most fields are none of the markers: their first letters tell.
  if (field.size() > 4 || (field[0] != 'N' && field[0] != 'n' && field[0] != '-')) return false;
  for (const std::string_view marker : kMissing)
    if (field == marker) return true;
  return false;
}

std::string_view trimmed(std::string_view field) { return base::trimmed(field, base::kSpaces); }

std::optional<double> parse_number(std::string_view field) {
  if (field.empty() || field.size() > 400) return std::nullopt;
  if (field[0] == '+') {
    field.remove_prefix(1);
    if (field.empty() || field[0] == '-') return std::nullopt;
  }
  // from_chars also knows inf and nan; a number begins with a digit or a dot.
  const char first = field[0] == '-' && field.size() > 1 ? field[1] : field[0];
  if (!base::is_digit(first) && first != '.') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<double> read_number(NumberStyle style, std::string_view field) {
  if (style == NumberStyle::plain) return parse_number(field);
  if (style == NumberStyle::decimal_comma) return parse_decimal_comma(field);
  if (const std::optional<double> plain = parse_number(field)) return plain;
  const std::optional<Decorated> decorated = parse_decorated(field);
  if (!decorated) return std::nullopt;
  return decorated->value;
}

std::optional<bool> read_boolean(std::string_view field) {
  if (field == "true" || field == "True" || field == "TRUE") return true;
  if (field == "false" || field == "False" || field == "FALSE") return false;
  return std::nullopt;
}

void Guess::add(std::string_view field) {
  if (is_missing(field)) {
    missing_ = true;
    return;
  }
  any_ = true;
  if (boolean_ && !read_boolean(field)) boolean_ = false;
  if (plain_ || decorated_ || decimal_comma_) {
    const bool code = is_code(field);
    const bool number = !code && parse_number(field);
    if (!number) plain_ = false;
    if (decorated_) {
      // A plain value takes part in a decorated column if it has no exponent and the column no
      // sign.
      const std::optional<Decorated> d =
          code || (number && plain_) ? std::nullopt : parse_decorated(field);
      if (number && plain_) {
        ++plain_values_;
        undecorated_ = true;
      } else if (!d) {
        decorated_ = false;
      } else {
        const bool sign = d->percent || !d->currency.empty();
        if (sign && (undecorated_ || (percent_ && !d->percent) ||
                     (!currency_.empty() && d->currency != currency_)))
          decorated_ = false;
        if (!sign && (percent_ || !currency_.empty())) decorated_ = false;
        if (!sign) undecorated_ = true;
        if (d->percent && !currency_.empty()) decorated_ = false;
        percent_ = percent_ || d->percent;
        if (!d->currency.empty()) currency_ = d->currency;
      }
    }
    if (decimal_comma_) {
      if (code || !parse_decimal_comma(field)) decimal_comma_ = false;
      any_comma_ = any_comma_ || field.find(',') != field.npos;
    }
  }
  if (dates_ == 0) return;
  constexpr auto kBit = [](DateFormat f) {
    return static_cast<uint16_t>(1 << static_cast<int>(f));
  };
  std::optional<int64_t> slashed[2];
  for (int i = 0; i < kDateFormats; ++i) {
    const auto format = static_cast<DateFormat>(i);
    if (!(dates_ & kBit(format))) continue;
    const std::optional<int64_t> date = parse_date(format, field);
    if (!date) dates_ = static_cast<uint16_t>(dates_ & ~kBit(format));
    if (format == DateFormat::month_day) slashed[0] = date;
    if (format == DateFormat::day_month) slashed[1] = date;
  }
  if (slashed[0] && slashed[1] && slashed[0] != slashed[1]) differs_ = true;
}

Reading Guess::result() const {
  Reading reading{.may_miss = missing_};
  if (!any_) {
    reading.may_miss = true;
    return reading;
  }
  reading.type = Type::text;
  if (plain_) {
    reading.type = Type::number;
  } else if (boolean_) {
    reading.type = Type::boolean;
  } else if (decimal_comma_ && any_comma_) {
    reading.type = Type::number;
    reading.style = NumberStyle::decimal_comma;
  } else if (decorated_) {
    reading.type = Type::number;
    reading.style = NumberStyle::decorated;
  } else if (dates_ != 0) {
    reading.type = Type::date;
    int first = 0;
    while (!(dates_ & (1 << first))) ++first;
    reading.format = static_cast<DateFormat>(first);
    reading.ambiguous_dates = reading.format == DateFormat::month_day && differs_ &&
                              (dates_ & (1 << static_cast<int>(DateFormat::day_month))) != 0;
  }
  return reading;
}

}  // namespace tools::data
