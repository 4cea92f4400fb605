#pragma once

#include <lua.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace tools::script {

/// The Lua value at `index` as JSON: a table with the keys 1 to n is an array, another one an
/// object, an empty one an object. Errors: usage, "who: …" (a function, a key that is no text, a
/// number that JSON cannot spell), limit (nested more than 60 deep, more than a million values).
base::Result<nlohmann::json> json_argument(lua_State* lua, int index, const std::string& who);

}  // namespace tools::script
