// tessera doctor: what this machine offers, what is missing, and what to do about it. Sandbox and
// scripts are tried, not looked up: whatever keeps them from working shows here.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>

#include "base/json_line.h"
#include "cli/chart_html.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/terminal/style.h"
#include "cli/toolbox.h"
#include "media/video.h"
#include "sandbox/sandbox.h"
#include "tools/toolbox/toolbox.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What a run with the default model and its adapter needs (docs/evaluation.md), all its processes
/// together.
constexpr double kRunBytes = 700e6;

struct Finding {
  std::string name;
  bool there = false, required = false;
  std::string detail;
  std::string next;  ///< what to do, a sentence; empty if nothing is to be done
};

/// What a missing mechanism of the sandbox means, and how to get it.
std::string remedy(const std::string& probe) {
  static const std::map<std::string, std::string> kRemedies = {
      {"launcher",
       "Install Tessera whole: tessera-launcher puts up the sandbox, and nothing runs without it."},
      {"seccomp",
       "The kernel has to filter system calls (CONFIG_SECCOMP_FILTER); kernels of distributions "
       "do."},
      {"Landlock",
       "Landlock keeps a program to its folder: it takes Linux 5.13 or later, with landlock in the "
       "boot parameter "
       "lsm=, for example lsm=landlock,lockdown,yama,apparmor."},
      {"confined run",
       "Programs run in a user namespace of their own; allow it with `sysctl "
       "kernel.unprivileged_userns_clone=1` "
       "(Debian), `sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or in a "
       "container with "
       "--security-opt seccomp=unconfined."},
      {"workspace layer",
       "What a program writes is kept in a layer until it is checked; that takes user namespaces "
       "and a tmpfs at /dev/shm "
       "or /tmp."},
      {"cgroup memory limit",
       "Memory of programs is measured every 20 ms and not limited by the kernel, so a fast one "
       "may take more for a "
       "moment; with systemd, `systemd-run --user --scope -p Delegate=yes tessera …` gives the "
       "kernel's limit."}};
  const auto found = kRemedies.find(probe);
  return found == kRemedies.end() ? "" : found->second;
}

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, bytes < 1e9 ? "%.0f MB" : "%.1f GB",
                bytes < 1e9 ? bytes / 1e6 : bytes / 1e9);
  return text;
}

/// A field of /proc/meminfo in bytes, 0 if it is not there.
double memory(const std::string& field) {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    double kib = 0;
    file >> kib;
    if (name == field + ":") return kib * 1024;
    file.ignore(64, '\n');
  }
  return 0;
}

/// One script through everything that scripts use: worker, tables, charts.
Finding scripts() {
  Finding f{.name = "scripts, tables, charts", .required = true, .detail = "", .next = ""};
  std::error_code ignored;
  std::string folder = (fs::temp_directory_path(ignored) / "tessera-doctor-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    f.detail = "no folder can be made in the temporary folder";
    f.next = "Make room in the temporary folder (TMPDIR), or let this user write there.";
    return f;
  }
  if (base::Result<tools::Toolbox> toolbox = open_toolbox("default", {.workspace = folder});
      !toolbox) {
    f.detail = toolbox.error().message;
  } else {
    const base::Result<tools::Observation> done = toolbox->run_lua(
        "local t = data.frame({{shop = 'Bern', n = 3}, {shop = 'Chur', n = 4}})\n"
        "chart.bar(t, {x = 'shop', y = 'n'})\nprint('sum', t:sum('n'))\n",
        {});
    f.there = done && !done->error && done->text.find("sum 7") != std::string::npos &&
              !done->charts.empty();
    f.detail = f.there ? "a script ran and drew"
               : done  ? done->text.substr(0, 200)
                       : done.error().message;
  }
  if (!f.there) f.next = "Scripts cannot run: " + f.detail + ".";
  fs::remove_all(folder, ignored);
  return f;
}

void add_model_findings(std::vector<Finding>& all) {
  const base::Result<fs::path> weights = find_checkpoint(kDefaultModel);
  std::error_code error;
  const uintmax_t size = weights ? fs::file_size(*weights, error) : 0;
  all.push_back({"weights", weights.has_value(), false,
                 weights ? weights->string() + ", " + megabytes(static_cast<double>(size))
                         : "of " + std::string(kDefaultModel) + " are not there",
                 weights
                     ? ""
                     : std::string("Fetch the weights (230 MB, once): tessera model get ") +
                           kDefaultModel + "; or use a model server: tessera run --endpoint URL."});
  const fs::path planner = shipped_adapter();
  all.push_back({"planner", !planner.empty(), false,
                 planner.empty() ? "the adapter did not come with the program" : planner.string(),
                 planner.empty()
                     ? "Install Tessera whole: without its adapter the small model plans badly."
                     : ""});
  const double free = memory("MemAvailable"), whole = memory("MemTotal");
  const bool enough = free >= kRunBytes;
  all.push_back({"memory", enough, false,
                 "a run needs about " + megabytes(kRunBytes) + "; " + megabytes(free) + " of " +
                     megabytes(whole) + " are free",
                 enough ? ""
                        : "Close other programs before a run: the model needs about " +
                              megabytes(kRunBytes) + " of memory."});
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  for (size_t at = 0; at < folders.size();) {
    const size_t end = std::min(folders.find(':', at), folders.size());
    if (::access((fs::path(folders.substr(at, end - at)) / name).c_str(), X_OK) == 0) return true;
    at = end + 1;
  }
  return false;
}

std::vector<Finding> examine() {
  std::vector<Finding> all;
  // A mechanism is missing without which every run fails: only that one is to be mended.
  bool missing = false;
  for (const sandbox::Probe& p : sandbox::probe()) {
    const bool is_a_run = p.name == "confined run" || p.name == "workspace layer";
    all.push_back({p.name, p.available, p.required, p.detail,
                   p.available || (missing && is_a_run) ? "" : remedy(p.name)});
    missing = missing || (p.required && !p.available);
  }
  all.push_back(scripts());
  if (missing) all.back().next.clear();
  add_model_findings(all);
  all.push_back({"web page", true, false,
                 "tessera serve --workspace FOLDER --model " + std::string(kDefaultModel), ""});
  all.push_back(
      {"pictures and sound", true, false, "PNG, JPEG, WebP, GIF; WAV, FLAC, MP3, Ogg", ""});
  all.push_back({"video", media::can_decode_video(), false,
                 media::can_decode_video() ? "FFmpeg's libraries"
                                           : "this build is without FFmpeg's libraries",
                 ""});
  all.push_back({"charts as HTML", !find_vega().empty(), false,
                 find_vega().empty()
                     ? "the scripts of Vega are not there; PNG, SVG and PDF need none"
                     : find_vega().string(),
                 ""});
  all.push_back({"text of PDF files", has_program("pdftotext"), false,
                 has_program("pdftotext") ? "pdftotext"
                                          : "pdftotext is not installed (package poppler-utils)",
                 ""});
  const std::pair<const char*, bool> features[] = {
      {"avx2", __builtin_cpu_supports("avx2")},
      {"avx512f", __builtin_cpu_supports("avx512f")},
      {"avx512bf16", __builtin_cpu_supports("avx512bf16")}};
  for (const auto& [name, there] : features)
    all.push_back({name, there, false,
                   there ? "in this processor" : "not in this processor; the model is slower", ""});
  return all;
}

int doctor(bool as_json) {
  const std::vector<Finding> all = examine();
  bool ready = true;
  std::vector<std::string> next;
  for (const Finding& f : all) ready = ready && (f.there || !f.required);
  for (const bool required : {true, false})
    for (const Finding& f : all)
      if (f.required == required && !f.there && !f.next.empty()) next.push_back(f.next);
  if (as_json) {
    json checks = json::array();
    for (const Finding& f : all)
      checks.push_back({{"name", f.name},
                        {"there", f.there},
                        {"required", f.required},
                        {"detail", f.detail},
                        {"next", f.next}});
    std::printf("%s\n",
                base::line_of({{"ready", ready}, {"checks", checks}, {"next", next}}).c_str());
    return ready ? kDone : kTool;
  }
  const Look look = look_of(1);
  for (const Finding& f : all) {
    const char* mark = f.there ? "ok  " : f.required ? "MISS" : "-   ";
    const unsigned colour = f.there ? kGreen : f.required ? kBold | kRed : kYellow;
    char name[40];
    const int columns = std::snprintf(name, sizeof name, " %-24s ", f.name.c_str());
    std::printf("%s%s%s", styled(mark, colour, look).c_str(), name,
                fitted({{f.detail}}, look, 4 + columns).c_str());
  }
  std::printf("\n%s", fitted({{ready ? "Everything that is needed is there."
                                     : "Scripts cannot run here: something that is needed is "
                                       "missing.",
                               kBold}},
                             look)
                          .c_str());
  if (next.empty()) next.emplace_back("Try one of the examples: tessera examples");
  for (const std::string& sentence : next)
    std::printf("- %s", fitted({{sentence}}, look, 2).c_str());
  return ready ? kDone : kTool;
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* c =
      app.add_subcommand("doctor", "What this machine offers, what is missing, and what to do.");
  auto as_json = std::make_shared<bool>(false);
  c->add_flag("--json", *as_json, "one JSON object on standard output");
  c->callback([as_json, &action] { action = [as_json] { return doctor(*as_json); }; });
}

}  // namespace cli
