#pragma once

#include <string>

#include "tools/toolbox/toolbox.h"

namespace cli {

/// A toolbox under the policy of that name or file. Errors: of policies::find(), Toolbox::open().
base::Result<tools::Toolbox> open_toolbox(const std::string& policy, tools::ToolboxOptions options);

}  // namespace cli
