#pragma once

#include <string>

#include "cli/command.h"

namespace cli {

/// One sentence on a command line that cannot be understood: what is wrong, what was meant, and
/// whose help says more.
std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cli
