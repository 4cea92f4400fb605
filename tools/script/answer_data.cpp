// The two commands of `tessera data`, run in the worker like scripts. What is printed is made here,
// row by row, and leaves in pieces: a large answer is never held as one text.

#include "tools/script/answer_data.h"

#include <cmath>
#include "base/json.h"

#include "tools/data/facts.h"
#include "tools/data/grid.h"
#include "tools/data/query.h"

namespace tools::script {
namespace {

using data::Column;
using data::Type;
using nlohmann::json;

constexpr size_t kPiece = 32 << 10;
constexpr uint64_t kTableRows = 40;

// Rows as CSV or JSON, exact numbers as in saved files.
class Printer : public data::CellSink {
 public:
  Printer(Events& events, const std::vector<Column>& columns, bool csv)
      : events_(events), columns_(columns), csv_(csv) {
    if (csv_) {
      for (size_t i = 0; i < columns.size(); ++i)
        text_ += (i ? "," : "") + data::csv_field(columns[i].name);
      text_ += '\n';
    } else {
      text_ = "[";
    }
  }
  void missing(int column) override { put(column, csv_ ? "" : "null", false); }
  void number(int column, double value) override {
    put(column, std::isfinite(value) ? data::exact_number(value) : csv_ ? "" : "null", false);
  }
  void text(int column, std::string_view value) override { put(column, std::string(value), true); }
  void date(int column, int64_t micros) override { put(column, data::format_date({micros}), true); }
  void boolean(int column, bool value) override { put(column, value ? "true" : "false", false); }
  void end_row() override {
    // A line without a character would be no record.
    if (csv_) text_ += (line_.empty() ? "\"\"" : line_) + "\n";
    if (!csv_) text_ += (any_ ? ",\n{" : "\n{") + line_ + "}";
    line_.clear();
    any_ = true;
    if (text_.size() >= kPiece) flush();
  }
  void finish() {
    if (!csv_) text_ += any_ ? "\n]\n" : "]\n";
    flush();
  }

 private:
  void put(int column, const std::string& value, bool is_text) {
    if (column > 0) line_ += ',';
    if (csv_) {
      line_ += data::csv_field(value);
      return;
    }
    const auto dumped = [](const std::string& text) {
      return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    };
    line_ += dumped(columns_[static_cast<size_t>(column)].name) + ":" +
             (is_text ? dumped(value) : value);
  }
  void flush() {
    if (!text_.empty()) events_.send({{"type", "text"}, {"text", text_}});
    text_.clear();
  }

  Events& events_;
  const std::vector<Column>& columns_;
  bool csv_;
  bool any_ = false;
  std::string text_;
  std::string line_;
};

base::Status print_grid(const data::Table& table, Events& events) {
  base::Result<data::Rows> rows = table.fetch(kTableRows + 1);
  if (!rows) return rows.error();
  std::vector<bool> right;
  for (const Column& column : table.columns()) right.push_back(column.type == Type::number);
  data::Grid grid(right);
  grid.add(table.names());
  for (uint64_t row = 0; row < std::min(rows->count, kTableRows); ++row) {
    std::vector<std::string> cells;
    for (const auto& column : rows->columns) cells.push_back(data::cell_text(column[row]));
    grid.add(std::move(cells));
  }
  std::string text = grid.text(true);
  if (rows->count > kTableRows) {
    base::Result<uint64_t> n = table.count();
    if (!n) return n.error();
    text += "… " + std::to_string(*n) + " rows\n";
  }
  events.send({{"type", "text"}, {"text", text}});
  return base::Ok{};
}

base::Status query(const std::string& sql, const std::string& format,
                   const std::shared_ptr<data::Engine>& engine, Events& events) {
  base::Result<data::Table> table = data::query_sql(engine, sql, {}, "query");
  if (!table) return table.error();
  for (const std::string& note : table->notes()) events.send({{"type", "note"}, {"text", note}});
  if (format == "table") return print_grid(*table, events);
  Printer printer(events, table->columns(), format == "csv");
  if (base::Status ok = table->send(printer); !ok) return ok;
  printer.finish();
  return base::Ok{};
}

base::Status facts(const std::string& path, const std::string& format,
                   const std::shared_ptr<data::Engine>& engine, Events& events) {
  base::Result<data::Facts> found = data::facts_of(engine, path, "profile");
  if (!found) return found.error();
  const std::string text =
      format == "json"
          ? data::facts_json(*found).dump(-1, ' ', false, json::error_handler_t::replace) + "\n"
          : data::facts_text(*found);
  events.send({{"type", "text"}, {"text", text}});
  return base::Ok{};
}

}  // namespace

const char* answer_data(const std::string& mode, const json& request,
                        const std::shared_ptr<data::Engine>& engine, Events& events) {
  const auto text = [&](const char* key) {
    const auto it = request.find(key);
    return it != request.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  const std::string format = text("format");
  if (format != "json" && format != "table" && (format != "csv" || mode == "facts"))
    return "the request has no format";
  const std::string what = text(mode == "query" ? "sql" : "path");
  if (what.empty()) return mode == "query" ? "the request has no sql" : "the request has no path";
  const base::Status ok =
      mode == "query" ? query(what, format, engine, events) : facts(what, format, engine, events);
  ok ? events.done(engine->used()) : events.error(ok.error().message, engine->used());
  return nullptr;
}

}  // namespace tools::script
