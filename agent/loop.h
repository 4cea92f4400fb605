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
  std::vector<std::string> files;            ///< of the workspace
  std::vector<tools::FileProfile> profiles;  ///< of `files`, in their order
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

/// Runs a call, tells of it, and keeps its charts and files in `result`. Of one that was declined
/// or refused only the observation. Errors: as Toolbox::call().
base::Result<CallMade> make_call(const Run& run, const model::FunctionCall& call,
                                 RunResult& result);

/// The end of a run whose time or turns are used up. what: "seconds" or "turns".
RunResult out_of_budget(const Run& run, RunResult result, const char* what);

base::Result<RunResult> planned_loop(const Run& run);
base::Result<RunResult> free_loop(const Run& run);

}  // namespace agent
