#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tools::vega {

/// One datum: a JSON object. Values are what JSON has; a date is a number, milliseconds since 1970.
/// A member that a row lacks is JavaScript's `undefined`.
using Row = nlohmann::json;
using Rows = std::vector<Row>;

/// A parsed Vega field path: `a.b`, `a[0]`, `a['b c']`, `a\.b`, and the same after `datum`.
/// A row that has the whole text as a plain key is found too, as the loaders keep such names.
class Field {
 public:
  Field() = default;
  /// Errors: usage (an unclosed bracket or quote, more than 32 parts).
  static base::Result<Field> parse(std::string_view path);
  /// The field with exactly this key; nothing in it is special.
  static Field key(std::string name);

  /// The value in `row`; nullptr where there is none.
  const Row* find(const Row& row) const;
  /// The value in `row`; null where there is none.
  const Row& of(const Row& row) const;
  /// The value as JavaScript's unary plus sees it; NaN where there is none.
  double number(const Row& row) const;
  /// The path without escapes, joined by dots: how Vega-Lite names derived columns.
  const std::string& name() const { return name_; }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  std::vector<std::string> parts_;
  std::string name_;
};

/// A null of static storage, for what returns a reference.
const Row& null_row();

/// JavaScript's Number(value): null is 0, text is parsed, other things are NaN.
double to_number(const Row& value);
/// JavaScript's String(value).
std::string to_text(const Row& value);
/// JavaScript's Boolean(value).
bool to_boolean(const Row& value);
/// JavaScript's String(number): shortest text that reads back as the same number.
std::string number_text(double value);
/// JavaScript's Number(text).
double text_number(std::string_view text);

/// A number as a Row: an integer where it is one, so that it prints without a fraction.
Row number_row(double value);
/// Whether the value is neither null nor NaN.
bool is_valid(const Row& value);
/// Vega's ascending order: null first, then NaN, then numbers or texts as `<` compares them.
/// -1, 0 or 1.
int compare(const Row& a, const Row& b);
/// JavaScript's === (arrays and objects by content).
bool strictly_equal(const Row& a, const Row& b);
/// JavaScript's ==.
bool loosely_equal(const Row& a, const Row& b);

/// Appends the value to a grouping key, as Vega does: 1 and "1" are the same group.
void append_key(std::string& key, const Row& value);

/// Number of UTF-16 units of UTF-8 text, and the UTF-8 text of units [begin, end): JavaScript's
/// length and substring. Half of a surrogate pair becomes U+FFFD.
int utf16_length(std::string_view text);
std::string utf16_substring(std::string_view text, int begin, int end);

}  // namespace tools::vega
