#pragma once

#include <string>
#include "base/json.h"

#include "cli/terminal/style.h"

namespace cli {

/// A bar chart as bars of text with their labels and values, for terminals whose cells are too
/// coarse for a picture of letters; "" of any other chart and of one with too many bars.
/// spec: Vega-Lite with its rows, as a run's result has it; untrusted.
std::string bars_text(const nlohmann::json& spec, const Look& look);

}  // namespace cli
