#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// One step of a plan that only moves, removes and makes folders. Paths are those at that moment.
struct Rearrangement {
  std::string from;  ///< what is moved, or removed with all that is in it; "": a folder is made
  std::string to;    ///< its new path, where nothing is; "": it is removed
};

/// More than this is refused.
constexpr size_t kMaxRearrangements = 400'000;

/// What steps, one after the other, mean for the workspace: what each file's name is in the end. No
/// content is read or copied. The steps may come from anywhere; they are carried out on a copy of
/// `before` in memory, so a name that it does not have is never touched. Nothing is changed.
///
/// Refused, all of it or nothing, since a plan is one thing: what find_changes() refuses, and what
/// a folder's mode forbids its owner. made_ns: the time of new folders. Errors: refused, with the
/// path; limit (more changes than quota.files, too many steps); system.
base::Result<ChangeSet> rearrange(const std::vector<Rearrangement>& steps, const Snapshot& before,
                                  const std::filesystem::path& workspace,
                                  const policies::Protect& protect, const Quota& quota,
                                  int64_t made_ns);

}  // namespace sandbox
