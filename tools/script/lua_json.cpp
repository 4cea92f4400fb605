// A table that holds itself would never end: the depth is bounded, and the number of values.
#include "tools/script/lua_json.h"

#include <cmath>

#include "base/json.h"
#include "tools/data/value.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr int kMaxJsonDepth = 60;
constexpr int kMaxValues = 1'000'000;

struct Reader {
  lua_State* lua;
  const std::string& who;
  int values = 0;

  base::Result<json> read(int index, int depth) {
    if (++values > kMaxValues) return Error{Errc::limit, who + ": more than a million values"};
    switch (lua_type(lua, index)) {
      case LUA_TNIL:
        return json();
      case LUA_TBOOLEAN:
        return json(lua_toboolean(lua, index) != 0);
      case LUA_TNUMBER: {
        if (lua_isinteger(lua, index)) return json(static_cast<int64_t>(lua_tointeger(lua, index)));
        const double number = lua_tonumber(lua, index);
        if (!std::isfinite(number))
          return Error{Errc::usage, who + ": a number of the specification is not finite"};
        return json(number);
      }
      case LUA_TSTRING: {
        size_t size = 0;
        const char* text = lua_tolstring(lua, index, &size);
        return json(data::to_utf8(std::string_view(text, size)));
      }
      case LUA_TTABLE:
        return table(lua_absindex(lua, index), depth);
      default:
        return Error{Errc::usage, who + ": the specification holds a " +
                                      lua_typename(lua, lua_type(lua, index))};
    }
  }

  base::Result<json> table(int index, int depth) {
    if (depth >= kMaxJsonDepth)
      return Error{Errc::limit, who + ": the specification is nested more than 60 deep"};
    if (!lua_checkstack(lua, 4)) return Error{Errc::limit, who + ": Lua's stack is full"};
    const auto n = static_cast<lua_Integer>(lua_rawlen(lua, index));
    if (n > 0) {
      json list = json::array();
      for (lua_Integer i = 1; i <= n; ++i) {
        lua_rawgeti(lua, index, i);
        base::Result<json> value = read(-1, depth + 1);
        lua_pop(lua, 1);
        if (!value) return value.error();
        list.push_back(std::move(*value));
      }
      return list;
    }
    json object = json::object();
    for (lua_pushnil(lua); lua_next(lua, index) != 0;) {
      if (lua_type(lua, -2) != LUA_TSTRING) {
        lua_pop(lua, 2);
        return Error{Errc::usage, who + ": a key of the specification is not text"};
      }
      size_t size = 0;
      const char* text = lua_tolstring(lua, -2, &size);
      std::string key = data::to_utf8(std::string_view(text, size));
      base::Result<json> value = read(-1, depth + 1);
      lua_pop(lua, 1);
      if (!value) {
        lua_pop(lua, 1);
        return value.error();
      }
      object[key] = std::move(*value);
    }
    return object;
  }
};

}  // namespace

base::Result<json> json_argument(lua_State* lua, int index, const std::string& who) {
  return Reader{lua, who}.read(lua_absindex(lua, index), 0);
}

}  // namespace tools::script
