#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tools::chart {

enum class Mark { bar, line, point, arc, boxplot, rect };

enum class Kind {
  number,    ///< quantitative
  time,      ///< temporal: seconds since 1970-01-01, UTC
  category,  ///< nominal or ordinal: index into Column::categories
};

/// One channel's values, one per row of the table.
struct Column {
  std::string field{};  ///< name in the rows; empty for a count
  std::string title{};  ///< for people: from the spec, or made of the field's name
  Kind kind = Kind::category;
  bool ordinal = false;          ///< a category with an order of its own (months, "2014 Q1", …)
  std::vector<double> values{};  ///< [rows]
  std::vector<std::string> categories{};  ///< distinct texts, cleaned and short enough to measure
};

/// A checked spec: what to draw, in long form. Every present column has the same number of rows and
/// no row lacks a value.
struct Table {
  Mark mark = Mark::bar;
  std::string title{};
  std::optional<Column> x{}, y{}, color{}, theta{};
  bool grouped = false;    ///< bars of one category stand side by side
  bool histogram = false;  ///< x holds readings to be counted in bins
  int max_bins = 0;        ///< 0: choose
  bool lying = false;  ///< the spec has the names on y and the numbers on x; here they are swapped
  int rows = 0;
  std::vector<int>
      row_counts;  ///< [rows of the columns] data rows each stands for (not 1: counted or averaged)
  std::vector<std::string> warnings{};
};

/// Limits on what a spec may ask for.
inline constexpr size_t kMaxRows = 200'000;
inline constexpr size_t kMaxBars = 2'000;
inline constexpr size_t kMaxSeries = 200;
inline constexpr size_t kMaxSlices = 200;
inline constexpr double kMaxMagnitude = 1e300;

/// Checks a spec and turns its rows into columns.
/// Errors: usage, limit; one sentence that starts with "chart: ".
base::Result<Table> read_spec(const nlohmann::json& spec);

}  // namespace tools::chart
