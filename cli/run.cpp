#include <cstdio>

#include "cli/request.h"

namespace cli {
namespace {

using agent::session::Info;
using base::Errc;
using base::Error;

struct Options {
  Work work;
  bool json = false, yes = false, go_on = false;
};

/// The newest session of the workspace that came to an end, as what was said before.
base::Status follow_last(Work& work, agent::session::Store& store) {
  std::error_code error;
  const std::string workspace = std::filesystem::canonical(work.setup.workspace, error).string();
  if (error) return Error{Errc::not_found, work.setup.workspace + ": no such folder"};
  base::Result<std::vector<Info>> sessions = store.list(workspace);
  if (!sessions) return sessions.error();
  for (const Info& info : *sessions) {
    if (info.status == "running" || info.status == "stopped") {
      if (!store.locked(info.id))
        std::fprintf(stderr,
                     "note: the session %s was interrupted and is left out; `tessera sessions "
                     "resume %s` finishes it\n",
                     info.id.c_str(), info.id.c_str());
      continue;
    }
    base::Result<std::vector<model::Message>> past = past_of(store, info.id, work.setup.model, -1);
    if (!past) return past.error();
    work.parent = info.id;
    work.past = std::move(*past);
    return base::Ok{};
  }
  return Error{Errc::not_found, "no session of " + workspace +
                                    " to continue; run it without "
                                    "--continue"};
}

int run(Options& o) {
  std::shared_ptr<agent::session::Store> store;
  if (o.go_on) {
    base::Result<std::shared_ptr<agent::session::Store>> opened = open_sessions();
    if (!opened) return fail(opened.error());
    store = *opened;
    if (base::Status found = follow_last(o.work, *store); !found) return fail(found.error());
  } else {
    store = sessions_for_run();
  }
  return carry_out_here(o.work, o.json, o.yes, std::move(store));
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand(
      "run", "Answer a request about the files of a folder: plan, run scripts, check, answer.");
  c->add_option("--workspace", o->work.setup.workspace, "folder with the files (default: here)");
  add_model_options(*c, o->work.setup.model);
  c->add_option("--policy", o->work.setup.policy, "name or file of the sandbox's policy");
  add_budget_options(*c, o->work.setup);
  c->add_flag("--continue", o->go_on, "go on with the last session of this workspace");
  c->add_flag("--json", o->json, "events as JSON Lines on standard output");
  c->add_flag("--yes", o->yes, "allow what the policy would ask about");
  c->add_option("request", o->work.request, "what you want to know or see")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
