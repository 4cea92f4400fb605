// tessera changes, tessera undo: what runs did to a workspace, and giving it back.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include "base/json.h"

#include "agent/as_json.h"
#include "cli/changes.h"
#include "cli/command.h"
#include "cli/terminal/diff.h"
#include "cli/terminal/text.h"
#include "sandbox/guard.h"
#include "sandbox/workspace/journal.h"

namespace cli {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

std::string local_time(int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

/// A folder in which nothing was ever run gets no journal by being looked at.
base::Result<sandbox::Journal> open_journal(const ChangesOptions& o) {
  const base::Result<std::filesystem::path> workspace = sandbox::workspace_folder(o.workspace);
  if (!workspace) return workspace.error();
  std::error_code ec;
  if (!std::filesystem::exists(*workspace / ".tessera/undo", ec))
    return Error{Errc::not_found, "no run has changed anything in " + workspace->string()};
  return sandbox::Journal::open(*workspace);
}

int list(const ChangesOptions& o, sandbox::Journal& journal) {
  base::Result<std::vector<sandbox::Journal::Info>> runs = journal.list();
  if (!runs) return fail(runs.error());
  json lines = json::array();
  for (const sandbox::Journal::Info& run : *runs) {
    if (o.json) {
      lines.push_back(agent::run_json(run));
    } else {
      std::printf("%s  %s  %-9s  %4zu %-7s  %s\n", run.id.c_str(), local_time(run.time_ms).c_str(),
                  std::string(sandbox::state_name(run.state)).c_str(), run.n_changes,
                  run.n_changes == 1 ? "change" : "changes", shown_line(run.label).c_str());
    }
  }
  if (o.json)
    std::printf("%s\n", lines.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  return kDone;
}

/// What lies in the folder again, and what does not any more.
void say_turned(const sandbox::Journal::Run& run, const sandbox::Journal::Undone& turned,
                bool redo) {
  constexpr size_t kMost = 20;
  size_t n = 0;
  for (const sandbox::Change& c : run.changes) {
    const bool left =
        std::any_of(turned.kept.begin(), turned.kept.end(),
                    [&](const sandbox::Conflict& kept) { return kept.path == c.path; });
    if (left || ++n > kMost) continue;
    using Kind = sandbox::ChangeKind;
    const char* what = c.kind == Kind::added     ? (redo ? "there again" : "removed")
                       : c.kind == Kind::removed ? (redo ? "removed" : "there again")
                       : c.kind == Kind::moved   ? (redo ? "moved" : "moved back")
                                                 : (redo ? "changed" : "as before");
    const std::string path = c.kind == Kind::moved && !redo ? c.from : c.path;
    std::printf("  %-12s %s\n", what, shown_line(path).c_str());
  }
  if (n > kMost) std::printf("  and %zu more\n", n - kMost);
}

}  // namespace

int show_changes(const ChangesOptions& o) {
  if (const base::Result<std::filesystem::path> folder = sandbox::workspace_folder(o.workspace);
      !folder)
    return fail(folder.error());
  base::Result<sandbox::Journal> journal = open_journal(o);
  if (!journal) {
    if (journal.error().code != Errc::not_found || !o.run.empty()) return fail(journal.error());
    std::printf("%s\n", o.json ? "[]" : "no run has changed anything here");
    return kDone;
  }
  if (o.run.empty() && !o.diff) return list(o, *journal);
  base::Result<sandbox::Journal::Run> run = journal->run(o.run);
  if (!run) return fail(run.error());
  json lines = json::array();
  const Look look = look_of(1);
  for (const sandbox::Change& c : run->changes) {
    base::Result<std::string> diff = std::string();
    if (o.diff) diff = journal->diff(run->info.id, c);
    if (o.json) {
      json line = agent::change_json(c);
      if (o.diff && diff) line["diff"] = *diff;
      lines.push_back(std::move(line));
      continue;
    }
    std::printf("%-8s %s%s\n", std::string(sandbox::kind_name(c.kind)).c_str(),
                c.from.empty() ? "" : (c.from + " -> ").c_str(), c.path.c_str());
    const std::string text = diff ? *diff : diff.error().message + "\n";
    if (o.diff) std::fputs((look.rich ? diff_text(text, look) : text).c_str(), stdout);
  }
  if (o.json)
    std::printf("%s\n", lines.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  return kDone;
}

int undo_run(const ChangesOptions& o) {
  base::Result<sandbox::Journal> journal = open_journal(o);
  if (!journal) return fail(journal.error());
  base::Result<sandbox::Journal::Undone> undone =
      o.redo ? journal->redo(o.run) : journal->undo(o.run, o.keep_mine);
  if (!undone) return fail(undone.error());
  if (o.json) {
    json kept = json::array();
    for (const sandbox::Conflict& c : undone->kept)
      kept.push_back({{"path", c.path}, {"why", c.why}});
    std::printf("%s\n", json{{"run", undone->id}, {"left", kept}}
                            .dump(-1, ' ', false, json::error_handler_t::replace)
                            .c_str());
    return kDone;
  }
  std::printf("run %s is %s\n", undone->id.c_str(), o.redo ? "done again" : "undone");
  if (const base::Result<sandbox::Journal::Run> run = journal->run(undone->id))
    say_turned(*run, *undone, o.redo);
  for (const sandbox::Conflict& c : undone->kept)
    std::printf("left as it is: %s: %s\n", c.path.c_str(), c.why.c_str());
  if (!o.redo) std::printf("`tessera undo --redo %s` brings it back\n", undone->id.c_str());
  return kDone;
}

void add_changes(CLI::App& app, Action& action) {
  auto o = std::make_shared<ChangesOptions>();
  CLI::App* c = app.add_subcommand("changes", "What runs did to the workspace.");
  c->add_option("--workspace", o->workspace, "the folder (default: here)");
  c->add_flag("--json", o->json, "one JSON array on standard output");
  c->add_flag("--diff", o->diff, "also the lines that changed, of the newest run if none is named");
  c->add_option("run", o->run, "a run, as the list without it shows them");
  c->callback([o, &action] { action = [o] { return show_changes(*o); }; });
}

void add_undo(CLI::App& app, Action& action) {
  auto o = std::make_shared<ChangesOptions>();
  CLI::App* c = app.add_subcommand("undo", "Gives back what a run changed, moved or removed.");
  c->add_option("--workspace", o->workspace, "the folder (default: here)");
  c->add_flag("--json", o->json, "one JSON object on standard output");
  c->add_flag("--keep-mine", o->keep_mine, "leave alone what you have changed since");
  c->add_flag("--redo", o->redo, "take an undo back");
  c->add_option("run", o->run, "which run (default: the newest)");
  c->callback([o, &action] { action = [o] { return undo_run(*o); }; });
}

}  // namespace cli
