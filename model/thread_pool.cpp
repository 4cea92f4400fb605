#include "model/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "model/huge_pages.h"

// One atomic word is the door of the pool:
//
//     bits 31..12 generation | bit 11 open | bits 10..0 helpers inside
//
// The caller writes the job, opens the door under a new generation, and takes ranges itself until
// none is left. Then it closes the door and waits for the helpers that are inside, so a helper that
// wakes up late finds the door closed and costs nothing: on a busy machine the caller never waits
// for a thread that has not started. Helpers look at the door for some tens of microseconds (layers
// follow each other faster than a futex wakes), then sleep on the word.

namespace model {
namespace {

constexpr uint32_t kOpen = 1u << 11;
constexpr uint32_t kInside = kOpen - 1;
constexpr uint32_t kGeneration = 1u << 12;
constexpr int kMaxThreads = 1024;
constexpr int kSpins = 1000;  // about 40 us where `pause` takes 140 cycles

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

int usable_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
  if (n_threads <= 0) n_threads = usable_cpus();
  n_threads = std::clamp(n_threads, 1, kMaxThreads);
  scratch_.resize(static_cast<size_t>(n_threads));
  for (int worker = 1; worker < n_threads; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  state_.fetch_add(kGeneration, std::memory_order_release);
  state_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_ranges(int worker) {
  const int n_ranges = (job_.n + job_.grain - 1) / job_.grain;
  for (;;) {
    const int range = next_range_.fetch_add(1, std::memory_order_relaxed);
    if (range >= n_ranges) return;
    const int begin = range * job_.grain;
    job_.call(job_.task, worker, begin, std::min(job_.n - begin, job_.grain) + begin);
    if (worker == 0 && between_) between_();
  }
}

void ThreadPool::run(const Job& job) {
  assert(job.grain > 0);
  if (job.n <= 0) return;
  job_ = job;
  next_range_.store(0, std::memory_order_relaxed);
  if (workers_.empty() || job.n <= job.grain) {
    take_ranges(0);
    return;
  }
  const uint32_t generation =
      (state_.load(std::memory_order_relaxed) & ~(kGeneration - 1)) + kGeneration;
  state_.store(generation | kOpen, std::memory_order_release);
  state_.notify_all();
  take_ranges(0);
  uint32_t state = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (int spins = 0; (state & kInside) != 0; state = state_.load(std::memory_order_acquire)) {
    if (++spins < kSpins) {
      pause_cpu();
    } else {
      state_.wait(state, std::memory_order_acquire);
    }
  }
}

void ThreadPool::work(int worker) {
  uint32_t done = 0;  // the state, helpers masked out, of the last job joined
  for (int spins = 0;;) {
    uint32_t state = state_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if ((state & kOpen) == 0 || (state & ~kInside) == done) {
      if (++spins < kSpins) {
        pause_cpu();
      } else {
        state_.wait(state, std::memory_order_acquire);
      }
      continue;
    }
    if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
    take_ranges(worker);
    done = state & ~kInside;
    const uint32_t left = state_.fetch_sub(1, std::memory_order_acq_rel) - 1;
    if ((left & (kOpen | kInside)) == 0) state_.notify_all();
    spins = 0;
  }
}

std::byte* ThreadPool::scratch(int worker, size_t bytes) {
  return scratch_[static_cast<size_t>(worker)].sized(std::max(bytes, kHugePage));
}

}  // namespace model
