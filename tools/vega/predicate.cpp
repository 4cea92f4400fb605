// Predicates of filters, compiled to functions of a row.
#include <algorithm>
#include <cmath>
#include "base/json.h"

#include "tools/vega/time_unit.h"
#include "tools/vega/transform.h"

namespace tools::vega {

using base::Errc;
using base::Error;

namespace {

constexpr int kMaxPredicateDepth = 32;

bool is_date_time(const Row& value) {
  static constexpr const char* kParts[] = {"year",  "quarter", "month",   "date",        "day",
                                           "hours", "minutes", "seconds", "milliseconds"};
  if (!value.is_object()) return false;
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return value.contains(part); });
}

/// Turns the values of a predicate into what rows are compared with.
struct Operands {
  std::optional<TimeUnit> unit;
  const TransformContext& context;

  base::Result<Row> operator()(const Row& value) const {
    if (is_date_time(value)) {
      base::Result<double> ms = date_time_ms(value);
      if (!ms) return ms.error();
      return number_row(*ms);
    }
    if (value.is_object() && (value.contains("expr") || value.contains("signal"))) {
      const Row& text = value.contains("expr") ? value["expr"] : value["signal"];
      if (!text.is_string()) return Error{Errc::usage, "filter expr must be text"};
      base::Result<Expression> expression = Expression::parse(text.get<std::string>());
      if (!expression) return expression.error();
      return expression->evaluate(
          {.names = context.names, .random = context.random, .budget = context.budget});
    }
    if (unit && (value.is_number() || value.is_string())) {
      // One part of a date may be given as such: {"timeUnit": "month", "equal": "jan"}.
      double parsed = value.is_string() ? parse_date(value.get<std::string>()) : to_number(value);
      bool part = value.is_number() ? parsed < 10000 : std::isnan(parsed);
      if (unit->parts.size() == 1 && part) {
        TimeUnit single = *unit;
        single.utc = single.binned = false;
        base::Result<double> ms = date_time_ms({{time_unit_name(single), value}});
        if (!ms) return ms.error();
        return number_row(*ms);
      }
      return number_row(parsed);
    }
    return value;
  }
};

// JavaScript's < and <= between a row's value and an operand; a missing value is less than nothing.
bool less(const Row* a, const Row& b, bool or_equal) {
  if (a == nullptr) return false;
  if (a->is_string() && b.is_string()) return or_equal ? *a <= b : *a < b;
  double u = to_number(*a), v = to_number(b);
  return or_equal ? u <= v : u < v;
}
bool greater(const Row* a, const Row& b, bool or_equal) {
  if (a == nullptr) return false;
  if (a->is_string() && b.is_string()) return or_equal ? *a >= b : *a > b;
  double u = to_number(*a), v = to_number(b);
  return or_equal ? u >= v : u > v;
}

base::Result<Predicate> parse(const Row& spec, const TransformContext& context, int depth);

base::Result<Predicate> parse_field(const Row& spec, const TransformContext& context) {
  if (!spec["field"].is_string()) return Error{Errc::usage, "filter field must be text"};
  base::Result<Field> field = Field::parse(spec["field"].get<std::string>());
  if (!field) return field.error();
  Operands operand{std::nullopt, context};
  if (auto it = spec.find("timeUnit"); it != spec.end() && !it->is_null()) {
    base::Result<TimeUnit> unit = parse_time_unit(*it);
    if (!unit) return unit.error();
    operand.unit = *unit;
  }
  // Reads the row's value, cut by the time unit.
  std::optional<TimeUnit> unit = operand.unit;
  auto read = [field = *field, unit](const Row& row, Row& storage) -> const Row* {
    const Row* value = field.find(row);
    if (!unit || value == nullptr) return value;
    double ms =
        value->is_string() ? parse_date(value->get_ref<const std::string&>()) : to_number(*value);
    storage = number_row(unit->binned ? ms : time_unit_floor(ms, *unit));
    return &storage;
  };
  using Test = std::function<bool(const Row*)>;
  auto make = [read](Test test) -> Predicate {
    return [read, test = std::move(test)](const Row& row) -> base::Result<bool> {
      Row storage;
      return test(read(row, storage));
    };
  };
  if (auto it = spec.find("equal"); it != spec.end()) {
    base::Result<Row> to = operand(*it);
    if (!to) return to.error();
    return make([to = *to](const Row* value) { return value && strictly_equal(*value, to); });
  }
  static constexpr const char* kOrders[] = {"lt", "lte", "gt", "gte"};
  for (size_t i = 0; i < 4; ++i) {
    auto it = spec.find(kOrders[i]);
    if (it == spec.end()) continue;
    base::Result<Row> to = operand(*it);
    if (!to) return to.error();
    return make([to = *to, i](const Row* value) {
      return i < 2 ? less(value, to, i == 1) : greater(value, to, i == 3);
    });
  }
  if (auto it = spec.find("oneOf"); it != spec.end()) {
    if (!it->is_array()) return Error{Errc::usage, "filter oneOf must be a list"};
    std::vector<Row> list;
    for (const Row& item : *it) {
      base::Result<Row> to = operand(item);
      if (!to) return to.error();
      list.push_back(std::move(*to));
    }
    return make([list = std::move(list)](const Row* value) {
      return value && std::any_of(list.begin(), list.end(),
                                  [&](const Row& item) { return strictly_equal(*value, item); });
    });
  }
  if (auto it = spec.find("range"); it != spec.end()) {
    Row range = *it;
    if (range.is_object()) {
      base::Result<Row> computed = operand(range);
      if (!computed) return computed.error();
      range = *computed;
    }
    if (!range.is_array() || range.size() != 2) {
      return Error{Errc::usage, "filter range must be two values"};
    }
    base::Result<Row> low = operand(range[0]);
    if (!low) return low.error();
    base::Result<Row> high = operand(range[1]);
    if (!high) return high.error();
    Row from = *low, to = *high;
    if (!from.is_null() && !to.is_null() && compare(to, from) < 0) std::swap(from, to);
    return make([from, to](const Row* value) {
      return (from.is_null() || greater(value, from, true)) &&
             (to.is_null() || less(value, to, true));
    });
  }
  if (auto it = spec.find("valid"); it != spec.end()) {
    bool wanted = to_boolean(*it);
    return make([wanted](const Row* value) {
      bool valid = value && is_valid(*value) && std::isfinite(to_number(*value));
      return valid == wanted;
    });
  }
  return Error{Errc::usage, "filter on field \"" + field->name() +
                                "\" has none of equal, lt, lte, gt, gte, range, oneOf, valid"};
}

base::Result<Predicate> parse_list(const Row& list, bool all, const TransformContext& context,
                                   int depth) {
  if (!list.is_array()) return Error{Errc::usage, "filter and/or must be a list"};
  std::vector<Predicate> parts;
  for (const Row& item : list) {
    base::Result<Predicate> part = parse(item, context, depth + 1);
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  return Predicate([parts = std::move(parts), all](const Row& row) -> base::Result<bool> {
    for (const Predicate& part : parts) {
      base::Result<bool> yes = part(row);
      if (!yes) return yes.error();
      if (*yes != all) return !all;
    }
    return all;
  });
}

base::Result<Predicate> parse(const Row& spec, const TransformContext& context, int depth) {
  if (depth > kMaxPredicateDepth) return Error{Errc::limit, "filter is nested deeper than 32"};
  if (spec.is_string()) {
    base::Result<Expression> expression = Expression::parse(spec.get<std::string>());
    if (!expression) return expression.error();
    return Predicate([expression = *expression, names = context.names, random = context.random,
                      budget = context.budget](const Row& row) {
      return expression.test({.datum = &row, .names = names, .random = random, .budget = budget});
    });
  }
  if (!spec.is_object()) {
    return Error{Errc::usage, "filter must be an expression or an object"};
  }
  if (auto it = spec.find("and"); it != spec.end()) return parse_list(*it, true, context, depth);
  if (auto it = spec.find("or"); it != spec.end()) return parse_list(*it, false, context, depth);
  if (auto it = spec.find("not"); it != spec.end()) {
    base::Result<Predicate> part = parse(*it, context, depth + 1);
    if (!part) return part.error();
    return Predicate([part = *part](const Row& row) -> base::Result<bool> {
      base::Result<bool> yes = part(row);
      if (!yes) return yes.error();
      return !*yes;
    });
  }
  if (spec.contains("field")) return parse_field(spec, context);
  if (spec.contains("param") || spec.contains("selection")) {
    // A picture has no selection yet; an empty one takes every row unless the spec says otherwise.
    auto it = spec.find("empty");
    bool all = it == spec.end() || !it->is_boolean() || it->get<bool>();
    return Predicate([all](const Row&) -> base::Result<bool> { return all; });
  }
  if (spec.contains("expr") && spec["expr"].is_string())
    return parse(spec["expr"], context, depth + 1);
  return Error{Errc::usage, "filter has none of field, and, or, not, param"};
}

}  // namespace

base::Result<Predicate> parse_predicate(const Row& spec, const TransformContext& context) {
  return parse(spec, context, 0);
}

}  // namespace tools::vega
