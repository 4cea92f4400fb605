// Rows in the order of some of their fields. Comparing finds a field by its name in a map, so all
// values are found once, before the sort.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/json.h"
#include "tools/vega/transform.h"
#include "tools/vega/window.h"

namespace tools::vega {

using base::Errc;
using base::Error;
using base::Ok;

base::Result<std::vector<SortField>> parse_sort(const Row& spec) {
  std::vector<SortField> out;
  if (spec.is_null()) return out;
  auto add = [&](const Row& item) -> base::Status {
    SortField sort;
    std::string path;
    if (item.is_string()) {
      path = item.get<std::string>();
    } else if (item.is_object() && item.contains("field") && item["field"].is_string()) {
      path = item["field"].get<std::string>();
      auto order = item.find("order");
      sort.descending = order != item.end() && *order == "descending";
    } else {
      return Error{Errc::usage, "sort must name fields"};
    }
    base::Result<Field> field = Field::parse(path);
    if (!field) return field.error();
    sort.field = std::move(*field);
    out.push_back(std::move(sort));
    return Ok{};
  };
  if (!spec.is_array()) {
    if (base::Status status = add(spec); !status) return status.error();
    return out;
  }
  if (spec.size() > 32) return Error{Errc::limit, "sort has more than 32 fields"};
  for (const Row& item : spec) {
    if (base::Status status = add(item); !status) return status.error();
  }
  return out;
}

int compare_rows(const Row& a, const Row& b, const std::vector<SortField>& sort) {
  for (const SortField& by : sort) {
    int order = compare(by.field.of(a), by.field.of(b));
    if (order != 0) return by.descending ? -order : order;
  }
  return 0;
}

namespace {

// The values of one sort field, found once per row; numbers beside them, as most are.
struct Column {
  std::vector<const Row*> values;
  std::vector<double> numbers;
  bool all_numbers = true;
  bool descending = false;

  int compare_at(size_t a, size_t b) const {
    int order = 0;
    if (all_numbers) {
      const double u = numbers[a], v = numbers[b];
      order = u < v    ? -1
              : u > v  ? 1
              : u == v ? 0
                       : static_cast<int>(std::isnan(v)) - static_cast<int>(std::isnan(u));
    } else {
      order = compare(*values[a], *values[b]);
    }
    return descending ? -order : order;
  }
};

// Positions 0 … n-1 in the order of the rows there.
std::vector<uint32_t> sorted_positions(size_t n, const std::vector<SortField>& sort,
                                       const std::function<const Row&(size_t)>& row) {
  std::vector<Column> columns(sort.size());
  for (size_t f = 0; f < sort.size(); ++f) {
    Column& column = columns[f];
    column.descending = sort[f].descending;
    column.values.reserve(n), column.numbers.reserve(n);
    for (size_t i = 0; i < n; ++i) {
      const Row& value = sort[f].field.of(row(i));
      column.values.push_back(&value);
      column.all_numbers = column.all_numbers && value.is_number();
      column.numbers.push_back(column.all_numbers ? value.get<double>() : 0);
    }
  }
  std::vector<uint32_t> positions(n);
  std::iota(positions.begin(), positions.end(), 0U);
  std::stable_sort(positions.begin(), positions.end(), [&](uint32_t a, uint32_t b) {
    for (const Column& column : columns)
      if (const int order = column.compare_at(a, b); order != 0) return order < 0;
    return false;
  });
  return positions;
}

}  // namespace

void sort_rows(Rows& rows, const std::vector<SortField>& sort) {
  if (sort.empty()) return;
  Rows sorted;
  sorted.reserve(rows.size());
  for (const uint32_t i :
       sorted_positions(rows.size(), sort, [&](size_t i) -> const Row& { return rows[i]; }))
    sorted.push_back(std::move(rows[i]));
  rows = std::move(sorted);
}

void sort_members(const Rows& rows, std::vector<uint32_t>& members,
                  const std::vector<SortField>& sort) {
  if (sort.empty()) return;
  std::vector<uint32_t> sorted;
  sorted.reserve(members.size());
  for (const uint32_t i : sorted_positions(
           members.size(), sort, [&](size_t i) -> const Row& { return rows[members[i]]; }))
    sorted.push_back(members[i]);
  members = std::move(sorted);
}

}  // namespace tools::vega
