// A task is done when its line is in the results. What lies between is a session that names the
// task: if the program was killed, the same command finds the session, and takes its result or
// resumes it.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <thread>

#include "base/file.h"
#include "base/sha256.h"
#include "cli/ask.h"
#include "cli/request.h"
#include "cli/stop.h"
#include "cli/tasks.h"
#include "cli/terminal/text.h"

namespace cli {
namespace {

using agent::session::Info;
using agent::session::Store;
using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kMaxBytes = 64 << 20;
constexpr size_t kMaxTasks = 100'000;
constexpr size_t kNamed = 20;  // bad lines

struct BatchOptions {
  std::string tasks, out;
  Setup setup;
  int jobs = 2;
  bool yes = false;
};

/// Errors: usage, with each line that is bad.
base::Result<std::vector<Task>> read_tasks(const BatchOptions& o) {
  base::Result<std::string> text = base::read_file(o.tasks, kMaxBytes);
  if (!text) return of_file(o.tasks, text.error());
  const std::filesystem::path base = std::filesystem::absolute(o.tasks).parent_path();
  std::vector<Task> tasks;
  std::map<std::string, size_t> ids;
  std::string bad;
  size_t n_bad = 0, number = 0;
  for (size_t begin = 0; begin < text->size(); ++number) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    const std::string_view line = std::string_view(*text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    base::Result<Task> task = task_of(line, base);
    std::string why = task ? "" : task.error().message;
    if (task && task->id.empty()) why = "there is no id";
    if (task && !task->id.empty()) {
      const auto [first, is_new] = ids.emplace(task->id, number + 1);
      if (!is_new) why = "the id " + task->id + " is that of line " + std::to_string(first->second);
    }
    if (why.empty()) {
      tasks.push_back(std::move(*task));
    } else if (++n_bad <= kNamed) {
      bad += (bad.empty() ? "" : "\n") + o.tasks + ":" + std::to_string(number + 1) + ": " + why;
    }
  }
  if (n_bad > kNamed) bad += "\nand " + std::to_string(n_bad - kNamed) + " more lines";
  if (!bad.empty()) return Error{Errc::usage, bad + "\nnothing was run"};
  if (tasks.empty()) return Error{Errc::usage, o.tasks + ": no tasks in it"};
  if (tasks.size() > kMaxTasks)
    return Error{Errc::usage, o.tasks + ": more than " + std::to_string(kMaxTasks) + " tasks"};
  return tasks;
}

/// The tasks as several threads carry them out.
class Batch {
 public:
  Batch(const BatchOptions& o, std::vector<Task> tasks, ResultLines results,
        std::shared_ptr<Store> store)
      : o_(o), tasks_(std::move(tasks)), results_(std::move(results)), store_(std::move(store)) {
    for (const Task& task : tasks_) n_done_ += results_.done().contains(task.id) ? 1 : 0;
  }

  /// Until all is done, or the program is to stop. False: results could not be written.
  bool work(ModelSeat& seat) {
    for (;;) {
      const size_t at = next_++;
      if (at >= tasks_.size() || program_stop().stop_requested() || broken_) return !broken_;
      const Task& task = tasks_[at];
      {
        const std::lock_guard lock(mutex_);
        if (results_.done().contains(task.id)) continue;
      }
      const auto began = std::chrono::steady_clock::now();
      std::optional<json> result = carry_out_task(task, seat);
      if (!result) continue;  // stopped: the next time goes on with it
      const std::lock_guard lock(mutex_);
      const json line = result_line(task.id, *result, std::chrono::steady_clock::now() - began);
      if (base::Status added = results_.add(task.id, line); !added) {
        std::fprintf(stderr, "tessera: %s\n", added.error().message.c_str());
        broken_ = true;
        return false;
      }
      std::fprintf(stderr, "%zu of %zu: %s (%.1f s) %s\n", ++n_done_, tasks_.size(),
                   shown(task.id).c_str(), line["seconds"].get<double>(),
                   outcome_words(line).c_str());
    }
  }

  bool all_done() const { return n_done_ == tasks_.size(); }
  size_t failed() const { return results_.failed(); }
  size_t size() const { return tasks_.size(); }

 private:
  std::optional<json> carry_out_task(const Task& task, ModelSeat& seat) {
    Work work{.request = task.request, .setup = o_.setup};
    if (!task.workspace.empty()) work.setup.workspace = task.workspace;
    if (!task.policy.empty()) work.setup.policy = task.policy;
    // The same task of the same file, done in the same way.
    work.task = o_.out == "-" ? ""
                              : "batch " + base::sha256(base::line_of(
                                               {std::filesystem::absolute(o_.out).string(), task.id,
                                                task.request, setup_json(work.setup)}));
    if (!work.task.empty() && store_) {
      base::Result<std::optional<Info>> before = store_->of_task(work.task);
      if (before && *before) {
        const Info& info = **before;
        if (info.status == "running" || info.status == "stopped") {
          work.resume = info.id;
        } else if (base::Result<json> result = agent::session::parse_line(info.result);
                   result && result->is_object()) {
          return std::move(*result);
        }
      }
    }
    const Around around{.store = store_, .ask = o_.yes ? ask_person(true) : nullptr, .tell = {}};
    Done done = carry_out(work, seat, around);
    if (done.status == "stopped") return std::nullopt;
    return std::move(done.result);
  }

  const BatchOptions& o_;
  const std::vector<Task> tasks_;
  std::mutex mutex_;  // of results_ and stderr
  ResultLines results_;
  size_t n_done_ = 0;
  const std::shared_ptr<Store> store_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> broken_ = false;
};

int run(BatchOptions o) {
  base::Result<std::vector<Task>> tasks = read_tasks(o);
  if (!tasks) return fail(tasks.error());
  if (base::Result<policies::Policy> policy = policies::find(o.setup.policy); !policy)
    return fail(policy.error());
  const base::Result<std::filesystem::path> workspace =
      sandbox::workspace_folder(o.setup.workspace);
  if (!workspace) return fail(workspace.error());
  o.setup.workspace = workspace->string();
  if (o.out.empty()) {
    std::filesystem::path out = o.tasks;
    o.out = out.replace_extension(".results.jsonl").string();
  }
  base::Result<ResultLines> results = ResultLines::open(o.out);
  if (!results) return fail(results.error());
  const size_t n_jobs = std::min(static_cast<size_t>(o.jobs), tasks->size());
  Batch batch(o, std::move(*tasks), std::move(*results), sessions_for_run());
  if (!batch.all_done()) {
    Models models(o.setup.model, false, {}, o.jobs);
    std::vector<std::unique_ptr<ModelSeat>> seats;
    for (size_t i = 0; i < n_jobs; ++i) {
      seats.push_back(std::make_unique<ModelSeat>(models));
      // Before anything is run: without a model no task gets anywhere.
      if (const auto* none = std::get_if<Models::None>(seats.back()->get({}))) {
        (void)fail(none->error);
        return none->code;
      }
    }
    stop_on_signals();
    std::vector<std::thread> threads;
    for (size_t i = 1; i < n_jobs; ++i) threads.emplace_back([&, i] { batch.work(*seats[i]); });
    const bool written = batch.work(*seats[0]);
    for (std::thread& thread : threads) thread.join();
    if (!written) return kInternal;
  }
  if (!batch.all_done()) {
    std::fprintf(stderr, "stopped; the same command goes on\n");
    return kInternal;
  }
  if (batch.failed() == 0) return kDone;
  std::fprintf(
      stderr,
      "%zu of %zu tasks did not end well; results are in %s: take a line out of it to have "
      "its task done again\n",
      batch.failed(), batch.size(), o.out == "-" ? "the output" : shown(o.out).c_str());
  return kTool;
}

}  // namespace

void add_batch(CLI::App& app, Action& action) {
  auto o = std::make_shared<BatchOptions>();
  CLI::App* c = app.add_subcommand("batch", "Many requests of a file, several at a time.");
  c->add_option("tasks", o->tasks, "JSON Lines: {\"id\", \"request\", \"workspace\"?, \"policy\"?}")
      ->required();
  c->add_option("--out", o->out,
                "results, a line each (default: beside the tasks, .results.jsonl; -: standard "
                "output, which cannot be gone on with)");
  c->add_option("--jobs", o->jobs, "tasks at a time (2)")->check(CLI::Range(1, 64));
  c->add_option("--workspace", o->setup.workspace, "folder of tasks that name none");
  c->add_option("--policy", o->setup.policy, "policy of tasks that name none");
  add_model_options(*c, o->setup.model);
  add_budget_options(*c, o->setup);
  c->add_flag("--yes", o->yes, "allow what a policy would ask about");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
