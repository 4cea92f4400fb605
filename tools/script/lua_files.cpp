// files.*: the file tools. Each function turns its arguments into those of the tool that
// tools/file/service.h describes, and its answer into Lua values.

#include <fcntl.h>

#include "base/json.h"
#include "base/unique_fd.h"
#include "tools/script/file_services.h"
#include "tools/script/host.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

constexpr int kMaxDepth = 8;
constexpr int kMaxElements = 100'000;

/// The Lua value at `index` as JSON. left: how many values it may have.
Result<json> json_of(lua_State* lua, int index, const std::string& who, int depth, int& left) {
  index = lua_absindex(lua, index);
  if (--left < 0 || depth > kMaxDepth || !lua_checkstack(lua, 4))
    return Error{Errc::limit, who + ": the argument is too large or too deep"};
  switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN:
      return json(lua_toboolean(lua, index) != 0);
    case LUA_TNUMBER:
      if (lua_isinteger(lua, index)) return json(int64_t{lua_tointeger(lua, index)});
      if (const double n = lua_tonumber(lua, index);
          n >= -9e15 && n <= 9e15 && n == static_cast<double>(static_cast<int64_t>(n)))
        return json(static_cast<int64_t>(n));
      return json(lua_tonumber(lua, index));
    case LUA_TSTRING: {
      size_t size = 0;
      const char* text = lua_tolstring(lua, index, &size);
      return json(std::string(text, size));
    }
    case LUA_TTABLE:
      break;
    default:
      return Error{Errc::usage, who + ": the argument holds a " + luaL_typename(lua, index)};
  }
  const auto n = static_cast<int64_t>(lua_rawlen(lua, index));
  if (n > 0) {
    json list = json::array();
    for (int64_t i = 1; i <= n; ++i) {
      lua_rawgeti(lua, index, i);
      Result<json> item = json_of(lua, -1, who, depth + 1, left);
      lua_pop(lua, 1);
      if (!item) return item;
      list.push_back(std::move(*item));
    }
    return list;
  }
  json object = json::object();
  for (lua_pushnil(lua); lua_next(lua, index) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) != LUA_TSTRING)
      return Error{Errc::usage, who + ": a field's name is a " + luaL_typename(lua, -2)};
    Result<json> value = json_of(lua, -1, who, depth + 1, left);
    if (!value) return value;
    size_t size = 0;
    const char* key = lua_tolstring(lua, -2, &size);
    object[std::string(key, size)] = std::move(*value);
  }
  return object;
}

Result<json> argument(lua_State* lua, int index, const std::string& who) {
  int left = kMaxElements;
  return json_of(lua, index, who, 0, left);
}

/// Answers of the tools are flat and shallow.
void push_json(lua_State* lua, const json& value) {
  lua_checkstack(lua, 4);
  if (value.is_boolean()) {
    lua_pushboolean(lua, value.get<bool>());
  } else if (value.is_number_float()) {
    lua_pushnumber(lua, value.get<double>());
  } else if (value.is_number()) {
    lua_pushinteger(lua, value.get<int64_t>());
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    lua_pushlstring(lua, text.data(), text.size());
  } else if (value.is_array()) {
    lua_createtable(lua, static_cast<int>(value.size()), 0);
    lua_Integer i = 0;
    for (const json& item : value) {
      push_json(lua, item);
      lua_rawseti(lua, -2, ++i);
    }
  } else if (value.is_object()) {
    lua_createtable(lua, 0, static_cast<int>(value.size()));
    for (const auto& [key, item] : value.items()) {
      push_json(lua, item);
      lua_setfield(lua, -2, key.c_str());
    }
  } else {
    lua_pushnil(lua);
  }
}

Result<json> call_tool(lua_State* lua, const std::string& tool, const json& arguments) {
  const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return Error{Errc::system, "the workspace cannot be opened"};
  return file::call_tool(top.get(), tool, arguments, file_services(host_of(lua).engine));
}

Result<int> text_answer(lua_State* lua, const std::string& tool, const json& arguments) {
  Result<json> answer = call_tool(lua, tool, arguments);
  if (!answer) return answer.error();
  push_json(lua, (*answer)["text"]);
  return 1;
}

/// files.find(glob or {glob = …, …}): records with path, bytes, mtime, and line of a content.
Result<int> find(lua_State* lua) {
  json arguments = json::object();
  if (lua_type(lua, 1) == LUA_TSTRING || lua_istable(lua, 1)) {
    Result<json> given = argument(lua, 1, "files.find");
    if (!given) return given.error();
    arguments = given->is_string() ? json{{"glob", *given}} : *given;
  } else if (!lua_isnoneornil(lua, 1)) {
    return Error{Errc::usage,
                 "files.find: the argument is a pattern, or a record such as {glob = "
                 "\"*.csv\"}"};
  }
  Result<json> answer = call_tool(lua, "find_files", arguments);
  if (!answer) return answer.error();
  push_json(lua, (*answer)["files"]);
  return 1;
}

Result<int> read(lua_State* lua) {
  Result<std::string> path = text_argument(lua, 1, "files.read", "the path");
  if (!path) return path.error();
  json arguments{{"path", *path}};
  for (const auto& [index, key] : {std::pair{2, "first"}, {3, "last"}}) {
    if (lua_isnoneornil(lua, index)) continue;
    Result<int64_t> n = whole_argument(lua, index, "files.read", "the line");
    if (!n) return n.error();
    arguments[key] = *n;
  }
  return text_answer(lua, "read_file", arguments);
}

Result<int> write(lua_State* lua) {
  Result<std::string> path = text_argument(lua, 1, "files.write", "the path");
  if (!path) return path.error();
  Result<std::string> text = text_argument(lua, 2, "files.write", "the text");
  if (!text) return text.error();
  Result<int> n = text_answer(lua, "write_file", {{"path", *path}, {"text", *text}});
  if (n) host_of(lua).events.file(*path, 0);
  return n;
}

Result<int> edit(lua_State* lua) {
  Result<std::string> path = text_argument(lua, 1, "files.edit", "the path");
  if (!path) return path.error();
  Result<std::string> old_text = text_argument(lua, 2, "files.edit", "the old text");
  if (!old_text) return old_text.error();
  Result<std::string> new_text = text_argument(lua, 3, "files.edit", "the new text");
  if (!new_text) return new_text.error();
  return text_answer(lua, "edit_file",
                     {{"path", *path},
                      {"old", *old_text},
                      {"new", *new_text},
                      {"all", lua_toboolean(lua, 4) != 0}});
}

Result<json> planned(lua_State* lua, const std::string& who, bool apply) {
  if (!lua_istable(lua, 1))
    return Error{Errc::usage, who +
                                  ": the argument is a list of operations such as {{op = "
                                  "\"move\", files = \"*.csv\", to = \"tables/\"}}"};
  Result<json> plan = argument(lua, 1, who);
  if (!plan) return plan.error();
  if (plan->is_object()) plan = json::array({*plan});
  return call_tool(lua, "file_plan", {{"plan", *plan}, {"apply", apply}});
}

Result<int> plan(lua_State* lua) {
  Result<json> answer = planned(lua, "files.plan", false);
  if (!answer) return answer.error();
  push_json(lua, (*answer)["steps"]);
  return 1;
}

Result<int> preview(lua_State* lua) {
  Result<json> answer = planned(lua, "files.preview", false);
  if (!answer) return answer.error();
  push_json(lua, (*answer)["text"]);
  return 1;
}

Result<int> apply(lua_State* lua) {
  Result<json> answer = planned(lua, "files.apply", true);
  if (!answer) return answer.error();
  push_json(lua, (*answer)["text"]);
  return 1;
}

}  // namespace

void open_files(lua_State* lua) {
  constexpr luaL_Reg kLibrary[] = {{"find", call<find>},   {"read", call<read>},
                                   {"write", call<write>}, {"edit", call<edit>},
                                   {"plan", call<plan>},   {"preview", call<preview>},
                                   {"apply", call<apply>}, {nullptr, nullptr}};
  lua_newtable(lua);
  luaL_setfuncs(lua, kLibrary, 0);
  lua_setglobal(lua, "files");
}

}  // namespace tools::script
