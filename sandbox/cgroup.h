#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policies/policies.h"

namespace sandbox {

/// A control group made for one run, where the caller may make one: the kernel's own limit on the
/// sum of memory and on the number of processes. It comes on top of rlimits and of the launcher's
/// sampling, which are always there. Removes its folders when it goes; by then every process in it
/// is dead.
class Cgroup {
 public:
  /// A group under the caller's own, or beside it, with whichever of the two controllers can be
  /// used. Empty when neither can, and `detail` then says why.
  static Cgroup create(const policies::Limits& limits, std::string& detail);

  Cgroup() = default;
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  ~Cgroup();

  bool empty() const { return folders_.empty(); }
  bool limits_memory() const { return !memory_.empty(); }
  bool limits_processes() const { return !pids_.empty(); }
  /// The cgroup.procs files that the first process of the run is written to.
  std::vector<std::string> procs_files() const;
  /// Largest memory in use so far, or 0 when it is not known.
  uint64_t peak_bytes() const;
  /// Whether the kernel killed a process for the memory limit.
  bool out_of_memory() const;

 private:
  std::vector<std::string> folders_;
  std::string memory_, pids_;  ///< one of folders_
  bool unified_ = false;
};

}  // namespace sandbox
