#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "sandbox/workspace_scan.h"

namespace sandbox {

/// Everything that is decided before a process is made.
struct Jail {
  std::filesystem::path launcher;
  std::filesystem::path workspace;
  bool workspace_writable = false;
  WorkspaceScan before;  ///< what was in the workspace before the run
  Cgroup cgroup;
  std::string spec;  ///< jail::JailSpec, as bytes
};

/// The launcher: $TESSERA_LAUNCHER, beside the running executable, in ../libexec/tessera, or where
/// it was built.
base::Result<std::filesystem::path> find_launcher();

/// Checks the request, looks through the workspace and makes the cgroup.
/// Errors: as run().
base::Result<Jail> prepare(const Program& program, const policies::Policy& policy);

}  // namespace sandbox
