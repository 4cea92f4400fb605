// tessera chart: a Vega-Lite specification as a picture. Specification and data are untrusted, so
// they are read and drawn in tessera-worker inside the sandbox; the bytes of the picture come back.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/command.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string spec, out, policy = "default";
  double scale = 2;
};

int usage(const std::string& message) {
  std::fprintf(stderr, "tessera: %s\n", message.c_str());
  return kUsage;
}

int chart(const Options& o) {
  const std::string extension = fs::path(o.out).extension();
  const std::string format = extension == ".json" ? "scene"
                             : extension == ".png" || extension == ".svg" || extension == ".pdf"
                                 ? extension.substr(1)
                                 : "";
  if (format.empty())
    return usage("--out " + o.out + ": a name that ends in .png, .svg, .pdf or .json (the scene)");
  std::error_code ec;
  const fs::path spec = fs::canonical(o.spec, ec);
  if (ec) return usage(o.spec + ": " + ec.message());
  base::Result<policies::Policy> policy = policies::find(o.policy);
  if (!policy) return fail(policy.error());
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = spec.parent_path(), .policy = *policy});
  if (!toolbox) return fail(toolbox.error());
  base::Result<tools::DataAnswer> picture = toolbox->draw(spec.filename(), format, o.scale, {});
  if (!picture) {
    std::fprintf(stderr, "tessera: %s\n", picture.error().message.c_str());
    return kTool;
  }
  if (!picture->error.empty()) {
    std::fprintf(stderr, "tessera: %s\n", picture->error.c_str());
    return picture->stopped == tools::Stopped::no ? kUsage : kBudget;
  }
  std::ofstream file(o.out, std::ios::binary);
  file << picture->text;
  file.close();
  if (!file) return usage("cannot write " + o.out);
  return kDone;
}

}  // namespace

void add_chart(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand(
      "chart", "A Vega-Lite specification as a picture: tessera chart spec.json --out chart.png");
  c->add_option("spec", o->spec, "file; addresses of data are names in its folder")->required();
  c->add_option("--out", o->out, "picture to write: .png, .svg, .pdf, or .json for the scene")
      ->required();
  c->add_option("--scale", o->scale, "pixels of a PNG per unit (default 2)")
      ->check(CLI::Range(0.1, 10.0));
  c->add_option("--policy", o->policy, "name or file of a policy");
  c->callback([o, &action] { action = [o] { return chart(*o); }; });
}

}  // namespace cli
