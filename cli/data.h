#pragma once

#include <string>

namespace cli {

/// What is in a table file, printed; the exit code.
int show_profile(const std::string& workspace, const std::string& policy, const std::string& file,
                 bool json);

}  // namespace cli
