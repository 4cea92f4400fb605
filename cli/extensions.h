#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/extensions.h"
#include "base/result.h"

namespace cli {

struct ExtensionOptions {
  std::string mcp_file;                    ///< empty: mcp.json of the config folder, if it is there
  std::vector<std::string> skill_folders;  ///< beside `skills` of the config folder
};

/// $XDG_CONFIG_HOME/tessera or ~/.config/tessera; empty where there is no home.
std::filesystem::path config_folder();

/// The hooks of the config folder. Errors: corrupt, refused (the workspace holds the config folder,
/// so that a run could change what runs outside the sandbox).
base::Result<agent::Hooks> load_hooks(const tools::Toolbox& toolbox);

/// The hooks, and for a model that is not ours (`free`) MCP servers, started, and skills. What a
/// person should know goes to stderr, a line each. Errors: as load_hooks(), not_found, cancelled,
/// system.
base::Result<agent::Extensions> load_extensions(const ExtensionOptions& options, bool free,
                                                tools::Toolbox& toolbox, std::stop_token stop);

}  // namespace cli
