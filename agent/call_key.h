#pragma once

#include <string>

#include "model/chat.h"

namespace agent {

/// What makes two calls with their results the same for one who looks for loops: another comment,
/// white space that says nothing, other limits of a search or the time that a program took do not
/// tell them apart.
std::string call_key(const model::FunctionCall& call, const std::string& result, bool error);

/// An error without the lines it names: two scripts that fail alike fail in different lines.
std::string kind_of_error(const std::string& error);

/// Whether it gives something else the time to happen.
bool waits(const model::FunctionCall& call);

}  // namespace agent
