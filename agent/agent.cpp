#include "agent/agent.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "agent/context_window.h"
#include "agent/loop.h"
#include "agent/traps.h"
#include "base/file.h"

// What every run begins with: the files and their profiles. Then one of two loops: planned_loop.cpp
// or free_loop.cpp.

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxFiles = 200;    // listed
constexpr size_t kMaxProfiled = 12;  // with columns
constexpr size_t kMaxNamedFiles = 20;
constexpr size_t kMaxKeptArguments = 8000, kMaxKeptResult = 2000;  // of a call, for later
constexpr size_t kMaxProfileBytes = 6000;  // of all profiles together, about 2,500 tokens

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

void keep_artifact(RunResult& result, const std::string& path) {
  if (std::find(result.artifacts.begin(), result.artifacts.end(), path) == result.artifacts.end())
    result.artifacts.push_back(path);
}

/// What a run without an answer leaves: its calls, files and plan.
std::string done_so_far(const RunResult& result) {
  if (result.calls.empty()) return {};
  std::map<std::string, int> tools;
  for (const MadeCall& call : result.calls) ++tools[call.tool];
  std::string text;
  for (const auto& [tool, n] : tools)
    text += (text.empty() ? "" : ", ") + tool + (n > 1 ? " " + std::to_string(n) + " times" : "");
  text = "\nDone so far: " + text + ".";
  if (!result.artifacts.empty()) {
    text += " Files:";
    for (size_t i = 0; i < result.artifacts.size() && i < kMaxNamedFiles; ++i)
      text += (i == 0 ? " " : ", ") + result.artifacts[i];
    text += ".";
  }
  if (!result.plan.empty()) text += "\nPlan:\n" + result.plan;
  return text;
}

}  // namespace

std::string user_text(const Run& run, bool with_pictures) {
  std::string text;
  // Of a small context the profiles take a quarter or less.
  const int context = run.model.context();
  const size_t most = context > 0 ? std::min(kMaxProfileBytes, static_cast<size_t>(context) * 3 / 5)
                                  : kMaxProfileBytes;
  const bool only_pictures = std::all_of(run.profiles.begin(), run.profiles.end(),
                                         [](const auto& p) { return is_picture(p.path); });
  for (const tools::FileProfile& profile : run.profiles) {
    if (is_picture(profile.path) && !only_pictures && !with_pictures) continue;
    if (text.size() + profile.text.size() > most && !text.empty()) {
      text += profile.path + "\n\n";
      continue;
    }
    text += profile.text;
    while (text.ends_with('\n')) text.pop_back();
    text += "\n\n";
  }
  return text + run.request;
}

base::Result<CallMade> make_call(const Run& run, const model::FunctionCall& call,
                                 RunResult& result) {
  return call_made(run, call, run.toolbox.call(call.name, call.arguments, run.stop), result);
}

base::Result<CallMade> call_made(const Run& run, const model::FunctionCall& call,
                                 base::Result<tools::Observation> output, RunResult& result) {
  if (!output) return output.error();
  ++result.tool_calls;
  run.event({{"type", "observation"},
             {"step", result.calls.size() + 1},
             {"tool", call.name},
             {"text", output->text}});
  remember(result, call, output->text, output->error);
  CallMade made{.observation = std::move(*output), .message = {}};
  tools::Observation& observation = made.observation;
  if (observation.declined || observation.refused) return made;
  made.message = {
      .role = model::Role::tool, .text = observation.text, .name = call.name, .call_id = call.id};
  for (const tools::ChartMade& chart : observation.charts) {
    if (run.model.sees()) {
      // A picture that cannot be read again is one the model does without; its rows are text.
      base::Result<std::string> bytes =
          base::read_file(run.toolbox.workspace() / chart.path, kMaxPictureBytes);
      if (bytes)
        made.message.media.push_back(
            {model::MediaKind::image, observation.text.size(), std::move(*bytes)});
    }
    keep_artifact(result, chart.path);
    for (const std::string& warning : chart.warnings)
      run.event({{"type", "observation"},
                 {"tool", "chart check"},
                 {"text", chart.path + ": " + warning}});
    result.charts.push_back(chart);
  }
  // The file tools say in words what they wrote.
  if ((call.name == "write_file" || call.name == "edit_file") && !observation.error &&
      call.arguments.contains("path") && call.arguments["path"].is_string())
    observation.files.push_back(call.arguments["path"].get<std::string>());
  for (const std::string& file : observation.files) keep_artifact(result, file);
  return made;
}

int tell_call(const Run& run, const model::FunctionCall& call, const RunResult& result) {
  const int step = static_cast<int>(result.calls.size()) + 1;
  run.event({{"type", "call"}, {"step", step}, {"tool", call.name}, {"arguments", call.arguments}});
  return step;
}

void remember(RunResult& result, const model::FunctionCall& call, const std::string& text,
              bool error) {
  result.calls.push_back(
      {.step = static_cast<int>(result.calls.size()) + 1,
       .tool = call.name,
       .arguments = call.arguments.dump(-1, ' ', false, json::error_handler_t::replace)
                        .substr(0, kMaxKeptArguments),
       .result = cut_in_middle(text, kMaxKeptResult),
       .error = error});
}

RunResult out_of_budget(const Run& run, RunResult result, const char* what) {
  const std::string_view budget = what;
  std::string said =
      budget == "seconds"  ? "The time for this request is used up (--max-seconds)."
      : budget == "tokens" ? "The tokens for this request are used up (--max-tokens)."
      : budget == "bytes"  ? "The bytes for results and files are used up (--max-bytes)."
      : budget == "money"
          ? "The money for this request is used up (--max-cost)."
          : "No answer after " + std::to_string(run.options.max_turns) + " turns (--max-turns).";
  // What the planner's last call said is the better reason.
  if (budget == "turns" && !result.answer.empty()) said = result.answer;
  result.answer = said + done_so_far(result);
  result.status = Status::error;
  result.out_of_budget = true;
  run.event({{"type", "budget"}, {"what", what}});
  return result;
}

base::Result<RunResult> ended_by(const Run& run, RunResult result, const base::Error& error) {
  if (error.code != base::Errc::cancelled) return error;
  run.event({{"type", "budget"}, {"what", "stopped"}});
  result.status = Status::error;
  result.cancelled = true;
  result.answer = "It was stopped before there was an answer." + done_so_far(result);
  return result;
}

base::Result<RunResult> run(const std::string& request, ChatModel& model,
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
  if (!model.constrained()) return with_notes(run, free_loop(run));

  // Broken tables alone cannot be worked with; saying so beats guessing.
  const bool all_broken = std::all_of(run.profiles.begin(), run.profiles.end(), [](const auto& p) {
    return !p.error.empty() && claims_to_be_a_table(p.path);
  });
  if (all_broken && !run.profiles.empty()) {
    result.status = Status::bad_input;
    result.answer = run.profiles.front().error + "; correct the file and ask again";
    return result;
  }
  return with_notes(run, planned_loop(run));
}

}  // namespace agent
