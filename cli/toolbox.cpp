#include "cli/toolbox.h"

namespace cli {

base::Result<tools::Toolbox> open_toolbox(const std::string& policy,
                                          tools::ToolboxOptions options) {
  base::Result<policies::Policy> found = policies::find(policy);
  if (!found) return found.error();
  options.policy = std::move(*found);
  return tools::Toolbox::open(std::move(options));
}

}  // namespace cli
