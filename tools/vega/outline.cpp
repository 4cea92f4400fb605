#include "tools/vega/outline.h"

#include <cairo.h>

namespace tools::vega {

void trace(cairo_t* cairo, const Path& path) {
  cairo_new_path(cairo);
  for (const Path::Command& c : path.commands) {
    if (c.kind == 'M') cairo_move_to(cairo, c.x, c.y);
    if (c.kind == 'L') cairo_line_to(cairo, c.x, c.y);
    if (c.kind == 'C') cairo_curve_to(cairo, c.x1, c.y1, c.x2, c.y2, c.x, c.y);
    if (c.kind == 'Z') cairo_close_path(cairo);
  }
}

void set_line(cairo_t* cairo, const Style& style, double width) {
  cairo_set_line_width(cairo, width);
  cairo_set_line_cap(cairo, style.cap == "round"    ? CAIRO_LINE_CAP_ROUND
                            : style.cap == "square" ? CAIRO_LINE_CAP_SQUARE
                                                    : CAIRO_LINE_CAP_BUTT);
  cairo_set_line_join(cairo, style.join == "round"   ? CAIRO_LINE_JOIN_ROUND
                             : style.join == "bevel" ? CAIRO_LINE_JOIN_BEVEL
                                                     : CAIRO_LINE_JOIN_MITER);
  cairo_set_miter_limit(cairo, 4);
  if (style.dash.empty())
    cairo_set_dash(cairo, nullptr, 0, 0);
  else
    cairo_set_dash(cairo, style.dash.data(), static_cast<int>(style.dash.size()),
                   style.dash_offset);
}

}  // namespace tools::vega
