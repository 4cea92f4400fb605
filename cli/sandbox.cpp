#include <unistd.h>

#include <cstdio>
#include <memory>
#include "base/json.h"

#include "agent/as_json.h"
#include "base/file.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/toolbox.h"
#include "sandbox/guard.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

struct SandboxOptions {
  std::string workspace = ".", policy = "default", file;
  std::vector<std::string> command;
  bool json = false, yes = false, dry = false;
};

constexpr int kTimedOut = 124, kNotRun = 125, kLimit = 137;

int not_run(const Error& error) {
  std::fprintf(stderr, "tessera: %s\n", error.message.c_str());
  return kNotRun;
}

int lua(const SandboxOptions& o) {
  base::Result<std::string> code = base::read_file(o.file, 1 << 20);
  if (!code) return fail(code.error());
  base::Result<tools::Toolbox> toolbox =
      open_toolbox(o.policy, {.workspace = o.workspace,
                              .audit = sandbox::AuditLog::default_path(),
                              .ask = ask_person(o.yes)});
  if (!toolbox) return fail(toolbox.error());
  base::Result<tools::Observation> observation = toolbox->run_lua(*code, {});
  if (!observation) return not_run(observation.error());
  if (o.json) {
    json charts = json::array();
    for (const tools::ChartMade& c : observation->charts)
      charts.push_back({{"path", c.path}, {"spec", c.spec}, {"warnings", c.warnings}});
    std::printf("%s\n", json{{"text", observation->text},
                             {"error", observation->error},
                             {"charts", charts},
                             {"files", observation->files}}
                            .dump(-1, ' ', false, json::error_handler_t::replace)
                            .c_str());
  } else {
    std::fprintf(observation->error ? stderr : stdout, "%s\n", observation->text.c_str());
  }
  if (observation->refused) return kRefused;
  switch (observation->stopped) {
    case tools::Stopped::by_time:
      return kTimedOut;
    case tools::Stopped::by_limit:
      return kLimit;
    case tools::Stopped::no:
      return observation->error ? 1 : 0;
  }
  return 1;
}

json changes_json(const sandbox::Kept& kept) {
  json changes = json::array(), refused = json::array();
  for (const sandbox::Change& c : kept.changes.changes) changes.push_back(agent::change_json(c));
  for (const sandbox::Refusal& r : kept.changes.refusals)
    refused.push_back({{"path", r.path}, {"why", r.why}});
  return {{"run", kept.run}, {"changes", changes}, {"refused", refused}, {"dropped", kept.dropped}};
}

int run(const SandboxOptions& o) {
  base::Result<policies::Policy> policy = policies::find(o.policy);
  if (!policy) return fail(policy.error());
  base::Result<sandbox::Guard> guard =
      sandbox::Guard::open({.workspace = o.workspace,
                            .policy = *policy,
                            .audit = sandbox::AuditLog::default_path(),
                            .ask = ask_person(o.yes)});
  if (!guard) return fail(guard.error());
  sandbox::Program program{.argv = o.command};
  if (!o.json) {
    program.on_output = [](int fd, std::string_view text) {
      std::FILE* stream = fd == STDOUT_FILENO ? stdout : stderr;
      std::fwrite(text.data(), 1, text.size(), stream);
      std::fflush(stream);
    };
  }
  base::Result<sandbox::Guard::Run> run =
      guard->run(std::move(program), "sandbox run " + o.command[0], o.dry, {});
  if (!run) {
    const bool policy_said =
        policies::decide_command(*policy, o.command).verdict != policies::Verdict::allow;
    return run.error().code == Errc::refused && policy_said ? fail(run.error())
                                                            : not_run(run.error());
  }
  const sandbox::Outcome& outcome = run->outcome;
  int code = kLimit;
  if (const auto* exited = std::get_if<sandbox::Exited>(&outcome.end)) code = exited->code;
  if (std::holds_alternative<sandbox::TimedOut>(outcome.end)) code = kTimedOut;
  if (code == 0 && run->kept.refused) code = kRefused;
  if (o.json) {
    json line{{"outcome", sandbox::describe(outcome)},
              {"exit_code", code},
              {"stdout", outcome.out},
              {"stderr", outcome.err},
              {"truncated", outcome.truncated},
              {"wall_ms", outcome.wall.count()},
              {"peak_bytes", outcome.peak_bytes}};
    line.update(changes_json(run->kept));
    std::printf("%s\n", line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return code;
  }
  if (!std::holds_alternative<sandbox::Exited>(outcome.end))
    std::fprintf(stderr, "tessera: %s\n", sandbox::describe(outcome).c_str());
  const sandbox::Kept& kept = run->kept;
  std::fputs(sandbox::list_changes(kept.changes, 20).c_str(), stderr);
  if (!kept.dropped.empty())
    std::fprintf(stderr, "tessera: nothing was kept: %s\n", kept.dropped.c_str());
  else if (!kept.run.empty())
    std::fprintf(stderr, "run %s; `tessera undo %s` takes it back\n", kept.run.c_str(),
                 kept.run.c_str());
  return code;
}

}  // namespace

void add_sandbox(CLI::App& app, Action& action) {
  auto o = std::make_shared<SandboxOptions>();
  CLI::App* c = app.add_subcommand("sandbox", "Run something untrusted under a policy.");
  c->require_subcommand(1);
  CLI::App* l = c->add_subcommand("lua", "One Lua script with the data and chart libraries.");
  CLI::App* r = c->add_subcommand("run", "One command: tessera sandbox run -- CMD ...");
  for (CLI::App* s : {l, r}) {
    s->add_option("--workspace", o->workspace, "folder it works in (default: here)");
    s->add_option("--policy", o->policy, "name or file of a policy");
    s->add_flag("--json", o->json, "one JSON object on standard output");
    s->add_flag("--yes", o->yes, "allow what the policy would ask about");
  }
  r->add_flag("--dry-run", o->dry, "show what it would change, and keep nothing");
  l->add_option("file", o->file, "Lua file")->required();
  r->add_option("command", o->command, "program and arguments")->required();
  l->callback([o, &action] { action = [o] { return lua(*o); }; });
  r->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
