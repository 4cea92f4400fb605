#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace sandbox {

/// A confined program that stays and is talked to by its standard input and output, both one
/// stream socket, line by line: a server of somebody else's protocol. It is behind the same walls
/// as a program of run(), with the proxy to the hosts of the policy if it has any; the policy's
/// limit on wall time does not hold for it, that on output for each line.
///
/// A Service belongs to one thread at a time. Letting go of it ends the program and all its
/// descendants.
class Service {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Starts the program and does not wait for it. The workspace is read-only; stdin_text and
  /// on_output are not used. Errors: as run().
  static base::Result<std::unique_ptr<Service>> start(const Program& program,
                                                      const policies::Policy& policy);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Writes all of `bytes`. Errors: limit (the program does not take it in time), cancelled,
  /// corrupt (it has ended; says how).
  base::Status send(std::string_view bytes, Deadline deadline, std::stop_token stop);
  /// The next line that it prints, without its end. Errors: limit (none came in time; too long),
  /// cancelled, corrupt (it has ended; says how).
  base::Result<std::string> read_line(Deadline deadline, std::stop_token stop);

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sandbox
