// tessera mcp: the tools for data, charts and files for programs that speak the Model Context
// Protocol. Standard output is the protocol's alone, so that is where nobody can be asked either:
// what the policy would ask about is refused.

#include <unistd.h>

#include <csignal>
#include <memory>

#include "agent/mcp/offer.h"
#include "agent/mcp/server.h"
#include "cli/command.h"
#include "cli/extensions.h"
#include "cli/stop.h"
#include "cli/toolbox.h"

namespace cli {
namespace {

struct McpOptions {
  std::string workspace = ".", policy = "default";
};

int run(const McpOptions& o) {
  std::signal(SIGPIPE, SIG_IGN);
  stop_on_signals();
  base::Result<tools::Toolbox> toolbox = open_toolbox(
      o.policy,
      {.workspace = o.workspace, .audit = sandbox::AuditLog::default_path(), .file_tools = true});
  if (!toolbox) return fail(toolbox.error());
  agent::Extensions extensions;
  base::Result<agent::Hooks> hooks = load_hooks(*toolbox);
  if (!hooks) return fail(hooks.error());
  extensions.hooks = std::move(*hooks);
  const agent::mcp::Offer offer(*toolbox, &extensions);
  if (base::Status served = agent::mcp::serve(offer, STDIN_FILENO, STDOUT_FILENO, program_stop());
      !served)
    return fail(served.error());
  return kDone;
}

}  // namespace

void add_mcp(CLI::App& app, Action& action) {
  auto o = std::make_shared<McpOptions>();
  CLI::App* c = app.add_subcommand(
      "mcp", "Offer the tools for data, charts and files to programs that speak MCP, over stdio.");
  c->add_option("--workspace", o->workspace, "folder of the files (default: here)");
  c->add_option("--policy", o->policy, "name or file of the sandbox's policy");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
