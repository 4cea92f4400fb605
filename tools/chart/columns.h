#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/chart/spec.h"

namespace tools::chart {

/// Keeps the rows where keep[row] holds and forgets categories that no row uses any more.
void keep_rows(Column& column, const std::vector<bool>& keep);

/// Turns numbers or dates into categories named by their text, ascending or in order of first
/// appearance.
void to_categories(Column& column, bool ascending);

/// Puts categories that have an order of their own into it and marks the column ordinal: months and
/// weekdays by the calendar, numbers by size, "2014 Q1" and "2014-03" by time. Other columns stay
/// as they are.
void order_naturally(Column& column);

size_t distinct(const std::vector<double>& values);

/// Sorted, up or down, and long enough (4) not to be so by chance.
bool is_sorted_on_purpose(const std::vector<double>& values);

/// The smallest distance between different values; 0 if there is none.
double smallest_gap(std::vector<double> values);

/// One row for each combination of `keys` (in order of first appearance), with `measure` summed up
/// by `how`: sum, mean, median, min or max. row_counts: how many data rows each row stands for.
void aggregate(const std::vector<Column*>& keys, Column& measure, const std::string& how,
               std::vector<int>& row_counts);

}  // namespace tools::chart
