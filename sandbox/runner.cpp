#include "sandbox/runner.h"

#include <unistd.h>

#include "sandbox/jail.h"
#include "sandbox/launch.h"

namespace sandbox {

using base::Errc;
using base::Error;
using base::Result;

Runner::Runner() : tender_([this](std::stop_token stop) { tend(stop); }) {}

Runner::~Runner() = default;

void Runner::tend(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (work_.wait(lock, stop, [this] { return wanted_ || !ended_.empty(); })) {
    if (wanted_) {
      wanted_ = false;
      lock.unlock();
      std::unique_ptr<Prepared> next;
      // Where that fails, the next run tries by itself and says why.
      if (Result<Prepared> made = Prepared::make({geteuid(), getegid()}, false))
        next = std::make_unique<Prepared>(std::move(*made));
      lock.lock();
      spare_ = std::move(next);
      continue;
    }
    std::vector<std::unique_ptr<Prepared>> ended = std::move(ended_);
    ended_.clear();
    lock.unlock();
    for (const std::unique_ptr<Prepared>& jail : ended) jail->launcher.await_end();
    ended.clear();
    lock.lock();
  }
}

Result<Outcome> Runner::run(const Program& program, const policies::Policy& policy,
                            std::stop_token stop) {
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    std::unique_ptr<Prepared> prepared;
    {
      std::lock_guard lock(mutex_);
      if (spare_ && spare_->owner == jail->owner) prepared = std::move(spare_);
    }
    if (!prepared) {
      Result<Prepared> made = Prepared::make(jail->owner, false);
      if (!made) return made.error();
      prepared = std::make_unique<Prepared>(std::move(*made));
    }
    Result<Outcome> outcome = run_in(*prepared, program, policy, *jail, stop);
    {
      std::lock_guard lock(mutex_);
      ended_.push_back(std::move(prepared));
      wanted_ = !spare_;
    }
    work_.notify_one();
    return outcome;
  } catch (const std::exception& e) {
    return Error{Errc::system, std::string("sandbox: ") + e.what()};
  }
}

}  // namespace sandbox
