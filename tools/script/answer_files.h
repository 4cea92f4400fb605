#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/data/engine.h"
#include "tools/script/events.h"

namespace tools::script {

/// Answers a request of mode "files", {"tool": "file_plan", "arguments": {…}}: an event {"type":
/// "answer", "answer": …} as tools::file::call_tool() gives it; or of mode "report", {"path": a
/// Markdown file, "title": …}: a new file named `page`. Then the last event, done or error.
/// Returns what is wrong with the request, or nullptr.
const char* answer_files(const std::string& mode, const nlohmann::json& request,
                         const std::shared_ptr<data::Engine>& engine, Events& events);

}  // namespace tools::script
