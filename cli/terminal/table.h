#pragma once

#include <vector>

#include "cli/terminal/style.h"

namespace cli {

enum class Align { automatic, left, centre, right };

struct Table {
  std::vector<Align> columns;           ///< automatic: to the right if all of its cells are numbers
  std::vector<Line> header;             ///< a cell a column
  std::vector<std::vector<Line>> rows;  ///< the same
};

/// A table in at most `columns` columns: cells are wrapped where it would be wider, and where that
/// does not help each row becomes a few lines `name: value`.
std::vector<Line> table_lines(const Table& table, int columns);

}  // namespace cli
