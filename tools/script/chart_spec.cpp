// From a table and options to a spec: fold several y to long form, drop rows without x or y, fetch
// what is left, write it as data.values and say what is highest and lowest.

#include "tools/script/chart_spec.h"

#include <algorithm>
#include <cmath>
#include <map>
#include "base/json.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using data::Cell;
using data::Column;
using data::Type;
using nlohmann::json;

constexpr uint64_t kMaxRows = 50'000;
constexpr const char* kNames[] = {"bar", "line", "scatter", "pie",
                                  "box", "hist", "area",    "heatmap"};

json json_of(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) {
    if (!std::isfinite(*number)) return nullptr;
    if (std::abs(*number) < 1e15 && *number == std::trunc(*number))
      return static_cast<int64_t>(*number);
    return *number;
  }
  if (const bool* boolean = std::get_if<bool>(&cell)) return *boolean;
  if (std::holds_alternative<std::monostate>(cell)) return nullptr;
  return data::cell_text(cell);
}

std::string type_of(const Column& column, bool place_of_bar) {
  if (column.type == Type::number) return place_of_bar ? "ordinal" : "quantitative";
  if (column.type == Type::date) return "temporal";
  if (column.calendar != data::Calendar::none || column.name == "month" || column.name == "quarter")
    return "ordinal";
  return "nominal";
}

// One chart's columns after folding and dropping, with its rows.
struct Drawn {
  data::Table table;
  int x = -1, y = -1, color = -1;
  data::Rows rows{};
};

std::string label(const Drawn& d, uint64_t row) {
  std::string text = data::cell_text(d.rows.columns[static_cast<size_t>(d.x)][row]);
  if (d.color >= 0 && d.color != d.x)
    text += " " + data::cell_text(d.rows.columns[static_cast<size_t>(d.color)][row]);
  return text;
}

double number(const Cell& cell) {
  const double* value = std::get_if<double>(&cell);
  return value ? *value : std::nan("");
}

// "highest y: label value" and "lowest …"; with one row only "y: label value". what: "" or "median
// ".
std::vector<std::string> extremes(const Drawn& d, const std::string& what) {
  const std::string name = what + d.table.columns()[static_cast<size_t>(d.y)].name;
  const std::vector<Cell>& y = d.rows.columns[static_cast<size_t>(d.y)];
  const auto said = [&](const std::string& prefix, uint64_t row) {
    return prefix + name + ": " + label(d, row) + " " + data::format_number(number(y[row]));
  };
  if (y.size() == 1) return {said("", 0)};
  uint64_t high = 0;
  uint64_t low = 0;
  for (uint64_t row = 1; row < y.size(); ++row) {
    if (number(y[row]) > number(y[high])) high = row;
    if (number(y[row]) < number(y[low])) low = row;
  }
  return {said("highest ", high), said("lowest ", low)};
}

// Two bars, slices or points of a line at the same place would hide each other or add up unsaid.
base::Status one_row_each(const Drawn& d, const std::string& who) {
  std::vector<std::string> names;
  std::map<std::string, uint64_t> seen;
  for (uint64_t row = 0; row < d.rows.count; ++row) ++seen[names.emplace_back(label(d, row))];
  for (const std::string& name : names) {
    if (const uint64_t n = seen[name]; n > 1)
      return Error{Errc::usage, who + ": " + std::to_string(n) + " rows for \"" + name +
                                    "\"; group the rows first, or name a color"};
  }
  return base::Ok{};
}

base::Result<int> optional_column(const data::Table& table, const std::string& who,
                                  const std::optional<std::string>& name) {
  if (!name) return -1;
  return table.find(who, *name);
}

}  // namespace

base::Result<json> rows_json(const data::Table& table, const std::string& who) {
  base::Result<uint64_t> n = table.count();
  if (!n) return n.error();
  if (*n > kMaxRows)
    return Error{Errc::limit,
                 who + ": " + std::to_string(*n) + " rows are too many to draw; group them first"};
  base::Result<data::Rows> rows = table.fetch(kMaxRows);
  if (!rows) return rows.error();
  json values = json::array();
  for (uint64_t row = 0; row < rows->count; ++row) {
    json record = json::object();
    for (size_t i = 0; i < table.columns().size(); ++i)
      record[table.columns()[i].name] = json_of(rows->columns[i][row]);
    values.push_back(std::move(record));
  }
  return values;
}

std::string chart_name(ChartKind kind) {
  return std::string("chart.") + kNames[static_cast<int>(kind)];
}

std::optional<ChartKind> chart_kind(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (chart_name(static_cast<ChartKind>(i)) == name) return static_cast<ChartKind>(i);
  return std::nullopt;
}

base::Result<ChartPlan> plan_chart(ChartKind kind, const data::Table& table,
                                   const ChartOptions& options) {
  const std::string who = chart_name(kind);
  const bool hist = kind == ChartKind::hist;
  const auto needs = [&](const char* field) {
    return Error{Errc::usage, who + ": needs " + field + "="};
  };
  const bool heatmap = kind == ChartKind::heatmap;
  if (!options.x) return needs("x");
  if (!hist && options.y.empty()) return needs("y");
  if (heatmap && !options.color) return needs("color");
  if (heatmap && options.y.size() > 1)
    return Error{Errc::usage, who + ": y is one column, its rows stand one above the other"};
  if (options.stack) {
    if (kind != ChartKind::bar && kind != ChartKind::area)
      return Error{Errc::usage, who + ": only bars and areas have stack="};
    if (*options.stack != "zero" && *options.stack != "normalize")
      return Error{Errc::usage, who + ": stack is \"" + options.stack->substr(0, 60) +
                                    "\"; it can be zero, normalize"};
    if (!options.color && options.y.size() < 2) return needs("color");
  }
  Drawn d{.table = table};
  std::optional<std::string> color = options.color;
  std::string y_name = options.y.empty() ? std::string() : options.y[0];
  if (!hist && options.y.size() > 1) {
    for (const std::string& field : options.y)
      if (base::Result<int> i = table.find_number(who, field); !i) return i.error();
    base::Result<data::Table> folded = table.fold(options.y);
    if (!folded) return folded.error();
    d.table = std::move(*folded);
    y_name = "value";
    color = "series";
  }
  base::Result<int> x = hist ? d.table.find_number(who, *options.x) : d.table.find(who, *options.x);
  if (!x) return x.error();
  d.x = *x;
  std::vector<int> used = {d.x};
  if (!hist) {
    // The place of a scatter chart's point or of a cell may also be a name or a date.
    base::Result<int> y = kind == ChartKind::scatter || heatmap ? d.table.find(who, y_name)
                                                                : d.table.find_number(who, y_name);
    if (!y) return y.error();
    d.y = *y;
    used.push_back(d.y);
  }
  base::Result<int> color_column = optional_column(d.table, who, hist ? std::nullopt : color);
  if (!color_column) return color_column.error();
  d.color = *color_column;
  if (heatmap) {
    if (base::Result<int> number = d.table.find_number(who, *color); !number) return number.error();
    used.push_back(d.color);
  }

  base::Result<uint64_t> all = d.table.count();
  if (!all) return all.error();
  const data::Table whole = d.table;
  d.table = d.table.known_all(used);
  base::Result<uint64_t> n = d.table.count();
  if (!n) return n.error();
  if (*n == 0) return Error{Errc::usage, who + ": no rows to draw"};
  if (*n > kMaxRows)
    return Error{Errc::limit,
                 who + ": " + std::to_string(*n) + " rows are too many to draw; group them first"};
  base::Result<data::Rows> rows = d.table.fetch(kMaxRows);
  if (!rows) return rows.error();
  d.rows = std::move(*rows);
  if (options.stack == "normalize")
    for (const Cell& cell : d.rows.columns[static_cast<size_t>(d.y)])
      if (number(cell) < 0)
        return Error{Errc::usage,
                     who + ": parts of 100 % cannot show a negative value; use stack=\"zero\""};
  if (heatmap) {
    Drawn cells = d;
    cells.color = d.y;
    if (base::Status ok = one_row_each(cells, who); !ok) return ok.error();
  }
  if (kind == ChartKind::bar || kind == ChartKind::line || kind == ChartKind::pie ||
      kind == ChartKind::area)
    if (base::Status ok = one_row_each(d, who); !ok) return ok.error();
  const std::string left_out =
      *all > *n ? ", " + data::counted(*all - *n, "row") + " without a value left out"
                : std::string();

  ChartPlan plan{.rows = *n};
  constexpr const char* kMarks[] = {"bar",     "line", "point", "arc",
                                    "boxplot", "bar",  "area",  "rect"};
  const Column& x_column = d.table.columns()[static_cast<size_t>(d.x)];
  json encoding = json::object();
  const bool names_below = kind == ChartKind::bar || kind == ChartKind::box || heatmap;
  const json x_channel = {{"field", x_column.name}, {"type", type_of(x_column, names_below)}};
  if (hist) {
    encoding["x"] = {{"field", x_column.name}, {"bin", true}, {"type", "quantitative"}};
    if (options.bins) encoding["x"]["bin"] = {{"maxbins", *options.bins}};
    encoding["y"] = {{"aggregate", "count"}};
  } else {
    const Column& y_column = d.table.columns()[static_cast<size_t>(d.y)];
    if (kind == ChartKind::pie) {
      encoding["theta"] = {{"field", y_column.name}, {"type", "quantitative"}};
      encoding["color"] = {{"field", x_column.name}, {"type", "nominal"}};
    } else {
      encoding["x"] = x_channel;
      encoding["y"] = {{"field", y_column.name}, {"type", type_of(y_column, heatmap)}};
      if (d.color >= 0) {
        const Column& color_of = d.table.columns()[static_cast<size_t>(d.color)];
        encoding["color"] = {
            {"field", color_of.name},
            {"type", type_of(color_of, kind == ChartKind::bar || kind == ChartKind::line ||
                                           kind == ChartKind::area)}};
        if (options.stack)
          encoding["y"]["stack"] = *options.stack;
        else if ((kind == ChartKind::bar || kind == ChartKind::box) && d.color != d.x)
          encoding["xOffset"] = {{"field", color_of.name}};
      }
    }
  }
  std::vector<size_t> written = {static_cast<size_t>(d.x)};
  for (const int i : {d.y, d.color})
    if (i >= 0 &&
        std::find(written.begin(), written.end(), static_cast<size_t>(i)) == written.end())
      written.push_back(static_cast<size_t>(i));
  json values = json::array();
  for (uint64_t row = 0; row < d.rows.count; ++row) {
    json record = json::object();
    for (const size_t i : written)
      record[d.table.columns()[i].name] = json_of(d.rows.columns[i][row]);
    values.push_back(std::move(record));
  }
  json spec = {{"mark", kMarks[static_cast<int>(kind)]},
               {"encoding", encoding},
               {"data", {{"values", std::move(values)}}}};
  if (options.title) spec["title"] = *options.title;
  plan.spec = spec.dump(-1, ' ', false, json::error_handler_t::replace);

  switch (kind) {
    case ChartKind::bar:
    case ChartKind::line:
    case ChartKind::area:
    case ChartKind::pie: {
      plan.first = kind == ChartKind::bar    ? "bar chart, " + data::counted(*n, "row")
                   : kind == ChartKind::line ? "line chart, " + data::counted(*n, "row")
                   : kind == ChartKind::area ? "area chart, " + data::counted(*n, "row")
                                             : "pie chart, " + data::counted(*n, "slice");
      plan.lines = extremes(d, "");
      break;
    }
    case ChartKind::heatmap: {
      plan.first = "heat map, " + data::counted(*n, "cell");
      Drawn cells = d;
      cells.y = d.color, cells.color = d.y;
      plan.lines = extremes(cells, "");
      break;
    }
    case ChartKind::scatter:
      plan.first = "scatter chart, " + data::counted(*n, "point");
      break;
    case ChartKind::hist: {
      const std::vector<Cell>& cells = d.rows.columns[static_cast<size_t>(d.x)];
      const auto [low, high] =
          std::minmax_element(cells.begin(), cells.end(),
                              [](const Cell& a, const Cell& b) { return number(a) < number(b); });
      plan.first = "histogram, " + data::counted(*n, "value") + ", " +
                   data::format_number(number(*low)) + " to " + data::format_number(number(*high));
      break;
    }
    case ChartKind::box: {
      std::vector<std::string> keys = {x_column.name};
      if (d.color >= 0 && d.color != d.x)
        keys.push_back(d.table.columns()[static_cast<size_t>(d.color)].name);
      std::string ignored;
      base::Result<data::Table> medians =
          d.table.group(keys, data::Aggregate::median, {y_name}, ignored);
      if (!medians) return medians.error();
      base::Result<data::Rows> boxes = medians->fetch(kMaxRows);
      if (!boxes) return boxes.error();
      if (boxes->count == 0) return Error{Errc::usage, who + ": no rows to draw"};
      Drawn m{.table = *medians,
              .x = 0,
              .y = static_cast<int>(keys.size()),
              .color = keys.size() > 1 ? 1 : -1};
      m.rows = std::move(*boxes);
      plan.first = "box plot, " + data::counted(m.rows.count, "box");
      plan.lines = extremes(m, "median ");
      break;
    }
  }
  plan.first += left_out;
  return plan;
}

}  // namespace tools::script
