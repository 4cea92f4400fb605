#include "tools/chart/columns.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "tools/chart/dates.h"
#include "tools/chart/words.h"

namespace tools::chart {
namespace {

// Category i of the result is category order[i] of `column`.
void reorder(Column& column, const std::vector<int>& order) {
  std::vector<std::string> categories;
  std::vector<int> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[static_cast<size_t>(order[i])] = static_cast<int>(i);
    categories.push_back(column.categories[static_cast<size_t>(order[i])]);
  }
  column.categories = std::move(categories);
  for (double& value : column.values) value = place[static_cast<size_t>(value)];
}

std::optional<double> whole_text_number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != text.npos) return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return *end == '\0' && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<double> quarter_or_month(const std::string& text) {
  if (text.size() != 7) return std::nullopt;
  if (text.compare(4, 2, " Q") == 0 && text[6] >= '1' && text[6] <= '4')
    return parse_date(
        text.substr(0, 4) + "-" +
        (text[6] == '4' ? "10" : std::string("0") + static_cast<char>('1' + 3 * (text[6] - '1'))));
  return parse_date(text);
}

double summary(const std::string& how, std::vector<double>& values) {
  if (how == "min") return *std::min_element(values.begin(), values.end());
  if (how == "max") return *std::max_element(values.begin(), values.end());
  if (how == "median") {
    std::sort(values.begin(), values.end());
    const size_t half = values.size() / 2;
    return values.size() % 2 ? values[half] : values[half - 1] / 2 + values[half] / 2;
  }
  double sum = 0;
  for (double value : values) sum += value;
  return how == "mean" || how == "average" ? sum / static_cast<double>(values.size()) : sum;
}

}  // namespace

void keep_rows(Column& column, const std::vector<bool>& keep) {
  size_t kept = 0;
  for (size_t row = 0; row < column.values.size(); ++row)
    if (keep[row]) column.values[kept++] = column.values[row];
  column.values.resize(kept);
  if (column.kind != Kind::category) return;
  std::vector<int> renamed(column.categories.size(), -1);
  std::vector<std::string> used;
  for (double& value : column.values) {
    int& name = renamed[static_cast<size_t>(value)];
    if (name < 0) {
      name = static_cast<int>(used.size());
      used.push_back(column.categories[static_cast<size_t>(value)]);
    }
    value = name;
  }
  column.categories = std::move(used);
}

void to_categories(Column& column, bool ascending) {
  const double finest = column.kind == Kind::time ? finest_unit(column.values) : 0;
  std::vector<std::string> categories;
  std::map<double, int> index;
  for (double& value : column.values) {
    const auto [it, fresh] = index.emplace(value, static_cast<int>(index.size()));
    if (fresh)
      categories.push_back(column.kind == Kind::time ? date_text(value, finest)
                                                     : plain_number(value));
    value = it->second;
  }
  column.kind = Kind::category;
  column.ordinal = true;
  column.categories = std::move(categories);
  if (!ascending) return;
  std::vector<int> order;
  for (const auto& [value, category] : index) order.push_back(category);
  reorder(column, order);
}

void order_naturally(Column& column) {
  if (column.kind != Kind::category || column.categories.size() < 2) return;
  // The first reading that fits every name.
  using Reading = std::optional<double> (*)(const std::string&);
  const Reading readings[] = {[](const std::string& name) {
                                const int i = month_index(name);
                                return i < 0 ? std::nullopt : std::optional<double>(i);
                              },
                              [](const std::string& name) {
                                const int i = weekday_index(name);
                                return i < 0 ? std::nullopt : std::optional<double>(i);
                              },
                              whole_text_number, quarter_or_month};
  for (const Reading reading : readings) {
    std::vector<std::pair<double, int>> keys;
    for (const std::string& name : column.categories)
      if (const std::optional<double> key = reading(name))
        keys.emplace_back(*key, static_cast<int>(keys.size()));
      else
        break;
    if (keys.size() < column.categories.size()) continue;
    std::sort(keys.begin(), keys.end());
    std::vector<int> order;
    for (const auto& [key, category] : keys) order.push_back(category);
    reorder(column, order);
    column.ordinal = true;
    return;
  }
}

size_t distinct(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  return static_cast<size_t>(std::unique(sorted.begin(), sorted.end()) - sorted.begin());
}

bool is_sorted_on_purpose(const std::vector<double>& values) {
  return values.size() > 3 && (std::is_sorted(values.begin(), values.end()) ||
                               std::is_sorted(values.rbegin(), values.rend()));
}

double smallest_gap(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double gap = 0;
  for (size_t i = 1; i < values.size(); ++i)
    if (const double d = values[i] - values[i - 1]; d > 0 && (gap == 0 || d < gap)) gap = d;
  return gap;
}

void aggregate(const std::vector<Column*>& keys, Column& measure, const std::string& how,
               std::vector<int>& row_counts) {
  std::map<std::vector<double>, size_t> index;
  std::vector<std::vector<double>> groups;
  std::vector<size_t> firsts;  // a row of each group
  for (size_t row = 0; row < measure.values.size(); ++row) {
    std::vector<double> key;
    for (const Column* column : keys) key.push_back(column->values[row]);
    const auto [it, fresh] = index.emplace(std::move(key), groups.size());
    if (fresh) {
      groups.emplace_back();
      firsts.push_back(row);
    }
    groups[it->second].push_back(measure.values[row]);
  }
  for (Column* column : keys) {
    std::vector<double> values;
    for (size_t row : firsts) values.push_back(column->values[row]);
    column->values = std::move(values);
  }
  measure.values.clear();
  row_counts.clear();
  for (std::vector<double>& group : groups) {
    row_counts.push_back(static_cast<int>(group.size()));
    measure.values.push_back(summary(how, group));
  }
}

}  // namespace tools::chart
