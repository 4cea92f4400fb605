#pragma once

#include <string>
#include <vector>

#include "tools/vega/bounds.h"

namespace tools::vega {

/// How cells are put into rows and columns, as Vega's grid layout does it.
struct GridOptions {
  int columns = 0;  ///< 0: all in one row
  double row_padding = 20, column_padding = 20;
  std::string row_align = "each", column_align = "each";  ///< all, each or none
  bool center_row = false, center_column = false;
};

struct Place {
  double x = 0, y = 0;
};

/// The place of each cell, given what it covers around its own corner.
std::vector<Place> grid_places(const std::vector<Box>& boxes, const GridOptions& options);

}  // namespace tools::vega
