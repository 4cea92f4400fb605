#include "tools/script/chart_words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <utility>

namespace tools::script {
namespace {

// Whether a well-formed code point starts at text[i]; its length goes to `bytes`.
bool well_formed(std::string_view text, size_t i, size_t& bytes, uint32_t& point) {
  const auto byte = [&](size_t k) { return static_cast<uint8_t>(text[k]); };
  const uint8_t lead = byte(i);
  bytes = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0x80) {
    point = lead;
    return true;
  }
  if (lead < 0xC2 || lead > 0xF4 || i + bytes > text.size()) return false;
  point = lead & (0xFFu >> (bytes + 1));
  for (size_t k = 1; k < bytes; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return false;
    point = point << 6 | (byte(i + k) & 0x3Fu);
  }
  if (bytes == 3 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) return false;
  return bytes < 4 || (point >= 0x10000 && point <= 0x10FFFF);
}

// Line and paragraph separators, and the marks that reorder the text around them.
bool is_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF || (point & 0xFFFE) == 0xFFFE;
}

const std::pair<const char*, const char*> kUnits[] = {
    {"mm", "mm"},    {"cm", "cm"},     {"m", "m"},          {"km", "km"},   {"g", "g"},
    {"kg", "kg"},    {"mg", "mg"},     {"lb", "lb"},        {"lbs", "lb"},  {"oz", "oz"},
    {"ms", "ms"},    {"s", "s"},       {"sec", "s"},        {"secs", "s"},  {"min", "min"},
    {"mins", "min"}, {"h", "h"},       {"hr", "h"},         {"hrs", "h"},   {"ml", "ml"},
    {"kw", "kW"},    {"kwh", "kWh"},   {"mw", "MW"},        {"mwh", "MWh"}, {"hz", "Hz"},
    {"mph", "mph"},  {"kmh", "km/h"},  {"usd", "$"},        {"eur", "€"},   {"gbp", "£"},
    {"pct", "%"},    {"percent", "%"}, {"percentage", "%"}, {"kb", "kB"},   {"mb", "MB"},
    {"gb", "GB"},    {"ft", "ft"},     {"km2", "km²"},      {"m2", "m²"},   {"hpa", "hPa"}};

std::string superscript(int exponent) {
  static const char* const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (char c : std::to_string(std::abs(exponent))) text += digits[c - '0'];
  return text;
}

int exponent_of(double value) {
  return value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-12));
}

// The value divided by 10^exponent, safe for exponents near the ends of the range.
double scaled(double value, int exponent) {
  return exponent > 300    ? value / 1e300 / std::pow(10.0, exponent - 300)
         : exponent < -300 ? value * 1e300 * std::pow(10.0, -exponent - 300)
                           : value / std::pow(10.0, exponent);
}

// How a family of numbers is written: divided by 10^exponent and followed by a suffix.
struct Unit {
  int exponent = 0;
  std::string suffix;
};

Unit unit_for(double largest) {
  const int exponent = exponent_of(largest);
  if (exponent >= 15 || (largest > 0 && exponent < -4))
    return {exponent, "×10" + superscript(exponent)};
  if (exponent >= 12) return {12, "T"};
  if (exponent >= 9) return {9, "B"};
  if (exponent >= 6) return {6, "M"};
  return {};
}

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

size_t point_bytes(std::string_view text, size_t i) {
  size_t bytes = 1;
  uint32_t point = 0;
  return well_formed(text, i, bytes, point) ? bytes : 1;
}

std::string clean_text(std::string_view text, int max_points) {
  std::string out;
  int points = 0;
  size_t last = 0;  // where the last code point of `out` starts
  for (size_t i = 0; i < text.size();) {
    size_t bytes = 1;
    uint32_t point = 0;
    const bool good = well_formed(text, i, bytes, point);
    if (!good) bytes = 1;
    const bool space = good && (point == ' ' || is_control(point));
    if (space && (out.empty() || out.back() == ' ')) {
      i += bytes;
      continue;
    }
    if (points == max_points) {
      out.resize(last);
      return out + "…";
    }
    last = out.size();
    if (space)
      out += ' ';
    else if (good)
      out += text.substr(i, bytes);
    else
      out += "\xEF\xBF\xBD";
    ++points;
    i += bytes;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string human_title(std::string_view field) {
  const std::string clean = clean_text(field, 80);
  std::string spaced;
  for (size_t i = 0; i < clean.size(); ++i) {
    const char c = clean[i];
    const auto is_upper = [&](size_t k) {
      return k < clean.size() && std::isupper(static_cast<unsigned char>(clean[k]));
    };
    const auto is_lower = [&](size_t k) {
      return k < clean.size() && std::islower(static_cast<unsigned char>(clean[k]));
    };
    if (c == '_') {
      spaced += ' ';
    } else if (i > 0 && is_upper(i) && is_lower(i - 1)) {
      spaced += ' ';  // totalBill, but not GDP
      spaced +=
          is_lower(i + 1) ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : c;
    } else {
      spaced += c;
    }
  }
  spaced = clean_text(spaced, 80);
  if (spaced == "share") return "share (%)";
  if (clean == "month_name") return "month";
  const size_t space = spaced.rfind(' ');
  // Only after an underscore: in "Time 4 m" the author has already written for people.
  if (space != std::string::npos && clean.find('_') != std::string::npos) {
    const std::string last = spaced.substr(space + 1);
    for (const auto& [name, unit] : kUnits)
      if (last == name) return spaced.substr(0, space) + " (" + unit + ")";
  }
  return spaced.empty() ? clean : spaced;
}

std::string grouped_digits(double value, int decimals, bool separators) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", std::clamp(decimals, 0, 17), std::abs(value));
  std::string digits = buffer;
  const size_t point = std::min(digits.find('.'), digits.size());
  if (separators)
    for (size_t i = point; i > 3; i -= 3) digits.insert(i - 3, ",");
  const bool is_zero = digits.find_first_not_of("0.,") == std::string::npos;
  return value < 0 && !is_zero ? "−" + digits : digits;
}

std::string plain_number(double value) {
  char buffer[40];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  std::snprintf(buffer, sizeof buffer, whole ? "%.0f" : "%.6g", value);
  return buffer;
}

std::vector<std::string> value_texts(const std::vector<double>& values) {
  const double largest = largest_of(values);
  const Unit unit = unit_for(largest);
  const auto in_unit = [&](double value) { return scaled(value, unit.exponent); };
  const bool powers = unit.exponent != 0 && unit.suffix.size() > 1;
  int decimals = powers ? 2 : std::clamp(2 - exponent_of(in_unit(largest)), 0, 17);
  // As few decimals as say the same.
  for (; decimals > 0 && !powers; --decimals) {
    const double power = std::pow(10.0, decimals - 1);
    bool same = true;
    for (double value : values) {
      if (unit.exponent > 0 && std::abs(value) < 1e6) continue;  // written without the unit
      const double shown = std::round(in_unit(value) * power * 10) / 10;
      same &= std::abs(shown - std::round(shown)) < 1e-6;
    }
    if (!same) break;
  }
  std::vector<std::string> texts;
  for (double value : values) {
    if (value == 0) {
      texts.push_back("0");
      continue;
    }
    const int exponent = exponent_of(value);
    std::string text = grouped_digits(in_unit(value), decimals);
    const bool vanished = text.find_first_not_of("0.,") == std::string::npos;
    if (powers || (vanished && (exponent < -6 || exponent >= 15)))
      text = grouped_digits(scaled(value, exponent), 2) + "×10" + superscript(exponent);
    else if (unit.exponent > 0 && std::abs(value) < 1e6)
      text = grouped_digits(value, vanished || exponent < 2 ? std::max(1 - exponent, 0) : 0);
    else if (vanished)
      text = grouped_digits(value, 1 - exponent);
    else
      text += unit.suffix;
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace tools::script
