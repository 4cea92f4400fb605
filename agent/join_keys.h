#pragma once

#include <set>
#include <string>

#include "agent/script_grammar.h"

namespace agent {

/// What `on` can be in `t:join(data.read(file), on)`, as Lua, where t comes from the other tables
/// of `names`: a column of the same name in both, or two that hold the same kind of values and,
/// where all values of both are known, one in common. Empty: nothing is known to fit, or too much.
std::set<std::string> join_keys(const Names& names, const FileNames& file);

}  // namespace agent
