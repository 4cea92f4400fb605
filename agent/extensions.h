#pragma once

#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/hooks.h"
#include "agent/mcp/servers.h"
#include "agent/skills.h"
#include "tools/toolbox/toolbox.h"

namespace agent {

/// What a person has added to the program: tools of MCP servers and skills, for models that no
/// grammar holds, and hooks, for all. Belongs to one thread, as its servers do.
struct Extensions {
  mcp::Servers servers = {};
  Skills skills = {};
  Hooks hooks = {};

  /// The tools that come beside the toolbox's own.
  std::vector<model::ToolDeclaration> tools() const;
  bool offers(const std::string& name) const;
};

/// A prompt with the tools and the list of skills added.
Prompt with_extensions(Prompt prompt, const Extensions& extensions);

/// A call between the hooks that concern it; what refuses it is its observation. extensions: may be
/// null. Errors: those of `call`, system (the audit log).
base::Result<tools::Observation> between_hooks(
    const tools::Toolbox& toolbox, const Extensions* extensions, const std::string& name,
    const nlohmann::json& arguments, const std::function<base::Result<tools::Observation>()>& call);

/// One call on its way: the hooks, the policy, whoever offers the tool, the hooks again.
/// extensions: may be null. Errors: as Toolbox::call().
base::Result<tools::Observation> call_tool(const tools::Toolbox& toolbox, Extensions* extensions,
                                           const std::string& name, const nlohmann::json& arguments,
                                           std::chrono::steady_clock::time_point deadline,
                                           std::stop_token stop);

}  // namespace agent
