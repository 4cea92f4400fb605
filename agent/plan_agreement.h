#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/script_grammar.h"

namespace agent {

/// Where a script does not do what its plan says, a line each that calls the script "it": columns,
/// values and files of the plan that it does not name, and columns of numbers that it takes without
/// the plan naming them. Of the recipe's scripts 97 of 100 have none.
std::vector<std::string> disagreements(std::string_view plan, std::string_view script,
                                       const Names& names);

/// A plan without the links that stand in it already: of the recipe's 10,750 plans none has one
/// twice, and what a model writes after such a plan is rarely right.
std::string without_repeats(std::string_view plan);

/// The same as disagreements() of columns that the request names as they stand in a header and that
/// cannot be words by chance (`unit_price`, `Travel Cost`): of the recipe's 312 such requests no
/// script leaves one out.
std::vector<std::string> ignored_columns(std::string_view request, std::string_view script,
                                         const Names& names);

}  // namespace agent
