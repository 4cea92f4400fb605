#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/vega/path.h"
#include "tools/vega/scene.h"

typedef struct _cairo cairo_t;

namespace tools::vega {

/// How symbols come onto pixels where there are many of them: each by itself, or copied from one
/// that was drawn at the same place within a pixel. Both look the same, to one level per channel.
enum class Painting { plain, quick };

/// Draws a scene with its picture's corner at (0, 0); the caller has scaled `cairo`.
void paint(cairo_t* cairo, const Scene& scene, Painting how = Painting::quick);

/// A picture of 32-bit pixels 0xXXRRGGBB, `width` from one row to the next.
struct Raster {
  std::unique_ptr<uint32_t, void (*)(void*)> pixels{nullptr, nullptr};
  int width = 0, height = 0;
};
/// The scene on white. scale: pixels per scene unit.
/// Errors: usage (a size of 0), limit (more than 100 million pixels), internal.
base::Result<Raster> rasterize(const Scene& scene, double scale, Painting how = Painting::quick);

/// What `paint` and `svg` do with a gradient: its stops along a line or between circles, in the
/// unit square of the item. Empty stops where the text is none.
struct Gradient {
  bool radial = false;
  double x1 = 0, y1 = 0, x2 = 1, y2 = 0, r1 = 0, r2 = 0.5;
  std::vector<std::pair<double, std::string>> stops;
};
Gradient read_gradient(const std::string& text);

/// Indices of the marks in the order in which they are drawn.
std::vector<const Mark*> drawing_order(const std::vector<Mark>& marks);

}  // namespace tools::vega
