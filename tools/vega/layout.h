#pragma once

#include "tools/vega/bounds.h"
#include "tools/vega/model.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// A group with what it and its parts cover, around its own corner.
struct Drawn {
  Group group;
  Box box;
  Box inner;  ///< `box` without the group's own stroke
};

/// Draws the whole tree: plots, axes, headers, legends, titles, each in its place.
Drawn draw_root(Model& model, const TextMetrics& metrics);

}  // namespace tools::vega
