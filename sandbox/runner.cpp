// A zygote serves one running program at a time. The places in its root where workspaces and mounts
// go are made once and stay, so it serves only programs that have the same ones: none learns the
// names of another's.

#include "sandbox/runner.h"

#include <unistd.h>

#include <algorithm>

#include "sandbox/jail.h"
#include "sandbox/launch.h"

namespace sandbox {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// From so many zygotes on, the idle ones go before another is made. Programs that run at the same
/// time each have one, which stays until then.
constexpr size_t kMaxSources = 2;

/// What a program's jail makes in the root that it shares with the next.
std::string places_of(const Jail& jail) {
  std::string text = jail.layer == jail::LayerKind::out ? jail::kOutFolder : "";
  for (const Mount& bind : jail.binds) text += '\0' + bind.path.string();
  return text;
}

}  // namespace

Runner::Runner() : tender_([this](std::stop_token stop) { tend(stop); }) {}

Runner::~Runner() = default;

void Runner::drop(const Source* source) {
  if (spare_source_.get() == source) {
    spare_source_.reset();
    if (spare_) ended_.push_back(std::move(spare_));
  }
  std::erase_if(sources_, [source](const auto& kept) { return kept.get() == source; });
}

void Runner::tend(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (work_.wait(lock, stop, [this] { return wanted_ || !ended_.empty(); })) {
    if (wanted_) {
      wanted_ = false;
      making_ = true;
      std::shared_ptr<Source> source = sources_.empty() ? nullptr : sources_.back();
      const bool is_new = !source;
      lock.unlock();
      std::unique_ptr<Prepared> next;
      // Where that fails, the next run tries by itself and says why.
      if (!source) {
        if (Result<std::shared_ptr<Zygote>> made = Zygote::make({geteuid(), getegid()}))
          source = std::make_shared<Source>(Source{.zygote = std::move(*made), .places = {}});
      }
      if (source) {
        if (Result<Prepared> made = Prepared::make(source->zygote, Wiring::run))
          next = std::make_unique<Prepared>(std::move(*made));
      }
      lock.lock();
      making_ = false;
      if (is_new && source) sources_.push_back(source);
      // A run may have dropped it meanwhile; then the spare is nobody's.
      if (std::find(sources_.begin(), sources_.end(), source) != sources_.end()) {
        std::swap(spare_, next);
        spare_source_ = source;
      }
      made_.notify_all();
      lock.unlock();
      next.reset();
      source.reset();
      lock.lock();
    }
    // Each time, or those who always want a spare would leave what has ended to pile up.
    std::vector<std::unique_ptr<Prepared>> ended = std::move(ended_);
    ended_.clear();
    lock.unlock();
    ended.clear();
    lock.lock();
  }
}

Result<std::shared_ptr<Runner::Source>> Runner::take(const Jail& jail,
                                                     std::unique_ptr<Prepared>& prepared) {
  const std::string places = places_of(jail);
  const auto fits = [&](const std::shared_ptr<Source>& source) {
    return source && !source->running && source->zygote->owner == jail.owner &&
           (source->places.empty() || source->places == places);
  };
  std::unique_lock lock(mutex_);
  made_.wait(lock, [this] { return !making_; });
  std::vector<std::shared_ptr<Source>> dropped;  // let go of without the lock
  // The host ends the zygotes first when it is short of memory.
  for (const std::shared_ptr<Source>& kept : sources_) {
    if (!kept->running && kept->zygote->launcher.is_gone()) dropped.push_back(kept);
  }
  for (const std::shared_ptr<Source>& gone : dropped) drop(gone.get());
  std::shared_ptr<Source> source;
  if (spare_ && fits(spare_source_)) {
    source = spare_source_;
    prepared = std::move(spare_);
  } else if (auto at = std::find_if(sources_.begin(), sources_.end(), fits); at != sources_.end()) {
    source = *at;
  }
  if (source) {
    source->running = true;
    source->places = places;
    lock.unlock();
    return source;
  }
  lock.unlock();
  Result<std::shared_ptr<Zygote>> zygote = Zygote::make(jail.owner);
  if (!zygote) return zygote.error();
  source = std::make_shared<Source>(
      Source{.zygote = std::move(*zygote), .places = places, .running = true});
  lock.lock();
  while (sources_.size() >= kMaxSources) {
    const auto idle = std::find_if(sources_.begin(), sources_.end(),
                                   [](const auto& kept) { return !kept->running; });
    if (idle == sources_.end()) break;
    dropped.push_back(*idle);
    drop(dropped.back().get());
  }
  sources_.push_back(source);
  lock.unlock();
  return source;
}

Result<Outcome> Runner::run(const Program& program, const policies::Policy& policy,
                            std::stop_token stop) {
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    std::unique_ptr<Prepared> prepared;
    Result<std::shared_ptr<Source>> source = take(*jail, prepared);
    if (!source) return source.error();
    Result<Outcome> outcome = Error{Errc::internal, "no jail"};
    bool spoiled = true;
    try {
      if (!prepared) {
        Result<Prepared> made = Prepared::make((*source)->zygote, Wiring::run);
        if (made) {
          prepared = std::make_unique<Prepared>(std::move(*made));
        } else {
          outcome = made.error();
        }
      }
      if (prepared) {
        outcome = run_in(*prepared, program, policy, *jail, stop);
        spoiled = prepared->spoiled;
      }
    } catch (const std::exception& e) {
      outcome = Error{Errc::system, std::string("sandbox: ") + e.what()};
    }
    {
      std::lock_guard lock(mutex_);
      (*source)->running = false;
      if (spoiled) drop(source->get());
      if (prepared) ended_.push_back(std::move(prepared));
      // One that was made before it was known whom for is no use to those who came.
      wanted_ = !spare_ || (!sources_.empty() && spare_source_ != sources_.back());
    }
    work_.notify_one();
    return outcome;
  } catch (const std::exception& e) {
    return Error{Errc::system, std::string("sandbox: ") + e.what()};
  }
}

}  // namespace sandbox
