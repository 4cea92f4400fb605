#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/record.h"

namespace sandbox {

/// The steps of a way back, and what stands in it.
struct WayBack {
  std::vector<Step> steps;
  std::vector<FolderStep> folders;
  std::vector<Conflict> conflicts;  ///< left out of the steps
};

/// What it takes to undo `record`, a committed run, in the workspace as it is. Errors: refused (too
/// many files, too deep), system.
base::Result<WayBack> plan_undo(int workspace, const Record& record);

/// What it takes to redo `record`, an undone run. Errors: as plan_undo().
base::Result<WayBack> plan_redo(int workspace, const Record& record);

/// Whether a look at what these put in place has to open closed folders.
bool holds_closed_folders(const std::vector<Step>& steps, const std::vector<FolderStep>& folders);

}  // namespace sandbox
