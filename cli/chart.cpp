// tessera chart: a Vega-Lite specification as a picture. Specification and data are untrusted, so
// they are read and drawn in tessera-worker inside the sandbox; the bytes of the picture come back.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/chart_html.h"
#include "cli/command.h"
#include "cli/toolbox.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

struct ChartOptions {
  std::string spec, out, policy = "default";
  double scale = 2;
  bool check = false, json = false;
};

int usage(const std::string& message) {
  std::fprintf(stderr, "tessera: %s\n", message.c_str());
  return kUsage;
}

// The bytes of one answer of the worker, written to `out` or, without one, to stdout.
int answer(const tools::Toolbox& toolbox, const std::string& spec, const std::string& format,
           const ChartOptions& o, const std::string& out) {
  base::Result<tools::DataAnswer> picture = toolbox.draw(spec, format, o.scale, {});
  if (!picture) {
    std::fprintf(stderr, "tessera: %s\n", picture.error().message.c_str());
    return kTool;
  }
  if (!picture->error.empty()) {
    std::fprintf(stderr, "tessera: %s\n", picture->error.c_str());
    return picture->stopped == tools::Stopped::no ? kUsage : kBudget;
  }
  if (out.empty()) {
    std::fwrite(picture->text.data(), 1, picture->text.size(), stdout);
    return kDone;
  }
  if (format == "embedded") {
    base::Result<std::string> page = chart_html(picture->text, fs::path(o.spec).stem());
    if (!page) return fail(page.error());
    picture->text = std::move(*page);
  }
  std::ofstream file(out, std::ios::binary);
  file << picture->text;
  file.close();
  if (!file) return usage("cannot write " + out);
  return kDone;
}

int chart(const ChartOptions& o) {
  if (o.out.empty() && !o.check) return usage("chart: needs --out FILE, --check or both");
  if (o.json && !o.check) return usage("chart: --json belongs to --check");
  const std::string extension = fs::path(o.out).extension();
  const std::string format = extension == ".json"   ? "scene"
                             : extension == ".html" ? "embedded"
                             : extension == ".png" || extension == ".svg" || extension == ".pdf"
                                 ? extension.substr(1)
                                 : "";
  if (format.empty() && !o.out.empty())
    return usage("--out " + o.out +
                 ": a name that ends in .png, .svg, .pdf, .html or .json (the scene)");
  std::error_code ec;
  const fs::path spec = fs::canonical(o.spec, ec);
  if (ec) return usage(o.spec + ": " + ec.message());
  base::Result<tools::Toolbox> toolbox = open_toolbox(o.policy, {.workspace = spec.parent_path()});
  if (!toolbox) return fail(toolbox.error());
  if (!o.out.empty())
    if (const int code = answer(*toolbox, spec.filename(), format, o, o.out); code != kDone)
      return code;
  return o.check ? answer(*toolbox, spec.filename(), o.json ? "check-json" : "check", o, "")
                 : kDone;
}

}  // namespace

void add_chart(CLI::App& app, Action& action) {
  auto o = std::make_shared<ChartOptions>();
  CLI::App* c = app.add_subcommand(
      "chart", "A Vega-Lite specification as a picture: tessera chart spec.json --out chart.png");
  c->add_option("spec", o->spec, "file; addresses of data are names in its folder")->required();
  c->add_option(
      "--out", o->out,
      "picture to write: .png, .svg, .pdf, .html (Vega in the page), or .json for the scene");
  c->add_flag("--check", o->check,
              "say what keeps people from reading the chart right: labels, order, contrast, …");
  c->add_flag("--json", o->json, "findings of --check as one JSON object");
  c->add_option("--scale", o->scale, "pixels of a PNG per unit (default 2)")
      ->check(CLI::Range(0.1, 10.0));
  c->add_option("--policy", o->policy, "name or file of a policy");
  c->callback([o, &action] { action = [o] { return chart(*o); }; });
}

}  // namespace cli
