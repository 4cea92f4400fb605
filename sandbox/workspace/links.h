#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// Finds what must not come in because, in the tree as it will be, a link would leave: a new link,
/// or what bends an old link that stayed inside. Takes those out of `set` and reports them there,
/// until nothing leaves. top: the workspace.
base::Status refuse_links_out(ChangeSet& set, const Snapshot& before, int top);

/// Where a link beneath `top` leads; "" if there is none.
std::string link_target(int top, const std::string& path);

/// Takes `path` of the layer, with all that lies in it, out of `set`.
void drop(ChangeSet& set, const std::string& path);

}  // namespace sandbox
