#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/data/engine.h"
#include "tools/script/events.h"

namespace tools::script {

/// Answers a request of mode "query" or "facts" with its events, the last of them done or error.
/// Returns what is wrong with the request, or nullptr.
const char* answer_data(const std::string& mode, const nlohmann::json& request,
                        const std::shared_ptr<data::Engine>& engine, Events& events);

}  // namespace tools::script
