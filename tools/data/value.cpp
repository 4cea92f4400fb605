#include "tools/data/value.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"
#include "tools/data/dates.h"

namespace tools::data {
namespace {

// Windows-1252, bytes 0x80 to 0x9f; the five holes become U+FFFD.
constexpr uint16_t kWindows1252[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178};

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::empty:
      return "empty";
    case Type::text:
      return "text";
    case Type::number:
      return "number";
    case Type::date:
      return "date";
    case Type::boolean:
      return "boolean";
  }
  return "?";
}

std::string format_number(double value) {
  if (std::isnan(value)) return {};
  char buffer[400];
  const double size = std::abs(value);
  if (size < 1e15 && value == std::trunc(value)) {
    std::snprintf(buffer, sizeof buffer, "%.0f", value == 0 ? 0.0 : value);
    return buffer;
  }
  std::snprintf(buffer, sizeof buffer, size >= 100 ? "%.2f" : size >= 1 ? "%.3f" : "%.4g", value);
  std::string text = buffer;
  if (text.find('.') != text.npos && text.find('e') == text.npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

std::string exact_number(double value) {
  if (!std::isfinite(value)) return {};
  char buffer[400];
  const bool integral = std::abs(value) < 1e15 && value == std::trunc(value);
  const auto end = integral
                       ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(value))
                       : std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end.ptr);
}

std::string format_date(Date date) {
  const Civil c = civil_of(date.micros);
  char buffer[64];
  if (c.hour == 0 && c.minute == 0 && c.second == 0)
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d", c.year, c.month, c.day);
  else
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day,
                  c.hour, c.minute, c.second);
  return buffer;
}

std::string cell_text(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) return format_number(*number);
  if (const std::string* text = std::get_if<std::string>(&cell)) return *text;
  if (const bool* boolean = std::get_if<bool>(&cell)) return *boolean ? "true" : "false";
  if (const Date* date = std::get_if<Date>(&cell)) return format_date(*date);
  return {};
}

std::string csv_field(std::string text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::string counted(uint64_t n, std::string_view noun) {
  std::string text = std::to_string(n) + " " + std::string(noun);
  if (n != 1) text += noun == "box" ? "es" : "s";
  return text;
}

size_t utf8_prefix(std::string_view text, size_t code_points) {
  size_t i = 0;
  for (; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && code_points-- == 0) break;
  return i;
}

std::string to_utf8(std::string_view text) {
  if (base::is_utf8(text)) return std::string(text);
  std::string out;
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    const unsigned point = c >= 0x80 && c < 0xa0 ? kWindows1252[c - 0x80] : c;
    base::append_utf8(out, point);
  }
  return out;
}

}  // namespace tools::data
