#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/sandbox.h"

namespace sandbox {

struct Jail;
class Zygote;
struct Prepared;

/// run() for somebody who runs more than one program: what jails share is kept, a thread of its own
/// keeps a jail ready, so that the next program need not wait for the walls, and clears away those
/// that have ended. What a program may do and what is handed back is the same. Any number of
/// threads may call.
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
  /// A zygote and whom it is good for.
  struct Source {
    std::shared_ptr<Zygote> zygote;  ///< shared with the jails that it made
    std::string places;              ///< of the programs that ran there; empty: of none yet
    bool running = false;
  };
  void tend(std::stop_token stop);
  base::Result<std::shared_ptr<Source>> take(const Jail& jail, std::unique_ptr<Prepared>& prepared);
  /// Takes `source` and a spare of it out of what is kept. The caller has the lock, and holds the
  /// source until after it: letting go may wait.
  void drop(const Source* source);

  std::mutex mutex_;
  std::condition_variable_any work_, made_;
  std::vector<std::shared_ptr<Source>> sources_;  ///< shared with who runs something there
  std::shared_ptr<Source> spare_source_;
  std::unique_ptr<Prepared> spare_;  ///< of spare_source_
  std::vector<std::unique_ptr<Prepared>> ended_;
  bool wanted_ = true;   ///< a spare is to be made
  bool making_ = false;  ///< it is being made
  std::jthread tender_;  ///< last, so that it is joined before what it uses goes
};

}  // namespace sandbox
