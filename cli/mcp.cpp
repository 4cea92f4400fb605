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

namespace cli {
namespace {

struct Options {
  std::string workspace = ".", policy = "default";
};

std::stop_source g_stop;

int run(const Options& o) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, [](int) { g_stop.request_stop(); });
  std::signal(SIGTERM, [](int) { g_stop.request_stop(); });
  base::Result<policies::Policy> policy = policies::find(o.policy);
  if (!policy) return fail(policy.error());
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = o.workspace,
                            .policy = *policy,
                            .audit = sandbox::AuditLog::default_path(),
                            .file_tools = true});
  if (!toolbox) return fail(toolbox.error());
  agent::Extensions extensions;
  base::Result<agent::Hooks> hooks = load_hooks(*toolbox);
  if (!hooks) return fail(hooks.error());
  extensions.hooks = std::move(*hooks);
  const agent::mcp::Offer offer(*toolbox, &extensions);
  if (base::Status served =
          agent::mcp::serve(offer, STDIN_FILENO, STDOUT_FILENO, g_stop.get_token());
      !served)
    return fail(served.error());
  return kDone;
}

}  // namespace

void add_mcp(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand(
      "mcp", "Offer the tools for data, charts and files to programs that speak MCP, over stdio.");
  c->add_option("--workspace", o->workspace, "folder of the files (default: here)");
  c->add_option("--policy", o->policy, "name or file of the sandbox's policy");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
