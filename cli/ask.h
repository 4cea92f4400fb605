#pragma once

#include <functional>

#include "sandbox/guard.h"

namespace cli {

/// How a person is asked: on the terminal, with the changes and their diffs shown first; --yes says
/// yes to everything. Empty where there is no terminal to ask on.
std::function<bool(const sandbox::Question&)> ask_person(bool yes);

}  // namespace cli
