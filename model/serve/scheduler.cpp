// The thread goes round: tasks, requests that were given up, admission, one pass in which every
// reply takes a step, one pass over a piece of one prompt. It sleeps where there is nothing to do;
// whoever brings something (submit, a stop, a task) changes `wake_`. In the middle of a pass, every
// few milliseconds, it only looks who left (look_up): passes of a large model take seconds.
//
// Requests wait in a line for each conversation, and the lines stand in a circle. Only `mutex_`
// guards them; what a slot does belongs to the thread alone. Nothing of a caller's is called with
// the mutex held.
#include "model/serve/scheduler.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "model/serve/prefix_store.h"

namespace model {

using base::Errc;
using base::Error;
using TimePoint = std::chrono::steady_clock::time_point;

namespace {

constexpr int kMaxSlots = 64;
constexpr size_t kMaxCheckpoints = 256;
/// Positions of a prompt that are read between two steps of replies, which wait for it: at most so
/// many, and fewer where that would take longer than this.
constexpr int kChunkBetweenSteps = 128;
constexpr int kSmallestChunk = 16;
constexpr std::chrono::milliseconds kLongestBetweenSteps{250};

struct Job {
  ServeRequest request;
  ServeSink sink;
  std::vector<PositionKey> keys = {};
  std::optional<Error> refusal = {};  // what on_done() is to say
  std::stop_source cut = {};          // the caller's stop, or the scheduler's end
  std::optional<std::stop_callback<std::function<void()>>> on_stop = {};

  ServeProgress told = {};
  std::unique_ptr<ReplyStepper> reply = {};  // once the prompt is read
  std::vector<TokenId> pending = {};         // chosen, and not yet in the cache
  int cached = 0;
  uint64_t started = 0;  // when it got its slot, counted
  bool waits = false;    // for another slot, which reads the same prompt
  bool over = false;     // on_done() was called in the middle of a pass that still uses it
  TimePoint begin = {}, read = {};

  int prompt_size() const { return static_cast<int>(keys.size()); }
};

struct Slot {
  explicit Slot(const Engine& engine, int context) : session(engine, context) {}
  Session session;
  std::unique_ptr<Job> job = {};
  std::string conversation = {};  // whose positions the session holds
  uint64_t used = 0;              // when it became free; 0: never used
};

}  // namespace

struct Scheduler::State {
  State(const Engine& e, SchedulerOptions o)
      : engine(e),
        options(std::move(o)),
        store(e, {.folder = options.prefix_folder,
                  .max_bytes_on_disk = options.max_prefix_bytes_on_disk,
                  .max_bytes_in_memory = options.max_prefix_bytes_in_memory,
                  .between = [this] { look_up(); }}) {
    options.slots = std::clamp(options.slots, 1, kMaxSlots);
    options.context = std::clamp(options.context, 1, engine.context_length());
    options.max_queued = std::max(options.max_queued, 0);
    for (int i = 0; i < options.slots; ++i)
      slots.push_back(std::make_unique<Slot>(engine, options.context));
    engine.call_between([this] { look_up(); });
    thread = std::thread([this] { run(); });
  }

  ~State() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (auto& [conversation, line] : waiting_)
        for (const std::unique_ptr<Job>& job : line) job->cut.request_stop();
      for (std::stop_source& cut : running_) cut.request_stop();
    }
    wake();
    thread.join();
    engine.call_between({});
  }

  void wake() {
    wake_.fetch_add(1, std::memory_order_release);
    wake_.notify_all();
  }

  base::Status submit(ServeRequest request, ServeSink sink, std::stop_token stop) {
    if (base::Status ok = check(request.options); !ok) return ok;
    if (request.checkpoints.size() > kMaxCheckpoints)
      return Error{Errc::usage, "checkpoints: " + std::to_string(request.checkpoints.size()) +
                                    ", at most " + std::to_string(kMaxCheckpoints)};
    int before = 0;
    for (const int checkpoint : request.checkpoints) {
      if (checkpoint <= before || static_cast<size_t>(checkpoint) > request.prompt.positions.size())
        return Error{Errc::usage, "checkpoint " + std::to_string(checkpoint) +
                                      ": expected lengths of beginnings of the prompt, ascending"};
      before = checkpoint;
    }
    auto job = std::make_unique<Job>();
    job->request = std::move(request);
    job->sink = std::move(sink);
    if (base::Status ok = Session::check(engine, options.context, job->request.prompt.positions);
        !ok) {
      if (ok.error().code != Errc::limit) return ok;
      job->refusal = ok.error();
    } else {
      job->keys = keys_of(job->request.prompt.positions);
    }
    job->request.options.constraint = job->request.constraint ? &*job->request.constraint : nullptr;
    job->told.prompt_tokens = static_cast<int>(job->request.prompt.positions.size());
    // Neither this thread nor the callback's holds the mutex here.
    job->on_stop.emplace(std::move(stop), [this, cut = job->cut]() mutable {
      cut.request_stop();
      wake();
    });
    {
      const std::lock_guard lock(mutex_);
      if (n_waiting_ >= options.max_queued + options.slots - counts_.slots_busy || stopping_) {
        ++counts_.refused;
        return Error{Errc::limit,
                     "the queue is full: " + std::to_string(n_waiting_) + " requests wait"};
      }
      ++counts_.requests;
      ++n_waiting_;
      queue_changed_ = true;
      const std::string conversation = job->request.conversation;
      std::deque<std::unique_ptr<Job>>& line = waiting_[conversation];
      if (line.empty()) circle_.push_back(conversation);
      line.push_back(std::move(job));
    }
    wake();
    return base::Ok{};
  }

  void with_engine(const std::function<void(const Engine&)>& task) {
    if (std::this_thread::get_id() == thread.get_id()) {
      task(engine);
      return;
    }
    Task mine{.task = &task};
    std::unique_lock lock(mutex_);
    tasks_.push_back(&mine);
    wake();
    task_done_.wait(lock, [&] { return mine.done; });
  }

  SchedulerCounts counts() {
    const PrefixStoreCounts prefixes = store.counts();
    const std::lock_guard lock(mutex_);
    SchedulerCounts out = counts_;
    out.queued = n_waiting_;
    out.prefixes_stored = prefixes.stored;
    out.prefixes_restored = prefixes.restored;
    out.prefixes_rejected = prefixes.rejected;
    out.prefix_bytes_in_memory = prefixes.bytes_in_memory;
    out.prefix_bytes_on_disk = prefixes.bytes_on_disk;
    return out;
  }

  const Engine& engine;
  SchedulerOptions options;
  PrefixStore store;
  std::vector<std::unique_ptr<Slot>> slots;

 private:
  struct Task {
    const std::function<void(const Engine&)>* task;
    bool done = false;
  };

  void run() {
    self_.store(std::this_thread::get_id());
    for (;;) {
      const uint32_t seen = wake_.load(std::memory_order_acquire);
      run_tasks();
      give_up_waiting();
      free_left_slots();
      admit();
      tell_the_queue();
      const bool stepped = step();
      const bool read = read_a_piece();
      if (stepped || read) continue;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ && n_waiting_ == 0 && counts_.slots_busy == 0 && tasks_.empty()) return;
      }
      wake_.wait(seen, std::memory_order_acquire);
    }
  }

  // Those that wait now: whoever brings one after the other does not hold up the conversations.
  void run_tasks() {
    size_t n = 0;
    {
      const std::lock_guard lock(mutex_);
      n = tasks_.size();
    }
    for (; n > 0; --n) {
      Task* task = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (tasks_.empty()) return;
        task = tasks_.front();
        tasks_.pop_front();
      }
      (*task->task)(engine);
      // Under the lock: its owner, which waits, forgets it as soon as it is done.
      const std::lock_guard lock(mutex_);
      task->done = true;
      task_done_.notify_all();
    }
  }

  // Between two pieces of the engine's work. Slots that nobody waits for become free at once; the
  // job of the slot whose own rows are computed lives until the pass has noticed.
  void look_up() {
    if (std::this_thread::get_id() != self_.load()) return;
    if (choosing_) return;
    if (const uint32_t now = wake_.load(std::memory_order_acquire); now == looked_)
      return;
    else
      looked_ = now;
    give_up_waiting();
    free_left_slots();
  }

  void free_left_slots() {
    for (const std::unique_ptr<Slot>& slot : slots) {
      if (slot->job == nullptr || slot->job->over || !slot->job->cut.stop_requested()) continue;
      if (slot->job->reply != nullptr)
        finish(*slot, std::nullopt, true);
      else
        finish(*slot, Error{Errc::cancelled, "stopped while reading the prompt"});
    }
  }

  // Requests that cannot be served, or that nobody waits for any more.
  void give_up_waiting() {
    std::vector<std::unique_ptr<Job>> gone;
    {
      const std::lock_guard lock(mutex_);
      for (auto line = waiting_.begin(); line != waiting_.end();) {
        for (std::unique_ptr<Job>& job : line->second)
          if (job->refusal || job->cut.stop_requested()) gone.push_back(std::move(job));
        std::erase(line->second, nullptr);
        if (line->second.empty()) {
          std::erase(circle_, line->first);
          line = waiting_.erase(line);
        } else {
          ++line;
        }
      }
      if (gone.empty()) return;
      n_waiting_ -= static_cast<int>(gone.size());
      queue_changed_ = true;
      for (const std::unique_ptr<Job>& job : gone)
        if (job->refusal)
          ++counts_.finished;
        else
          ++counts_.cancelled;
    }
    for (const std::unique_ptr<Job>& job : gone)
      done(*job, job->refusal ? *job->refusal
                              : Error{Errc::cancelled, "stopped while waiting in the queue"});
  }

  static void done(const Job& job, base::Result<Generated> result) {
    if (job.sink.on_done) job.sink.on_done(std::move(result));
  }

  void admit() {
    for (;;) {
      std::unique_ptr<Job> job;
      {
        const std::lock_guard lock(mutex_);
        if (circle_.empty() || counts_.slots_busy == options.slots) return;
        const std::string conversation = std::move(circle_.front());
        circle_.pop_front();
        const auto line = waiting_.find(conversation);
        job = std::move(line->second.front());
        line->second.pop_front();
        if (line->second.empty())
          waiting_.erase(line);
        else
          circle_.push_back(conversation);
        --n_waiting_;
        if (job->refusal) {  // came in after give_up_waiting()
          ++counts_.finished;
          queue_changed_ = true;
        } else {
          ++counts_.slots_busy;
          counts_.prompt_tokens += static_cast<uint64_t>(job->prompt_size());
          queue_changed_ = true;
          running_.push_back(job->cut);
          if (stopping_) job->cut.request_stop();
        }
      }
      if (job->refusal)
        done(*job, *job->refusal);
      else
        start(std::move(job));
    }
  }

  // The free slot that has to read least. Where that makes little difference: the one of the same
  // conversation, one that loses nothing, one that was never used, the one used longest ago.
  Slot& choose_slot(const Job& job, int stored) {
    struct Choice {
      Slot* slot;
      int shared;
      int rank;
    };
    std::vector<Choice> free;
    int most = 0;
    for (const std::unique_ptr<Slot>& slot : slots) {
      if (slot->job != nullptr) continue;
      const int reusable = slot->session.reusable(job.keys);
      // A request on the side, for a title perhaps, does not take the slot of its conversation.
      const bool own = !job.request.conversation.empty() &&
                       slot->conversation == job.request.conversation &&
                       2 * slot->session.shared(job.keys) >= slot->session.size();
      const bool keeps_all = reusable > 0 && reusable + 1 >= slot->session.size();
      const int rank = own ? 0 : keeps_all ? 1 : slot->used == 0 ? 2 : 3;
      free.push_back({slot.get(), std::max(reusable, stored), rank});
      most = std::max(most, free.back().shared);
    }
    const int little = std::max(16, most / 20);
    const Choice* best = nullptr;
    for (const Choice& choice : free) {
      if (choice.shared + little <= most && most > 0) continue;
      if (best == nullptr ||
          std::pair(choice.rank, choice.slot->used) < std::pair(best->rank, best->slot->used))
        best = &choice;
    }
    return *best->slot;
  }

  void start(std::unique_ptr<Job> job) {
    job->begin = std::chrono::steady_clock::now();
    job->started = ++n_started_;
    Slot& slot = choose_slot(*job, stored_of(*job));
    slot.conversation = job->request.conversation;
    go_on_from_kept(slot, std::move(job));
    tell_progress(slot);
  }

  int stored_of(const Job& job) const {
    return std::min(store.longest(job.keys), job.prompt_size() - 1);
  }

  // Makes the slot's session hold as much of the prompt as is known, in it or in the store; then
  // the slot has the job.
  void go_on_from_kept(Slot& slot, std::unique_ptr<Job> job) {
    if (stored_of(*job) > slot.session.reusable(job->keys)) store.restore(job->keys, slot.session);
    const int before = std::exchange(job->cached, slot.session.reuse(job->keys));
    slot.job = std::move(job);
    const std::lock_guard lock(mutex_);
    counts_.cached_tokens += static_cast<uint64_t>(std::max(0, slot.job->cached - before));
  }

  // Of replies to one prompt the first reads it, and the others go on from the state at its end.
  bool waits_for_another(const Job& job) const {
    return std::any_of(slots.begin(), slots.end(), [&](const std::unique_ptr<Slot>& slot) {
      const Job* other = slot->job.get();
      return other != nullptr && other->reply == nullptr && other->started < job.started &&
             !other->request.checkpoints.empty() &&
             other->request.checkpoints.back() == other->prompt_size() && other->keys == job.keys;
    });
  }

  static void tell(Job& job) {
    if (job.sink.on_progress) job.sink.on_progress(job.told);
  }

  static void tell_progress(Slot& slot) {
    Job& job = *slot.job;
    job.told.queued_before = 0;
    job.told.read = slot.session.size();
    job.told.cached = job.cached;
    tell(job);
  }

  // Jobs stay where they are meanwhile: only this thread takes them out of the lines.
  void tell_the_queue() {
    std::vector<std::pair<Job*, int>> news;
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(queue_changed_, false)) return;
      int before = 0;
      for (size_t round = 0; before < n_waiting_; ++round)
        for (const std::string& conversation : circle_) {
          const std::deque<std::unique_ptr<Job>>& line = waiting_.at(conversation);
          if (round < line.size()) news.emplace_back(line[round].get(), before++);
        }
    }
    for (const auto& [job, before] : news) {
      if (job->told.queued_before == before + 1) continue;
      job->told.queued_before = before + 1;
      tell(*job);
    }
  }

  void finish(Slot& slot, std::optional<Error> error, bool cancelled = false) {
    Job& job = *slot.job;
    if (job.over) {
      slot.job = nullptr;
      return;
    }
    Generated out;
    if (!error) {
      out = job.reply->finish(cancelled);
      out.reused_tokens = job.cached;
      out.timings.prefill = job.read - job.begin;
      out.timings.decode = std::chrono::steady_clock::now() - job.read;
    }
    job.over = true;
    std::unique_ptr<Job> over;
    if (&slot != in_pass_) over = std::move(slot.job);
    slot.used = ++ticks_;
    {
      const std::lock_guard lock(mutex_);
      --counts_.slots_busy;
      counts_.generated_tokens += out.tokens.size();
      if (cancelled || (error && error->code == Errc::cancelled))
        ++counts_.cancelled;
      else
        ++counts_.finished;
      std::erase(running_, job.cut);
    }
    if (error)
      done(job, std::move(*error));
    else
      done(job, std::move(out));
  }

  // Chooses what follows the session's logits.
  void advance(Slot& slot) {
    Job& job = *slot.job;
    if (job.reply->goes_on()) {
      choosing_ = true;
      base::Result<std::span<const TokenId>> next = job.reply->next(slot.session.next());
      choosing_ = false;
      if (!next) {
        finish(slot, next.error());
        return;
      }
      job.pending.assign(next->begin(), next->end());
      const size_t room = static_cast<size_t>(slot.session.context() - slot.session.size());
      if (job.reply->goes_on() && job.pending.size() <= room) return;
    }
    finish(slot, std::nullopt);
  }

  // Whether there was something to do: a slot that became free is something for admit().
  bool step() {
    std::vector<Slot*> replying, together;
    std::vector<Session*> sessions;
    std::vector<TokenId> tokens;
    for (const std::unique_ptr<Slot>& slot : slots) {
      if (slot->job == nullptr || slot->job->reply == nullptr) continue;
      replying.push_back(slot.get());
      if (slot->job->pending.size() != 1) continue;
      together.push_back(slot.get());
      sessions.push_back(&slot->session);
      tokens.push_back(slot->job->pending[0]);
    }
    if (replying.empty()) return false;
    if (!together.empty()) {
      const base::Status status = Session::decode_each(sessions, tokens, pass_);
      for (Slot* slot : together) {
        if (slot->job == nullptr) continue;  // left meanwhile
        if (status)
          advance(*slot);
        else
          finish(*slot, status.error());
      }
    }
    for (Slot* slot : replying) {
      // Text that a grammar forces goes through the model in a pass of its own.
      if (slot->job == nullptr ||
          std::find(together.begin(), together.end(), slot) != together.end())
        continue;
      in_pass_ = slot;
      const base::Status status =
          slot->session.append(slot->job->pending, slot->job->cut.get_token());
      in_pass_ = nullptr;
      if (slot->job->over)
        slot->job = nullptr;
      else if (status)
        advance(*slot);
      else if (status.error().code == Errc::cancelled)
        finish(*slot, std::nullopt, true);
      else
        finish(*slot, status.error());
    }
    return true;
  }

  // What comes out does not depend on how a prompt is cut, so the cuts may depend on the clock.
  void learn_chunk(int n, std::chrono::steady_clock::duration took) {
    if (n < kSmallestChunk) return;
    const double fits = n * std::chrono::duration<double>(kLongestBetweenSteps).count() /
                        std::max(1e-6, std::chrono::duration<double>(took).count());
    const int most = std::min(kChunkBetweenSteps, 2 * chunk_between_steps_);
    chunk_between_steps_ = fits >= most ? most : std::max(kSmallestChunk, static_cast<int>(fits));
  }

  bool read_a_piece() {
    Slot* slot = nullptr;
    bool replies = false;
    for (size_t i = 1; i <= slots.size(); ++i) {
      const size_t at = (last_read_ + i) % slots.size();
      if (slots[at]->job == nullptr) continue;
      if (slots[at]->job->reply != nullptr) {
        replies = true;
      } else if (slot == nullptr) {
        Job& job = *slots[at]->job;
        if (waits_for_another(job))
          job.waits = true;
        else
          slot = slots[at].get();
      }
    }
    if (slot == nullptr) return false;
    for (size_t at = 0; at < slots.size(); ++at)
      if (slots[at].get() == slot) last_read_ = at;
    if (std::exchange(slot->job->waits, false)) go_on_from_kept(*slot, std::move(slot->job));
    Job& job = *slot->job;
    Session& session = slot->session;
    int most = replies ? chunk_between_steps_ : Session::kChunk;
    const std::vector<int>& checkpoints = job.request.checkpoints;
    const auto checkpoint =
        std::upper_bound(checkpoints.begin(), checkpoints.end(), session.size());
    if (checkpoint != checkpoints.end()) most = std::min(most, *checkpoint - session.size());
    const int before = session.size();
    const TimePoint begin = std::chrono::steady_clock::now();
    in_pass_ = slot;
    const base::Status status =
        session.read(job.request.prompt.positions, job.keys, most, job.cut.get_token());
    in_pass_ = nullptr;
    if (job.over || !status) {
      finish(*slot, status ? std::nullopt : std::optional(status.error()));
      return true;
    }
    learn_chunk(session.size() - before, std::chrono::steady_clock::now() - begin);
    if (checkpoint != checkpoints.end() && session.size() == *checkpoint)
      store.store(std::span(job.keys).first(static_cast<size_t>(session.size())), session);
    tell_progress(*slot);
    if (session.size() < job.prompt_size()) return true;
    std::vector<TokenId> ids;
    for (const PositionKey& key : job.keys) ids.push_back(key.id);
    job.read = std::chrono::steady_clock::now();
    job.reply = std::make_unique<ReplyStepper>(engine.tokenizer(), job.request.options,
                                               job.sink.on_event, ids);
    advance(*slot);
    return true;
  }

  std::mutex mutex_;
  std::condition_variable task_done_;
  std::map<std::string, std::deque<std::unique_ptr<Job>>> waiting_;  // by conversation
  std::deque<std::string> circle_;  // conversations that wait, the next one first
  std::vector<std::stop_source> running_;
  std::deque<Task*> tasks_;
  SchedulerCounts counts_;
  int n_waiting_ = 0;
  bool queue_changed_ = false, stopping_ = false;
  std::atomic<uint32_t> wake_{0};
  std::atomic<std::thread::id> self_ = {};

  // The thread's own.
  Slot* in_pass_ = nullptr;  // whose job a pass is using
  bool choosing_ = false;    // a reply computes what comes next: no job may end meanwhile
  uint32_t looked_ = 0;      // `wake_` when it last looked up
  int chunk_between_steps_ = kChunkBetweenSteps;
  SharedPass pass_;
  uint64_t ticks_ = 0, n_started_ = 0;
  size_t last_read_ = 0;

 public:
  std::thread thread;
};

Scheduler::Scheduler(const Engine& engine, SchedulerOptions options)
    : state_(std::make_unique<State>(engine, std::move(options))) {}
Scheduler::~Scheduler() = default;

base::Status Scheduler::submit(ServeRequest request, ServeSink sink, std::stop_token stop) {
  return state_->submit(std::move(request), std::move(sink), std::move(stop));
}
void Scheduler::with_engine(const std::function<void(const Engine&)>& task) {
  state_->with_engine(task);
}
SchedulerCounts Scheduler::counts() const { return state_->counts(); }
int Scheduler::context() const { return state_->options.context; }

}  // namespace model
