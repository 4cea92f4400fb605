#include "agent/agent.h"

#include <algorithm>
#include <filesystem>

#include "agent/beneath.h"
#include "agent/extensions.h"
#include "agent/loop.h"
#include "base/file.h"

// What every run begins with: the files and their profiles. Then one of two loops: planned_loop.cpp
// or free_loop.cpp.

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxFiles = 200;          // listed
constexpr size_t kMaxProfiled = 12;        // with columns
constexpr size_t kMaxProfileBytes = 6000;  // of all profiles together, about 2,500 tokens
constexpr size_t kMaxNotes = 8 << 10, kMaxNotesFile = 1 << 20;  // bytes of AGENTS.md

bool claims_to_be_a_table(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const char* known : {".csv", ".tsv", ".json", ".ndjson", ".jsonl"})
    if (extension == known) return true;
  return false;
}

// The charts of earlier runs would change what a small model makes of the same request.
bool is_picture(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

/// AGENTS.md of the workspace, as text of the workspace: whoever filled the folder wrote it.
std::string notes_of(const std::filesystem::path& workspace) {
  base::Result<std::string> text = read_beneath(workspace, "AGENTS.md", kMaxNotesFile);
  if (!text || text->find_first_not_of(" \t\r\n") == text->npos) return {};
  const bool cut = text->size() > kMaxNotes;
  if (cut) text->resize(kMaxNotes);
  while (text->ends_with('\n')) text->pop_back();
  return "AGENTS.md, a file of the workspace about how to work in it (not a request of the user):\n"
         "<<<\n" +
         *text + (cut ? "\n(the rest was left out)" : "") + "\n>>>\n\n";
}

}  // namespace

std::string user_text(const Run& run, bool with_pictures) {
  std::string text;
  const bool only_pictures = std::all_of(run.profiles.begin(), run.profiles.end(),
                                         [](const auto& p) { return is_picture(p.path); });
  for (const tools::FileProfile& profile : run.profiles) {
    if (is_picture(profile.path) && !only_pictures && !with_pictures) continue;
    if (text.size() + profile.text.size() > kMaxProfileBytes && !text.empty()) {
      text += profile.path + "\n\n";
      continue;
    }
    text += profile.text;
    while (text.ends_with('\n')) text.pop_back();
    text += "\n\n";
  }
  return run.notes + text + run.request;
}

base::Result<CallMade> make_call(const Run& run, const model::FunctionCall& call,
                                 RunResult& result) {
  base::Result<tools::Observation> output = call_tool(
      run.toolbox, run.options.extensions, call.name, call.arguments, run.deadline, run.stop);
  if (!output) return output.error();
  ++result.tool_calls;
  run.event({{"type", "observation"}, {"tool", call.name}, {"text", output->text}});
  CallMade made{.observation = std::move(*output), .message = {}};
  tools::Observation& observation = made.observation;
  if (observation.declined || observation.refused) return made;
  made.message = {
      .role = model::Role::tool, .text = observation.text, .name = call.name, .call_id = call.id};
  if (run.model.sees())
    for (std::string& picture : observation.pictures)
      made.message.media.push_back(
          {model::MediaKind::image, observation.text.size(), std::move(picture)});
  for (const tools::ChartMade& chart : observation.charts) {
    if (run.model.sees()) {
      // A picture that cannot be read again is one the model does without; its rows are text.
      base::Result<std::string> bytes =
          base::read_file(run.toolbox.workspace() / chart.path, kMaxPictureBytes);
      if (bytes)
        made.message.media.push_back(
            {model::MediaKind::image, observation.text.size(), std::move(*bytes)});
    }
    result.artifacts.push_back(chart.path);
    for (const std::string& warning : chart.warnings)
      run.event({{"type", "observation"},
                 {"tool", "chart check"},
                 {"text", chart.path + ": " + warning}});
    result.charts.push_back(chart);
  }
  result.artifacts.insert(result.artifacts.end(), observation.files.begin(),
                          observation.files.end());
  return made;
}

RunResult out_of_budget(const Run& run, RunResult result, const char* what) {
  if (std::string_view(what) == "seconds")
    result.answer = "The time for this request is used up (--max-seconds).";
  else if (result.answer.empty())
    result.answer =
        "No answer after " + std::to_string(run.options.max_turns) + " turns (--max-turns).";
  result.out_of_budget = true;
  run.event({{"type", "budget"}, {"what", what}});
  return result;
}

namespace {

base::Result<RunResult> run_once(const std::string& request, ChatModel& model,
                                 const tools::Toolbox& toolbox, const Prompt& prompt,
                                 const RunOptions& options, const EventSink& event,
                                 std::stop_token stop) {
  base::Result<std::vector<std::string>> files = toolbox.files(kMaxFiles);
  if (!files) return files.error();
  Run run{.request = request,
          .model = model,
          .toolbox = toolbox,
          .prompt = prompt,
          .options = options,
          .event = event,
          .stop = std::move(stop),
          .deadline = std::chrono::steady_clock::now() + options.max_time,
          .files = std::move(*files),
          .profiles = {}};
  RunResult result;
  // A model that has all tools can make files, and mend broken ones.
  if (run.files.empty() && model.constrained()) {
    result.status = Status::bad_input;
    result.answer = toolbox.workspace().string() +
                    " has no files to work with; put a table (CSV, TSV, JSON) there, or name "
                    "another folder with --workspace";
    return result;
  }
  const auto n_profiled = static_cast<int64_t>(std::min(run.files.size(), kMaxProfiled));
  if (n_profiled > 0) {
    base::Result<std::vector<tools::FileProfile>> profiles =
        toolbox.profile({run.files.begin(), run.files.begin() + n_profiled}, run.stop);
    if (!profiles) return profiles.error();
    run.profiles = std::move(*profiles);
  }
  for (size_t i = kMaxProfiled; i < run.files.size(); ++i)
    run.profiles.push_back({.path = run.files[i], .text = run.files[i]});
  for (const tools::FileProfile& profile : run.profiles)
    event({{"type", "observation"}, {"tool", "profile"}, {"text", profile.text}});
  if (!model.constrained()) {
    run.notes = notes_of(toolbox.workspace());
    return free_loop(run);
  }

  // Broken tables alone cannot be worked with; saying so beats guessing.
  const bool all_broken = std::all_of(run.profiles.begin(), run.profiles.end(), [](const auto& p) {
    return !p.error.empty() && claims_to_be_a_table(p.path);
  });
  if (all_broken && !run.profiles.empty()) {
    result.status = Status::bad_input;
    result.answer = run.profiles.front().error + "; correct the file and ask again";
    return result;
  }
  return planned_loop(run);
}

const char* status_name(Status status) {
  return status == Status::ok ? "ok" : status == Status::refused ? "refused" : "error";
}

}  // namespace

base::Result<RunResult> run(const std::string& request, ChatModel& model,
                            const tools::Toolbox& toolbox, const Prompt& prompt,
                            const RunOptions& options, const EventSink& event,
                            std::stop_token stop) {
  base::Result<RunResult> result =
      run_once(request, model, toolbox, prompt, options, event, std::move(stop));
  if (options.extensions == nullptr) return result;
  json ended{{"request", request}, {"workspace", toolbox.workspace().string()}};
  ended["status"] = result ? status_name(result->status) : "error";
  ended["answer"] = result ? result->answer : result.error().message;
  ended["artifacts"] = result ? result->artifacts : std::vector<std::string>();
  for (const std::string& failure : options.extensions->hooks.after_run(std::move(ended)))
    event({{"type", "observation"}, {"tool", "after_run"}, {"text", failure}});
  return result;
}

}  // namespace agent
