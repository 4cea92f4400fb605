#include "cli/run_view.h"

namespace cli {
namespace {

struct RunOptions {
  Work work;
  ViewOptions view;
  bool go_on = false;
};

int run(RunOptions& o) {
  base::Result<std::shared_ptr<agent::session::Store>> store = begin_sessions(o.work, o.go_on);
  if (!store) return RunView(o.view).done(failed(store.error()));
  return carry_out_here(o.work, o.view, std::move(*store));
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand(
      "run", "Answer a request about the files of a folder: plan, run scripts, check, answer.");
  add_setup_options(*c, o->work.setup);
  c->add_flag("--continue", o->go_on, "go on with the last session of this workspace");
  c->add_flag("--json", o->view.json, "events as JSON Lines on standard output");
  c->add_flag("--yes", o->view.yes, "allow what the policy would ask about");
  add_view_options(*c, o->view);
  c->add_option("request", o->work.request, "what you want to know or see")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
