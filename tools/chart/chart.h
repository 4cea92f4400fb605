#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

/// tools::chart: draws a chart from a small Vega-Lite-like JSON value.
///
/// A spec becomes a Table (spec.h), the table a Scene (scene.h: every mark and label with its box,
/// a plain value), the scene pixels (paint.h). Each step is a pure function; any thread may call.
/// The same spec gives the same bytes on the same fonts.
namespace tools::chart {

/// A drawn chart and what is known about it without looking.
struct Drawn {
  std::string png;  ///< the file
  int width = 0;    ///< pixels (twice the chart's nominal size)
  int height = 0;   ///< pixels
  int rows_drawn =
      0;  ///< rows of data.values that a mark stands for; slices and boxes count all their rows
  bool blank = false;  ///< painting the marks changed no pixel
  std::vector<std::string>
      warnings;  ///< one sentence each: rows left out, labels clipped or overlapping, …
};

/// Draws a spec:
///   {"mark", "title", "encoding": {"x", "y", "color", "xOffset", "theta"}, "data": {"values":
///   […]}}
/// Marks: bar (grouped with xOffset, stacked with color alone, a histogram with x.bin), line,
/// point, arc, boxplot, rect. Bars and boxes lie down when their names do not fit below them.
/// Errors: usage (one sentence that names the field or feature), limit (too many rows, bars,
/// slices, …), system (no fonts are installed).
base::Result<Drawn> draw_png(const nlohmann::json& spec);

/// Loads the fonts, so that the first chart does not wait for them. The process must be able to
/// read the font files when it first draws.
void warm_up();

}  // namespace tools::chart
