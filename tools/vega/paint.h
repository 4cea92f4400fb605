#pragma once

#include <string>
#include <vector>

#include "tools/vega/path.h"
#include "tools/vega/scene.h"

typedef struct _cairo cairo_t;

namespace tools::vega {

/// Draws a scene with its picture's corner at (0, 0); the caller has scaled `cairo`.
void paint(cairo_t* cairo, const Scene& scene);

/// What `paint` and `svg` do with a gradient: its stops along a line or between circles, in the
/// unit square of the item. Empty stops where the text is none.
struct Gradient {
  bool radial = false;
  double x1 = 0, y1 = 0, x2 = 1, y2 = 0, r1 = 0, r2 = 0.5;
  std::vector<std::pair<double, std::string>> stops;
};
Gradient read_gradient(const std::string& text);

/// 8-bit pixels (premultiplied ARGB as Cairo keeps them, opaque) as PNG: a palette where the
/// picture has few colours. stride: bytes per line.
std::string encode_rgb_png(const unsigned char* pixels, int width, int height, int stride);

/// Indices of the marks in the order in which they are drawn.
std::vector<const Mark*> drawing_order(const std::vector<Mark>& marks);

}  // namespace tools::vega
