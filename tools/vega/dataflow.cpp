// Rows through the view tree. A view loads or inherits rows, applies its transforms, and a facet
// splits them into cells. A unit then does what its encoding asks for, in Vega-Lite's order: bins,
// time units, aggregates, imputed values, stacks, and last the filter for what has no place on a
// continuous scale.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "tools/vega/config.h"
#include "tools/vega/model.h"

namespace tools::vega {
namespace {

constexpr size_t kMaxCells = 10000;

using Shared = std::shared_ptr<const Rows>;

class Dataflow {
 public:
  explicit Dataflow(Model& model) : model_(model) {}

  void run(View& view, const std::vector<Shared>& inherited) {
    if (model_.failure.failed()) return;
    std::vector<Shared> rows = inherited;
    const json& spec = *view.spec;
    if (has(spec, "data")) {
      Shared loaded = std::make_shared<Rows>(Rows{Row::object()});
      if (!spec["data"].is_null()) loaded = load(spec["data"], view);
      if (model_.failure.failed()) return;
      std::fill(rows.begin(), rows.end(), loaded);
    }
    if (has(spec, "transform") && !spec["transform"].is_null()) {
      json transforms = spec["transform"];
      if (!transforms.is_array()) return fail("transform must be a list");
      for (json& transform : transforms)
        if (has(transform, "filter"))
          transform["filter"] = resolve_params(transform["filter"], model_);
      if (!transforms.empty())
        for (Shared& one : rows) {
          base::Result<Rows> result = apply_transforms(*one, transforms, model_.transforms);
          if (!result) return fail(result.error());
          one = std::make_shared<Rows>(std::move(*result));
        }
    }
    uint64_t n_rows = 0;
    for (const Shared& one : rows) n_rows += one->size();
    if (!model_.budget.spend(Budget::kRow * n_rows)) return fail(Budget::error());
    view.cells.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      view.cells[i].source = view.cells[i].rows = rows[i];
      view.cells[i].parent = static_cast<int>(i);
    }
    if (view.kind == ViewKind::unit) return unit(view);
    if (view.kind == ViewKind::facet) return facet(view);
    for (const auto& child : view.children) run(*child, rows);
  }

 private:
  void fail(const std::string& message) { model_.failure.fail(base::Errc::usage, message); }
  void fail(const base::Error& error) { model_.failure.fail(error.code, error.message); }

  // The fields that views below read as dates, so far as they inherit the data of `view`.
  void temporal_fields(const View& view, bool top, std::set<std::string>& fields) {
    if (!top && has(*view.spec, "data")) return;
    auto add = [&](const ChannelDef& def) {
      if (def.is_field() && (def.temporal() || def.unit) && def.aggregate != "count")
        fields.insert(def.raw_field);
    };
    for (const auto& [channel, value] : view.encoding) {
      add(value.main);
      for (const Condition& condition : value.conditions) add(condition.then);
      for (const ChannelDef& one : value.list) add(one);
    }
    for (const auto& [channel, def] : view.facets) add(def);
    const json& transforms = get(*view.spec, "transform");
    if (transforms.is_array())
      for (const json& transform : transforms) {
        if (has(transform, "timeUnit")) fields.insert(text(transform, "field"));
        filter_fields(get(transform, "filter"), fields, 0);
      }
    for (const auto& child : view.children) temporal_fields(*child, false, fields);
  }

  void filter_fields(const json& filter, std::set<std::string>& fields, int depth) {
    if (!filter.is_object() || depth > 32) return;
    bool date = has(filter, "timeUnit");
    for (const char* key : {"equal", "lt", "lte", "gt", "gte"})
      date |= is_date_time(get(filter, key));
    if (get(filter, "range").is_array())
      for (const json& end : filter["range"]) date |= is_date_time(end);
    if (date) fields.insert(text(filter, "field"));
    for (const char* key : {"and", "or"})
      if (get(filter, key).is_array())
        for (const json& one : filter[key]) filter_fields(one, fields, depth + 1);
    filter_fields(get(filter, "not"), fields, depth + 1);
  }

  void number_fields(const View& view, bool top, std::set<std::string>& fields) {
    if (!top && has(*view.spec, "data")) return;
    for (const auto& [channel, value] : view.encoding)
      if (value.main.aggregate == "min" || value.main.aggregate == "max")
        fields.insert(value.main.raw_field);
    for (const auto& child : view.children) number_fields(*child, false, fields);
  }

  Shared load(const json& data, const View& view) {
    std::string key;
    Shared rows;
    if (data.is_object() &&
        (data.contains("url") || (data.contains("name") && !data.contains("values"))))
      key = data.dump(-1, ' ', false, json::error_handler_t::replace);
    if (const auto found = cache_.find(key); !key.empty() && found != cache_.end()) {
      rows = found->second;
    } else {
      base::Result<Rows> loaded = model_.load(data);
      if (!loaded) {
        fail(loaded.error());
        return std::make_shared<Rows>();
      }
      rows = std::make_shared<Rows>(std::move(*loaded));
      if (!key.empty()) cache_[key] = rows;
    }
    std::set<std::string> fields;
    temporal_fields(view, true, fields);
    std::shared_ptr<Rows> changed;
    for (const std::string& name : fields) {
      base::Result<Field> field = Field::parse(name);
      if (!field || field->parts().empty()) continue;
      const bool has_text = std::any_of(rows->begin(), rows->end(),
                                        [&](const Row& row) { return field->of(row).is_string(); });
      if (!has_text) continue;
      if (changed == nullptr) changed = std::make_shared<Rows>(*rows);
      for (Row& row : *changed) {
        const Row* value = field->find(row);
        if (value == nullptr || !value->is_string()) continue;
        const double ms = parse_date(value->get_ref<const std::string&>());
        *const_cast<Row*>(value) = std::isnan(ms) ? Row() : number_row(ms);
      }
    }
    // Least and greatest of texts are those of the numbers that they spell.
    std::set<std::string> numbers;
    number_fields(view, true, numbers);
    for (const std::string& name : numbers) {
      base::Result<Field> field = Field::parse(name);
      if (!field || field->parts().empty() || fields.contains(name)) continue;
      const Rows& now = changed != nullptr ? *changed : *rows;
      if (std::none_of(now.begin(), now.end(),
                       [&](const Row& row) { return field->of(row).is_string(); }))
        continue;
      if (changed == nullptr) changed = std::make_shared<Rows>(*rows);
      for (Row& row : *changed) {
        const Row* value = field->find(row);
        if (value == nullptr || !value->is_string()) continue;
        const double parsed =
            value->get_ref<const std::string&>().empty() ? NAN : to_number(*value);
        *const_cast<Row*>(value) = std::isnan(parsed) ? Row() : number_row(parsed);
      }
    }
    if (changed != nullptr) return changed;
    return rows;
  }

  // --- facets

  void facet(View& view) {
    View& child = *view.children[0];
    std::vector<Shared> split;
    std::vector<Cell> cells;
    view.facet_values.resize(view.cells.size());
    for (auto& [channel, def] : view.facets) prepare_ranges(view, def);
    if (model_.failure.failed()) return;
    for (size_t parent = 0; parent < view.cells.size(); ++parent) {
      const Rows& rows = *view.cells[parent].rows;
      for (const auto& [channel, def] : view.facets)
        view.facet_values[parent][channel] = facet_order(def, rows);
      auto& values = view.facet_values[parent];
      const bool grid = !view.facets.contains("facet");
      const std::vector<Row> one = {Row()};
      const std::vector<Row>& row_values =
          grid ? (view.facets.contains("row") ? values["row"] : one) : one;
      const std::vector<Row>& column_values =
          grid ? (view.facets.contains("column") ? values["column"] : one) : values["facet"];
      if (row_values.size() * column_values.size() + cells.size() > kMaxCells)
        return model_.failure.fail(base::Errc::limit, "the facet has more than 10000 cells");
      // Rows by the grouping key of their facet values.
      std::unordered_map<std::string, std::shared_ptr<Rows>> groups;
      for (const Row& row : rows) {
        std::string key;
        for (const auto& [channel, def] : view.facets) append_key(key, def.column.of(row));
        auto& group = groups[key];
        if (group == nullptr) group = std::make_shared<Rows>();
        group->push_back(row);
      }
      for (size_t r = 0; r < row_values.size(); ++r)
        for (size_t c = 0; c < column_values.size(); ++c) {
          std::string key;
          Cell cell;
          cell.parent = static_cast<int>(parent);
          cell.row = static_cast<int>(r);
          cell.column = static_cast<int>(c);
          for (const auto& [channel, def] : view.facets) {
            const Row& value = channel == "row" ? row_values[r] : column_values[c];
            append_key(key, value);
            cell.facet[def.column_name] = value;
          }
          const auto found = groups.find(key);
          split.push_back(found == groups.end() ? std::make_shared<Rows>() : found->second);
          cells.push_back(std::move(cell));
        }
    }
    run(child, split);
    for (size_t i = 0; i < cells.size() && i < child.cells.size(); ++i) {
      child.cells[i].parent = cells[i].parent;
      child.cells[i].row = cells[i].row;
      child.cells[i].column = cells[i].column;
      child.cells[i].facet = cells[i].facet;
    }
  }

  std::vector<Row> facet_order(const ChannelDef& def, const Rows& rows) {
    std::vector<Row> values;
    std::set<std::string> seen;
    std::map<std::string, size_t> where;
    for (const Row& row : rows) {
      std::string key;
      append_key(key, def.column.of(row));
      if (seen.insert(key).second) where[key] = values.size(), values.push_back(def.column.of(row));
    }
    const json& sort = get(def.def, "sort");
    if (has(def.def, "sort") && sort.is_null()) return values;
    if (sort.is_array()) {
      if (!model_.budget.spend(sort.size() * values.size())) {
        fail(Budget::error());
        return values;
      }
      std::vector<Row> listed;
      for (const json& one : sort) listed.push_back(datum_value(one, model_.failure));
      std::vector<std::pair<size_t, Row>> ranked;
      for (Row& value : values) {
        const auto at = std::find_if(listed.begin(), listed.end(),
                                     [&](const Row& one) { return loosely_equal(one, value); });
        ranked.emplace_back(static_cast<size_t>(at - listed.begin()), std::move(value));
      }
      std::stable_sort(ranked.begin(), ranked.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (size_t i = 0; i < ranked.size(); ++i) values[i] = std::move(ranked[i].second);
      return values;
    }
    if (sort.is_object() && (has(sort, "field") || has(sort, "op"))) {
      const std::string op = text(sort, "op", "min");
      base::Result<Rows> sums =
          aggregate(rows, {def.column_name}, {{op, text(sort, "field"), "__order"}});
      if (!sums) {
        fail(sums.error());
        return values;
      }
      const bool descending = text(sort, "order") == "descending";
      const Field order = Field::key("__order");
      std::stable_sort(sums->begin(), sums->end(), [&](const Row& a, const Row& b) {
        const int c = compare(order.of(a), order.of(b));
        return descending ? c > 0 : c < 0;
      });
      values.clear();
      for (const Row& row : *sums) values.push_back(Field::key(def.column_name).of(row));
      return values;
    }
    const bool descending = sort == "descending";
    std::stable_sort(values.begin(), values.end(), [&](const Row& a, const Row& b) {
      const int c = compare(a, b);
      return descending ? c > 0 : c < 0;
    });
    return values;
  }

  // --- units

  // Adds the columns of a bin or time unit to the rows of every cell.
  void prepare_ranges(View& view, const ChannelDef& def) {
    if (!def.is_field()) return;
    if (def.bin) {
      base::Result<Field> source = Field::parse(def.raw_field);
      if (!source) return fail(source.error());
      if (view.bins.contains(def.column_name)) return;
      base::Result<BinOptions> options = parse_bin(get(def.def, "bin"));
      if (!options) return fail(options.error());
      std::optional<std::array<double, 2>> whole;
      for (const Cell& cell : view.cells)
        if (const auto one = extent(*cell.rows, *source)) {
          if (!whole) whole = one;
          whole = {std::min((*whole)[0], (*one)[0]), std::max((*whole)[1], (*one)[1])};
        }
      const bool wide = def.channel == "x" || def.channel == "y";
      const Bins bins =
          choose_bins(whole ? (*whole)[0] : 0, whole ? (*whole)[1] : 0, *options, wide ? 10 : 6);
      view.bins[def.column_name] = bins;
      for (Cell& cell : view.cells) {
        base::Status done = bin_rows(owned(cell), *source, bins, def.column_name, def.end_name);
        if (!done) return fail(done.error());
        if (!def.discrete_type()) continue;
        const Field start = Field::key(def.column_name), end = Field::key(def.end_name);
        for (Row& row : owned(cell)) {
          const bool none = start.of(row).is_null();
          row[def.column_name + "_range"] =
              none ? std::string("null")
                   : number_text(start.number(row)) + " – " + number_text(end.number(row));
        }
      }
    } else if (def.unit) {
      base::Result<Field> source = Field::parse(def.raw_field);
      if (!source) return fail(source.error());
      TimeUnit unit = *def.unit;
      for (Cell& cell : view.cells) {
        if (!cell.rows->empty() && has(cell.rows->front(), def.end_name) &&
            (unit.binned || has(cell.rows->front(), def.column_name)) &&
            prepared_[&view].contains(def.column_name))
          continue;
        if (unit.max_bins > 0)
          if (const auto range = extent(*cell.rows, *source))
            unit = time_unit_bins((*range)[0], (*range)[1], unit);
        for (Row& row : owned(cell)) {
          const Row& value = source->of(row);
          double ms = value.is_string() ? parse_date(value.get_ref<const std::string&>())
                      : value.is_null() ? NAN
                                        : to_number(value);
          if (std::isnan(ms)) {
            row[def.column_name] = Row();
            row[def.end_name] = Row();
            continue;
          }
          const double start = unit.binned ? ms : time_unit_floor(ms, unit);
          row[def.column_name] = number_row(start);
          row[def.end_name] = number_row(time_unit_next(start, unit));
        }
      }
      prepared_[&view].insert(def.column_name);
    } else if (def.temporal() && def.aggregate.empty()) {
      for (Cell& cell : view.cells) {
        const bool has_text =
            std::any_of(cell.rows->begin(), cell.rows->end(),
                        [&](const Row& row) { return def.column.of(row).is_string(); });
        if (!has_text) continue;
        for (Row& row : owned(cell)) {
          const Row* value = def.column.find(row);
          if (value == nullptr || !value->is_string()) continue;
          const double ms = parse_date(value->get_ref<const std::string&>());
          *const_cast<Row*>(value) = std::isnan(ms) ? Row() : number_row(ms);
        }
      }
    }
  }

  // The rows of a cell for changing: a copy the first time, as others may share them.
  Rows& owned(Cell& cell) {
    if (!owned_.contains(cell.rows.get())) {
      if (!model_.budget.spend(Budget::kRow * cell.rows->size())) fail(Budget::error());
      auto copy = std::make_shared<Rows>();
      if (!model_.failure.failed()) *copy = *cell.rows;
      owned_.insert(copy.get());
      keep_.push_back(copy);
      cell.rows = copy;
    }
    return *const_cast<Rows*>(cell.rows.get());
  }

  static void each_def(const View& view, const std::function<void(const ChannelDef&)>& visit) {
    for (const auto& [channel, value] : view.encoding) {
      if (value.main.is_field()) visit(value.main);
      for (const Condition& condition : value.conditions)
        if (condition.then.is_field()) visit(condition.then);
      for (const ChannelDef& one : value.list)
        if (one.is_field()) visit(one);
    }
  }

  void unit(View& view) {
    each_def(view, [&](const ChannelDef& def) { prepare_ranges(view, def); });
    if (model_.failure.failed()) return;
    for (Cell& cell : view.cells) {
      cell.source =
          cell.rows;  // sorts by another field look at the rows before they are aggregated
      if (view.aggregated) aggregate_cell(view, cell);
      impute_cell(view, cell);
      if (!view.stack.channel.empty()) stack_cell(view, cell);
      if (!view.is_path()) filter_cell(view, cell);
      if (model_.failure.failed()) return;
    }
  }

  void aggregate_cell(const View& view, Cell& cell) {
    std::vector<std::string> groupby;
    std::vector<AggregateColumn> columns;
    std::vector<std::pair<std::string, std::pair<std::string, std::string>>>
        picked;  // argmin: column, row column, field
    std::set<std::string> seen;
    std::map<std::string, std::string> paths;
    auto group = [&](const std::string& path, const std::string& name) {
      if (seen.insert("g" + name).second) groupby.push_back(path);
    };
    each_def(view, [&](const ChannelDef& def) {
      if (!def.argument.empty()) {
        const std::string row_column = def.aggregate + "_" + def.argument;
        if (seen.insert("a" + row_column).second)
          columns.push_back({def.aggregate, def.argument, row_column});
        picked.push_back({def.column_name, {row_column, def.raw_field}});
      } else if (!def.aggregate.empty()) {
        if (seen.insert("a" + def.column_name).second)
          columns.push_back({def.aggregate, def.raw_field, def.column_name});
      } else if (def.bin || def.unit) {
        group(escape(def.column_name), def.column_name);
        group(escape(def.end_name), def.end_name);
        if (def.bin && def.discrete_type())
          group(escape(def.column_name + "_range"), def.column_name + "_range");
      } else {
        group(def.raw_field, def.column_name);
      }
      // A sort by an aggregated field is over the rows themselves; nothing to do for it here.
    });
    base::Result<Rows> result = aggregate(*cell.rows, groupby, columns);
    if (!result) return fail(result.error());
    for (const auto& [column, from] : picked) {
      base::Result<Field> field = Field::parse(from.second);
      if (!field) return fail(field.error());
      for (Row& row : *result) row[column] = field->of(Field::key(from.first).of(row));
    }
    cell.rows = std::make_shared<Rows>(std::move(*result));
    owned_.insert(cell.rows.get());
    keep_.push_back(cell.rows);
  }

  // A column name as a field path: dots and brackets in it are part of the name.
  static std::string escape(const std::string& name) {
    std::string result;
    for (const char c : name) {
      if (c == '.' || c == '[' || c == ']' || c == '\\' || c == '\'' || c == '"') result += '\\';
      result += c;
    }
    return result;
  }

  static std::vector<std::string> detail_fields(const View& view) {
    std::vector<std::string> fields;
    static const std::set<std::string> grouping = {
        "color",       "fill",       "stroke", "opacity", "fillOpacity", "strokeOpacity",
        "strokeWidth", "strokeDash", "size",   "shape",   "detail",      "key"};
    for (const auto& [channel, value] : view.encoding) {
      if (!grouping.contains(channel)) continue;
      std::vector<const ChannelDef*> defs;
      if (value.scaled() != nullptr) defs.push_back(value.scaled());
      for (const ChannelDef& one : value.list) defs.push_back(&one);
      for (const ChannelDef* def : defs)
        if (def->is_field() && def->aggregate.empty() &&
            std::find(fields.begin(), fields.end(), def->column_name) == fields.end())
          fields.push_back(def->column_name);
    }
    return fields;
  }

  void impute_cell(const View& view, Cell& cell) {
    const ChannelDef *x = view.def("x"), *y = view.def("y");
    if (x != nullptr && y != nullptr && (has(x->def, "impute") || has(y->def, "impute"))) {
      const bool on_x = has(x->def, "impute");
      const json& impute = (on_x ? x : y)->def["impute"];
      if (impute.is_object()) {
        base::Result<ImputeOptions> parsed = parse_impute(impute);
        if (!parsed) return fail(parsed.error());
        ImputeOptions& options = *parsed;
        options.field = (on_x ? x : y)->column_name;
        options.key = (on_x ? y : x)->column_name;
        options.groupby = detail_fields(view);
        base::Result<Rows> result = impute_rows(*cell.rows, options);
        if (!result) return fail(result.error());
        adopt(cell, std::move(*result));
      }
    }
    // Stacked lines and areas need a point of every series at every position.
    if (view.stack.channel.empty() || !view.is_path() || view.stack.by.empty() ||
        view.stack.options.groupby.empty())
      return;
    ImputeOptions options;
    options.field = view.stack.options.field;
    options.key = view.stack.options.groupby[0];
    options.groupby = view.stack.by;
    options.value = 0;
    base::Result<Rows> result = impute_rows(*cell.rows, options);
    if (!result) return fail(result.error());
    // The end of a bin or unit goes with its start.
    const ChannelDef* dimension = view.def(view.stack.dimension);
    if (dimension != nullptr && !dimension->end_name.empty()) {
      std::map<std::string, Row> ends;
      for (const Row& row : *result)
        if (has(row, dimension->end_name) && !row[dimension->end_name].is_null())
          ends[to_text(dimension->column.of(row))] = row[dimension->end_name];
      for (Row& row : *result)
        if (!has(row, dimension->end_name))
          row[dimension->end_name] = ends[to_text(dimension->column.of(row))];
    }
    adopt(cell, std::move(*result));
  }

  void adopt(Cell& cell, Rows rows) {
    cell.rows = std::make_shared<Rows>(std::move(rows));
    owned_.insert(cell.rows.get());
    keep_.push_back(cell.rows);
  }

  void stack_cell(const View& view, Cell& cell) {
    StackOptions options = view.stack.options;
    for (const auto& [name, list] : view.stack.ranks) {
      const Field field = Field::key(name);
      for (Row& row : owned(cell)) {
        int rank = -1;
        for (size_t i = 0; i < list.size() && rank < 0; ++i)
          if (loosely_equal(list[i], field.of(row))) rank = static_cast<int>(i);
        row[name + "_sort_index"] = rank;
      }
    }
    base::Status done = stack_rows(owned(cell), options);
    if (!done) fail(done.error());
  }

  void filter_cell(const View& view, Cell& cell) {
    const json invalid = mark_property(view.mark_def, view.mark, model_.config, "invalid");
    if (has(view.mark_def, "invalid") && view.mark_def["invalid"].is_null()) return;
    if (invalid == "show" || invalid == "include") return;
    std::vector<const ChannelDef*> checked;
    for (const auto& [channel, value] : view.encoding) {
      static const std::set<std::string> scaled = {
          "x",       "y",           "theta",         "radius",      "color", "fill", "stroke",
          "opacity", "fillOpacity", "strokeOpacity", "strokeWidth", "size",  "angle"};
      if (!scaled.contains(channel) || !value.main.is_field()) continue;
      const ChannelDef& def = value.main;
      const std::string type = text(get(def.def, "scale"), "type");
      if (def.discrete_type() || def.is_count() || type == "ordinal" || type == "band" ||
          type == "point")
        continue;
      if (has(get(get(model_.config, "scale"), "invalid"), channel)) continue;
      if (def.bin && channel != "x" && channel != "y" && channel != "size") continue;
      checked.push_back(&def);
    }
    if (checked.empty()) return;
    auto bad = [&](const Row& row) {
      return std::any_of(checked.begin(), checked.end(), [&](const ChannelDef* def) {
        const Row* value = def->column.find(row);
        return value == nullptr || value->is_null() || !std::isfinite(to_number(*value));
      });
    };
    if (std::none_of(cell.rows->begin(), cell.rows->end(), bad)) return;
    auto kept = std::make_shared<Rows>();
    for (const Row& row : *cell.rows)
      if (!bad(row)) kept->push_back(row);
    cell.rows = kept;
  }

  Model& model_;
  std::unordered_map<std::string, Shared> cache_;
  std::set<const Rows*> owned_;
  std::vector<Shared> keep_;  // so that an address in owned_ is not used again
  std::map<const View*, std::set<std::string>> prepared_;
};

}  // namespace

void run_data(View& view, Model& model) {
  // A chart without data draws one of each mark.
  auto start = std::make_shared<Rows>(Rows{Row::object()});
  Dataflow(model).run(view, {start});
}

}  // namespace tools::vega
