#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/data/table.h"

/// Pieces of the SQL and of the errors that the methods of Table are made of.
namespace tools::data::sql {

/// Column i of a table.
std::string c(size_t i);
std::string c(int i);
std::string literal(double value);
std::string literal(std::string_view text);
/// A point in time.
std::string instant(int64_t micros);
/// A name in an error: quoted, on one line, at most 60 code points.
std::string in_quotes(const std::string& text);
/// A name or text as SQL has it: in `quote`, doubled inside, without zero bytes.
std::string enclosed(std::string_view text, char quote);

inline constexpr const char* kMonthNames =
    "['Jan','Feb','Mar','Apr','May','Jun','Jul','Aug','Sep','Oct','Nov','Dec']";
inline constexpr const char* kWeekdays = "['Mon','Tue','Wed','Thu','Fri','Sat','Sun']";

/// What a column is ordered by: itself, or its place in the calendar.
std::string rank(const Column& column, const std::string& sql);
std::string aggregate_sql(Aggregate how, const std::string& column);
std::string_view aggregate_name(Aggregate how);
struct SummarySql {
  std::string sql{};
  Type type = Type::number;
};
/// SQL of a summary. sql: how the values of `column` are computed. Errors: usage (no such summary;
/// it names them; a column that is no number).
base::Result<SummarySql> summary_sql(const std::string& who, const std::string& how,
                                     const Column& column, const std::string& sql);
/// The text of a value, as text() of derive and a list of a group have it.
std::string text_sql(Type type, const std::string& sql);
/// A value as SQL of its type.
std::string literal_of(const Cell& cell);
/// DuckDB's type of a column.
std::string_view sql_type(Type type);
/// `error` with the method's name before it.
base::Error named(std::string_view who, base::Error error);
/// Names of the columns of a type, or "none".
std::string list_of_type(const std::vector<Column>& columns, Type type, std::string_view wanted);
/// `wanted`, or with _2, _3, … if a column has that name.
std::string distinct_name(const std::vector<Column>& columns, const std::string& wanted);

}  // namespace tools::data::sql
