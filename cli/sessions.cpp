#include <unistd.h>

#include <climits>
#include <cstdio>

#include "agent/session/recorder.h"
#include "base/base64.h"
#include "base/file.h"
#include "cli/run_view.h"
#include "cli/session_text.h"
#include "cli/sessions.h"
#include "cli/terminal/style.h"
#include "cli/terminal/text.h"

namespace cli {
namespace {

using agent::session::Info;
using agent::session::Saved;
using agent::session::Store;
using base::Errc;
using base::Error;
using base::line_of;
using nlohmann::json;

struct SessionsOptions {
  std::string id, workspace, out, request;
  Setup setup;
  bool json = false, markdown = false, yes = false;
  bool other_model = false;  // named on the command line
  int at = -1;
};

/// A session by the beginning of its id.
struct Found {
  std::shared_ptr<Store> store;
  Saved saved;
  std::string state;
};
base::Result<Found> find(const std::string& prefix) {
  base::Result<std::shared_ptr<Store>> store = open_sessions();
  if (!store) return store.error();
  base::Result<std::string> id = (*store)->find(prefix);
  if (!id) return id.error();
  base::Result<Saved> saved = (*store)->load(*id);
  if (!saved) return saved.error();
  std::string state = state_of(saved->info, **store);
  return Found{*store, std::move(*saved), std::move(state)};
}

base::Result<std::string> markdown(const Found& found) {
  base::Result<std::vector<model::Message>> conversation = agent::session::conversation_of(
      found.saved, [&](const std::string& digest) { return found.store->picture(digest); }, -1);
  if (!conversation) return conversation.error();
  return session_markdown(found.saved, found.state, *conversation);
}

int show(const SessionsOptions& o) {
  base::Result<Found> found = find(o.id);
  if (!found) return fail(found.error());
  if (o.json) {
    base::Result<json> all = session_json(found->saved, found->state);
    if (!all) return fail(all.error());
    std::printf("%s\n", line_of(*all).c_str());
    return kDone;
  }
  base::Result<std::string> text = markdown(*found);
  if (!text) return fail(text.error());
  std::printf("%s", shown(*text).c_str());
  return kDone;
}

int replay(const SessionsOptions& o) {
  base::Result<Found> found = find(o.id);
  if (!found) return fail(found.error());
  for (const auto& [seq, line] : found->saved.happened.events) std::printf("%s\n", line.c_str());
  return kDone;
}

int export_one(const SessionsOptions& o) {
  base::Result<Found> found = find(o.id);
  if (!found) return fail(found.error());
  std::string text;
  if (o.markdown) {
    base::Result<std::string> made = markdown(*found);
    if (!made) return fail(made.error());
    text = std::move(*made);
  } else {
    base::Result<json> all = session_json(found->saved, found->state);
    if (!all) return fail(all.error());
    (*all)["pictures"] = json::object();
    base::Result<std::vector<std::string>> digests =
        found->store->pictures_of(found->saved.info.id);
    if (!digests) return fail(digests.error());
    for (const std::string& digest : *digests) {
      base::Result<std::string> bytes = found->store->picture(digest);
      if (!bytes) return fail(bytes.error());
      (*all)["pictures"][digest] = base::base64_encoded(*bytes);
    }
    text = line_of(*all) + "\n";
  }
  if (o.out.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kDone;
  }
  if (base::Status written = base::write_file(o.out, text); !written) return fail(written.error());
  return kDone;
}

int remove(const SessionsOptions& o) {
  base::Result<std::shared_ptr<Store>> store = open_sessions();
  if (!store) return fail(store.error());
  base::Result<std::string> id = (*store)->find(o.id);
  if (!id) return fail(id.error());
  if (base::Status removed = (*store)->remove(*id); !removed) return fail(removed.error());
  return kDone;
}

/// What the session was run with, but for what the command line names.
Setup setup_for(const SessionsOptions& o, const Info& info) {
  Setup setup = setup_of(info.setup);
  setup.workspace = info.workspace;
  if (o.other_model) setup.model = o.setup.model;
  if (o.setup.max_turns) setup.max_turns = o.setup.max_turns;
  if (o.setup.max_seconds) setup.max_seconds = o.setup.max_seconds;
  return setup;
}

int resume(const SessionsOptions& o) {
  base::Result<Found> found = find(o.id);
  if (!found) return fail(found.error());
  const Info& info = found->saved.info;
  return carry_out_here(
      {.request = info.request, .setup = setup_for(o, info), .resume = info.id, .task = info.task},
      {.json = o.json, .yes = o.yes}, found->store);
}

int fork(const SessionsOptions& o) {
  base::Result<Found> found = find(o.id);
  if (!found) return fail(found.error());
  const Info& info = found->saved.info;
  Work work{.request = o.request, .setup = setup_for(o, info), .parent = info.id};
  base::Result<std::vector<model::Message>> past =
      past_of(*found->store, info.id, work.setup.model, o.at);
  if (!past) return fail(past.error());
  work.past = std::move(*past);
  return carry_out_here(work, {.json = o.json, .yes = o.yes}, found->store);
}

}  // namespace

int list_sessions(const std::string& of, bool json_array) {
  base::Result<std::shared_ptr<Store>> store = open_sessions();
  if (!store) return fail(store.error());
  std::string workspace;
  if (!of.empty()) {
    std::error_code error;
    workspace = std::filesystem::canonical(of, error).string();
    if (error) return fail({Errc::not_found, of + ": no such folder"});
  }
  base::Result<std::vector<Info>> sessions = (*store)->list(workspace);
  if (!sessions) return fail(sessions.error());
  json lines = json::array();
  const Look look = look_of(STDOUT_FILENO);
  const int columns = look.rich ? look.columns : INT_MAX;
  const auto padded = [](std::string text) {
    text.resize(std::max<size_t>(text.size(), 11), ' ');
    return text;
  };
  for (const Info& info : *sessions) {
    const std::string state = state_of(info, **store);
    if (json_array)
      lines.push_back(summary_json(info, state));
    else
      std::printf("%s\n", cut(info.id + "  " + when(info.created_ms) + "  " + padded(state) + "  " +
                                  shown_line(info.workspace) + "  " +
                                  shown_line(first_words(info.request, 60)),
                              columns)
                              .c_str());
  }
  if (json_array) std::printf("%s\n", line_of(lines).c_str());
  if (!json_array && sessions->empty()) std::printf("no sessions\n");
  return kDone;
}

void add_sessions(CLI::App& app, Action& action) {
  auto o = std::make_shared<SessionsOptions>();
  CLI::App* c = app.add_subcommand("sessions", "What was asked and done before; goes on with it.");
  c->require_subcommand(0, 1);
  c->add_option("--workspace", o->workspace, "only those of this folder");
  c->add_flag("--json", o->json, "one JSON array on standard output");
  c->callback([o, c, &action] {
    if (c->get_subcommands().empty()) action = [o] { return list_sessions(o->workspace, o->json); };
  });
  const auto add = [&](const char* name, const char* help, int (*run)(const SessionsOptions&)) {
    CLI::App* s = c->add_subcommand(name, help);
    s->add_option("id", o->id, "the session, or the beginning of its id")->required();
    s->callback([o, run, s, &action] {
      for (const char* named : {"--model", "--adapter", "--mmproj", "--endpoint"})
        if (const CLI::Option* option = s->get_option_no_throw(named))
          o->other_model = o->other_model || option->count() > 0;
      action = [o, run] { return run(*o); };
    });
    return s;
  };
  add("show", "What was said and done, to be read.", show)
      ->add_flag("--json", o->json, "one JSON object on standard output");
  add("replay", "The lines that `tessera run --json` printed.", replay);
  CLI::App* e = add("export", "The whole session as one JSON file.", export_one);
  e->add_flag("--markdown", o->markdown, "as Markdown, without its pictures");
  e->add_option("--out", o->out, "file to write (default: standard output)");
  add("delete", "Forgets a session; what it changed in its workspace stays.", remove);
  for (CLI::App* s : {add("resume", "Goes on with one that was interrupted or failed.", resume),
                      add("fork", "A new request that goes on with what was said.", fork)}) {
    add_model_options(*s, o->setup.model);
    add_budget_options(*s, o->setup);
    s->add_flag("--json", o->json, "events as JSON Lines on standard output");
    s->add_flag("--yes", o->yes, "allow what the policy would ask about");
    if (s->get_name() != "fork") continue;
    s->add_option("--at", o->at, "only the first N steps of it")->check(CLI::PositiveNumber);
    s->add_option("request", o->request, "what you want to know or see")->required();
  }
}

}  // namespace cli
