#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/attachment.h"
#include "model/generate.h"
#include "model/model.h"

namespace model {

/// What somebody wants generated. Moved into the scheduler, which owns it until it is done.
struct ServeRequest {
  Prompt prompt = {};
  GenerateOptions options = {};  ///< `constraint` is set by the scheduler from the one below
  std::optional<Constraint> constraint = {};
  /// Lengths of beginnings of the prompt whose state is worth keeping, ascending: the end of system
  /// and tools, of each turn.
  std::vector<int> checkpoints = {};
  /// Whose conversation it is; requests with the same hint prefer the same slot. May be empty.
  std::string conversation = {};
};

/// How far a request is.
struct ServeProgress {
  int queued_before = 0;  ///< its place in the queue, 1: it is next; 0 once it runs
  int prompt_tokens = 0;
  int read = 0;    ///< positions of the prompt that are in the cache, reused ones included
  int cached = 0;  ///< of them, found in a slot or in the prefix store
};

/// Called on the scheduler's thread; must not block, and ask for nothing that computes.
struct ServeSink {
  std::function<void(const ServeProgress&)> on_progress = {};
  std::function<void(const ReplyEvent&)> on_event = {};
  /// Once, and last. Errors: limit (the prompt does not fit the context), cancelled, internal.
  std::function<void(base::Result<Generated>)> on_done = {};
};

struct SchedulerOptions {
  int slots = 4;        ///< conversations held at once, 1 to 64
  int context = 32768;  ///< tokens of each, at most the engine's context length
  int max_queued = 64;  ///< requests that wait; more are refused
  std::filesystem::path prefix_folder = {};  ///< empty: prompt states in memory only
  uint64_t max_prefix_bytes_on_disk = uint64_t{8} << 30;
  uint64_t max_prefix_bytes_in_memory = uint64_t{1} << 30;
};

struct SchedulerCounts {
  uint64_t requests = 0, finished = 0, cancelled = 0, refused = 0;
  uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;
  uint64_t prefixes_stored = 0, prefixes_restored = 0, prefixes_rejected = 0;
  uint64_t prefix_bytes_in_memory = 0, prefix_bytes_on_disk = 0;
  int slots_busy = 0, queued = 0;
};

/// Serves many requests on one engine: a thread of its own reads prompts in chunks and lets all
/// conversations that are being answered take a step together, in one pass. What each gets is what
/// it would get alone, bit for bit.
class Scheduler {
 public:
  /// The engine outlives the scheduler, and has no other one.
  Scheduler(const Engine& engine, SchedulerOptions options);
  /// Cancels what runs and waits, and joins.
  ~Scheduler();

  /// Any thread. `stop` is looked at every few milliseconds, also in the middle of a pass:
  /// on_done() says cancelled then, whatever else is computed. Errors: limit (the queue is full),
  /// usage (options, or the prompt).
  base::Status submit(ServeRequest request, ServeSink sink, std::stop_token stop);

  /// Runs `task` on the scheduler's thread between passes, for work that needs the engine's
  /// workers: embedding pictures and sound. Any thread; returns when it has run.
  void with_engine(const std::function<void(const Engine&)>& task);

  SchedulerCounts counts() const;
  int context() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace model
