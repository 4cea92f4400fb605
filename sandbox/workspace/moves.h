#pragma once

#include <vector>

#include "base/result.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// Makes one `moved` of each removed and added regular file with equal content; of several, those
/// with the same name go together first. Empty files are not matched. Each file is read at most
/// twice. top: the workspace, for the removed; reader: the layer, for the added.
base::Status find_moves(std::vector<Change>& changes, int top, LayerReader& reader);

}  // namespace sandbox
