// Values of rows seen as JavaScript sees them. Vega's behaviour rests on coercions (a text that is
// a number sorts as one, null counts as 0), so they are written once, here.
#include "tools/vega/datum.h"

#include <charconv>
#include <cmath>
#include "base/json.h"
#include "tools/vega/not_a_number.h"

namespace tools::vega {

static constexpr size_t kMaxParts = 32;
// A value nested deeper than this has no text; loaders refuse such rows anyway.
static constexpr int kMaxDepth = 64;

const Row& null_row() {
  static const Row null;
  return null;
}

base::Result<Field> Field::parse(std::string_view path) {
  using base::Errc;
  using base::Error;
  std::string_view whole = path;
  if (path.starts_with("datum.") || path.starts_with("datum[")) path.remove_prefix(5);
  Field field;
  std::string part;
  bool pending = true;  // a part may still be empty only as the whole path
  size_t i = 0;
  if (!path.empty() && path[0] == '.') i = 1;
  auto finish = [&] {
    field.parts_.push_back(std::move(part));
    part.clear();
  };
  for (; i < path.size();) {
    if (field.parts_.size() > kMaxParts) {
      return Error{Errc::usage, "field path has more than 32 parts"};
    }
    char c = path[i];
    if (c == '\\' && i + 1 < path.size()) {
      part += path[i + 1];
      pending = true;
      i += 2;
    } else if (c == '.') {
      if (pending) finish();
      pending = true;
      ++i;
    } else if (c == '[') {
      if (!part.empty()) finish();
      ++i;
      char quote = i < path.size() && (path[i] == '\'' || path[i] == '"') ? path[i++] : 0;
      size_t start = i;
      bool closed = false;
      for (; i < path.size(); ++i) {
        if (path[i] == '\\' && quote && i + 1 < path.size()) {
          part.append(path, start, i - start);
          start = ++i;
        } else if (quote ? path[i] == quote : path[i] == ']') {
          closed = true;
          break;
        }
      }
      if (!closed || (quote && (i + 1 >= path.size() || path[i + 1] != ']'))) {
        return Error{Errc::usage, "field \"" + std::string(whole) + "\": bracket is not closed"};
      }
      part.append(path, start, i - start);
      finish();
      pending = false;
      i += quote ? 2 : 1;
    } else {
      part += c;
      pending = true;
      ++i;
    }
  }
  if (pending) finish();
  for (const std::string& p : field.parts_) {
    if (!field.name_.empty()) field.name_ += '.';
    field.name_ += p;
  }
  return field;
}

Field Field::key(std::string name) {
  Field field;
  field.parts_ = {name};
  field.name_ = std::move(name);
  return field;
}

static const Row* member(const Row& value, const std::string& key) {
  if (value.is_object()) {
    auto it = value.find(key);
    return it == value.end() ? nullptr : &*it;
  }
  if (value.is_array()) {
    size_t index = 0;
    auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error == std::errc() && end == key.data() + key.size() && index < value.size()) {
      return &value[index];
    }
  }
  return nullptr;
}

const Row* Field::find(const Row& row) const {
  if (parts_.size() == 1) return member(row, parts_[0]);
  const Row* value = &row;
  for (const std::string& part : parts_) {
    value = member(*value, part);
    if (value == nullptr) break;
  }
  if (value != nullptr && !parts_.empty()) return value;
  return member(row, name_);
}

const Row& Field::of(const Row& row) const {
  const Row* value = find(row);
  return value == nullptr ? null_row() : *value;
}

double Field::number(const Row& row) const {
  const Row* value = find(row);
  return value == nullptr ? kNan : to_number(*value);
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

double text_number(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.empty()) return 0;
  if (text.size() > 2 && text[0] == '0') {
    int base = 0;
    switch (text[1]) {
      case 'x':
      case 'X':
        base = 16;
        break;
      case 'o':
      case 'O':
        base = 8;
        break;
      case 'b':
      case 'B':
        base = 2;
        break;
    }
    if (base != 0) {
      double value = 0;
      for (char c : text.substr(2)) {
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
        if (digit >= base) return kNan;
        value = value * base + digit;
      }
      return value;
    }
  }
  bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (text == "Infinity") return negative ? -HUGE_VAL : HUGE_VAL;
  // from_chars also reads "inf" and "nan", which JavaScript does not.
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return kNan;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return kNan;
  if (error == std::errc::result_out_of_range) {
    // from_chars leaves the value alone; only the exponent's sign tells which way.
    size_t e = text.find_first_of("eE");
    bool tiny = e != std::string_view::npos ? text.substr(e + 1).starts_with('-') : text[0] == '0';
    value = tiny ? 0 : HUGE_VAL;
  } else if (error != std::errc()) {
    return kNan;
  }
  return negative ? -value : value;
}

double to_number(const Row& value) {
  switch (value.type()) {
    case Row::value_t::null:
      return 0;
    case Row::value_t::boolean:
      return value.get<bool>() ? 1 : 0;
    case Row::value_t::number_integer:
    case Row::value_t::number_unsigned:
    case Row::value_t::number_float:
      return value.get<double>();
    case Row::value_t::string:
      return text_number(value.get_ref<const std::string&>());
    case Row::value_t::array:
      if (value.size() <= 1) return text_number(to_text(value));
      return kNan;
    default:
      return kNan;
  }
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return "0";
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value),
                                    std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  size_t e = text.find('e');
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + (text[e + 1] == '+' ? 2 : 1));
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  int point = exponent + 1;  // digits before the decimal point
  int n = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (point > 0 && point <= 21) {
    if (n <= point) return out + digits + std::string(static_cast<size_t>(point - n), '0');
    return out + digits.substr(0, static_cast<size_t>(point)) + "." +
           digits.substr(static_cast<size_t>(point));
  }
  if (point > -6 && point <= 0) {
    return out + "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  }
  out += digits[0];
  if (n > 1) out += "." + digits.substr(1);
  return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
}

static std::string text_at_depth(const Row& value, int depth) {
  switch (value.type()) {
    case Row::value_t::null:
      return "null";
    case Row::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case Row::value_t::number_integer:
      return std::to_string(value.get<int64_t>());
    case Row::value_t::number_unsigned:
    case Row::value_t::number_float:
      return number_text(value.get<double>());
    case Row::value_t::string:
      return value.get<std::string>();
    case Row::value_t::array: {
      std::string out;
      if (depth >= kMaxDepth) return out;
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        if (!value[i].is_null()) out += text_at_depth(value[i], depth + 1);
      }
      return out;
    }
    case Row::value_t::object:
      return "[object Object]";
    default:
      return "undefined";
  }
}

std::string to_text(const Row& value) { return text_at_depth(value, 0); }

bool to_boolean(const Row& value) {
  switch (value.type()) {
    case Row::value_t::boolean:
      return value.get<bool>();
    case Row::value_t::number_integer:
    case Row::value_t::number_unsigned:
    case Row::value_t::number_float: {
      double number = value.get<double>();
      return number != 0 && !std::isnan(number);
    }
    case Row::value_t::string:
      return !value.get_ref<const std::string&>().empty();
    case Row::value_t::array:
    case Row::value_t::object:
      return true;
    default:
      return false;
  }
}

Row number_row(double value) {
  if (std::fabs(value) < 9007199254740992.0 && value == std::trunc(value) &&
      !(value == 0 && std::signbit(value))) {
    return static_cast<int64_t>(value);
  }
  return value;
}

bool is_valid(const Row& value) {
  if (value.is_null() || value.is_discarded()) return false;
  return !(value.is_number_float() && std::isnan(value.get<double>()));
}

static bool is_nothing(const Row& value) { return value.is_null() || value.is_discarded(); }

int compare(const Row& a, const Row& b) {
  if (a.is_number() && b.is_number()) {
    double u = a.get<double>(), v = b.get<double>();
    if (u < v) return -1;
    if (u > v) return 1;
    if (u == v) return 0;
    return std::isnan(u) ? (std::isnan(v) ? 0 : -1) : 1;
  }
  bool no_a = is_nothing(a), no_b = is_nothing(b);
  if (no_a || no_b) return no_a && no_b ? 0 : no_a ? -1 : 1;
  if (a.is_string() && b.is_string()) {
    int order = a.get_ref<const std::string&>().compare(b.get_ref<const std::string&>());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  double u = to_number(a), v = to_number(b);
  if (u < v) return -1;
  if (u > v) return 1;
  if (std::isnan(u) && !std::isnan(v)) return -1;
  if (std::isnan(v) && !std::isnan(u)) return 1;
  return 0;
}

bool strictly_equal(const Row& a, const Row& b) {
  if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
  return a.type() == b.type() && a == b;
}

bool loosely_equal(const Row& a, const Row& b) {
  bool no_a = is_nothing(a), no_b = is_nothing(b);
  if (no_a || no_b) return no_a && no_b;
  if (a.type() == b.type() || (a.is_number() && b.is_number())) return strictly_equal(a, b);
  bool composed_a = a.is_structured(), composed_b = b.is_structured();
  if (composed_a && composed_b) return false;
  if (composed_a && b.is_string()) return to_text(a) == b.get_ref<const std::string&>();
  if (composed_b && a.is_string()) return to_text(b) == a.get_ref<const std::string&>();
  return to_number(a) == to_number(b);
}

void append_key(std::string& key, const Row& value) {
  if (value.is_string()) {
    key += value.get_ref<const std::string&>();
  } else {
    key += to_text(value);
  }
  key += '|';
}

// Bytes that continue a character count nothing; those of four-byte characters count two.
static int units_of(unsigned char c) { return (c & 0xC0) == 0x80 ? 0 : c >= 0xF0 ? 2 : 1; }

int utf16_length(std::string_view text) {
  int length = 0;
  for (char c : text) length += units_of(static_cast<unsigned char>(c));
  return length;
}

std::string utf16_substring(std::string_view text, int begin, int end) {
  std::string out;
  int unit = 0;
  for (size_t i = 0; i < text.size() && unit < end;) {
    size_t next = i + 1;
    while (next < text.size() && units_of(static_cast<unsigned char>(text[next])) == 0) ++next;
    int units = std::max(1, units_of(static_cast<unsigned char>(text[i])));
    if (unit >= begin && unit + units <= end) {
      out += text.substr(i, next - i);
    } else if (unit + units > begin) {
      out += "\xEF\xBF\xBD";  // half of a surrogate pair
    }
    unit += units;
    i = next;
  }
  return out;
}

}  // namespace tools::vega
