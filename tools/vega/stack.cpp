// Stacking and filling in: what encodings do to rows before marks are made.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include "base/json.h"

#include "tools/vega/groups.h"
#include "tools/vega/statistics.h"
#include "tools/vega/transform.h"
#include "tools/vega/window.h"

namespace tools::vega {

using base::Errc;
using base::Error;
using base::Ok;

base::Status stack_rows(Rows& rows, const StackOptions& options) {
  base::Result<Groups> groups = group_rows(rows, options.groupby);
  if (!groups) return groups.error();
  base::Result<Field> field = Field::parse(options.field);
  if (!field) return field.error();
  auto value_of = [&](const Row& row) {
    if (options.field.empty()) return 1.0;
    double value = field->number(row);
    return std::isnan(value) ? 0.0 : value;
  };
  std::vector<double> sums;
  double largest = 0;
  for (std::vector<uint32_t>& members : groups->members) {
    sort_members(rows, members, options.sort);
    double sum = 0;
    for (uint32_t i : members) sum += std::fabs(value_of(rows[i]));
    sums.push_back(sum);
    largest = std::max(largest, sum);
  }
  for (size_t g = 0; g < sums.size(); ++g) {
    double above = 0, below = 0;
    if (options.offset == StackOptions::Offset::center) above = (largest - sums[g]) / 2;
    // A group of zeros has no proportions.
    double scale = sums[g] > 0 ? 1 / sums[g] : 0, total = 0;
    for (uint32_t i : groups->members[g]) {
      if (!rows[i].is_object()) continue;
      double value = value_of(rows[i]), start = above;
      switch (options.offset) {
        case StackOptions::Offset::zero:
          if (value < 0) {
            start = below;
            below += value;
          } else {
            above += value;
          }
          rows[i][options.end_as] = number_row(value < 0 ? below : above);
          break;
        case StackOptions::Offset::normalize:
          total += std::fabs(value);
          above = scale * total;
          rows[i][options.end_as] = number_row(above);
          break;
        case StackOptions::Offset::center:
          above += std::fabs(value);
          rows[i][options.end_as] = number_row(above);
          break;
      }
      rows[i][options.start_as] = number_row(start);
    }
  }
  return Ok{};
}

base::Result<ImputeOptions> parse_impute(const Row& spec) {
  ImputeOptions options;
  if (!spec.is_object()) return Error{Errc::usage, "impute must be an object"};
  auto text = [&](const char* key, std::string& out) {
    auto it = spec.find(key);
    if (it != spec.end() && it->is_string()) out = it->get<std::string>();
  };
  text("impute", options.field);
  text("key", options.key);
  text("method", options.method);
  static constexpr std::string_view kMethods[] = {"value", "mean", "median", "max", "min"};
  if (std::find(std::begin(kMethods), std::end(kMethods), options.method) == std::end(kMethods)) {
    return Error{Errc::usage, "impute method \"" + options.method.substr(0, 60) +
                                  "\" is none of value, mean, median, max, min"};
  }
  if (auto it = spec.find("value"); it != spec.end()) options.value = *it;
  if (auto it = spec.find("groupby"); it != spec.end() && it->is_array()) {
    for (const Row& name : *it) {
      if (name.is_string()) options.groupby.push_back(name.get<std::string>());
    }
  }
  if (auto it = spec.find("keyvals"); it != spec.end()) {
    if (it->is_array()) {
      options.keys.assign(it->begin(), it->end());
    } else if (it->is_object()) {
      auto number = [&](const char* key, double fallback) {
        auto at = it->find(key);
        return at != it->end() && at->is_number() ? at->get<double>() : fallback;
      };
      double start = number("start", 0), stop = number("stop", 0), step = number("step", 1);
      double n = std::ceil((stop - start) / step);
      if (!(n <= 100000)) return Error{Errc::limit, "impute keyvals has more than 100000 values"};
      for (double i = 0; i < n; ++i) options.keys.push_back(number_row(start + i * step));
    }
  }
  if (auto it = spec.find("frame"); it != spec.end() && it->is_array() && it->size() == 2) {
    for (size_t i = 0; i < 2; ++i) {
      if ((*it)[i].is_number()) options.frame[i] = (*it)[i].get<double>();
    }
  }
  return options;
}

base::Result<Rows> impute_rows(Rows rows, const ImputeOptions& options) {
  base::Result<Groups> groups = group_rows(rows, options.groupby);
  if (!groups) return groups.error();
  base::Result<Field> field = Field::parse(options.field);
  if (!field) return field.error();
  base::Result<Field> key = Field::parse(options.key);
  if (!key) return key.error();
  std::vector<Row> keys;
  std::unordered_map<std::string, size_t> index;
  for (const Row& value : options.keys) {
    if (index.emplace(to_text(value), keys.size()).second) keys.push_back(value);
  }
  std::vector<size_t> key_of(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& value = key->of(rows[i]);
    auto [at, is_new] = index.emplace(to_text(value), keys.size());
    if (is_new) keys.push_back(value);
    key_of[i] = at->second;
  }
  double total = static_cast<double>(keys.size()) * static_cast<double>(groups->members.size());
  if (total > kMaxRows) return Error{Errc::limit, "impute would make more than 5000000 rows"};
  bool constant = options.method == "value";
  for (size_t g = 0; g < groups->members.size(); ++g) {
    if (rows.empty()) break;
    std::vector<bool> present(keys.size());
    for (uint32_t i : groups->members[g]) present[key_of[i]] = true;
    for (size_t k = 0; k < keys.size(); ++k) {
      if (present[k]) continue;
      Row row = Row::object();
      for (size_t d = 0; d < groups->names.size(); ++d) {
        row[groups->names[d]] = groups->values[g][d];
      }
      row[key->name()] = keys[k];
      row[field->name()] = constant ? options.value : Row();
      rows.push_back(std::move(row));
    }
  }
  if (constant) return rows;
  const std::string as = "imputed_" + options.field + "_value";
  WindowOptions window;
  window.columns = {{options.method, options.field, as, std::nullopt}};
  window.groupby = options.groupby;
  window.frame = options.frame;
  base::Result<Rows> out = window_rows(std::move(rows), window);
  if (!out) return out.error();
  for (Row& row : *out) {
    if (!row.is_object()) continue;
    const Row* value = field->find(row);
    if (value != nullptr && value->is_null()) row[field->name()] = row[as];
  }
  return out;
}

}  // namespace tools::vega
