#include "tools/data/table_sql.h"

#include <algorithm>
#include <cstdio>

#include "tools/data/workspace.h"

namespace tools::data::sql {

using base::Errc;
using base::Error;

std::string c(size_t i) { return "c" + std::to_string(i); }
std::string c(int i) { return "c" + std::to_string(i); }

std::string literal(double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "(%.17g)::DOUBLE", value);
  return buffer;
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char ch : text) {
    if (ch == '\0') continue;
    if (ch == '\'') out += '\'';
    out += ch;
  }
  return out + "'";
}

std::string instant(int64_t micros) {
  return "make_timestamp(" + std::to_string(micros) + "::BIGINT)";
}

std::string in_quotes(const std::string& text) {
  std::string shown = text.substr(0, utf8_prefix(text, 60));
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return "\"" + shown + "\"";
}

std::string enclosed(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char ch : text) {
    if (ch == quote) out += ch;
    if (ch != '\0') out += ch;
  }
  return out + quote;
}

std::string rank(const Column& column, const std::string& sql) {
  if (column.calendar == Calendar::none) return sql;
  // A text that is no month (after a rename or a union) comes last.
  return std::string("CASE WHEN ") + sql +
         " IS NULL THEN NULL ELSE coalesce(nullif(list_position(" +
         (column.calendar == Calendar::month_name ? kMonthNames : kWeekdays) + ", " + sql +
         "), 0), 99) END";
}

std::string aggregate_sql(Aggregate how, const std::string& column) {
  switch (how) {
    case Aggregate::count:
      return "count(*)::DOUBLE";
    case Aggregate::sum:
      return "coalesce(fsum(" + column + "), 0)::DOUBLE";
    case Aggregate::mean:
      return "(fsum(" + column + ") / nullif(count(" + column + "), 0))::DOUBLE";
    case Aggregate::median: {
      // The two middle values; the same one twice when their number is odd.
      const std::string low = "quantile_disc(" + column + ", 0.5)";
      const std::string high = "-quantile_disc(-" + column + ", 0.5)";
      return "(" + low + " + (" + high + " - " + low + ") / 2)::DOUBLE";
    }
    case Aggregate::min:
      return "min(" + column + ")";
    case Aggregate::max:
      return "max(" + column + ")";
  }
  return {};
}

std::string text_sql(Type type, const std::string& sql) {
  switch (type) {
    case Type::number:
      return "(CASE WHEN abs(" + sql + ") < 1e15 AND " + sql + " = trunc(" + sql + ") THEN " + sql +
             "::BIGINT::VARCHAR ELSE " + sql + "::VARCHAR END)";
    case Type::date:
      return "(CASE WHEN " + sql + " = date_trunc('day', " + sql + ") THEN strftime(" + sql +
             ", '%Y-%m-%d') ELSE strftime(" + sql + ", '%Y-%m-%d %H:%M:%S') END)";
    case Type::boolean:
      return sql + "::VARCHAR";
    case Type::text:
    case Type::empty:
      break;
  }
  return sql;
}

// Values in their own order, each beside its text.
static std::string list_sql(const Column& column, const std::string& sql) {
  const std::string text = text_sql(column.type, sql);
  return "array_to_string([x.v FOR x IN list_sort(list(DISTINCT {'k': " + rank(column, sql) +
         ", 'v': " + text + "}) FILTER (WHERE " + text + " <> ''))], ', ')";
}

base::Result<SummarySql> summary_sql(const std::string& who, const std::string& how,
                                     const Column& what, const std::string& column) {
  constexpr std::string_view kHows[] = {"count",    "sum",   "mean", "median", "min", "max",
                                        "distinct", "first", "last", "stdev",  "list"};
  const Type type = what.type;
  const auto* at = std::find(std::begin(kHows), std::end(kHows), how);
  if (at == std::end(kHows))
    return Error{Errc::usage,
                 who + ": unknown summary " + in_quotes(how) + "; summaries: " +
                     suggest(std::vector<std::string>(std::begin(kHows), std::end(kHows)), how)};
  if (how == "count") return SummarySql{"count(" + (column.empty() ? "*" : column) + ")::DOUBLE"};
  if (how == "distinct") return SummarySql{"count(DISTINCT " + column + ")::DOUBLE"};
  if (how == "first") return SummarySql{"arg_min(" + column + ", r)", type};
  if (how == "last") return SummarySql{"arg_max(" + column + ", r)", type};
  if (how == "list") return SummarySql{list_sql(what, column), Type::text};
  const bool ends = how == "min" || how == "max";
  if (type == Type::empty) return SummarySql{how == "sum" ? "0::DOUBLE" : "NULL::DOUBLE"};
  if (type != Type::number && !(ends && type == Type::date))
    return Error{Errc::usage, who + ": " + how + " needs numbers; column " + in_quotes(what.name) +
                                  " is " + std::string(type_name(type))};
  // The same compensated sum as sum's, in one aggregate.
  if (how == "mean") return SummarySql{"favg(" + column + ")"};
  if (how == "stdev")
    return SummarySql{"CASE WHEN count(" + column + ") > 1 THEN stddev_samp(" + column + ") END"};
  return SummarySql{aggregate_sql(static_cast<Aggregate>(at - std::begin(kHows)), column), type};
}

std::string literal_of(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) return literal(*number);
  if (const bool* boolean = std::get_if<bool>(&cell)) return *boolean ? "true" : "false";
  if (const Date* date = std::get_if<Date>(&cell)) return instant(date->micros);
  if (const std::string* text = std::get_if<std::string>(&cell)) return literal(*text);
  return "NULL";
}

std::string_view sql_type(Type type) {
  return type == Type::number    ? "DOUBLE"
         : type == Type::date    ? "TIMESTAMP"
         : type == Type::boolean ? "BOOLEAN"
                                 : "VARCHAR";
}

std::string_view aggregate_name(Aggregate how) {
  constexpr std::string_view kNames[] = {"count", "sum", "mean", "median", "min", "max"};
  return kNames[static_cast<int>(how)];
}

Error named(std::string_view who, Error error) {
  error.message = std::string(who) + ": " + error.message;
  return error;
}

std::string list_of_type(const std::vector<Column>& columns, Type type, std::string_view wanted) {
  std::vector<std::string> names;
  for (const Column& column : columns)
    if (column.type == type) names.push_back(column.name);
  return names.empty() ? "none" : suggest(names, wanted);
}

std::string distinct_name(const std::vector<Column>& columns, const std::string& wanted) {
  std::string name = wanted;
  for (int n = 2; std::any_of(columns.begin(), columns.end(),
                              [&](const Column& column) { return column.name == name; });
       ++n)
    name = wanted + "_" + std::to_string(n);
  return name;
}

}  // namespace tools::data::sql
