#pragma once

#include <vector>

#include "tools/vega/model.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// The marks that a unit draws in one of its cells: one, or one per series of a line or area.
std::vector<Mark> make_marks(const View& view, int cell, Model& model);

}  // namespace tools::vega
