#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "policies/policies.h"

namespace sandbox {

/// A control group made for one run, where the caller may make one: the kernel's own limit on the
/// sum of memory and on the number of processes. It comes on top of rlimits and of the launcher's
/// sampling, which are always there. Removes its folders when it goes; by then every process in it
/// is dead.
class Cgroup {
 public:
  /// A group under the caller's own, or beside it, with whichever of the two controllers can be
  /// used, still without limits. Empty when neither can, and `detail` then says why.
  static Cgroup create(std::string& detail);
  /// memory_bytes: everything counted that the kernel charges. Where a limit cannot be set, the
  /// group does without.
  void set_limits(uint64_t memory_bytes, uint64_t processes);

  Cgroup() = default;
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  ~Cgroup();

  bool empty() const { return folders_.empty(); }
  bool limits_memory() const { return !memory_.empty(); }
  bool limits_processes() const { return !pids_.empty(); }
  bool unified() const { return unified_; }
  /// What a process is to be given to enter the groups: of version 1 their opened `tasks`, of
  /// version 2 the folder. Errors: refused.
  base::Result<std::vector<base::UniqueFd>> open() const;
  /// The folders in which create() makes groups, named jail::kGroupPrefix and the process id.
  static std::vector<std::string> parents();
  /// Removes the groups that runs of dead processes left behind, where we may make one.
  static void sweep();
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
