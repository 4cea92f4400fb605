#include "tools/vega/grid.h"

#include <cmath>

namespace tools::vega {

// What a cell reaches beyond its corner to the left or top, in whole pixels.
static double overhang(double edge) { return edge < 0 ? std::ceil(-edge) : 0; }

// One direction of the grid: `at(i)` is the line (column or row) of cell i, `lines` their number.
template <class LineOf>
static std::vector<double> place_lines(const std::vector<double>& low,
                                       const std::vector<double>& high, size_t lines,
                                       LineOf line_of, double padding, const std::string& align,
                                       bool center, bool several) {
  const size_t n = low.size();
  std::vector<double> extent(lines, 0), gap(lines, 0), place(n, 0);
  double most = 0, widest_gap = 0;
  for (size_t i = 0; i < n; ++i) {
    const size_t line = line_of(i);
    extent[line] = std::max(extent[line], std::ceil(high[i]));
    most = std::max(most, std::ceil(high[i]));
    if (line > 0) {
      gap[line] = std::max(gap[line], padding + overhang(low[i]));
      widest_gap = std::max(widest_gap, padding + overhang(low[i]));
    }
  }
  if (align == "all" || align == "each") {
    std::vector<double> start(lines, 0);
    for (size_t k = 1; k < lines; ++k)
      start[k] = start[k - 1] + (align == "all" ? most + widest_gap : extent[k - 1] + gap[k]);
    for (size_t i = 0; i < n; ++i) {
      const size_t line = line_of(i);
      place[i] = start[line];
      if (center && several) {
        const double room = (align == "all" ? most : extent[line]) - high[i];
        if (room > 0) place[i] += room / 2;
      }
    }
    return place;
  }
  return place;
}

std::vector<Place> grid_places(const std::vector<Box>& boxes, const GridOptions& options) {
  const size_t n = boxes.size();
  std::vector<Place> places(n);
  if (n == 0) return places;
  const size_t columns =
      options.columns > 0 ? std::min<size_t>(n, static_cast<size_t>(options.columns)) : n;
  const size_t rows = (n + columns - 1) / columns;
  std::vector<double> x1(n), x2(n), y1(n), y2(n);
  for (size_t i = 0; i < n; ++i) {
    const Box box = boxes[i].empty() ? Box{0, 0, 0, 0} : boxes[i];
    x1[i] = box.x1, x2[i] = box.x2, y1[i] = box.y1, y2[i] = box.y2;
  }
  auto column_of = [&](size_t i) { return i % columns; };
  auto row_of = [&](size_t i) { return i / columns; };
  const auto xs = place_lines(x1, x2, columns, column_of, options.column_padding,
                              options.column_align, options.center_column, rows > 1);
  const auto ys = place_lines(y1, y2, rows, row_of, options.row_padding, options.row_align,
                              options.center_row, columns > 1);
  for (size_t i = 0; i < n; ++i) places[i] = {xs[i], ys[i]};
  // Without alignment each row flows on its own.
  if (options.column_align == "none") {
    double x = 0;
    for (size_t i = 0; i < n; ++i) {
      if (column_of(i) == 0)
        x = 0;
      else
        x += std::ceil(x2[i - 1]) + options.column_padding + overhang(x1[i]);
      places[i].x = x;
    }
  }
  if (options.row_align == "none")
    for (size_t c = 0; c < columns; ++c) {
      double y = 0;
      for (size_t i = c; i < n; i += columns) {
        if (i >= columns) y += std::ceil(y2[i - columns]) + options.row_padding + overhang(y1[i]);
        places[i].y = y;
      }
    }
  return places;
}

}  // namespace tools::vega
