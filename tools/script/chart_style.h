#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "tools/script/chart_spec.h"

namespace tools::script {

/// The Vega-Lite specification that is drawn for a chart.*: `plain` (ChartPlan::spec) with what
/// makes a good picture of 800x500 units: names in their own order, titles for people, bars that
/// lie down when their names are long, values on the bars, colours that colour-blind readers tell
/// apart. The same rows, under the names x, y, c (colour) and t (text on a mark). Errors: usage
/// (values that the chart cannot show, such as a negative slice), limit (more than 2,000 bars, 200
/// series or slices).
base::Result<nlohmann::json> styled(ChartKind kind, const nlohmann::json& plain);

}  // namespace tools::script
