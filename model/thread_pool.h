#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/huge_pages.h"

namespace model {

/// The model's workers: parked threads that help the calling thread through a loop.
///
/// A pool serves one caller at a time (the thread that owns the Session or the trainer); loops do
/// not nest.
class ThreadPool {
 public:
  /// n_threads: threads that take part in a loop, the caller included; 0 asks for one per CPU this
  /// process may use.
  explicit ThreadPool(int n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(scratch_.size()); }

  /// Calls task(worker, begin, end) once for each of [0, grain), [grain, 2 grain), ... up to n, and
  /// returns when all calls have. The ranges depend on n and grain alone; which worker (0 = the
  /// caller) runs which is not fixed, so results are reproducible when each range writes its own
  /// outputs.
  template <class Task>
  void parallel_for(int n, int grain, Task&& task) {
    using Plain = std::remove_reference_t<Task>;
    run({.call = [](void* t, int worker, int begin,
                    int end) { (*static_cast<Plain*>(t))(worker, begin, end); },
         .task = const_cast<void*>(static_cast<const void*>(&task)),
         .n = n,
         .grain = grain});
  }

  /// Called by the thread that asked for a loop after each range it took itself, so that it may
  /// look up from long work; asks for no loop. Empty: nothing. Set while no loop runs.
  void set_between(std::function<void()> call) { between_ = std::move(call); }

  /// At least `bytes` of memory, 64-byte aligned, that stays with `worker` until its next scratch()
  /// call. Contents are unspecified. Called by the worker itself, or by the caller between loops.
  std::byte* scratch(int worker, size_t bytes);

 private:
  struct Job {
    void (*call)(void* task, int worker, int begin, int end) = nullptr;
    void* task = nullptr;
    int n = 0;
    int grain = 1;
  };

  void run(const Job& job);
  void take_ranges(int worker);
  void work(int worker);

  Job job_;
  std::atomic<int> next_range_{0};
  std::atomic<uint32_t> state_{0};  // generation, open bit, number of helpers inside; see the .cpp
  std::atomic<bool> stopping_{false};
  std::vector<Buffer> scratch_;
  std::function<void()> between_;
  std::vector<std::thread> workers_;
};

}  // namespace model
