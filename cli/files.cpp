// tessera files: plans of operations, and looking at, writing and editing single files. Names and
// contents are untrusted, so all of it runs in tessera-worker inside the sandbox; what is written
// is one run of the journal, which `tessera undo` takes back.

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/file.h"
#include "base/json.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/toolbox.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kMaxInput = 900'000;  // a request to the worker is at most 1 MB

struct FilesOptions {
  std::string workspace = ".", policy = "default", file;
  bool json = false, yes = false, dry = false;
  // find
  std::string glob = "**", type = "file", contains, since, until, order = "name";
  int64_t min_bytes = -1, max_bytes = -1, limit = 200, first = 1, last = 0;
  bool ignore_case = false, all = false;
  std::string part, old_text, new_text;
};

base::Result<std::string> input(const std::string& file) {
  if (file != "-") return base::read_file(file, kMaxInput);
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (text.size() > kMaxInput) return Error{Errc::usage, "standard input is larger than 900 KB"};
  return text;
}

int call(const FilesOptions& o, const std::string& tool, const json& arguments) {
  base::Result<tools::Toolbox> toolbox =
      open_toolbox(o.policy, {.workspace = o.workspace,
                              .audit = sandbox::AuditLog::default_path(),
                              .ask = ask_person(o.yes)});
  if (!toolbox) return fail(toolbox.error());
  base::Result<tools::FileAnswer> answer = toolbox->file_tool(tool, arguments, o.dry, {});
  if (!answer) {
    std::fprintf(stderr, "tessera: %s\n", answer.error().message.c_str());
    return kTool;
  }
  if (!answer->error.empty()) {
    std::fprintf(stderr, "tessera: %s\n", answer->error.c_str());
    return answer->refused ? kRefused : answer->stopped != tools::Stopped::no ? kBudget : kUsage;
  }
  if (o.json) {
    json line = answer->answer;
    if (!answer->run.empty()) line["run"] = answer->run;
    std::printf("%s\n", line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return kDone;
  }
  const std::string text = answer->answer.value("text", std::string());
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!answer->run.empty())
    std::fprintf(stderr, "run %s; `tessera undo %s` takes it back\n", answer->run.c_str(),
                 answer->run.c_str());
  return kDone;
}

int plan(const FilesOptions& o, bool apply) {
  base::Result<std::string> text = input(o.file);
  if (!text) return fail(of_file(o.file, text.error()));
  const json operations = json::parse(*text, nullptr, false);
  if (operations.is_discarded()) return fail(Error{Errc::usage, o.file + " is not JSON"});
  json list =
      operations.is_object() && operations.contains("plan") ? operations["plan"] : operations;
  if (list.is_object()) list = json::array({list});
  return call(o, "file_plan", {{"plan", list}, {"apply", apply}});
}

int find(const FilesOptions& o) {
  json arguments{{"glob", o.glob},
                 {"type", o.type},
                 {"order", o.order},
                 {"limit", o.limit},
                 {"ignore_case", o.ignore_case}};
  for (const auto& [name, value] :
       {std::pair{"contains", &o.contains}, {"since", &o.since}, {"until", &o.until}})
    if (!value->empty()) arguments[name] = *value;
  if (o.min_bytes >= 0) arguments["min_bytes"] = o.min_bytes;
  if (o.max_bytes >= 0) arguments["max_bytes"] = o.max_bytes;
  return call(o, "find_files", arguments);
}

}  // namespace

void add_files(CLI::App& app, Action& action) {
  auto o = std::make_shared<FilesOptions>();
  CLI::App* c =
      app.add_subcommand("files", "Files: find, read, write, edit, and plans of many changes.");
  c->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* s = c->add_subcommand(name, what);
    s->add_option("--workspace", o->workspace, "the folder (default: here)");
    s->add_option("--policy", o->policy, "a built-in policy or a file (default: default)");
    s->add_flag("--json", o->json, "one JSON object on standard output");
    return s;
  };
  CLI::App* p = add("plan", "What a plan would do; changes nothing.");
  p->add_option("file", o->file, "the plan, a JSON file; - is standard input")->required();
  p->callback([o, &action] { action = [o] { return plan(*o, false); }; });
  CLI::App* a = add("apply", "Carries out a plan, all of it or nothing.");
  a->add_option("file", o->file, "the plan, a JSON file; - is standard input")->required();
  a->callback([o, &action] { action = [o] { return plan(*o, true); }; });
  CLI::App* f = add("find", "Files by name, type, size, date and content.");
  f->add_option("glob", o->glob, "a pattern such as **/*.csv (default: all)");
  f->add_option("--type", o->type, "file, folder, link or any");
  f->add_option("--contains", o->contains, "text that a file holds");
  f->add_option("--since", o->since, "changed on this day or later: 2024-05-31");
  f->add_option("--until", o->until, "changed on this day or before");
  f->add_option("--min-bytes", o->min_bytes, "at least this large");
  f->add_option("--max-bytes", o->max_bytes, "at most this large");
  f->add_option("--order", o->order, "name, date or size");
  f->add_option("--limit", o->limit, "how many are listed (default: 200)");
  f->add_flag("--ignore-case", o->ignore_case, "of the pattern");
  f->callback([o, &action] { action = [o] { return find(*o); }; });
  CLI::App* r = add("read", "Lines of a text, a PDF or a sheet; what a picture or a sound is.");
  r->add_option("path", o->file, "in the workspace")->required();
  r->add_option("--first", o->first, "the first line");
  r->add_option("--last", o->last, "the last line");
  r->add_option("--part", o->part, "the sheet or table");
  r->callback([o, &action] {
    action = [o] {
      json arguments{{"path", o->file}, {"first", o->first}, {"last", o->last}};
      if (!o->part.empty()) arguments["part"] = o->part;
      return call(*o, "read_file", arguments);
    };
  });
  CLI::App* w = add("write", "Makes or replaces a file with the text on standard input.");
  w->add_option("path", o->file, "in the workspace")->required();
  w->callback([o, &action] {
    action = [o] {
      base::Result<std::string> text = input("-");
      if (!text) return fail(text.error());
      return call(*o, "write_file", {{"path", o->file}, {"text", *text}});
    };
  });
  CLI::App* e = add("edit", "Replaces a text that stands once in a file.");
  e->add_option("path", o->file, "in the workspace")->required();
  e->add_option("--old", o->old_text, "the text as it stands there")->required();
  e->add_option("--new", o->new_text, "what takes its place")->required();
  e->add_flag("--all", o->all, "all places");
  e->callback([o, &action] {
    action = [o] {
      return call(*o, "edit_file",
                  {{"path", o->file}, {"old", o->old_text}, {"new", o->new_text}, {"all", o->all}});
    };
  });
  for (CLI::App* s : {a, w, e}) {
    s->add_flag("--yes", o->yes, "answer yes where the policy asks");
    s->add_flag("--dry", o->dry, "do it in the sandbox and drop it");
  }
}

}  // namespace cli
