#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/jail.h"
#include "sandbox/launch.h"
#include "sandbox/sandbox.h"

namespace sandbox {

/// A confined program that stays, in a jail of its own: what Worker and Service share.
struct Resident {
  /// Starts the program and does not wait for it. Errors: as run().
  static base::Result<Resident> start(const Program& program, const policies::Policy& policy,
                                      Wiring wiring);
  /// Makes `stop` readable, from any thread.
  void wake() const;
  /// Waits a moment for the end of the program and all its descendants, and else ends them.
  /// reason: as in judge(); one that is given orders the end first. Errors: as judge().
  base::Result<End> end(const std::string& reason);

  std::string name;
  Jail jail;
  Prepared prepared;
  base::UniqueFd stop;  ///< an eventfd, for whoever polls
  Report report{};
};

}  // namespace sandbox
