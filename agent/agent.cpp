#include "agent/agent.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "agent/beneath.h"
#include "agent/chart_look.h"
#include "agent/extensions.h"
#include "agent/loop.h"
#include "agent/notes.h"
#include "agent/traps.h"
#include "base/file.h"
#include "media/sound.h"

// What every run begins with: the files and their profiles. Then one of two loops: planned_loop.cpp
// or free_loop.cpp. Whatever a run gets to know from outside comes through step(): the files, the
// replies, the results of calls with their pictures.

namespace agent {

using nlohmann::json;
using Outcome = session::Recorder::Outcome;

namespace {

constexpr size_t kMaxFiles = 200;    // listed
constexpr size_t kMaxProfiled = 12;  // with columns
constexpr size_t kMaxNamedFiles = 20;
constexpr size_t kMaxKeptArguments = 8000, kMaxKeptResult = 2000;  // of a call, for later
constexpr size_t kMaxProfileBytes = 6000;  // of all profiles together, about 2,500 tokens
constexpr size_t kMaxShown = 8 << 20;      // bytes of a picture that is read
constexpr size_t kMaxHeard = 64 << 20;     // bytes of a recording that is read
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

/// The file that read_file told about. The tool has looked at the path; no link is followed here
/// either.
std::optional<std::string> file_read(const Run& run, const model::FunctionCall& call, size_t most) {
  if (call.name != "read_file") return {};
  if (!call.arguments.contains("path") || !call.arguments["path"].is_string()) return {};
  base::Result<std::string> bytes =
      read_beneath(run.toolbox.workspace(), call.arguments["path"].get<std::string>(), most);
  if (!bytes) return {};
  return std::move(*bytes);
}

std::optional<std::string> picture_read(const Run& run, const model::FunctionCall& call) {
  std::optional<std::string> bytes = file_read(run, call, kMaxShown);
  if (!bytes || !(bytes->starts_with("\x89PNG") || bytes->starts_with("\xff\xd8\xff"))) return {};
  return bytes;
}

/// The picture of a chart that was drawn; none where it cannot be read again.
std::optional<std::string> picture_drawn(const Run& run, const tools::ChartMade& chart) {
  base::Result<std::string> bytes =
      base::read_file(run.toolbox.workspace() / chart.path, kMaxPictureBytes);
  if (!bytes) return {};
  return std::move(*bytes);
}

/// What a model that sees is shown of a call's result.
std::vector<model::Media> pictures_of(const Run& run, const model::FunctionCall& call,
                                      const tools::Observation& observation) {
  std::vector<model::Media> media;
  const auto show = [&](std::string bytes) {
    media.push_back({model::MediaKind::image, observation.text.size(), std::move(bytes)});
  };
  for (const std::string& picture : observation.pictures) show(picture);
  for (const tools::ChartMade& chart : observation.charts) {
    // A picture that cannot be read again is one the model does without; its rows are text.
    if (std::optional<std::string> bytes = picture_drawn(run, chart)) show(std::move(*bytes));
  }
  if (!observation.error)
    if (std::optional<std::string> bytes = picture_read(run, call)) show(std::move(*bytes));
  return media;
}

/// What is said in the recording that read_file told about, as a line of its own; "" where it is
/// none, or nobody hears.
std::string transcript_of(const Run& run, const model::FunctionCall& call) {
  if (!run.model.hears()) return {};
  const std::optional<std::string> bytes = file_read(run, call, kMaxHeard);
  if (!bytes || media::sound_format(*bytes).empty()) return {};
  const base::Result<std::string> text = run.model.transcript(*bytes, run.deadline, run.stop);
  if (!text) return "\nno transcript: " + text.error().message;
  return "\nwhat was heard: " + *text;
}

/// Tells what the model sees in a chart's picture, and what it doubts; without a word where nobody
/// looks, or no sense can be made of what was said.
void tell_look(const Run& run, const tools::ChartMade& chart) {
  if (!run.model.reads_charts() || !chart.path.ends_with(".png")) return;
  const std::optional<std::string> bytes = picture_drawn(run, chart);
  if (!bytes) return;
  const base::Result<std::string> said = run.model.read_chart(*bytes, run.stop);
  const std::optional<ChartLook> look = said ? read_look(*said) : std::nullopt;
  if (!look) return;
  const std::string doubt = doubt_about(*look, chart.spec);
  run.event({{"type", "observation"},
             {"tool", "look"},
             {"text", chart.path + ": " +
                          (doubt.empty() ? "seen as " + describe(*look)
                                         : doubt + "; open it before you pass it on")}});
}

/// What a call gave, or what the session has of it.
base::Result<CallMade> carry_out(const Run& run, const model::FunctionCall& call,
                                 const CallOutput& output) {
  const auto carry = [&]() -> base::Result<CallMade> {
    base::Result<tools::Observation> observation = output();
    if (!observation) return observation.error();
    CallMade made{.observation = std::move(*observation),
                  .message = {.role = model::Role::tool, .name = call.name, .call_id = call.id}};
    if (!made.observation.error) made.observation.text += transcript_of(run, call);
    made.message.text = made.observation.text;
    if (run.model.sees()) made.message.media = pictures_of(run, call, made.observation);
    return made;
  };
  if (run.recorder == nullptr) return carry();
  std::optional<CallMade> fresh;
  const auto work = [&]() -> base::Result<Outcome> {
    base::Result<CallMade> done = carry();
    if (!done) return done.error();
    fresh = std::move(*done);
    Outcome made{.json = {{"observation", session::observation_json(fresh->observation)}},
                 .run = fresh->observation.run};
    made.json["message"] = session::message_json(fresh->message, made.pictures);
    return made;
  };
  base::Result<json> outcome =
      run.recorder->step("call", call.name + " " + base::line_of(call.arguments), work);
  if (!outcome) return outcome.error();
  if (fresh) return std::move(*fresh);
  base::Result<tools::Observation> observation =
      session::observation_of(outcome->value("observation", json()));
  if (!observation) return observation.error();
  base::Result<model::Message> message =
      session::message_of(outcome->value("message", json()), run.recorder->pictures());
  if (!message) return message.error();
  return CallMade{.observation = std::move(*observation), .message = std::move(*message)};
}

base::Result<session::Listing> look_at_files(const tools::Toolbox& toolbox, std::stop_token stop) {
  base::Result<std::vector<std::string>> files = toolbox.files(kMaxFiles);
  if (!files) return files.error();
  session::Listing listing{.files = std::move(*files), .profiles = {}};
  const auto n_profiled = static_cast<int64_t>(std::min(listing.files.size(), kMaxProfiled));
  if (n_profiled > 0) {
    base::Result<std::vector<tools::FileProfile>> profiles = toolbox.profile(
        {listing.files.begin(), listing.files.begin() + n_profiled}, std::move(stop));
    if (!profiles) return profiles.error();
    listing.profiles = std::move(*profiles);
  }
  for (size_t i = kMaxProfiled; i < listing.files.size(); ++i)
    listing.profiles.push_back({.path = listing.files[i], .text = listing.files[i]});
  return listing;
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
  return run.notes + text + run.request;
}

base::Result<ModelReply> ask_model(const Run& run, std::span<const model::Message> conversation,
                                   std::span<const model::ToolDeclaration> tools,
                                   const ReplyRequest& request,
                                   const std::function<void(std::string_view)>& on_text,
                                   std::ptrdiff_t left_out) {
  session::Recorder* recorder = run.recorder;
  const auto tell = [&run](const ReplyProgress& progress) {
    if (run.options.progress && !run.sub_task) run.options.progress(progress);
  };
  // JSON is for programs, and told when it is whole.
  const bool watched = run.options.schema.empty() && !request.is_draft;
  const auto ask = [&](const std::function<void(std::string_view)>& keep) {
    tell({.kind = ReplyProgress::Kind::asked});
    ReplyRequest asked = request;
    asked.on_read = [&](int read, int of) {
      tell({.kind = ReplyProgress::Kind::reading, .read = read, .of = of});
    };
    return run.model.reply(
        conversation, tools, asked,
        [&](std::string_view text) {
          if (keep) keep(text);
          if (on_text) on_text(text);
          if (watched) tell({.kind = ReplyProgress::Kind::said, .text = text});
        },
        run.stop);
  };
  if (recorder == nullptr) return ask({});
  // A session's conversation is that of its request, without those of sub-tasks.
  if (!run.sub_task) recorder->conversation(conversation, left_out);
  std::optional<base::Result<ModelReply>> fresh;
  base::Result<json> outcome = recorder->step("reply", "", [&]() -> base::Result<Outcome> {
    std::vector<std::string> pieces;
    // Only who listens is told them again.
    fresh = ask([&](std::string_view text) {
      if (on_text) pieces.emplace_back(text);
    });
    if (!*fresh && fresh->error().code != base::Errc::limit) return fresh->error();
    if (!*fresh) return Outcome{.json = {{"too_long", fresh->error().message}}};
    Outcome made;
    made.json = session::reply_json(**fresh, pieces, made.pictures);
    if (!run.sub_task) recorder->said((*fresh)->message);
    return made;
  });
  if (!outcome) return outcome.error();
  if (fresh) return std::move(*fresh);
  if (outcome->is_object() && outcome->contains("too_long"))
    return base::Error{base::Errc::limit, outcome->value("too_long", "")};
  base::Result<session::SaidReply> old = session::reply_of(*outcome, recorder->pictures());
  if (!old) return old.error();
  if (!run.sub_task) recorder->said(old->reply.message);
  for (const std::string& text : old->said)
    if (on_text) on_text(text);
  return std::move(old->reply);
}

void tell_context(const Run& run, const RunResult& result) {
  if (run.options.progress && !run.sub_task)
    run.options.progress({.kind = ReplyProgress::Kind::replied,
                          .read = result.context_tokens,
                          .of = result.context_length});
}

base::Result<CallMade> make_call(const Run& run, const model::FunctionCall& call,
                                 RunResult& result) {
  return call_made(
      run, call,
      [&] {
        return call_tool(run.toolbox, run.options.extensions, call.name, call.arguments,
                         run.deadline, run.stop);
      },
      result);
}

base::Result<CallMade> call_made(const Run& run, const model::FunctionCall& call,
                                 const CallOutput& output, RunResult& result) {
  base::Result<CallMade> made = carry_out(run, call, output);
  if (!made) return made;
  tools::Observation& observation = made->observation;
  ++result.tool_calls;
  run.event({{"type", "observation"},
             {"step", result.calls.size() + 1},
             {"tool", call.name},
             {"text", observation.text}});
  remember(result, call, observation.text, observation.error);
  result.calls.back().notes = observation.notes;
  if (observation.declined || observation.refused) return made;
  for (const tools::ChartMade& chart : observation.charts) {
    keep_artifact(result, chart.path);
    for (const std::string& warning : chart.warnings)
      run.event({{"type", "observation"},
                 {"tool", "chart check"},
                 {"text", chart.path + ": " + warning}});
    tell_look(run, chart);
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

namespace {

base::Result<RunResult> run_once(const std::string& request, ChatModel& model,
                                 const tools::Toolbox& toolbox, const Prompt& prompt,
                                 const RunOptions& options, const EventSink& event,
                                 std::stop_token stop, session::Recorder* recorder) {
  base::Result<session::Listing> listing = session::Listing();
  if (recorder == nullptr) {
    listing = look_at_files(toolbox, stop);
  } else {
    base::Result<json> outcome = recorder->step("files", "", [&]() -> base::Result<Outcome> {
      base::Result<session::Listing> found = look_at_files(toolbox, stop);
      if (!found) return found.error();
      return Outcome{.json = session::listing_json(*found)};
    });
    if (!outcome) return outcome.error();
    listing = session::listing_of(*outcome);
  }
  if (!listing) return listing.error();
  Run run{.request = request,
          .model = model,
          .toolbox = toolbox,
          .prompt = prompt,
          .options = options,
          .event = event,
          .stop = std::move(stop),
          .deadline = std::chrono::steady_clock::now() + options.max_time,
          .recorder = recorder,
          .files = std::move(listing->files),
          .profiles = std::move(listing->profiles)};
  RunResult result;
  // A model that has all tools can make files, and mend broken ones.
  if (run.files.empty() && model.constrained()) {
    result.status = Status::bad_input;
    result.answer = toolbox.workspace().string() +
                    " has no files to work with; put a table (CSV, TSV, JSON) there, or name "
                    "another folder with --workspace";
    return result;
  }
  for (const tools::FileProfile& profile : run.profiles)
    event({{"type", "observation"}, {"tool", "profile"}, {"text", profile.text}});
  if (!model.constrained()) {
    run.notes = notes_of(toolbox.workspace());
    return with_notes(run, free_loop(run));
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
  return with_notes(run, planned_loop(run));
}

const char* status_name(Status status) {
  return status == Status::ok ? "ok" : status == Status::refused ? "refused" : "error";
}

}  // namespace

base::Result<RunResult> run(const std::string& request, ChatModel& model,
                            const tools::Toolbox& toolbox, const Prompt& prompt,
                            const RunOptions& options, const EventSink& event, std::stop_token stop,
                            session::Recorder* recorder) {
  base::Result<RunResult> result =
      run_once(request, model, toolbox, prompt, options, event, std::move(stop), recorder);
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
