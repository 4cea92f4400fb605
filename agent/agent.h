#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "agent/chat_model.h"
#include "agent/session/recorder.h"
#include "base/result.h"
#include "tools/toolbox/toolbox.h"

/// agent: from a sentence to a checked answer.
///
/// run() profiles the files, lets the model plan and call, runs what it asks for and lets it
/// answer; whatever goes wrong on the way is an observation the model can react to. It is the one
/// translator between model/ and tools/.
namespace agent {

enum class Status {
  ok,
  refused,
  bad_input,  ///< the request or the files cannot be worked with; nothing was run
  error
};

/// A call as a run remembers it.
struct MadeCall {
  int step = 0;  ///< the events of the call have it too; 1 is the first
  std::string tool;
  std::string arguments;  ///< JSON text, or the beginning of it
  std::string result;     ///< its text, or the beginning of it
  bool error = false;
  std::vector<std::string> notes = {};  ///< as tools::Observation has them
};

struct RunResult {
  Status status = Status::error;
  std::string answer;  ///< for the person; of a refusal its reason, of an error its message
  std::vector<tools::ChartMade> charts = {};
  std::vector<std::string> artifacts = {};  ///< files the run left, charts included, relative
  int tool_calls = 0, prompt_tokens = 0, completion_tokens = 0;
  int context_tokens = 0;  ///< of the last prompt and its reply together
  int context_length = 0;  ///< what they could have; 0: not known
  double cost = 0;         ///< by RunOptions::prices
  bool out_of_budget = false, cancelled = false;
  std::vector<MadeCall> calls = {};
  std::string plan = {};                    ///< as the model last wrote it, a step a line
  std::vector<std::string> not_found = {};  ///< numbers of the answer that no step showed
};

/// One thing that happened, as JSON Lines show it: {"type":
/// plan|call|output|observation|text|numbers|note|budget, …}.
using EventSink = std::function<void(const nlohmann::json&)>;

/// How far the model is with a reply, for whoever watches; no part of what a run did, so it is
/// neither an event nor kept.
struct ReplyProgress {
  enum class Kind {
    asked,    ///< a reply is asked for
    reading,  ///< so much of its prompt is read
    said,     ///< a piece of its text came; what it becomes, plan or answer, an event says
    replied   ///< it is there, and how full the context is
  } kind;
  int read = 0, of = 0;  ///< reading: tokens. replied: those of the context; of 0: not known
  std::string_view text = {};
};

/// Money for a million tokens.
struct Prices {
  double prompt = 0, completion = 0;
};

struct Extensions;

/// What a run may use, its sub-tasks with it; 0: no limit.
struct RunOptions {
  int max_turns = 4;  ///< replies of the model
  std::chrono::seconds max_time{120};
  int64_t max_tokens = 0;  ///< of prompts and replies
  int64_t max_bytes = 0;   ///< of results and of files that were made
  Prices prices = {};
  double max_cost = 0;  ///< in the currency of the prices
  /// JSON Schema as text: the answer is JSON that fits it. Only for a model that is not
  /// constrained().
  std::string schema = {};
  /// What the person has added (extensions.h); may be null. Its tools stand in the prompt already.
  Extensions* extensions = nullptr;
  /// Not told of sub-tasks, nor of replies that the session has.
  std::function<void(const ReplyProgress&)> progress = {};
};
/// For a model that is not constrained().
inline const RunOptions kFreeRunOptions{.max_turns = 20, .max_time = std::chrono::seconds(600)};

/// The system text and the tools as the model sees them.
struct Prompt {
  std::string system;
  std::vector<model::ToolDeclaration> tools;
};

/// The prompt that is built into the program (agent/prompt.json).
Prompt builtin_prompt();
/// SHA-256 of a prompt, by which a session knows whether it is the same one.
std::string digest_of(const Prompt& prompt);
/// The prompt for models that know nothing of Tessera, with all tools and a digest of the Lua
/// libraries (agent/endpoint_prompt.json). The toolbox needs ToolboxOptions::file_tools.
Prompt endpoint_prompt();

/// recorder: keeps the run as a session, tells it what the session did before it was interrupted,
/// and what was said before; null: none of that. A run that was stopped, or whose budget is used
/// up, ends with what it has until then. Errors: only what no run can survive: the sandbox is
/// refused, the model fails, a schema cannot be used.
base::Result<RunResult> run(const std::string& request, ChatModel& model,
                            const tools::Toolbox& toolbox, const Prompt& prompt,
                            const RunOptions& options, const EventSink& event, std::stop_token stop,
                            session::Recorder* recorder = nullptr);

}  // namespace agent
