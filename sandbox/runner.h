#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "sandbox/sandbox.h"

namespace sandbox {

struct Prepared;

/// run() for somebody who runs more than one program: a thread of its own keeps a jail ready, so
/// that the next program need not wait for the walls, and clears away those that have ended. What
/// a program may do and what is handed back is the same. Any number of threads may call.
class Runner {
 public:
  Runner();
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// As sandbox::run(). When it returns, every process that the program started is dead.
  base::Result<Outcome> run(const Program& program, const policies::Policy& policy,
                            std::stop_token stop);

 private:
  void tend(std::stop_token stop);
  std::mutex mutex_;
  std::condition_variable_any work_;
  std::unique_ptr<Prepared> spare_;
  std::vector<std::unique_ptr<Prepared>> ended_;
  bool wanted_ = true;   ///< a spare is to be made
  std::jthread tender_;  ///< last, so that it is joined before what it uses goes
};

}  // namespace sandbox
