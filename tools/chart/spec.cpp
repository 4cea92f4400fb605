// Reading happens in four steps: the mark and the channels (what the spec says), the rows of all
// channels at once (a row counts only if every channel has a value), the counts and means the spec
// asks for, and last the order of names.
//
// Nothing here recurses into the spec: only the named members are looked at, so depth does not
// matter.

#include "tools/chart/spec.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include "base/json.h"

#include "tools/chart/columns.h"
#include "tools/chart/dates.h"
#include "tools/chart/words.h"

namespace tools::chart {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

// What the spec says about one channel.
struct Channel {
  const char* name = "";
  std::string field{};
  std::string title{};
  std::string type{};       // empty: look at the values
  std::string aggregate{};  // empty: none
  bool bin = false;
  int max_bins = 0;
};

Error bad(std::string message) { return {Errc::usage, "chart: " + std::move(message)}; }

std::string in_quotes(std::string_view text) { return "\"" + clean_text(text, 60) + "\""; }

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string text_of(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return value.get_ref<const std::string&>();
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::number_integer:
      return std::to_string(value.get<int64_t>());
    case json::value_t::number_unsigned:
      return std::to_string(value.get<uint64_t>());
    case json::value_t::number_float:
      return plain_number(value.get<double>());
    default:
      return {};
  }
}

std::optional<double> number_of(const json& value) {
  if (value.is_number()) {
    const double number = value.get<double>();
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
  }
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > 64 || text.find_first_not_of("0123456789+-.eE") != text.npos)
    return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return *end == '\0' && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<double> seconds_of(const json& value) {
  if (value.is_string()) return parse_date(value.get_ref<const std::string&>());
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (number >= 1000 && number <= 3000) return parse_date(std::to_string(static_cast<int>(number)));
  // Milliseconds since 1970, within the years 0 to 9999.
  return number > -62e12 && number < 253e12 ? std::optional(number / 1000) : std::nullopt;
}

bool is_missing(const json* value) {
  return !value || value->is_null() || value->is_structured() ||
         (value->is_number_float() && !std::isfinite(value->get<double>()));
}

constexpr const char* kAggregates[] = {"count", "sum", "mean", "average", "median", "min", "max"};

base::Result<std::optional<Channel>> read_channel(const json& encoding, const char* name) {
  const json* value = member(encoding, name);
  if (!value) return std::optional<Channel>();
  Channel channel{.name = name};
  if (value->is_string()) {  // shorthand: "x": "species"
    channel.field = value->get<std::string>();
    return std::optional(std::move(channel));
  }
  if (!value->is_object()) return bad(std::string(name) + " is not an object with a field");
  if (const json* aggregate = member(*value, "aggregate")) {
    const bool known =
        aggregate->is_string() && std::any_of(std::begin(kAggregates), std::end(kAggregates),
                                              [&](const char* a) { return *aggregate == a; });
    if (!known)
      return bad("aggregate of " + std::string(name) +
                 " is not known; known: count, sum, mean, median, min, max");
    channel.aggregate = aggregate->get<std::string>();
  }
  if (const json* field = member(*value, "field")) {
    if (!field->is_string()) return bad("field of " + std::string(name) + " is not text");
    channel.field = field->get<std::string>();
  } else if (channel.aggregate != "count") {
    return bad(std::string(name) + " names no field");
  }
  if (const json* title = member(*value, "title"); title && title->is_string())
    channel.title = clean_text(title->get_ref<const std::string&>());
  if (const json* type = member(*value, "type")) {
    if (!type->is_string() || (*type != "quantitative" && *type != "nominal" &&
                               *type != "temporal" && *type != "ordinal"))
      return bad("type " + in_quotes(text_of(*type)) + " of " + name +
                 " is not known; known: quantitative, nominal, ordinal, temporal");
    channel.type = type->get<std::string>();
  }
  if (const json* bin = member(*value, "bin")) {
    if (bin->is_boolean()) {
      channel.bin = bin->get<bool>();
    } else if (bin->is_object()) {
      channel.bin = true;
      if (const json* most = member(*bin, "maxbins"); most && most->is_number())
        channel.max_bins = static_cast<int>(std::clamp(most->get<double>(), 1.0, 200.0));
    } else {
      return bad("bin of " + std::string(name) + " is neither true nor an object");
    }
  }
  return std::optional(std::move(channel));
}

// Fills a column from the rows' field; a value that is missing or does not convert becomes NaN.
base::Result<Column> read_column(const json& rows, const Channel& channel) {
  Column column;
  column.field = channel.field;
  column.title = channel.title.empty() ? human_title(column.field) : channel.title;
  if (channel.aggregate == "count") {  // every row counts as one
    column.field.clear();
    if (channel.title.empty()) column.title = "count";
    column.kind = Kind::number;
    column.values.assign(rows.size(), 1);
    return column;
  }
  std::vector<const json*> cells;
  cells.reserve(rows.size());
  bool found = false;
  for (const json& row : rows) {
    const json* cell = nullptr;
    if (row.is_object())
      if (const auto it = row.find(channel.field); it != row.end()) {
        cell = &*it;
        found = true;
      }
    cells.push_back(is_missing(cell) ? nullptr : cell);
  }
  if (!found) return bad("no field " + in_quotes(channel.field) + " in the rows");

  size_t known = 0;
  const auto count_if = [&](auto&& holds) {
    size_t count = 0;
    known = 0;
    for (const json* cell : cells)
      if (cell) {
        ++known;
        count += holds(*cell);
      }
    return count;
  };
  std::string type = channel.type;
  if (type.empty()) {
    if (const size_t n = count_if([](const json& cell) { return cell.is_number(); });
        known > 0 && n == known)
      type = "quantitative";
    else if (const size_t dates = count_if([](const json& cell) {
               return cell.is_string() && cell.get_ref<const std::string&>().size() > 4 &&
                      seconds_of(cell);
             });
             known > 0 && dates == known)
      type = "temporal";
    else
      type = "nominal";
  }
  if (type == "temporal" &&
      count_if([](const json& cell) { return seconds_of(cell).has_value(); }) * 2 < known)
    type = "ordinal";  // "2014 Q1": names in order
  if (type == "quantitative" &&
      count_if([](const json& cell) { return number_of(cell).has_value(); }) == 0 && known > 0)
    return bad(in_quotes(column.field) + " holds no numbers, and " + channel.name + " needs them");

  column.values.reserve(cells.size());
  if (type == "quantitative" || type == "temporal") {
    column.kind = type == "temporal" ? Kind::time : Kind::number;
    for (const json* cell : cells) {
      std::optional<double> number;
      if (cell) number = type == "temporal" ? seconds_of(*cell) : number_of(*cell);
      if (number && std::abs(*number) > kMaxMagnitude)
        return bad("a value of " + in_quotes(column.field) +
                   " is too large to draw: " + text_of(*cell));
      column.values.push_back(number.value_or(NAN));
    }
    return column;
  }
  column.ordinal = type == "ordinal";
  std::unordered_map<std::string, int> index;
  for (const json* cell : cells) {
    if (!cell) {
      column.values.push_back(NAN);
      continue;
    }
    // Distinct texts stay distinct even if what is shown of them agrees.
    const auto [it, fresh] = index.emplace(text_of(*cell), static_cast<int>(index.size()));
    if (fresh) {
      std::string shown = clean_text(it->first);
      column.categories.push_back(shown.empty() ? "(empty)" : std::move(shown));
    }
    column.values.push_back(it->second);
  }
  return column;
}

constexpr std::pair<const char*, Mark> kMarks[] = {
    {"bar", Mark::bar}, {"line", Mark::line},       {"point", Mark::point}, {"circle", Mark::point},
    {"arc", Mark::arc}, {"boxplot", Mark::boxplot}, {"rect", Mark::rect}};

base::Result<Mark> read_mark(const json& spec) {
  const json* mark = member(spec, "mark");
  if (mark && mark->is_object()) mark = member(*mark, "type");
  if (!mark) return bad("the spec has no mark");
  if (mark->is_string())
    for (const auto& [name, value] : kMarks)
      if (*mark == name) return value;
  return bad("mark " + in_quotes(text_of(*mark)) +
             " is not known; known: bar, line, point, arc, boxplot, rect");
}

struct Channels {
  std::optional<Channel> x, y, color, theta;
  bool grouped = false;
};

base::Result<Channels> read_channels(const json& encoding, Mark mark) {
  Channels channels;
  const auto read = [&](const char* name, std::optional<Channel>& into) -> std::optional<Error> {
    base::Result<std::optional<Channel>> channel = read_channel(encoding, name);
    if (!channel) return channel.error();
    into = std::move(*channel);
    return std::nullopt;
  };
  const auto lacks = [](const char* chart, const char* name) {
    return bad(std::string(chart) + " needs " + name);
  };
  if (std::optional<Error> error = read("color", channels.color)) return *error;
  if (mark == Mark::arc) {
    if (std::optional<Error> error = read("theta", channels.theta)) return *error;
    if (!channels.theta) return lacks("a pie", "theta");
    if (!channels.color) return lacks("a pie", "color");
    channels.theta->type = "quantitative";
    return channels;
  }
  if (std::optional<Error> error = read("x", channels.x)) return *error;
  if (std::optional<Error> error = read("y", channels.y)) return *error;
  if (mark == Mark::bar) {
    std::optional<Channel> offset;
    if (std::optional<Error> error = read("xOffset", offset)) return *error;
    channels.grouped = offset.has_value();
    if (!channels.color) channels.color = std::move(offset);
  }
  if (mark == Mark::rect && !channels.color) return lacks("a heat map", "color");
  if (mark == Mark::boxplot) {
    if (!channels.x && !channels.y) return lacks("a box plot", "y");
  } else {
    if (!channels.x) return lacks("this chart", "x");
    if (!channels.y) return lacks("this chart", "y");
  }
  for (std::optional<Channel>* channel : {&channels.x, &channels.y, &channels.color})
    if (*channel && ((*channel)->bin || !(*channel)->aggregate.empty()))
      (*channel)->type = "quantitative";
  return channels;
}

std::string kind_name(const Column& column) {
  return in_quotes(column.field) + " is " + (column.kind == Kind::time ? "a date" : "text");
}

Error too_many(size_t count, size_t most, const char* what) {
  return {Errc::limit, "chart: " + std::to_string(count) + " " + what +
                           " are too many to draw; at most " + std::to_string(most)};
}

// Reads all columns and drops the rows that lack a value in one of them.
base::Result<Table> read_rows(const json& rows, const Channels& channels, Mark mark) {
  Table table;
  table.mark = mark;
  std::vector<bool> keep(rows.size(), true);
  const std::pair<const std::optional<Channel>*, std::optional<Column>*> both[] = {
      {&channels.x, &table.x},
      {&channels.y, &table.y},
      {&channels.color, &table.color},
      {&channels.theta, &table.theta}};
  for (const auto& [channel, into] : both) {
    if (!*channel) continue;
    base::Result<Column> column = read_column(rows, **channel);
    if (!column) return column.error();
    // A row without a colour is still a row, but a slice or a cell without one is nothing.
    const bool optional = into == &table.color && column->kind == Kind::category &&
                          mark != Mark::arc && mark != Mark::rect;
    int unnamed = -1;
    for (size_t row = 0; row < keep.size(); ++row) {
      if (!std::isnan(column->values[row])) continue;
      if (optional) {
        if (unnamed < 0) {
          unnamed = static_cast<int>(column->categories.size());
          column->categories.push_back("(missing)");
        }
        column->values[row] = unnamed;
      } else {
        keep[row] = false;
      }
    }
    *into = std::move(*column);
  }
  const size_t kept = static_cast<size_t>(std::count(keep.begin(), keep.end(), true));
  if (kept == 0) return bad("no row has a value in every field");
  for (const auto& [channel, into] : both)
    if (*into) keep_rows(**into, keep);
  table.rows = static_cast<int>(kept);
  table.row_counts.assign(kept, 1);
  if (kept < rows.size())
    table.warnings.push_back(std::to_string(rows.size() - kept) +
                             (rows.size() - kept == 1 ? " row" : " rows") +
                             " without a value left out");
  return table;
}

// Bars and boxes: x gets the names and y the numbers, whichever way round the spec has them.
std::optional<Error> arrange_names(Table& table, Channels& channels) {
  const auto is_number = [](const std::optional<Column>& column) {
    return column && column->kind == Kind::number;
  };
  const bool counted_across = channels.x && !channels.x->aggregate.empty() &&
                              !(channels.y && !channels.y->aggregate.empty());
  if (!table.y || (is_number(table.x) && (!is_number(table.y) || counted_across))) {
    std::swap(table.x, table.y);
    std::swap(channels.x, channels.y);
    table.lying = true;
  }
  if (!is_number(table.y))
    return bad("a " + std::string(table.mark == Mark::bar ? "bar" : "box") +
               " chart needs numbers, and " + kind_name(*table.y));
  return std::nullopt;
}

// After counting: which names become bands, and in which order.
void order_names(Table& table) {
  Column& x = *table.x;
  const bool by_value = table.mark == Mark::bar && !table.color &&
                        is_sorted_on_purpose(table.y->values) &&
                        (x.kind == Kind::category || !is_sorted_on_purpose(x.values));
  if (x.kind != Kind::category) {
    const size_t places = distinct(x.values);
    const double gap = smallest_gap(x.values);
    const auto [lo, hi] = std::minmax_element(x.values.begin(), x.values.end());
    // Dates keep their distances unless that would make the bars too thin to see.
    const bool thin = places <= 60 && gap > 0 && ((*hi - *lo) / gap > 150 || *hi - *lo < 1);
    const bool few = x.kind == Kind::number ? places <= 40 : thin;
    if (few || by_value || table.mark == Mark::boxplot || places == 1) to_categories(x, !by_value);
  }
  if (!by_value) order_naturally(x);
}

// Colour as series: numbers and dates become names, except where a ramp says more.
void order_series(Table& table) {
  Column& color = *table.color;
  if (color.kind != Kind::category) {
    const bool whole = std::all_of(color.values.begin(), color.values.end(),
                                   [](double value) { return value == std::floor(value); });
    const bool ramp = table.mark == Mark::point && color.kind == Kind::number &&
                      !(whole && distinct(color.values) <= 8);
    if (ramp) return;
    to_categories(color, true);
  }
  order_naturally(color);
}

std::optional<Error> check_limits(const Table& table) {
  const size_t n_series =
      table.color && table.color->kind == Kind::category ? table.color->categories.size() : 0;
  if (table.mark == Mark::arc)
    return n_series > kMaxSlices ? std::optional(too_many(n_series, kMaxSlices, "slices"))
                                 : std::nullopt;
  if (table.mark == Mark::bar && !table.histogram)
    if (const size_t places = distinct(table.x->values); places > kMaxBars)
      return too_many(places, kMaxBars, "bars");
  if (table.mark == Mark::boxplot && table.x)
    if (const size_t places = distinct(table.x->values); places > kMaxSeries)
      return too_many(places, kMaxSeries, "boxes");
  for (const std::optional<Column>* axis : {&table.x, &table.y})
    if (*axis && (*axis)->kind == Kind::category && (*axis)->categories.size() > kMaxBars)
      return too_many((*axis)->categories.size(), kMaxBars, "names on an axis");
  if (n_series > kMaxSeries) return too_many(n_series, kMaxSeries, "series");
  return std::nullopt;
}

std::optional<Error> arrange(Table& table, Channels& channels) {
  table.grouped = channels.grouped;
  if (table.mark == Mark::bar && channels.x->bin) {
    if (channels.y->aggregate != "count")
      return bad("a histogram counts rows; its y is {\"aggregate\": \"count\"}");
    table.histogram = true;
    table.max_bins = channels.x->max_bins;
    if (table.color) order_series(table);
    return std::nullopt;
  }
  const bool named = table.mark == Mark::bar || table.mark == Mark::boxplot;
  if (named)
    if (std::optional<Error> error = arrange_names(table, channels)) return error;
  if (table.mark == Mark::line && table.y->kind != Kind::number)
    return bad("a line chart needs numbers on y, and " + kind_name(*table.y));
  if (table.mark == Mark::rect && table.color->kind != Kind::number)
    return bad("a heat map needs numbers as color, and " + kind_name(*table.color));

  // The channel that holds what is measured, and what the spec wants done with it.
  const bool by_color = table.mark == Mark::rect;
  const std::optional<Channel>& measuring = table.mark == Mark::arc ? channels.theta
                                            : by_color              ? channels.color
                                                                    : channels.y;
  if (!measuring->aggregate.empty() && table.mark != Mark::boxplot) {
    std::vector<Column*> keys;
    for (std::optional<Column>* key : {&table.x, &table.y, &table.color})
      if (*key && !(key == &table.color && by_color) && !(key == &table.y && !by_color))
        keys.push_back(&**key);
    Column& measure = table.mark == Mark::arc ? *table.theta : by_color ? *table.color : *table.y;
    if (measure.kind == Kind::number)
      aggregate(keys, measure, measuring->aggregate, table.row_counts);
  }

  if (table.mark == Mark::rect) {
    for (std::optional<Column>* axis : {&table.x, &table.y}) {
      if ((*axis)->kind != Kind::category) to_categories(**axis, true);
      order_naturally(**axis);
    }
  } else if (table.mark == Mark::arc) {
    if (table.color->kind != Kind::category) to_categories(*table.color, true);
  } else {
    if (table.color) order_series(table);
    if (named && table.x) order_names(table);
    if (table.mark == Mark::line && table.x->kind == Kind::category) order_naturally(*table.x);
  }
  return std::nullopt;
}

}  // namespace

base::Result<Table> read_spec(const json& spec) {
  if (!spec.is_object()) return bad("the spec is not an object");
  base::Result<Mark> mark = read_mark(spec);
  if (!mark) return mark.error();
  const json* encoding = member(spec, "encoding");
  if (!encoding || !encoding->is_object()) return bad("the spec has no encoding");
  const json* data = member(spec, "data");
  const json* rows = data ? member(*data, "values") : nullptr;
  if (!rows || !rows->is_array()) return bad("the spec has no data.values");
  if (rows->empty()) return bad("there are no rows to draw");
  if (rows->size() > kMaxRows) return too_many(rows->size(), kMaxRows, "rows");
  base::Result<Channels> channels = read_channels(*encoding, *mark);
  if (!channels) return channels.error();
  base::Result<Table> table = read_rows(*rows, *channels, *mark);
  if (!table) return table.error();
  if (std::optional<Error> error = arrange(*table, *channels)) return *error;
  if (std::optional<Error> error = check_limits(*table)) return *error;
  if (const json* title = member(spec, "title")) {
    if (title->is_object()) title = member(*title, "text");
    if (title && title->is_string())
      table->title = clean_text(title->get_ref<const std::string&>(), 240);
  }
  return table;
}

}  // namespace tools::chart
