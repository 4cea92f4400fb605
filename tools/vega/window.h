#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tools/vega/transform.h"

namespace tools::vega {

/// One column of a window transform: a window operation (rank, lag …) or an aggregate over the
/// frame.
struct WindowColumn {
  std::string op;
  std::string field;
  std::string as;
  std::optional<double> parameter;
};
struct WindowOptions {
  std::vector<WindowColumn> columns;
  std::vector<std::string> groupby;
  std::vector<SortField> sort;
  /// Rows before (negative) and after the current one; nullopt is all of them.
  std::array<std::optional<double>, 2> frame = {std::nullopt, 0.0};
  bool ignore_peers = false;
};
/// Adds the columns to the rows, which keep their order.
/// Errors: usage (no such operation), limit (too much work).
base::Result<Rows> window_rows(Rows rows, const WindowOptions& options);

/// -1, 0 or 1 by the fields in turn.
int compare_rows(const Row& a, const Row& b, const std::vector<SortField>& sort);
/// Sorts indices of rows, stable.
void sort_members(const Rows& rows, std::vector<uint32_t>& members,
                  const std::vector<SortField>& sort);

}  // namespace tools::vega
