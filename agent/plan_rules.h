#pragma once

#include <string>

#include "agent/script_grammar.h"

namespace agent {

/// Appends the rule `planscript`: a script that carries out one to four operations on files,
/// `print(files.apply({op=…}))`, with the fields of docs/files.md in one order. A path begins
/// neither with a slash, a tilde nor a dot, so that a plan which leaves the workspace cannot be
/// spelled by its first character; the tool itself refuses the rest.
void add_plan_script(const Names& names, std::string& out);

}  // namespace agent
