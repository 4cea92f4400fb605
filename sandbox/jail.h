#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/launcher/jail_spec.h"
#include "sandbox/sandbox.h"

namespace sandbox {

/// Ids outside that a program runs with.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Owner&) const = default;
};

/// What can be decided before it is known what will run.
struct JailBase {
  std::filesystem::path launcher;
  Owner owner;
  std::string spec;  ///< jail::BaseHeader and records
};

/// What one program needs on top of that.
struct Jail {
  std::filesystem::path workspace;
  Owner owner;
  jail::LayerKind layer = jail::LayerKind::none;
  bool proxy = false;         ///< the launcher hands over a listening socket
  uint64_t memory_bytes = 0;  ///< limits of the cgroup
  uint64_t max_processes = 0;
  std::vector<Mount> binds;  ///< workspace and mounts, parents before children
  std::string spec;          ///< jail::ProgramHeader and records
  Snapshot before;           ///< the workspace, where an overlay is made over it
};

/// The launcher: $TESSERA_LAUNCHER, beside the running executable, in ../libexec/tessera, or where
/// it was built.
base::Result<std::filesystem::path> find_launcher();

/// Errors: as run().
base::Result<JailBase> prepare_base(Owner owner);
/// Checks the request and looks through the workspace. Errors: as run().
base::Result<Jail> prepare(const Program& program, const policies::Policy& policy);

}  // namespace sandbox
