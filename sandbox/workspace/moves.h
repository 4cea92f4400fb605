#pragma once

#include "base/result.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// Makes one `moved` of each removed and added regular file with equal content in set.changes; of
/// several, those with the same name go together first. Empty files are not matched. Where mode,
/// time and attributes are the same, too, the file itself is moved: it becomes one of set.moves,
/// and no edit has to do with it any more. Each file is read at most twice. before, top: the
/// workspace; reader: the layer.
base::Status find_moves(ChangeSet& set, const Snapshot& before, int top, LayerReader& reader);

}  // namespace sandbox
