#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/data/table.h"

namespace tools::script {

enum class ChartKind { bar, line, scatter, pie, box, hist, area, heatmap };

/// What a script writes in the braces of chart.bar(t, {…}).
struct ChartOptions {
  std::optional<std::string> x{};
  std::vector<std::string> y{};  ///< more than one: folded to `series` and `value`
  std::optional<std::string> color{}, title{}, save{};
  std::optional<std::string> stack{};  ///< bar, area: "zero", or "normalize" (parts of 100 %)
  std::optional<int> bins{};
};

/// A chart that can be drawn and what is said about it.
struct ChartPlan {
  std::string spec{};   ///< JSON: mark, title, encoding, data
  std::string first{};  ///< "bar chart, 3 rows", after the file's name and ": "
  std::vector<std::string> lines{};
  uint64_t rows = 0;
};

/// "chart.bar", …
std::string chart_name(ChartKind kind);
/// The other way round; none where no helper has that name.
std::optional<ChartKind> chart_kind(std::string_view name);

/// Errors: usage, not_found (a column), limit (rows); one sentence that begins with chart_name().
base::Result<ChartPlan> plan_chart(ChartKind kind, const data::Table& table,
                                   const ChartOptions& options);

/// The rows of a table as an array of objects. Errors: those of the table's query, limit (more than
/// 50,000 rows).
base::Result<nlohmann::json> rows_json(const data::Table& table, const std::string& who);

}  // namespace tools::script
