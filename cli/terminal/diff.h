#pragma once

#include <string>
#include <string_view>

#include "cli/terminal/style.h"

namespace cli {

/// How a line of a unified diff is set off.
unsigned diff_style(std::string_view line);

/// A unified diff, or a part of one, to be looked at: what went red, what came green.
std::string diff_text(std::string_view diff, const Look& look);

}  // namespace cli
