#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/record.h"

namespace sandbox {

/// The conflicts of the set, and those that came up since it was made. before: the workspace when
/// it was made. Errors: refused (too many files, too deep), system.
base::Result<std::vector<Conflict>> find_conflicts(const ChangeSet& set, const Snapshot& before,
                                                   int workspace);

/// Fills in the steps and folders of `record`, whose new trees are staged in the journal.
/// hashes: of set.entries, or 0. Errors: as find_conflicts().
base::Status plan_commit(const ChangeSet& set, const Snapshot& before, int workspace, int journal,
                         const std::vector<uint64_t>& hashes, Record& record);

}  // namespace sandbox
