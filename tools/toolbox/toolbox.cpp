#include "tools/toolbox/toolbox.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "sandbox/sandbox.h"

// run_lua and profile start tessera-worker inside the sandbox, hand it one JSON object and read its
// events (the protocol stands in tools/script/main.cpp). The worker's output is as untrusted as the
// script: paths it names are looked at again here before anybody opens them.

namespace tools {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxObservation = 4000;
constexpr size_t kMaxRead = 16 << 10;

std::filesystem::path program_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

/// The first of `candidates` that exists, made absolute.
std::filesystem::path first_there(const std::vector<std::filesystem::path>& candidates) {
  for (const std::filesystem::path& path : candidates) {
    std::error_code ignored;
    if (!path.empty() && std::filesystem::exists(path, ignored))
      return std::filesystem::canonical(path, ignored);
  }
  return {};
}

std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// True for a relative path without "..": one that can only lie in the workspace, links aside.
bool stays_inside(const std::string& path) {
  const std::filesystem::path p(path);
  return !path.empty() && p.is_relative() &&
         std::none_of(p.begin(), p.end(), [](const auto& part) { return part == ".."; });
}

Observation failed(const std::string& message) {
  return Observation{.text = "error: " + message, .error = true};
}

}  // namespace

base::Result<Toolbox> Toolbox::open(ToolboxOptions o) {
  std::error_code error;
  const std::filesystem::path workspace = std::filesystem::canonical(o.workspace, error);
  if (error)
    return Error{Errc::not_found, o.workspace.string() + ": there is no such folder (--workspace)"};
  if (!std::filesystem::is_directory(workspace))
    return Error{Errc::usage, o.workspace.string() + ": not a folder (--workspace)"};
  o.workspace = workspace;
  o.worker = first_there(
      {o.worker, from_environment("TESSERA_WORKER"), program_folder() / "tessera-worker",
       program_folder() / "../libexec/tessera/tessera-worker", TESSERA_BUILT_WORKER});
  if (o.worker.empty())
    return Error{Errc::not_found,
                 "tessera-worker is not beside the program; build it or set TESSERA_WORKER"};
  o.duckdb =
      first_there({o.duckdb, from_environment("TESSERA_DUCKDB"), program_folder() / "libduckdb.so",
                   program_folder() / "../lib/tessera/libduckdb.so", TESSERA_BUILT_DUCKDB});
  if (o.duckdb.empty())
    return Error{Errc::not_found,
                 "libduckdb.so is missing; run setup/fetch-duckdb or set TESSERA_DUCKDB"};
  return Toolbox(std::move(o));
}

base::Result<std::vector<std::string>> Toolbox::files(size_t limit) const {
  std::vector<std::string> found;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(
      options_.workspace, std::filesystem::directory_options::skip_permission_denied, error);
  if (error) return Error{Errc::system, options_.workspace.string() + ": " + error.message()};
  for (; it != std::filesystem::recursive_directory_iterator() && found.size() < limit;
       it.increment(error)) {
    if (error) return Error{Errc::system, options_.workspace.string() + ": " + error.message()};
    if (it->path().filename().string().starts_with(".")) {
      if (it->is_directory(error)) it.disable_recursion_pending();
      continue;
    }
    if (it.depth() > 8) it.disable_recursion_pending();
    if (it->is_regular_file(error))
      found.push_back(it->path().lexically_relative(options_.workspace).string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

base::Result<Toolbox::Work> Toolbox::work(const std::string& mode, const json& request,
                                          std::stop_token stop) const {
  const sandbox::Program program{
      .argv = {options_.worker.string(), mode},
      .env = {{"TESSERA_DUCKDB", options_.duckdb.string()}},
      .workspace = options_.workspace,
      .workspace_writable = mode == "lua",
      .mounts = {{.path = options_.duckdb, .writable = false}},
      .stdin_text = request.dump(-1, ' ', false, json::error_handler_t::replace)};
  base::Result<sandbox::Outcome> outcome = sandbox::run(program, options_.policy, stop);
  if (!outcome) return outcome.error();
  std::vector<json> events;
  for (size_t begin = 0; begin < outcome->events.size();) {
    const size_t end = std::min(outcome->events.find('\n', begin), outcome->events.size());
    json event =
        json::parse(std::string_view(outcome->events).substr(begin, end - begin), nullptr, false);
    if (event.is_object()) events.push_back(std::move(event));
    begin = end + 1;
  }
  const bool whole = !events.empty() && (events.back().value("type", "") == "done" ||
                                         events.back().value("type", "") == "error");
  const auto* exited = std::get_if<sandbox::Exited>(&outcome->end);
  if (whole && exited != nullptr && exited->code == 0) return Work{std::move(events)};
  // The program was ended, or broke: that is what the script gets to hear.
  std::string message = "the script was stopped: " + sandbox::describe(*outcome);
  if (exited != nullptr && !outcome->err.empty())
    message += " (" + outcome->err.substr(0, 200) + ")";
  events.push_back({{"type", "error"}, {"message", message}});
  Stopped stopped = Stopped::no;
  if (std::holds_alternative<sandbox::TimedOut>(outcome->end)) stopped = Stopped::by_time;
  if (std::holds_alternative<sandbox::Killed>(outcome->end)) stopped = Stopped::by_limit;
  return Work{std::move(events), stopped};
}

base::Result<std::vector<FileProfile>> Toolbox::profile(const std::vector<std::string>& paths,
                                                        std::stop_token stop) const {
  base::Result<Work> work = this->work("profile", {{"paths", paths}}, stop);
  if (!work) return work.error();
  std::vector<FileProfile> profiles;
  for (const json& event : work->events) {
    if (event.value("type", "") == "error")
      return Error{Errc::internal, "profile: " + event.value("message", std::string("failed"))};
    if (event.value("type", "") != "profile") continue;
    FileProfile p{.path = event.value("path", ""),
                  .text = event.value("text", ""),
                  .error = event.value("error", "")};
    if (event.contains("columns") && event["columns"].is_array()) p.columns = event["columns"];
    p.is_table = !p.columns.empty() && p.error.empty();
    profiles.push_back(std::move(p));
  }
  return profiles;
}

base::Result<Observation> Toolbox::run_lua(const std::string& code, std::stop_token stop) const {
  base::Result<Work> work = this->work("lua", {{"script", code}, {"seed", 1}}, stop);
  if (!work) return work.error();
  Observation observation{.stopped = work->stopped};
  auto line = [&](const std::string& text) {
    if (!observation.text.empty() && observation.text.back() != '\n') observation.text += '\n';
    observation.text += text;
  };
  for (const json& event : work->events) {
    const std::string type = event.value("type", "");
    if (type == "print") line(event.value("text", ""));
    if (type == "chart" && stays_inside(event.value("path", ""))) {
      ChartMade chart{.path = event.value("path", ""),
                      .spec = event.value("spec", json::object()),
                      .rows = event.value("rows", 0)};
      for (const json& w : event.value("warnings", json::array()))
        if (w.is_string()) chart.warnings.push_back(w.get<std::string>());
      observation.charts.push_back(std::move(chart));
    }
    if (type == "file" && stays_inside(event.value("path", "")))
      observation.files.push_back(event.value("path", ""));
    if (type == "error") {
      // What was printed before the error would only distract from it.
      observation.text = "error: " + event.value("message", std::string("failed"));
      observation.error = true;
    }
  }
  if (!observation.error && observation.text.empty()) {
    observation = failed("the script printed nothing; use print or a chart");
  }
  if (observation.text.size() > kMaxObservation) observation.text.resize(kMaxObservation);
  return observation;
}

base::Result<Observation> Toolbox::call(const std::string& name, const json& arguments,
                                        std::stop_token stop) const {
  auto text_argument = [&](const char* key) -> std::string {
    return arguments.is_object() && arguments.contains(key) && arguments[key].is_string()
               ? arguments[key].get<std::string>()
               : std::string();
  };
  if (name == "run_lua") {
    const std::string code = text_argument("code");
    if (code.empty()) return failed("run_lua needs code");
    return run_lua(code, stop);
  }
  if (name == "decline") {
    std::string reason = text_argument("reason");
    if (reason.empty()) reason = "This cannot be done with the files here.";
    return Observation{.text = reason, .declined = true};
  }
  if (name == "list_files") {
    base::Result<std::vector<std::string>> list = files(200);
    if (!list) return list.error();
    Observation observation;
    for (const std::string& file : *list)
      observation.text += (observation.text.empty() ? "" : "\n") + file;
    if (list->empty()) observation.text = "no files";
    return observation;
  }
  if (name == "profile") {
    const std::string path = text_argument("path");
    if (!stays_inside(path)) return failed("profile: " + path + " is outside the workspace");
    base::Result<std::vector<FileProfile>> profiles = profile({path}, stop);
    if (!profiles) return failed(profiles.error().message);
    return profiles->empty() ? failed("profile: " + path + " cannot be read")
                             : Observation{.text = profiles->front().text};
  }
  if (name == "read_file") {
    const std::string path = text_argument("path");
    // Also through the sandbox: a link in the workspace may lead out of it.
    if (!stays_inside(path)) return failed("read_file: " + path + " is outside the workspace");
    std::string quoted = "\"";
    for (const char c : path) {
      if (static_cast<unsigned char>(c) < 0x20)
        return failed("read_file: the path holds a control character");
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    base::Result<Observation> read = run_lua("print(read_text(" + quoted + "\"))", stop);
    if (read && read->text.size() > kMaxRead) read->text.resize(kMaxRead);
    return read;
  }
  return failed("there is no tool " + name +
                "; tools: run_lua, read_file, list_files, profile, decline");
}

}  // namespace tools
