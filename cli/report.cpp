// tessera report: a Markdown file as one HTML page with its pictures and tables. The page is made
// in tessera-worker inside the sandbox; its bytes come back and are written here.

#include <cstdio>
#include <memory>

#include "base/file.h"
#include "cli/command.h"
#include "cli/toolbox.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

struct ReportOptions {
  std::string file, out, title, policy = "default";
};

int report(const ReportOptions& o) {
  if (std::filesystem::path(o.out).extension() != ".html") {
    std::fprintf(stderr, "tessera: --out %s: a name that ends in .html\n", o.out.c_str());
    return kUsage;
  }
  std::error_code ec;
  const std::filesystem::path file = std::filesystem::canonical(o.file, ec);
  if (ec) {
    std::fprintf(stderr, "tessera: %s: %s\n", o.file.c_str(), ec.message().c_str());
    return kUsage;
  }
  base::Result<tools::Toolbox> toolbox = open_toolbox(o.policy, {.workspace = file.parent_path()});
  if (!toolbox) return fail(toolbox.error());
  base::Result<tools::DataAnswer> page = toolbox->markdown_page(file.filename(), o.title, {});
  if (!page) {
    std::fprintf(stderr, "tessera: %s\n", page.error().message.c_str());
    return kTool;
  }
  if (!page->error.empty()) {
    std::fprintf(stderr, "tessera: %s\n", page->error.c_str());
    return page->stopped == tools::Stopped::no ? kUsage : kBudget;
  }
  if (base::Status written = base::write_file(o.out, page->text); !written)
    return fail(written.error());
  return kDone;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  auto o = std::make_shared<ReportOptions>();
  CLI::App* c = app.add_subcommand(
      "report",
      "Markdown as one HTML page with its pictures and tables: tessera report a.md --out a.html");
  c->add_option("file", o->file, "the Markdown file; pictures are named from its folder")
      ->required();
  c->add_option("--out", o->out, "the page, a name that ends in .html")->required();
  c->add_option("--title", o->title, "default: the first heading");
  c->add_option("--policy", o->policy, "a built-in policy or a file (default: default)");
  c->callback([o, &action] { action = [o] { return report(*o); }; });
}

}  // namespace cli
