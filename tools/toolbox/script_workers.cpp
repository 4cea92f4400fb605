#include "tools/toolbox/script_workers.h"

namespace tools {

using Worker = std::unique_ptr<sandbox::Worker>;

ScriptWorkers::ScriptWorkers(sandbox::Program program, policies::Policy policy)
    : program_(std::move(program)), policy_(std::move(policy)) {}

base::Result<Worker> ScriptWorkers::take() {
  std::future<base::Result<Worker>> starting;
  {
    std::lock_guard lock(mutex_);
    if (waiting_) return std::move(waiting_);
    starting = std::move(starting_);
  }
  if (starting.valid()) return starting.get();
  return sandbox::Worker::start(program_, policy_);
}

void ScriptWorkers::give(Worker worker) {
  // One that has worked for long may soon meet the limit on processor time, which is for all its
  // calls together.
  if (worker->busy() > policy_.limits.cpu / 8) return;
  std::lock_guard lock(mutex_);
  if (!waiting_) waiting_ = std::move(worker);
}

void ScriptWorkers::refill() {
  std::lock_guard lock(mutex_);
  if (waiting_ || starting_.valid()) return;
  // A failure shows, with its reason, when somebody needs a worker.
  starting_ =
      std::async(std::launch::async, [this] { return sandbox::Worker::start(program_, policy_); });
}

}  // namespace tools
