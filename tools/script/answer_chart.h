#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/script/events.h"

namespace tools::script {

/// Answers a request of mode "draw", {"path": a Vega-Lite specification in the workspace, "format":
/// png, svg, pdf, scene, embedded, check or check-json, "scale": pixels per unit}: makes a new file
/// named `picture` and sends its event and the last one, done or error. Returns what is wrong with
/// the request, or nullptr.
const char* answer_chart(const nlohmann::json& request, Events& events);

}  // namespace tools::script
