#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/file/apply.h"
#include "tools/file/read.h"

namespace tools::file {

/// One file tool, as a model, a script and the command line call it. The one description of all.
struct ToolInfo {
  std::string_view name;         ///< find_files
  std::string_view description;  ///< one sentence
  std::string_view schema;       ///< of its arguments, JSON Schema
};

/// find_files, read_file, write_file, edit_file, file_plan.
const std::vector<ToolInfo>& tool_infos();

struct Services {
  ReadServices read{};
  ApplyOptions apply{};
  /// Takes the steps of a plan that is to be applied, if all that they do is moving, removing and
  /// making folders: whoever called does that. Nothing is applied here then, nor is another plan.
  std::function<base::Status(const std::vector<Step>& steps)> hand_over{};
};

/// Calls a tool. file_plan previews; with "apply": true it applies too. Returns {"text": …} for a
/// reader, with "files" (find_files) or "steps" and the like (file_plan) for a program. "applied"
/// of a plan says whether it was applied or handed over. Errors: usage (unknown tool, wrong
/// arguments: one sentence), and those of the tools.
base::Result<nlohmann::json> call_tool(int top, const std::string& name,
                                       const nlohmann::json& arguments, const Services& services);

}  // namespace tools::file
