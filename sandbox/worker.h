#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace sandbox {

/// A confined program that stays and takes one request after the other, so that a call costs no
/// start. Descriptor 3 of the program is a stream socket: it reads a request as one line and
/// answers with lines, the last of them empty. It is behind the same walls as a program of run();
/// what one request leaves in the process the next one meets, so the program itself must start
/// each from nothing, and its caller lets go of a worker after anything out of the ordinary.
///
/// A Worker belongs to one thread at a time. Letting go of it ends the program and all its
/// descendants.
class Worker {
 public:
  /// Starts the program and does not wait for it. stdin_text and on_output are not used.
  /// Errors: as run().
  static base::Result<std::unique_ptr<Worker>> start(const Program& program,
                                                     const policies::Policy& policy);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  struct Reply {
    std::string lines;  ///< without the empty one
    /// Set when the program is gone, because it ended or ran into a limit; `lines` may then be cut.
    std::optional<Outcome> end;
  };
  /// request: one line, without its end. The wall limit of the policy is that of each call; the one
  /// on processor time is for all calls together. Nothing may be called after a Reply with `end`.
  /// Errors: as run().
  base::Result<Reply> call(std::string_view request, std::stop_token stop);

  /// Whether something was written to the workspace's layer.
  bool wrote();
  /// What was written; the program must not be called again.
  std::optional<Layer> take_layer();

  /// Wall time of all calls so far.
  std::chrono::nanoseconds busy() const { return busy_; }

 private:
  struct State;
  explicit Worker(std::unique_ptr<State> state);
  base::Result<Reply> finish(Reply reply, const std::string& reason);
  std::unique_ptr<State> state_;
  std::chrono::nanoseconds busy_{0};
};

}  // namespace sandbox
