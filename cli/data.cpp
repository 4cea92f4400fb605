// tessera data: the data engine by itself. Query and files are untrusted, so both commands run in
// tessera-worker inside the sandbox, the way `tessera sandbox lua` runs a script; what comes back
// is text, and nothing is kept of what the worker could have written.

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/data.h"
#include "cli/stop.h"
#include "cli/terminal/style.h"
#include "cli/terminal/text.h"
#include "cli/toolbox.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

struct DataOptions {
  std::string workspace = ".", policy = "default", sql, file, format = "table";
  bool json = false;
};

int show(const base::Result<tools::DataAnswer>& answer) {
  if (!answer) {
    std::fprintf(stderr, "tessera: %s\n", answer.error().message.c_str());
    return kTool;
  }
  for (const std::string& note : answer->notes)
    std::fprintf(stderr, "note: %s\n", shown(note).c_str());
  if (!answer->error.empty()) {
    std::fprintf(stderr, "tessera: %s\n", shown(answer->error).c_str());
    return answer->stopped == tools::Stopped::no ? kUsage : kBudget;
  }
  const std::string text = look_of(1).rich ? shown(answer->text) : answer->text;
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kDone;
}

int query(const DataOptions& o) {
  base::Result<tools::Toolbox> toolbox = open_toolbox(o.policy, {.workspace = o.workspace});
  if (!toolbox) return fail(toolbox.error());
  return show(toolbox->data_query(o.sql, o.format, {}));
}

}  // namespace

int show_profile(const std::string& workspace, const std::string& policy, const std::string& file,
                 bool json) {
  base::Result<tools::Toolbox> toolbox = open_toolbox(policy, {.workspace = workspace});
  if (!toolbox) return fail(toolbox.error());
  return show(toolbox->data_profile(file, json ? "json" : "table", program_stop()));
}

void add_data(CLI::App& app, Action& action) {
  auto o = std::make_shared<DataOptions>();
  CLI::App* c = app.add_subcommand("data", "Tables: SQL over files, and what is in a file.");
  c->require_subcommand(1);
  CLI::App* q = c->add_subcommand(
      "query", "One SELECT over files: tessera data query \"SELECT ... FROM 'sales.csv'\"");
  CLI::App* p = c->add_subcommand("profile", "What is in a file: types, ranges, what looks wrong.");
  for (CLI::App* s : {q, p}) {
    s->add_option("--workspace", o->workspace, "folder of the files (default: here)");
    s->add_option("--policy", o->policy, "name or file of a policy");
  }
  q->add_option("--format", o->format, "csv, json or table (the first 40 rows)")
      ->check(CLI::IsMember({"csv", "json", "table"}));
  q->add_option("sql", o->sql, "SELECT ... FROM 'file'")->required();
  p->add_flag("--json", o->json, "one JSON object on standard output");
  p->add_option("file", o->file, "CSV, TSV, JSON, NDJSON, Parquet, XLSX or SQLite file")
      ->required();
  q->callback([o, &action] { action = [o] { return query(*o); }; });
  p->callback([o, &action] {
    action = [o] { return show_profile(o->workspace, o->policy, o->file, o->json); };
  });
}

}  // namespace cli
