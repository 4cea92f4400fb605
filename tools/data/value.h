#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// tools::data values: what a cell holds and the one text it has in observations, profiles and
/// answers.
namespace tools::data {

enum class Type { empty, text, number, date, boolean };

/// Text columns with an order of their own: sorts and groups keep it.
enum class Calendar { none, month_name, weekday };

struct Column {
  std::string name{};
  Type type = Type::empty;
  Calendar calendar = Calendar::none;
  bool may_miss = true;  ///< false: no value is missing
};

/// Microseconds since 1970-01-01 00:00, no time zone.
struct Date {
  int64_t micros = 0;
};

using Cell = std::variant<std::monostate, double, std::string, bool, Date>;

/// "text", "number", …
std::string_view type_name(Type type);

/// Text of a number: "%.0f" when integral and below 1e15, else two decimals from 100, three from 1,
/// four significant digits below; without trailing zeros. NaN is empty.
std::string format_number(double value);

/// Shortest text that reads back as the same number; for files.
std::string exact_number(double value);

/// 2014-03-05, or 2014-03-05 14:30:00 when the time is not midnight.
std::string format_date(Date date);

/// Text of one value; a missing one is empty.
std::string cell_text(const Cell& cell);

/// A CSV field: quoted if it holds a comma, a quote or a line break.
std::string csv_field(std::string text);

/// "1 row", "3 rows", "2 boxes".
std::string counted(uint64_t n, std::string_view noun);

/// Bytes of the longest prefix of `text` with at most `code_points` code points.
size_t utf8_prefix(std::string_view text, size_t code_points);

/// `text` if it is UTF-8; else its bytes read as Windows-1252.
std::string to_utf8(std::string_view text);

}  // namespace tools::data
