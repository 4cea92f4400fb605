#pragma once

#include <lua.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/data/table.h"

/// How C++ functions are called from Lua. Lua raises by longjmp, which skips destructors: so a
/// function is written as a Body that returns the number of results or an Error, and call() raises
/// only when all its locals are gone.
namespace tools::script {

using Body = base::Result<int> (*)(lua_State* lua);

/// The lua_CFunction of a Body.
template <Body body>
int call(lua_State* lua);

/// Raises `error` (moved into Lua first).
int raise_error(lua_State* lua);

inline constexpr const char* kTableType = "tessera.table";
inline constexpr const char* kGroupType = "tessera.group";

/// A table that is grouped and waits for an aggregate.
struct Grouped {
  data::Table table;
  std::vector<std::string> keys;
};

void push_table(lua_State* lua, data::Table table);
/// The table at `index`, or nullptr.
const data::Table* to_table(lua_State* lua, int index);

/// Text of the value at `index`, as print shows it. Errors: those of a table's query.
base::Result<std::string> shown_text(lua_State* lua, int index);

/// Text at `index`. A number is written as print would. Errors: usage, "who: argument is not text".
base::Result<std::string> text_argument(lua_State* lua, int index, const std::string& who,
                                        const char* what);
/// All texts from `first` on; an array of texts counts as its elements.
base::Result<std::vector<std::string>> text_arguments(lua_State* lua, int first,
                                                      const std::string& who);
base::Result<int64_t> whole_argument(lua_State* lua, int index, const std::string& who,
                                     const char* what);

/// The Lua value at `index` as a cell: nil is missing.
base::Result<data::Cell> cell_argument(lua_State* lua, int index, const std::string& who);
void push_cell(lua_State* lua, const data::Cell& cell);

template <Body body>
int call(lua_State* lua) {
  {
    base::Result<int> results = body(lua);
    if (results) return *results;
    lua_pushlstring(lua, results.error().message.data(), results.error().message.size());
  }
  return raise_error(lua);
}

}  // namespace tools::script
