// Groups and their aggregates. Rows are first sorted into groups by index; then each group's column
// is read once per field, and every operation on that field is computed from it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include "base/json.h"

#include "tools/vega/groups.h"
#include "tools/vega/statistics.h"
#include "tools/vega/transform.h"

namespace tools::vega {

using base::Errc;
using base::Error;

bool is_missing(const Row* value) {
  return value == nullptr || value->is_null() || value->is_discarded() ||
         (value->is_string() && value->get_ref<const std::string&>().empty());
}

base::Result<std::vector<Field>> parse_fields(const std::vector<std::string>& paths) {
  std::vector<Field> fields;
  for (const std::string& path : paths) {
    base::Result<Field> field = Field::parse(path);
    if (!field) return field.error();
    fields.push_back(std::move(*field));
  }
  return fields;
}

std::vector<double> numbers_of(const Rows& rows, const std::vector<uint32_t>& members,
                               const Field& field) {
  std::vector<double> out;
  out.reserve(members.size());
  for (uint32_t i : members) {
    const Row* value = field.find(rows[i]);
    if (is_missing(value)) continue;
    double number = to_number(*value);
    if (!std::isnan(number)) out.push_back(number);
  }
  return out;
}

base::Result<Groups> group_rows(const Rows& rows, const std::vector<std::string>& paths) {
  base::Result<std::vector<Field>> fields = parse_fields(paths);
  if (!fields) return fields.error();
  Groups groups;
  for (const Field& field : *fields) groups.names.push_back(field.name());
  if (fields->empty()) {
    groups.values.emplace_back();
    groups.members.emplace_back(rows.size());
    for (uint32_t i = 0; i < rows.size(); ++i) groups.members[0][i] = i;
    return groups;
  }
  std::unordered_map<std::string, size_t> index;
  std::string key;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    key.clear();
    for (const Field& field : *fields) append_key(key, field.of(rows[i]));
    auto [at, is_new] = index.emplace(key, groups.members.size());
    if (is_new) {
      groups.members.emplace_back();
      std::vector<Row>& values = groups.values.emplace_back();
      for (const Field& field : *fields) values.push_back(field.of(rows[i]));
    }
    groups.members[at->second].push_back(i);
  }
  return groups;
}

static constexpr std::string_view kOps[] = {
    "argmax", "argmin", "average", "ci0",     "ci1",     "count",    "distinct", "max",
    "mean",   "median", "min",     "missing", "product", "q1",       "q3",       "stderr",
    "stdev",  "stdevp", "sum",     "valid",   "values",  "variance", "variancep"};

bool is_aggregate_op(std::string_view op) {
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

namespace {

/// One field of one group, read once; what is expensive is computed when asked for.
class Column {
 public:
  Column(const Rows& rows, const std::vector<uint32_t>& members, const Field& field)
      : rows_(rows), members_(members), field_(field) {
    for (uint32_t i : members) {
      const Row* value = field.find(rows[i]);
      if (is_missing(value)) {
        ++missing_;
        continue;
      }
      if (!is_valid(*value)) continue;
      ++valid_;
      double x = to_number(*value);
      sum_ += x;
      product_ *= x;
      double delta = x - mean_;
      mean_ += delta / valid_;
      deviation_ += delta * (x - mean_);
      if (low_ == nullptr || before(*value, *low_)) low_ = value, low_row_ = i;
      if (high_ == nullptr || before(*high_, *value)) high_ = value, high_row_ = i;
    }
  }

  /// Discarded where there is no value: the row then lacks the column, as in Vega.
  Row result(std::string_view op) {
    if (op == "missing") return missing_;
    if (op == "valid") return valid_;
    if (op == "distinct") return distinct();
    if (op == "values") {
      Row all = Row::array();
      for (uint32_t i : members_) all.push_back(rows_[i]);
      return all;
    }
    if (valid_ == 0) return nothing();
    if (op == "sum") return number_row(sum_);
    if (op == "product") return number_row(product_);
    if (op == "mean" || op == "average") return number_row(mean_);
    if (op == "min") return *low_;
    if (op == "max") return *high_;
    if (op == "argmin") return rows_[low_row_];
    if (op == "argmax") return rows_[high_row_];
    double squares = std::max(0.0, deviation_), n = valid_;
    if (op == "variancep") return squares / n;
    if (op == "stdevp") return std::sqrt(squares / n);
    if (op == "variance") return n > 1 ? Row(squares / (n - 1)) : nothing();
    if (op == "stdev") return n > 1 ? Row(std::sqrt(squares / (n - 1))) : nothing();
    if (op == "stderr") return n > 1 ? Row(std::sqrt(squares / (n * (n - 1)))) : nothing();
    const std::vector<double>& all = sorted();
    if (all.empty()) return nothing();
    if (op == "q1") return number_row(quantile_sorted(all, 0.25));
    if (op == "median") return number_row(quantile_sorted(all, 0.5));
    if (op == "q3") return number_row(quantile_sorted(all, 0.75));
    if (!has_interval_) {
      interval_ = bootstrap_ci(numbers_of(rows_, members_, field_));
      has_interval_ = true;
    }
    return interval_[op == "ci1" ? 1 : 0];
  }

 private:
  static Row nothing() { return Row(Row::value_t::discarded); }
  // a < b, as JavaScript compares two values that are not null.
  static bool before(const Row& a, const Row& b) {
    if (a.is_number() && b.is_number()) return a.get<double>() < b.get<double>();
    if (a.is_string() && b.is_string()) return a < b;
    return to_number(a) < to_number(b);
  }
  Row distinct() {
    std::unordered_set<std::string> seen;
    for (uint32_t i : members_) {
      const Row* value = field_.find(rows_[i]);
      seen.insert(value == nullptr ? "undefined" : to_text(*value));
    }
    return seen.size();
  }
  const std::vector<double>& sorted() {
    if (sorted_.empty()) {
      sorted_ = numbers_of(rows_, members_, field_);
      std::sort(sorted_.begin(), sorted_.end());
    }
    return sorted_;
  }

  const Rows& rows_;
  const std::vector<uint32_t>& members_;
  const Field& field_;
  int64_t missing_ = 0, valid_ = 0;
  double sum_ = 0, product_ = 1, mean_ = 0, deviation_ = 0;
  const Row *low_ = nullptr, *high_ = nullptr;
  uint32_t low_row_ = 0, high_row_ = 0;
  std::vector<double> sorted_;
  std::array<double, 2> interval_ = {};
  bool has_interval_ = false;
};

/// The columns to compute, by field.
struct Plan {
  std::vector<Field> fields;
  std::vector<int> field_of;  // per column; -1 for a count
};
base::Result<Plan> plan_of(const std::vector<AggregateColumn>& columns) {
  Plan plan;
  std::vector<std::string> paths;
  for (const AggregateColumn& column : columns) {
    if (!is_aggregate_op(column.op)) {
      return Error{Errc::usage,
                   "\"" + column.op.substr(0, 60) + "\" is not an aggregate operation"};
    }
    if (column.op == "count") {
      plan.field_of.push_back(-1);
      continue;
    }
    if (column.field.empty()) {
      return Error{Errc::usage, "aggregate operation \"" + column.op + "\" needs a field"};
    }
    auto at = std::find(paths.begin(), paths.end(), column.field);
    plan.field_of.push_back(static_cast<int>(at - paths.begin()));
    if (at == paths.end()) {
      base::Result<Field> field = Field::parse(column.field);
      if (!field) return field.error();
      paths.push_back(column.field);
      plan.fields.push_back(std::move(*field));
    }
  }
  return plan;
}

std::vector<Row> results_of(const Rows& rows, const std::vector<uint32_t>& members,
                            const Plan& plan, const std::vector<AggregateColumn>& columns) {
  std::vector<Column> read;
  read.reserve(plan.fields.size());
  for (const Field& field : plan.fields) read.emplace_back(rows, members, field);
  std::vector<Row> results;
  for (size_t c = 0; c < columns.size(); ++c) {
    int field = plan.field_of[c];
    results.push_back(field < 0 ? Row(members.size())
                                : read[static_cast<size_t>(field)].result(columns[c].op));
  }
  return results;
}

void store(Row& row, const std::vector<AggregateColumn>& columns, const std::vector<Row>& results) {
  for (size_t c = 0; c < columns.size(); ++c) {
    if (!results[c].is_discarded()) row[columns[c].as] = results[c];
  }
}

// Adds the combinations of grouping values that have no rows, after those that have.
base::Status cross(Groups& groups) {
  size_t n = groups.names.size();
  std::vector<std::vector<Row>> distinct(n);
  std::vector<std::unordered_set<std::string>> seen(n);
  std::unordered_set<std::string> present;
  for (const std::vector<Row>& values : groups.values) {
    std::string key;
    for (size_t d = 0; d < n; ++d) {
      append_key(key, values[d]);
      if (seen[d].insert(to_text(values[d])).second) distinct[d].push_back(values[d]);
    }
    present.insert(key);
  }
  double total = 1;
  for (const auto& values : distinct) total *= static_cast<double>(values.size());
  if (total > 1e6) return Error{Errc::limit, "aggregate would cross more than 1000000 groups"};
  std::vector<size_t> at(n, 0);
  for (double i = 0; i < total; ++i) {
    std::vector<Row> values;
    std::string key;
    for (size_t d = 0; d < n; ++d) {
      values.push_back(distinct[d][at[d]]);
      append_key(key, values[d]);
    }
    if (present.insert(key).second) {
      groups.values.push_back(std::move(values));
      groups.members.emplace_back();
    }
    for (size_t d = n; d-- > 0;) {
      if (++at[d] < distinct[d].size()) break;
      at[d] = 0;
    }
  }
  return base::Ok{};
}

}  // namespace

base::Result<Rows> aggregate(const Rows& rows, const std::vector<std::string>& groupby,
                             const std::vector<AggregateColumn>& columns, bool crossed) {
  base::Result<Groups> groups = group_rows(rows, groupby);
  if (!groups) return groups.error();
  base::Result<Plan> plan = plan_of(columns);
  if (!plan) return plan.error();
  if (crossed && groupby.size() > 1) {
    if (base::Status status = cross(*groups); !status) return status.error();
  }
  Rows out;
  for (size_t g = 0; g < groups->members.size(); ++g) {
    Row row = Row::object();
    for (size_t d = 0; d < groups->names.size(); ++d) row[groups->names[d]] = groups->values[g][d];
    std::vector<Row> results = results_of(rows, groups->members[g], *plan, columns);
    store(row, columns, results);
    out.push_back(std::move(row));
  }
  return out;
}

base::Result<Rows> join_aggregate(Rows rows, const std::vector<std::string>& groupby,
                                  const std::vector<AggregateColumn>& columns) {
  base::Result<Groups> groups = group_rows(rows, groupby);
  if (!groups) return groups.error();
  base::Result<Plan> plan = plan_of(columns);
  if (!plan) return plan.error();
  std::vector<std::vector<Row>> results;
  for (const auto& members : groups->members) {
    results.push_back(results_of(rows, members, *plan, columns));
  }
  for (size_t g = 0; g < results.size(); ++g) {
    for (uint32_t i : groups->members[g]) {
      if (!rows[i].is_object()) continue;
      store(rows[i], columns, results[g]);
    }
  }
  return rows;
}

}  // namespace tools::vega
