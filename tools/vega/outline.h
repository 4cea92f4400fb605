#pragma once

#include "tools/vega/path.h"
#include "tools/vega/scene.h"

typedef struct _cairo cairo_t;

namespace tools::vega {

/// Makes `path` the current path of `cairo`.
void trace(cairo_t* cairo, const Path& path);
/// Sets width, ends, joins and dashes of the lines that `cairo` draws.
void set_line(cairo_t* cairo, const Style& style, double width);

}  // namespace tools::vega
