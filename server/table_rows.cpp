// Everything is asked of the data engine in the sandbox, as one SELECT each. Names of columns come
// from it, never from the page: what is sorted by has to be one of them.
#include "server/table_rows.h"

#include <algorithm>
#include <charconv>
#include <variant>
#include <vector>

#include "base/json.h"
#include "server/http/query.h"
#include "server/relay.h"

namespace server {

namespace {

using nlohmann::json;

constexpr size_t kMaxFilter = 400;  // bytes
constexpr size_t kMaxTies = 50;     // columns that rows are also sorted by

std::string enclosed(const std::string& text, char mark) {
  std::string out(1, mark);
  for (const char c : text) {
    if (c == mark) out += mark;
    out += c;
  }
  return out + mark;
}
std::string column(const std::string& name) { return enclosed(name, '"'); }

/// The engine's JSON, or the answer that says why there is none.
std::variant<std::string, HttpReply> asked(const tools::Toolbox& toolbox, const std::string& sql,
                                           std::stop_token stop) {
  base::Result<tools::DataAnswer> answer = toolbox.data_query(sql, "json", std::move(stop));
  if (!answer) return error_of(500, answer.error().message);
  if (!answer->error.empty()) return error_of(400, answer->error);
  if (!json::accept(answer->text))
    return error_of(500, "The data engine said something that is not JSON.");
  return std::move(answer->text);
}

}  // namespace

std::string sql_text(const std::string& text) { return enclosed(text, '\''); }

HttpReply table_rows(const tools::Toolbox& toolbox, const std::string& path,
                     const std::string& query, std::stop_token stop) {
  const std::string digits = value_in(query, "offset"), sort = value_in(query, "sort");
  const std::string filter = value_in(query, "filter");
  uint64_t offset = 0;
  const char* end = digits.data() + digits.size();
  const std::from_chars_result read = std::from_chars(digits.data(), end, offset);
  if (!digits.empty() && (read.ec != std::errc() || read.ptr != end || offset > 1'000'000'000'000))
    return error_of(400, "An offset is a number of rows.");
  if (filter.size() > kMaxFilter || filter.find('\0') != filter.npos)
    return error_of(400, "A filter is a text of at most " + std::to_string(kMaxFilter) + " bytes.");
  const std::string from = " FROM " + sql_text(path);

  std::vector<std::string> columns;
  if (!sort.empty() || !filter.empty()) {
    auto described =
        asked(toolbox, "SELECT column_name FROM (DESCRIBE SELECT *" + from + ")", stop);
    if (auto* wrong = std::get_if<HttpReply>(&described)) return std::move(*wrong);
    for (const json& row : json::parse(std::get<std::string>(described)))
      if (row.is_object()) columns.push_back(row.value("column_name", ""));
  }
  if (!sort.empty() && std::find(columns.begin(), columns.end(), sort) == columns.end())
    return error_of(400, "The table has no such column to sort by.");

  std::string where, order;
  if (!filter.empty()) {
    for (const std::string& name : columns)
      where += (where.empty() ? " WHERE " : " OR ") + ("contains(lower(CAST(" + column(name)) +
               " AS VARCHAR)), lower(" + sql_text(filter) + "))";
  }
  if (!sort.empty()) {
    order = " ORDER BY " + column(sort) + (value_in(query, "down") == "1" ? " DESC" : " ASC") +
            " NULLS LAST";
    for (size_t i = 0; i < std::min(columns.size(), kMaxTies); ++i)
      if (columns[i] != sort) order += ", " + column(columns[i]);
  }
  auto counted = asked(toolbox, "SELECT count(*) AS n" + from + where, stop);
  if (auto* wrong = std::get_if<HttpReply>(&counted)) return std::move(*wrong);
  const json count = json::parse(std::get<std::string>(counted));
  const json::json_pointer n("/0/n");
  if (!count.contains(n) || !count[n].is_number())
    return error_of(500, "The data engine did not count.");
  auto rows = asked(toolbox,
                    "SELECT *" + from + where + order + " LIMIT " + std::to_string(kTableRows) +
                        " OFFSET " + std::to_string(offset),
                    std::move(stop));
  if (auto* wrong = std::get_if<HttpReply>(&rows)) return std::move(*wrong);
  // Passed on as it is, since its columns stand in their order there.
  return {.body =
              "{\"matches\":" + count[n].dump() + ",\"rows\":" + std::get<std::string>(rows) + "}"};
}

}  // namespace server
