// tessera examples: the tasks of examples/, each a folder NAME with its data and beside it a page
// NAME.md, whose first line is the title and whose first line that starts with "> " is the request.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "base/layout.h"
#include "cli/command.h"
#include "cli/terminal/style.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;

struct Example {
  std::string name, title, request;
  fs::path folder;
};

base::Result<std::vector<Example>> examples() {
  const fs::path root = base::find_part(base::Part::examples);
  if (root.empty())
    return Error{Errc::not_found, "the examples did not come with this program; install it whole"};
  std::vector<Example> all;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    if (!entry.is_directory()) continue;
    std::ifstream page(entry.path().string() + ".md");
    Example e{.name = entry.path().filename(), .title = "", .request = "", .folder = entry.path()};
    for (std::string line; e.request.empty() && std::getline(page, line);) {
      if (line.starts_with("# ") && e.title.empty()) e.title = line.substr(2);
      if (line.starts_with("> ")) e.request = line.substr(2);
    }
    if (!e.request.empty()) all.push_back(std::move(e));
  }
  if (error) return Error{Errc::system, root.string() + ": " + error.message()};
  std::sort(all.begin(), all.end(),
            [](const Example& a, const Example& b) { return a.name < b.name; });
  return all;
}

int list(const std::vector<Example>& all) {
  const Look look = look_of(1);
  for (const Example& e : all) {
    char name[40];
    std::snprintf(name, sizeof name, "%-12s", e.name.c_str());
    std::printf("%s %s             %s", styled(name, kBold, look).c_str(),
                fitted({{e.title}}, look, 13).c_str(),
                fitted({{"\"" + e.request + "\"", kDim}}, look, 13).c_str());
  }
  std::printf(
      "\n%s",
      fitted({{"`tessera examples NAME` copies one into a new folder here, to try it."}}, look)
          .c_str());
  return kDone;
}

/// The data into a new folder, the page beside it: a small model is confused by what is no data.
base::Status copy_example(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (to.filename() == "." || to.filename() == "..")
    return Error{Errc::usage, to.string() + ": name a new folder"};
  if (fs::exists(to, error) && !fs::is_empty(to, error))
    return Error{Errc::refused, to.string() +
                                    " is there already; name another folder: tessera "
                                    "examples NAME FOLDER"};
  const fs::path page = to.string() + ".md";
  if (fs::exists(page, error))
    return Error{Errc::refused, page.string() +
                                    " is there already; name another folder: tessera "
                                    "examples NAME FOLDER"};
  fs::create_directories(to, error);
  for (fs::recursive_directory_iterator it(from, error), end; !error && it != end;
       it.increment(error)) {
    const fs::path path = it->path().lexically_relative(from);
    if (path == ".tessera") {
      it.disable_recursion_pending();
      continue;
    }
    if (it->is_directory(error))
      fs::create_directory(to / path, error);
    else
      fs::copy_file(it->path(), to / path, error);
    if (error) break;
  }
  if (!error) fs::copy_file(from.string() + ".md", page, error);
  if (error) return Error{Errc::system, to.string() + ": " + error.message()};
  return base::Ok{};
}

int run(const std::string& name, std::string folder) {
  base::Result<std::vector<Example>> all = examples();
  if (!all) return fail(all.error());
  if (name.empty()) return list(*all);
  const auto e =
      std::find_if(all->begin(), all->end(), [&](const Example& one) { return one.name == name; });
  if (e == all->end())
    return fail({Errc::usage, "there is no example `" + name + "`; `tessera examples` lists them"});
  if (folder.empty()) folder = name;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (const base::Status done = copy_example(e->folder, folder); !done) return fail(done.error());
  // The command is not broken into lines: it is there to be copied.
  std::printf("%s\n  tessera run --workspace %s \"%s\"\n",
              fitted({{e->title + ": the data are in " + folder + "/, what it is about is in " +
                       folder + ".md. Now:"}},
                     look_of(1))
                  .c_str(),
              folder.c_str(), e->request.c_str());
  return kDone;
}

}  // namespace

void add_examples(CLI::App& app, Action& action) {
  struct ExamplesOptions {
    std::string name, folder;
  };
  auto o = std::make_shared<ExamplesOptions>();
  CLI::App* c = app.add_subcommand("examples", "Ten tasks to try: tessera examples weather");
  c->add_option("name", o->name, "which one is copied; without it they are listed");
  c->add_option("folder", o->folder, "a new folder for it (default: its name)");
  c->callback([o, &action] { action = [o] { return run(o->name, o->folder); }; });
}

}  // namespace cli
