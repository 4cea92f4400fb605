// The list of transforms: each is found by the property that names it.
#include "tools/vega/transform.h"

#include <algorithm>
#include <cmath>

#include "tools/vega/groups.h"
#include "tools/vega/time_unit.h"
#include "tools/vega/transform_spec.h"
#include "tools/vega/window.h"

namespace tools::vega {

using base::Errc;
using base::Error;

base::Result<std::string> TransformSpec::text(const char* key) const {
  const Row& value = (*this)[key];
  if (!value.is_string()) return error(std::string(key) + " must be text");
  return value.get<std::string>();
}

base::Result<std::vector<std::string>> TransformSpec::texts(const char* key) const {
  const Row& value = (*this)[key];
  std::vector<std::string> out;
  if (value.is_null()) return out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
    return out;
  }
  if (!value.is_array() || value.size() > 1000) {
    return error(std::string(key) + " must be a list of names");
  }
  for (const Row& item : value) {
    if (!item.is_string()) return error(std::string(key) + " must be a list of names");
    out.push_back(item.get<std::string>());
  }
  return out;
}

base::Result<std::array<std::string, 2>> TransformSpec::names(const std::string& first,
                                                              const std::string& second) const {
  const Row& as = (*this)["as"];
  std::array<std::string, 2> out = {first, second};
  if (as.is_string()) out[0] = as.get<std::string>();
  for (size_t i = 0; as.is_array() && i < std::min<size_t>(2, as.size()); ++i) {
    if (as[i].is_string()) out[i] = as[i].get<std::string>();
  }
  return out;
}

base::Result<double> TransformSpec::number(const char* key, double fallback) const {
  const Row& value = (*this)[key];
  if (value.is_null()) return fallback;
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return error(std::string(key) + " must be a number");
  }
  return value.get<double>();
}

bool TransformSpec::flag(const char* key, bool fallback) const {
  const Row& value = (*this)[key];
  return value.is_boolean() ? value.get<bool>() : fallback;
}

base::Result<std::optional<std::array<double, 2>>> TransformSpec::range(const char* key) const {
  const Row& value = (*this)[key];
  if (value.is_null()) return std::optional<std::array<double, 2>>();
  if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number()) {
    return error(std::string(key) + " must be two numbers");
  }
  return std::optional(std::array{value[0].get<double>(), value[1].get<double>()});
}

namespace {

base::Result<Rows> filter_step(Rows rows, const TransformSpec& spec,
                               const TransformContext& context) {
  base::Result<Predicate> predicate = parse_predicate(spec["filter"], context);
  if (!predicate) return predicate.error();
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    base::Result<bool> yes = (*predicate)(rows[i]);
    if (!yes) return yes.error();
    if (!*yes) continue;
    if (kept != i) rows[kept] = std::move(rows[i]);
    ++kept;
  }
  rows.resize(kept);
  return rows;
}

base::Result<Rows> calculate_step(Rows rows, const TransformSpec& spec,
                                  const TransformContext& context) {
  base::Result<std::string> text = spec.text("calculate"), as = spec.text("as");
  if (!text) return text.error();
  if (!as) return as.error();
  base::Result<Expression> expression = Expression::parse(*text);
  if (!expression) return expression.error();
  for (Row& row : rows) {
    base::Result<Row> value = expression->evaluate({.datum = &row,
                                                    .names = context.names,
                                                    .random = context.random,
                                                    .budget = context.budget});
    if (!value) return value.error();
    if (row.is_object()) row[*as] = std::move(*value);
  }
  return rows;
}

// [{op, field, as}] as columns; the names that are left out are Vega-Lite's.
base::Result<std::vector<AggregateColumn>> columns_of(const TransformSpec& spec, const char* key) {
  const Row& list = spec[key];
  if (!list.is_array()) return spec.error(std::string(key) + " must be a list");
  if (list.size() > 1000) return Error{Errc::limit, "transform has more than 1000 operations"};
  std::vector<AggregateColumn> columns;
  for (const Row& item : list) {
    auto text = [&](const char* name) {
      auto it = item.is_object() ? item.find(name) : item.end();
      return it != item.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    AggregateColumn column{text("op"), text("field"), text("as")};
    if (column.op.empty()) return spec.error("every operation needs an op");
    if (column.as.empty()) {
      column.as = column.op == "count" && column.field.empty() ? "__count"
                  : column.field.empty()                       ? column.op
                                                               : column.op + "_" + column.field;
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

base::Result<Rows> aggregate_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  base::Result<std::vector<AggregateColumn>> columns = columns_of(spec, "aggregate");
  if (!columns) return columns.error();
  return aggregate(rows, *groupby, *columns);
}

base::Result<Rows> join_aggregate_step(Rows rows, const TransformSpec& spec,
                                       const TransformContext&) {
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  base::Result<std::vector<AggregateColumn>> columns = columns_of(spec, "joinaggregate");
  if (!columns) return columns.error();
  return join_aggregate(std::move(rows), *groupby, *columns);
}

base::Result<Rows> window_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::vector<AggregateColumn>> columns = columns_of(spec, "window");
  if (!columns) return columns.error();
  WindowOptions options;
  for (size_t i = 0; i < columns->size(); ++i) {
    const AggregateColumn& column = (*columns)[i];
    WindowColumn& out = options.columns.emplace_back();
    out = {column.op, column.field, column.as, std::nullopt};
    const Row& item = spec["window"][i];
    if (auto it = item.find("param"); it != item.end() && it->is_number()) {
      out.parameter = it->get<double>();
    }
  }
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  options.groupby = *groupby;
  base::Result<std::vector<SortField>> sort = parse_sort(spec["sort"]);
  if (!sort) return sort.error();
  options.sort = *sort;
  options.ignore_peers = spec.flag("ignorePeers");
  const Row& frame = spec["frame"];
  if (!frame.is_null()) {
    if (!frame.is_array() || frame.size() != 2) return spec.error("frame must be two values");
    for (size_t i = 0; i < 2; ++i) {
      if (!frame[i].is_number() && !frame[i].is_null()) {
        return spec.error("frame must hold numbers or null");
      }
      options.frame[i] =
          frame[i].is_number() ? std::optional(frame[i].get<double>()) : std::nullopt;
    }
  }
  return window_rows(std::move(rows), options);
}

base::Result<Field> field_of(const TransformSpec& spec) {
  base::Result<std::string> name = spec.text("field");
  if (!name) return name.error();
  return Field::parse(*name);
}

/// The names of an interval's two ends.
base::Result<std::array<std::string, 2>> interval_names(const TransformSpec& spec) {
  if (!spec.has("as")) return spec.error("as must name the output");
  base::Result<std::array<std::string, 2>> as = spec.names("", "");
  if (as && (*as)[1].empty()) (*as)[1] = (*as)[0] + "_end";
  return as;
}

base::Result<Rows> bin_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<Field> field = field_of(spec);
  if (!field) return field.error();
  base::Result<BinOptions> options = parse_bin(spec["bin"]);
  if (!options) return options.error();
  base::Result<std::array<std::string, 2>> as = interval_names(spec);
  if (!as) return as.error();
  std::array<double, 2> range = extent(rows, *field).value_or(std::array{0.0, 0.0});
  Bins bins = choose_bins(range[0], range[1], *options);
  if (base::Status status = bin_rows(rows, *field, bins, (*as)[0], (*as)[1]); !status) {
    return status.error();
  }
  return rows;
}

base::Result<Rows> time_unit_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<Field> field = field_of(spec);
  if (!field) return field.error();
  base::Result<TimeUnit> unit = parse_time_unit(spec["timeUnit"]);
  if (!unit) return unit.error();
  base::Result<std::array<std::string, 2>> as = interval_names(spec);
  if (!as) return as.error();
  if (unit->parts.empty()) {
    std::array<double, 2> range = extent(rows, *field).value_or(std::array{0.0, 0.0});
    *unit = time_unit_bins(range[0], range[1], *unit);
  }
  time_unit_rows(rows, *field, *unit, (*as)[0], (*as)[1]);
  return rows;
}

base::Result<Rows> stack_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::string> field = spec.text("stack");
  if (!field) return field.error();
  StackOptions options{.field = *field, .groupby = {}, .sort = {}, .start_as = "", .end_as = ""};
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  options.groupby = *groupby;
  base::Result<std::vector<SortField>> sort = parse_sort(spec["sort"]);
  if (!sort) return sort.error();
  options.sort = *sort;
  std::string offset = spec["offset"].is_string() ? spec["offset"].get<std::string>() : "zero";
  if (offset == "normalize") {
    options.offset = StackOptions::Offset::normalize;
  } else if (offset == "center") {
    options.offset = StackOptions::Offset::center;
  } else if (offset != "zero") {
    return spec.error("offset \"" + offset.substr(0, 60) + "\" is none of zero, center, normalize");
  }
  base::Result<std::array<std::string, 2>> as = spec.names(*field + "_start", *field + "_end");
  if (!as) return as.error();
  options.start_as = (*as)[0];
  options.end_as = spec["as"].is_string() ? (*as)[0] + "_end" : (*as)[1];
  if (base::Status status = stack_rows(rows, options); !status) return status.error();
  return rows;
}

base::Result<Rows> impute_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  Row whole = {{"impute", spec["impute"]}, {"key", spec["key"]}};
  for (const char* key : {"method", "value", "groupby", "keyvals", "frame"}) {
    if (spec.has(key)) whole[key] = spec[key];
  }
  base::Result<ImputeOptions> options = parse_impute(whole);
  if (!options) return options.error();
  if (options->field.empty() || options->key.empty()) {
    return spec.error("impute and key must name fields");
  }
  return impute_rows(std::move(rows), *options);
}

base::Result<Rows> extent_step(Rows rows, const TransformSpec& spec,
                               const TransformContext& context) {
  base::Result<std::string> name = spec.text("extent"), parameter = spec.text("param");
  if (!name) return name.error();
  if (!parameter) return parameter.error();
  base::Result<Field> field = Field::parse(*name);
  if (!field) return field.error();
  std::optional<std::array<double, 2>> range = extent(rows, *field);
  if (context.names != nullptr) {
    (*context.names)[*parameter] =
        range ? Row::array({number_row((*range)[0]), number_row((*range)[1])})
              : Row::array({nullptr, nullptr});
  }
  return rows;
}

struct NamedStep {
  const char* key;
  Step step;
};
// "bin" and "timeUnit" last: other transforms may have properties of these names.
constexpr NamedStep kSteps[] = {
    {"filter", filter_step},       {"calculate", calculate_step},
    {"aggregate", aggregate_step}, {"joinaggregate", join_aggregate_step},
    {"window", window_step},       {"stack", stack_step},
    {"fold", fold_step},           {"flatten", flatten_step},
    {"lookup", lookup_step},       {"impute", impute_step},
    {"sample", sample_step},       {"regression", regression_step},
    {"loess", loess_step},         {"density", density_step},
    {"quantile", quantile_step},   {"pivot", pivot_step},
    {"timeUnit", time_unit_step},  {"bin", bin_step},
    {"extent", extent_step},
};

}  // namespace

void time_unit_rows(Rows& rows, const Field& field, const TimeUnit& unit,
                    const std::string& start_as, const std::string& end_as) {
  for (Row& row : rows) {
    if (!row.is_object()) continue;
    const Row* value = field.find(row);
    double start = NAN;
    if (!is_missing(value)) {
      double ms =
          value->is_string() ? parse_date(value->get_ref<const std::string&>()) : to_number(*value);
      start = unit.binned ? ms : time_unit_floor(ms, unit);
    }
    bool none = std::isnan(start);
    row[start_as] = none ? Row() : number_row(start);
    if (!end_as.empty()) row[end_as] = none ? Row() : number_row(time_unit_next(start, unit));
  }
}

base::Result<Rows> apply_transforms(Rows rows, const Row& transforms,
                                    const TransformContext& given) {
  if (transforms.is_null()) return rows;
  if (!transforms.is_array()) return Error{Errc::usage, "transform must be a list"};
  if (transforms.size() > 200) return Error{Errc::limit, "transform has more than 200 steps"};
  Random random(0);
  Row names = Row::object();
  TransformContext context = given;
  if (context.random == nullptr) context.random = &random;
  if (context.names == nullptr) context.names = &names;
  for (const Row& transform : transforms) {
    if (!transform.is_object()) return Error{Errc::usage, "a transform must be an object"};
    const NamedStep* found = nullptr;
    for (const NamedStep& step : kSteps) {
      if (found == nullptr && transform.contains(step.key)) found = &step;
    }
    if (found == nullptr) {
      std::string keys;
      for (const auto& [key, value] : transform.items()) {
        keys += (keys.empty() ? "" : ", ") + key.substr(0, 40);
        if (keys.size() > 100) break;
      }
      return Error{Errc::unsupported, "transform with " + keys + " is not supported"};
    }
    const auto pay = [&] {
      return context.budget == nullptr || context.budget->spend(Budget::kRow * rows.size());
    };
    if (!pay()) return Budget::error();
    base::Result<Rows> out =
        found->step(std::move(rows), TransformSpec(transform, found->key), context);
    if (!out) return out.error();
    rows = std::move(*out);
    if (!pay()) return Budget::error();
  }
  return rows;
}

}  // namespace tools::vega
