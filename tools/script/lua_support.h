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
/// The table at 1, of which `who` is a method.
base::Result<const data::Table*> self_argument(lua_State* lua, const std::string& who);

/// Where a key is first written in the script as `name =` or `["name"]`: Lua tables do not keep the
/// order in which their fields were written, people expect it.
size_t first_written(const std::string& script, const std::string& key);

base::Result<int64_t> whole_argument(lua_State* lua, int index, const std::string& who,
                                     const char* what);

/// The Lua value at `index` as a cell: nil is missing.
base::Result<data::Cell> cell_argument(lua_State* lua, int index, const std::string& who);
void push_cell(lua_State* lua, const data::Cell& cell);

/// Functions of lua_frame.cpp: data.query, data.profile, and methods beyond those that the shipped
/// planner knows.
std::vector<luaL_Reg> more_library();
std::vector<luaL_Reg> more_methods();
/// group(keys, {name = summary, …}): nothing if the last argument is no such record.
base::Result<std::optional<data::Table>> group_with_summaries(lua_State* lua);
/// join(other, on, how) beyond one column: nothing if it is that.
base::Result<std::optional<data::Table>> join_with_options(lua_State* lua);

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
