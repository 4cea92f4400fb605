#include "tools/toolbox/toolbox.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "base/layout.h"
#include "sandbox/sandbox.h"
#include "sandbox/workspace/layer.h"
#include "tools/toolbox/script_workers.h"

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
constexpr size_t kMaxNotes = 20;

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

bool file_tool_named(const std::string& name) {
  return name == "find_files" || name == "read_file" || name == "write_file" ||
         name == "edit_file" || name == "file_plan";
}

std::vector<json> events_of(const std::string& lines) {
  std::vector<json> events;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    json event = json::parse(std::string_view(lines).substr(begin, end - begin), nullptr, false);
    if (event.is_object()) events.push_back(std::move(event));
    begin = end + 1;
  }
  return events;
}

/// Whether it was a limit that ended a program.
Stopped stopped_by(const sandbox::End& end) {
  if (std::holds_alternative<sandbox::TimedOut>(end)) return Stopped::by_time;
  return std::holds_alternative<sandbox::Killed>(end) ? Stopped::by_limit : Stopped::no;
}

/// Whether files were only written over with what they had.
bool same_content(const sandbox::ChangeSet& set) {
  return !set.changes.empty() &&
         std::all_of(set.changes.begin(), set.changes.end(),
                     [](const sandbox::Change& c) { return c.kind == sandbox::ChangeKind::mode; });
}

/// tessera-worker in the workspace, which it may write to.
sandbox::Program worker_program(const ToolboxOptions& o, const std::string& mode) {
  // A worker sees the workspace as it is, so what is hidden and was made after it started too.
  std::string hidden;
  for (const std::string& name : o.policy.protect.hidden) hidden += name + "/";
  return {.argv = {o.worker.string(), mode},
          .env = {{"TESSERA_DUCKDB", o.duckdb.string()},
                  {"TESSERA_JAIL", "1"},
                  {"TESSERA_HIDDEN", hidden}},
          .workspace = o.workspace,
          .workspace_writable = true,
          .mounts = {{.path = o.duckdb, .writable = false}}};
}

/// Whether a plan makes or copies content, which takes a program in a layer. It may be no plan at
/// all.
bool makes_contents(const json& arguments) {
  const auto plan = arguments.find("plan");
  if (plan == arguments.end() || !plan->is_array()) return false;
  return std::any_of(plan->begin(), plan->end(), [](const json& operation) {
    const std::string op =
        operation.is_object() && operation.contains("op") && operation["op"].is_string()
            ? operation["op"].get<std::string>()
            : "";
    return op == "copy" || op == "merge" || op == "archive" || op == "convert";
  });
}

/// Says in `answer` what became of what was written.
void take_over(const sandbox::Kept& kept, bool dry, FileAnswer& answer) {
  answer.run = kept.run;
  answer.refused = kept.refused;
  if (!dry && !kept.dropped.empty()) answer.error = "nothing was kept: " + kept.dropped;
  for (const sandbox::Refusal& r : kept.changes.refusals)
    if (answer.error.empty()) answer.error = "not all was kept: " + r.path + ": " + r.why;
}

Observation failed(const std::string& message) {
  return Observation{.text = "error: " + message, .error = true};
}

}  // namespace

base::Result<Toolbox> Toolbox::open(ToolboxOptions o) {
  base::Result<sandbox::Guard> guard = sandbox::Guard::open(
      {.workspace = o.workspace, .policy = o.policy, .audit = o.audit, .ask = o.ask});
  if (!guard) return guard.error();
  o.workspace = guard->workspace();
  o.worker = first_there(
      {o.worker, from_environment("TESSERA_WORKER"), base::find_part(base::Part::worker)});
  if (o.worker.empty())
    return Error{Errc::not_found,
                 "tessera-worker is not beside the program; build it or set TESSERA_WORKER"};
  o.duckdb = first_there(
      {o.duckdb, from_environment("TESSERA_DUCKDB"), base::find_part(base::Part::duckdb)});
  if (o.duckdb.empty())
    return Error{Errc::not_found,
                 "libduckdb.so is missing; run setup/fetch-duckdb or set TESSERA_DUCKDB"};
  return Toolbox(std::move(o), std::move(*guard));
}

Toolbox::Toolbox(ToolboxOptions options, sandbox::Guard guard)
    : options_(std::move(options)), guard_(std::make_shared<sandbox::Guard>(std::move(guard))) {
  sandbox::Program worker = worker_program(options_, "serve");
  worker.only_adds = true;
  if (options_.policy.workspace_writable) worker.env.emplace_back("TESSERA_OUT", "/out");
  workers_ = std::make_shared<ScriptWorkers>(std::move(worker), options_.policy);
  workers_->refill();
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

base::Result<Toolbox::Work> Toolbox::work(const json& request, std::stop_token stop) const {
  base::Result<std::unique_ptr<sandbox::Worker>> worker = workers_->take();
  if (!worker) return worker.error();
  base::Result<sandbox::Worker::Reply> reply =
      (*worker)->call(request.dump(-1, ' ', false, json::error_handler_t::replace), stop);
  if (!reply) return reply.error();
  std::vector<json> events = events_of(reply->lines);
  const json last = events.empty() ? json::object() : events.back();
  const std::string type = last.value("type", "");
  Work work{.events = std::move(events)};
  if (!reply->end && (type == "done" || type == "error")) {
    const bool wrote = (*worker)->wrote();
    if (wrote) work.layer = (*worker)->take_layer();
    if (wrote || last.contains("spent"))
      worker->reset();
    else
      workers_->give(std::move(*worker));
    workers_->refill();
    return work;
  }
  workers_->refill();
  // The program was ended, or broke: that is what the script gets to hear. What it wrote is
  // dropped.
  std::string message = "the script was stopped";
  if (reply->end) {
    message += ": " + sandbox::describe(*reply->end);
    if (std::holds_alternative<sandbox::Exited>(reply->end->end) && !reply->end->err.empty())
      message += " (" + reply->end->err.substr(0, 200) + ")";
    work.stopped = stopped_by(reply->end->end);
  }
  work.events.push_back({{"type", "error"}, {"message", message}});
  return work;
}

base::Result<Toolbox::Work> Toolbox::work_writing(const std::string& mode, const json& request,
                                                  std::stop_token stop) const {
  sandbox::Program program = worker_program(options_, mode);
  program.stdin_text = request.dump(-1, ' ', false, json::error_handler_t::replace);
  base::Result<sandbox::Outcome> outcome = sandbox::run(program, options_.policy, stop);
  if (!outcome) return outcome.error();
  Work work{.events = events_of(outcome->events)};
  const std::string last = work.events.empty() ? "" : work.events.back().value("type", "");
  if (outcome->end == sandbox::End(sandbox::Exited{0}) && (last == "done" || last == "error")) {
    if (last == "done") work.layer = std::move(outcome->layer);
    return work;
  }
  work.stopped = stopped_by(outcome->end);
  std::string message = "it was stopped: " + sandbox::describe(*outcome);
  if (!outcome->err.empty()) message += " (" + outcome->err.substr(0, 200) + ")";
  work.events.push_back({{"type", "error"}, {"message", message}});
  return work;
}

base::Result<std::vector<FileProfile>> Toolbox::profile(const std::vector<std::string>& paths,
                                                        std::stop_token stop) const {
  base::Result<Work> work =
      this->work({{"mode", "profile"}, {"paths", paths}, {"own", true}}, stop);
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

base::Result<DataAnswer> Toolbox::data_answer(const json& request, std::stop_token stop) const {
  base::Result<Work> work = this->work(request, stop);
  if (!work) return work.error();
  DataAnswer answer{.stopped = work->stopped};
  for (const json& event : work->events) {
    const std::string type = event.value("type", "");
    if (type == "text") answer.text += event.value("text", "");
    if (type == "note") answer.notes.push_back(event.value("text", ""));
    if (type == "error") answer.error = event.value("message", std::string("failed"));
  }
  return answer;
}

base::Result<DataAnswer> Toolbox::data_query(const std::string& sql, const std::string& format,
                                             std::stop_token stop) const {
  return data_answer({{"mode", "query"}, {"sql", sql}, {"format", format}, {"own", true}}, stop);
}

base::Result<DataAnswer> Toolbox::data_profile(const std::string& path, const std::string& format,
                                               std::stop_token stop) const {
  return data_answer({{"mode", "facts"}, {"path", path}, {"format", format}, {"own", true}}, stop);
}

base::Result<std::string> Toolbox::made_bytes(const sandbox::Layer& layer,
                                              const std::string& name) const {
  sandbox::LayerReader reader(layer);
  base::Result<base::UniqueFd> file = reader.file(name);
  if (!file) return file.error();
  return base::read_file("/proc/self/fd/" + std::to_string(file->get()),
                         guard_->policy().limits.file_bytes);
}

base::Result<DataAnswer> Toolbox::made_file(const json& request, const std::string& name,
                                            std::stop_token stop) const {
  base::Result<Work> work = this->work(request, stop);
  if (!work) return work.error();
  DataAnswer answer{.text = "", .stopped = work->stopped};
  for (const json& event : work->events) {
    if (event.value("type", "") == "error") answer.error = event.value("message", "failed");
  }
  if (!answer.error.empty()) return answer;
  if (!work->layer) return Error{Errc::internal, "the worker made no " + name};
  base::Result<std::string> bytes = made_bytes(*work->layer, name);
  if (!bytes) return bytes.error();
  answer.text = std::move(*bytes);
  return answer;
}

base::Result<DataAnswer> Toolbox::draw(const std::string& spec, const std::string& format,
                                       double scale, std::stop_token stop) const {
  return made_file(
      {{"mode", "draw"}, {"path", spec}, {"format", format}, {"scale", scale}, {"own", true}},
      "picture", stop);
}

base::Result<DataAnswer> Toolbox::draw_spec(const json& spec, const std::string& format,
                                            std::stop_token stop) const {
  return made_file({{"mode", "draw"}, {"spec", spec}, {"format", format}, {"own", true}}, "picture",
                   stop);
}

base::Result<Observation> Toolbox::draw_chart(const json& spec, const std::string& save,
                                              std::stop_token stop) const {
  const std::string format = std::filesystem::path(save).extension().string();
  if (!stays_inside(save) || (format != ".png" && format != ".svg" && format != ".pdf"))
    return failed("a chart is saved in the workspace as a .png, .svg or .pdf file");
  if (!options_.policy.workspace_writable)
    return failed("the policy " + options_.policy.name + " lets nothing be written");
  base::Result<Work> work = this->work({{"mode", "draw"},
                                        {"spec", spec},
                                        {"format", format.substr(1)},
                                        {"save", save},
                                        {"own", true}},
                                       stop);
  if (!work) return work.error();
  Observation observation{.stopped = work->stopped};
  for (const json& event : work->events) {
    if (event.value("type", "") == "print") observation.text += event.value("text", "");
    if (event.value("type", "") == "error") return failed(event.value("message", "failed"));
  }
  if (!work->layer) return Error{Errc::internal, "the worker made no chart"};
  base::Result<sandbox::Kept> kept = guard_->keep(*work->layer, "draw_chart");
  if (!kept) return kept.error();
  FileAnswer answer;
  take_over(*kept, false, answer);
  if (!answer.error.empty()) {
    Observation lost = failed(answer.error);
    lost.refused = answer.refused;
    return lost;
  }
  observation.charts.push_back({.path = save, .spec = spec});
  return observation;
}

base::Result<DataAnswer> Toolbox::markdown_page(const std::string& path, const std::string& title,
                                                std::stop_token stop) const {
  return made_file({{"mode", "report"}, {"path", path}, {"title", title}, {"own", true}}, "page",
                   stop);
}

FileAnswer Toolbox::answer_of(const Work& work) {
  FileAnswer answer{.stopped = work.stopped};
  for (const json& event : work.events) {
    if (event.value("type", "") == "answer" && event.contains("answer"))
      answer.answer = event["answer"];
    if (event.value("type", "") == "error") answer.error = event.value("message", "failed");
  }
  return answer;
}

base::Result<std::optional<FileAnswer>> Toolbox::rearrange(const json& arguments, bool dry,
                                                           std::stop_token stop) const {
  // Before the plan is made, so that what others change from then on is noticed.
  base::Result<sandbox::Snapshot> before =
      sandbox::take_snapshot(workspace(), options_.policy.protect);
  if (!before) return before.error();
  base::Result<Work> work = this->work({{"mode", "files"},
                                        {"tool", "file_plan"},
                                        {"arguments", arguments},
                                        {"own", true},
                                        {"hand_over", true}},
                                       stop);
  if (!work) return work.error();
  FileAnswer answer = answer_of(*work);
  if (!answer.error.empty()) return std::optional(std::move(answer));
  if (!answer.answer.value("applied", false) || !work->layer) return std::optional<FileAnswer>();
  base::Result<std::string> bytes = made_bytes(*work->layer, "steps");
  if (!bytes) return bytes.error();
  std::vector<sandbox::Rearrangement> steps;
  for (size_t at = 0; at < bytes->size();) {
    const size_t middle = bytes->find('\0', at);
    const size_t end = middle == bytes->npos ? bytes->npos : bytes->find('\0', middle + 1);
    if (end == bytes->npos) return Error{Errc::internal, "the worker's steps are cut off"};
    // One more is enough for it to be refused.
    if (steps.size() > sandbox::kMaxRearrangements) break;
    steps.push_back({bytes->substr(at, middle - at), bytes->substr(middle + 1, end - middle - 1)});
    at = end + 1;
  }
  base::Result<sandbox::Kept> kept =
      guard_->keep(steps, std::move(*before), label("file_plan"), dry);
  if (!kept) return kept.error();
  take_over(*kept, dry, answer);
  return std::optional(std::move(answer));
}

base::Result<FileAnswer> Toolbox::file_tool(const std::string& name, const json& arguments,
                                            bool dry, std::stop_token stop) const {
  const json request{{"mode", "files"},
                     {"tool", name},
                     {"arguments", arguments},
                     {"own", true},
                     {"on_a_layer", true}};
  const bool writes = name == "write_file" || name == "edit_file" ||
                      (name == "file_plan" && arguments.is_object() &&
                       arguments.value("apply", json(false)) == true);
  if (writes && name == "file_plan" && options_.policy.workspace_writable &&
      !makes_contents(arguments)) {
    base::Result<std::optional<FileAnswer>> answer = rearrange(arguments, dry, stop);
    if (!answer) return answer.error();
    if (*answer) return std::move(**answer);
  }
  base::Result<Work> work =
      writes ? work_writing("files", request, stop) : this->work(request, stop);
  if (!work) return work.error();
  FileAnswer answer = answer_of(*work);
  if (!writes || !answer.error.empty()) return answer;
  if (!work->layer) {
    answer.error = "the policy " + options_.policy.name + " lets nothing be written";
    return answer;
  }
  base::Result<sandbox::Kept> kept = guard_->keep(*work->layer, label(name), dry);
  if (!kept) return kept.error();
  take_over(*kept, dry, answer);
  return answer;
}

std::string head_and_tail(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t head = most / 2, tail = text.size() - most / 2;
  if (const size_t line = text.rfind('\n', head); line != text.npos && line > head / 2)
    head = line + 1;
  if (const size_t line = text.find('\n', tail); line != text.npos && line - tail < most / 4)
    tail = line + 1;
  return text.substr(0, head) + "… " + std::to_string(tail - head) + " bytes left out …\n" +
         text.substr(tail);
}

std::string Toolbox::label(const std::string& tool) const {
  return options_.session.empty() ? tool : tool + " (session " + options_.session + ")";
}

base::Result<std::vector<std::string>> Toolbox::take_back(
    const std::vector<std::string>& known) const {
  std::vector<std::string> undone;
  if (options_.session.empty()) return undone;
  base::Result<sandbox::Journal> journal = sandbox::Journal::open(workspace());
  if (!journal) return journal.error();
  base::Result<std::vector<sandbox::Journal::Info>> runs = journal->list();
  if (!runs) return runs.error();
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    if (run->state != sandbox::RunState::committed || !run->label.ends_with(label("")) ||
        std::find(known.begin(), known.end(), run->id) != known.end())
      continue;
    if (base::Result<sandbox::Journal::Undone> back = journal->undo(run->id); !back)
      return Error{back.error().code, back.error().message + "; `tessera undo --keep-mine " +
                                          run->id + "` takes back the rest"};
    undone.push_back(run->id);
  }
  return undone;
}

base::Result<Observation> Toolbox::run_program(const std::vector<std::string>& argv,
                                               const std::string& label,
                                               std::stop_token stop) const {
  base::Result<sandbox::Guard::Run> run = guard_->run({.argv = argv}, label, false, stop);
  if (!run) {
    if (run.error().code == Errc::cancelled || run.error().code == Errc::system) return run.error();
    return failed(run.error().message);
  }
  const sandbox::Outcome& outcome = run->outcome;
  Observation observation;
  observation.text = head_and_tail(outcome.out, kMaxObservation / 2);
  auto part = [&](const std::string& text) {
    if (text.empty()) return;
    if (!observation.text.empty() && observation.text.back() != '\n') observation.text += '\n';
    observation.text += text;
  };
  part(head_and_tail(outcome.err, kMaxObservation / 4));
  if (outcome.end != sandbox::End(sandbox::Exited{0})) part(sandbox::describe(outcome));
  part(sandbox::list_changes(run->kept.changes, 20));
  if (!run->kept.dropped.empty()) part("nothing was kept: " + run->kept.dropped);
  observation.refused = run->kept.refused;
  observation.run = run->kept.run;
  observation.same_content = same_content(run->kept.changes);
  while (!observation.text.empty() && observation.text.back() == '\n') observation.text.pop_back();
  if (observation.text.empty()) observation.text = "done; it printed nothing";
  observation.stopped = stopped_by(outcome.end);
  if (outcome.end != sandbox::End(sandbox::Exited{0})) {
    observation.text = "error: " + observation.text;
    observation.error = true;
  }
  for (const sandbox::Change& c : run->kept.changes.changes)
    if (c.kind != sandbox::ChangeKind::removed && run->kept.dropped.empty())
      observation.files.push_back(c.path);
  return observation;
}

base::Result<Observation> Toolbox::run_lua(const std::string& code, std::stop_token stop) const {
  // DuckDB is not put away between two scripts: one that may start it gets a copy of the worker.
  const bool own = code.find("data") != code.npos;
  // Only a script that names the functions for it gets to change and remove files.
  const bool writes =
      options_.policy.workspace_writable &&
      (code.find("files.apply") != code.npos || code.find("files.write") != code.npos ||
       code.find("files.edit") != code.npos);
  const json request{{"mode", "lua"}, {"script", code}, {"seed", 1}, {"own", own}};
  base::Result<Work> work = writes ? work_writing("lua", request, stop) : this->work(request, stop);
  if (!work) return work.error();
  std::string dropped, run;
  bool refused = false, same = false;
  if (work->layer && work->events.back().value("type", "") == "done") {
    base::Result<sandbox::Kept> kept = guard_->keep(*work->layer, label("run_lua"));
    if (!kept) return kept.error();
    dropped = kept->dropped;
    run = kept->run;
    refused = kept->refused;
    same = same_content(kept->changes);
    for (const sandbox::Refusal& r : kept->changes.refusals)
      dropped += (dropped.empty() ? "" : "; ") + r.path + ": " + r.why;
  }
  if (base::Status logged = guard_->log(
          "script", {{"code", code}, {"end", work->events.back().value("type", std::string())}});
      !logged)
    return logged.error();
  if (!dropped.empty()) {
    Observation lost = failed("what the script wrote was not kept: " + dropped);
    lost.refused = refused;
    lost.run = run;  // not all of it may be
    return lost;
  }
  Observation observation{.stopped = work->stopped, .run = run, .same_content = same};
  auto line = [&](const std::string& text) {
    if (!observation.text.empty() && observation.text.back() != '\n') observation.text += '\n';
    observation.text += text;
  };
  for (const json& event : work->events) {
    const std::string type = event.value("type", "");
    if (type == "print") line(event.value("text", ""));
    if (type == "note" && observation.notes.size() < kMaxNotes)
      observation.notes.push_back(event.value("text", ""));
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
    observation.error = true;
    observation.text = failed("the script printed nothing; use print or a chart").text;
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
  constexpr std::string_view kTools[] = {"run_lua",    "run_command", "run_python", "read_file",
                                         "list_files", "profile",     "decline"};
  if (std::find(std::begin(kTools), std::end(kTools), name) == std::end(kTools) &&
      !(options_.file_tools && file_tool_named(name))) {
    std::string names;
    for (const std::string_view tool : kTools)
      names += (names.empty() ? "" : ", ") + std::string(tool);
    return failed("there is no tool " + name + "; tools: " + names);
  }
  if (base::Status allowed = guard_->allow_tool(name); !allowed) {
    if (allowed.error().code != Errc::refused) return allowed.error();
    return failed(allowed.error().message);
  }
  if (name == "run_command") {
    const std::string command = text_argument("command");
    if (command.empty()) return failed("run_command needs command");
    return run_program({"/bin/sh", "-c", command}, label("run_command"), stop);
  }
  if (name == "run_python") {
    const std::string code = text_argument("code");
    if (code.empty()) return failed("run_python needs code");
    return run_program({"python3", "-c", code}, label("run_python"), stop);
  }
  if (name == "run_lua") {
    const std::string code = text_argument("code");
    if (code.empty()) return failed("run_lua needs code");
    return run_lua(code, stop);
  }
  if (options_.file_tools && file_tool_named(name)) {
    base::Result<FileAnswer> answer = file_tool(name, arguments, false, stop);
    if (!answer) return answer.error();
    if (!answer->error.empty()) {
      Observation observation = failed(answer->error);
      observation.refused = answer->refused;
      observation.stopped = answer->stopped;
      observation.run = answer->run;
      return observation;
    }
    return Observation{.text = head_and_tail(answer->answer.value("text", std::string()), kMaxRead),
                       .run = answer->run};
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
  return Error{Errc::internal, "the tool " + name + " is listed and not there"};
}

}  // namespace tools
