#pragma once

#include <string>
#include <vector>

#include "tools/chart/scene.h"

namespace tools::chart {

/// Rows that the marks of a scene stand for.
int rows_drawn(const Scene& scene);

/// What is wrong with a scene, one sentence each: labels that leave the canvas, overlap or were
/// shortened.
std::vector<std::string> label_warnings(const Scene& scene);

}  // namespace tools::chart
