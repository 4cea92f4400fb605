#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tools/data/dates.h"
#include "tools/data/value.h"

namespace tools::data {

/// How a number column is written.
enum class NumberStyle : uint8_t {
  plain,          ///< -12.5, 1e6
  decorated,      ///< 1,234.50  $12  12 €  45%
  decimal_comma,  ///< 1.234,50; only in files separated by semicolons
};

/// What a column was found to be, and how to read its fields.
struct Reading {
  Type type = Type::empty;
  NumberStyle style = NumberStyle::plain;
  DateFormat format = DateFormat::iso;
  bool may_miss = false;
  bool ambiguous_dates = false;  ///< month_day was assumed; day_month would read all the values too
};

/// Whether the whole field stands for a missing value: empty, NA, N/A, NaN, null, NULL, None, -.
bool is_missing(std::string_view field);

/// Digits that are a code and no quantity: more than 15 of them, or more than two with a zero
/// first.
bool is_code(std::string_view field);

/// `field` without spaces and tabs at its ends.
std::string_view trimmed(std::string_view field);

/// [+-]digits[.digits][e[+-]digits], finite.
std::optional<double> parse_number(std::string_view field);

/// One field, read the way its column is. Missing and unreadable fields give an empty cell.
std::optional<double> read_number(NumberStyle style, std::string_view field);
std::optional<bool> read_boolean(std::string_view field);

/// Finds the type of a column by looking at every value once: all readings start possible, a value
/// that does not fit strikes one out.
class Guess {
 public:
  explicit Guess(bool decimal_comma = false) : decimal_comma_(decimal_comma) {}
  /// field: trimmed, of one row.
  void add(std::string_view field);
  Reading result() const;
  /// What is still possible after the values added.
  bool may_be_number() const { return plain_ || decorated_ || decimal_comma_; }
  bool may_be_date() const { return dates_ != 0; }
  bool only_text() const { return !may_be_number() && !may_be_date() && !boolean_; }
  /// Some value is another date as day/month than as month/day, and both read all.
  bool dates_differ() const { return differs_; }

 private:
  bool any_ = false, missing_ = false;
  bool plain_ = true, decorated_ = true, decimal_comma_ = false, any_comma_ = false,
       boolean_ = true;
  uint16_t dates_ = (1 << kDateFormats) - 1;
  bool differs_ = false;  // day_month and month_day read some value differently
  uint64_t plain_values_ = 0;
  bool undecorated_ = false, percent_ = false;  // seen: a value without a sign, with a percent sign
  std::string_view currency_{};                 // seen
};

}  // namespace tools::data
