#pragma once

#include <string>

namespace cli {

/// The sessions of a workspace ("": of all), printed; the exit code.
int list_sessions(const std::string& workspace, bool json);

}  // namespace cli
