#pragma once

#include "agent/agent.h"

/// What the two ways through a run share: planned_loop.cpp for a model that is held by our
/// grammars, free_loop.cpp for any other.
namespace agent {

inline constexpr size_t kMaxPictureBytes = 32 << 20;

/// One run, as both loops get it. What it refers to outlives it.
struct Run {
  const std::string& request;
  ChatModel& model;
  const tools::Toolbox& toolbox;
  const Prompt& prompt;
  const RunOptions& options;
  const EventSink& event;
  std::stop_token stop;
  std::chrono::steady_clock::time_point deadline;
  session::Recorder* recorder;               ///< or null
  std::vector<std::string> files;            ///< of the workspace
  std::vector<tools::FileProfile> profiles;  ///< of `files`, in their order
  bool sub_task = false;                     ///< a part of another run
  std::string notes = {};                    ///< AGENTS.md, as the model gets to see it
};

/// What became of a call: the tool's observation, and as the model gets to see it.
struct CallMade {
  tools::Observation observation;
  model::Message message;
};

/// The profiles and then the request, for the user's message. A model that cannot see learns
/// nothing from the lines of pictures, so they may be left out.
std::string user_text(const Run& run, bool with_pictures);

/// The model's next reply, or the one that the session has. left_out: as
/// Recorder::conversation(). Errors: as ChatModel::reply().
base::Result<ModelReply> ask_model(const Run& run, std::span<const model::Message> conversation,
                                   std::span<const model::ToolDeclaration> tools,
                                   const ReplyRequest& request,
                                   const std::function<void(std::string_view)>& on_text,
                                   std::ptrdiff_t left_out = 0);

/// Tells how full the context is after a reply.
void tell_context(const Run& run, const RunResult& result);

/// Runs a call, or takes what the session has of it; tells of it, and keeps its charts and files in
/// `result`. Of one that was declined or refused only the observation. Errors: as Toolbox::call().
base::Result<CallMade> make_call(const Run& run, const model::FunctionCall& call,
                                 RunResult& result);

/// The same with another way to the output than the toolbox; not asked where the session has it.
using CallOutput = std::function<base::Result<tools::Observation>()>;
base::Result<CallMade> call_made(const Run& run, const model::FunctionCall& call,
                                 const CallOutput& output, RunResult& result);

/// The next call's number; tells of it.
int tell_call(const Run& run, const model::FunctionCall& call, const RunResult& result);
/// Keeps a call and its result in `result`.
void remember(RunResult& result, const model::FunctionCall& call, const std::string& text,
              bool error);

/// The end of a run that used up its budget. what: one of Budget::used_up().
RunResult out_of_budget(const Run& run, RunResult result, const char* what);
/// The end of a run by an error: with what was done so far if it was stopped.
base::Result<RunResult> ended_by(const Run& run, RunResult result, const base::Error& error);

base::Result<RunResult> planned_loop(const Run& run);
base::Result<RunResult> free_loop(const Run& run);

}  // namespace agent
