// What other programs read in files and what pandas computes, compared with ours cell by cell.
// golden/make_data_golden.py made the expectations and says what a case holds. Skips without
// DuckDB's library.

#include <gtest/gtest.h>

#include <cmath>
#include "base/json.h"

#include "tests/tools/engine_test.h"
#include "tools/data/data.h"
#include "tools/data/open.h"

namespace {

using namespace tools::data;
using nlohmann::json;

json golden(const std::string& name) {
  std::ifstream file(std::string(TESSERA_DATA_GOLDEN) + "/" + name, std::ios::binary);
  return json::parse(file, nullptr, false);
}

std::string from_base64(const std::string& text) {
  static const std::string letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int n = 0;
  for (const char c : text) {
    const size_t value = letters.find(c);
    if (value == letters.npos) break;
    bits = bits << 6 | static_cast<uint32_t>(value);
    n += 6;
    if (n >= 8) out += static_cast<char>(bits >> (n -= 8) & 0xff);
  }
  return out;
}

std::string shown(const Cell& cell) {
  return std::holds_alternative<std::monostate>(cell) ? "missing" : "\"" + cell_text(cell) + "\"";
}

// Whether a cell is what the golden file says; numbers to 12 digits, because sums of other programs
// depend on their order.
bool same(const Cell& cell, const json& expected) {
  if (expected.is_null()) return std::holds_alternative<std::monostate>(cell);
  if (expected.is_boolean()) {
    const bool* value = std::get_if<bool>(&cell);
    return value && *value == expected.get<bool>();
  }
  if (expected.is_number()) {
    const double* value = std::get_if<double>(&cell);
    const auto wanted = expected.get<double>();
    return value && std::abs(*value - wanted) <= 1e-12 * std::max(1.0, std::abs(wanted)) * 10;
  }
  if (expected.is_object()) {
    const Date* value = std::get_if<Date>(&cell);
    std::string text = value ? format_date(*value) : "";
    if (text.size() == 10) text += " 00:00:00";
    return text == expected["d"].get<std::string>();
  }
  const std::string* value = std::get_if<std::string>(&cell);
  return value && *value == expected.get<std::string>();
}

// The first difference between a table and the golden columns and rows, or nothing.
std::string difference(const Table& table, const json& expected) {
  if (json(table.names()) != expected["columns"])
    return "columns " + json(table.names()).dump() + ", expected " + expected["columns"].dump();
  const json& rows = expected["rows"];
  const uint64_t all = expected.value("count", static_cast<uint64_t>(rows.size()));
  base::Result<uint64_t> count = table.count();
  if (!count) return count.error().message;
  if (*count != all) return std::to_string(*count) + " rows, expected " + std::to_string(all);
  base::Result<Rows> ours = table.fetch(rows.size());
  if (!ours) return ours.error().message;
  for (size_t row = 0; row < rows.size(); ++row)
    for (size_t i = 0; i < rows[row].size(); ++i)
      if (!same(ours->columns[i][row], rows[row][i]))
        return "row " + std::to_string(row + 1) + ", column " + table.names()[i] + ": " +
               shown(ours->columns[i][row]) + ", expected " + rows[row][i].dump();
  return {};
}

class Differential : public EngineTest {};

TEST_F(Differential, FilesAreReadAsOtherProgramsReadThemOrRefused) {
  const json files = golden("data_files.json");
  ASSERT_GE(files.size(), 150u);
  for (const json& file : files) {
    const auto name = file["name"].get<std::string>();
    workspace.write(name, file.contains("text") ? file["text"].get<std::string>()
                                                : from_base64(file["base64"].get<std::string>()));
    base::Result<Table> table = open_table(engine, name, {}, "data.read");
    if (file["expect"] == "refuse") {
      // Parquet's pages are read only when rows are asked for.
      base::Result<Rows> rows = table ? table->fetch(1000) : base::Result<Rows>(table.error());
      EXPECT_FALSE(rows) << name << " is broken and was read";
      if (rows) continue;
      EXPECT_EQ(rows.error().message.find('\n'), std::string::npos) << rows.error().message;
      EXPECT_NE(rows.error().message.find(name), std::string::npos) << rows.error().message;
      continue;
    }
    if (!table) {
      ADD_FAILURE() << name << ": " << table.error().message;
      continue;
    }
    EXPECT_EQ(difference(*table, file), "") << name << "\n" << file.value("text", "");
  }
}

base::Result<Table> apply(const Table& t, const json& step, const Table& shops) {
  const auto text = [&](const char* key) { return step.value(key, std::string()); };
  const auto texts = [&](const char* key) {
    return step.value(key, json::array()).get<std::vector<std::string>>();
  };
  const std::string op = text("op");
  std::string note;
  if (op == "where") {
    const json& value = step["value"];
    return t.where(text("column"), text("how"),
                   value.is_number() ? Cell(value.get<double>()) : Cell(value.get<std::string>()));
  }
  if (op == "known") return t.known(text("column"));
  if (op == "sort") return t.sort(text("column"), step.value("desc", false));
  if (op == "head") return t.head(step.value("n", 0));
  if (op == "select") return t.select(texts("columns"));
  if (op == "derive") return t.derive(text("name"), text("expression"));
  if (op == "group") {
    std::vector<Summary> summaries;
    for (const json& s : step["summaries"])
      summaries.push_back({s.value("name", ""), s.value("how", ""), s.value("column", "")});
    return t.group_by(texts("keys"), summaries, note);
  }
  if (op == "top") return t.top(step.value("n", 0), text("column"), std::nullopt, step["largest"]);
  if (op == "join") {
    std::vector<std::pair<std::string, std::string>> on;
    for (const json& pair : step["on"]) on.emplace_back(pair[0], pair[1]);
    return t.join_on(shops, on, text("how"), note);
  }
  if (op == "pivot")
    return t.pivot(texts("rows"), text("across"), text("value"), text("how"), note);
  if (op == "unpivot") return t.unpivot(texts("columns"), text("name"), text("value"));
  if (op == "window")
    return t.window({.name = text("name"),
                     .how = text("how"),
                     .column = text("column"),
                     .by = texts("by"),
                     .order = text("order"),
                     .descending = step.value("desc", false),
                     .n = step.value("n", 1)});
  if (op == "part") return t.date_part(text("part"), text("column"));
  if (op == "unique") return t.unique(text("column"));
  if (op == "share") return t.share(text("column"));
  return base::Error{base::Errc::internal, "no step " + op};
}

TEST_F(Differential, PipelinesGiveWhatPandasGives) {
  const json all = golden("data_pipelines.json");
  ASSERT_GE(all["pipelines"].size(), 200u);
  for (const auto& [name, text] : all["tables"].items())
    workspace.write(name + ".csv", text.get<std::string>());
  base::Result<Table> sales = open_table(engine, "sales.csv", {}, "data.read");
  base::Result<Table> shops = open_table(engine, "shops.csv", {}, "data.read");
  ASSERT_TRUE(sales && shops);
  for (const json& pipeline : all["pipelines"]) {
    base::Result<Table> t = *sales;
    for (const json& step : pipeline["steps"])
      if (t) t = apply(*t, step, *shops);
    if (!t) {
      ADD_FAILURE() << pipeline["steps"].dump() << ": " << t.error().message;
      continue;
    }
    EXPECT_EQ(difference(*t, pipeline), "") << pipeline["steps"].dump(1);
  }
}

}  // namespace
