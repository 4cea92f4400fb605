#pragma once

#include <string_view>

#include "agent/script_grammar.h"

namespace agent {

/// In how many places a script does not do what its plan says: columns, values and files of the
/// plan that it does not name, and columns of numbers that it takes without the plan naming them.
/// Of the recipe's scripts 97 of 100 have none.
int disagreements(std::string_view plan, std::string_view script, const Names& names);

}  // namespace agent
