#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace agent {

/// A model's plan of its work, as the tool update_plan sets it.
struct WorkPlan {
  nlohmann::json steps = nlohmann::json::array();  ///< [{"step", "status"}]
  std::string notes;                               ///< what it wants to remember

  /// "[x] done", "[>] in progress", "[ ] pending", a step a line, then the notes.
  std::string text() const;
};

/// Errors: usage (a sentence for the model).
base::Result<WorkPlan> read_plan(const nlohmann::json& arguments);

}  // namespace agent
