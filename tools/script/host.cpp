// Limits. Three things can run away: instructions (the count hook, which new coroutines inherit),
// Lua's heap (the allocator refuses), time inside one C function (only the limits around the
// process help: CPU time, wall clock).
//
// A script can catch errors with pcall, coroutines and to-be-closed variables, so a limit is no Lua
// error: the hook sends the last event and ends the process. The allocator cannot do that, since
// Lua collects garbage and asks again when it is refused; the functions that could catch the memory
// error that follows (pcall, xpcall, resume, wrap, close) are ours and end the process when they
// see it.
//
// Coroutines count their instructions from zero, so many short ones would run for free: each resume
// is charged.

#include "tools/script/host.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <lua.hpp>
#include "base/json.h"

#include "tools/data/table.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

constexpr int kHookEvery = 1000;
constexpr uint64_t kResumeCost = 100;
constexpr const char* kMemoryMessage = "the script needs more memory than is allowed";

void* allocate(void* data, void* block, size_t old_size, size_t new_size) {
  auto& host = *static_cast<Host*>(data);
  if (!block) old_size = 0;  // Lua passes the kind of object there
  if (new_size == 0) {
    std::free(block);
    host.lua_bytes -= old_size;
    return nullptr;
  }
  if (new_size > old_size && host.lua_bytes + (new_size - old_size) > host.limits.lua_bytes)
    return nullptr;
  void* moved = std::realloc(block, new_size);
  if (moved) host.lua_bytes += new_size - old_size;
  return moved;
}

void charge(Host& host, uint64_t instructions) {
  host.instructions += instructions;
  if (host.instructions > host.limits.instructions)
    stop(host, "the script ran too long: more than " +
                   data::format_number(static_cast<double>(host.limits.instructions)) + " steps");
}

void count_hook(lua_State* lua, lua_Debug*) { charge(host_of(lua), kHookEvery); }

// Nothing may catch a memory error.
void check_status(lua_State* lua, int status) {
  if (status == LUA_ERRMEM) stop(host_of(lua), kMemoryMessage);
}

base::Result<int> print(lua_State* lua) {
  std::string text;
  const int n = lua_gettop(lua);
  for (int i = 1; i <= n; ++i) {
    base::Result<std::string> shown = shown_text(lua, i);
    if (!shown) return shown.error();
    text += (i > 1 ? " " : "") + data::to_utf8(*shown);
  }
  host_of(lua).events.print(text);
  return 0;
}

base::Result<int> to_text(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (lua_type(lua, 1) != LUA_TNUMBER && !to_table(lua, 1)) {
    luaL_tolstring(lua, 1, nullptr);
    return 1;
  }
  base::Result<std::string> text = shown_text(lua, 1);
  if (!text) return text.error();
  lua_pushlstring(lua, text->data(), text->size());
  return 1;
}

// table.concat, with numbers as print writes them.
int concat(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  size_t separator_size = 0;
  const char* separator = luaL_optlstring(lua, 2, "", &separator_size);
  const lua_Integer first = luaL_optinteger(lua, 3, 1);
  const lua_Integer last = luaL_opt(lua, luaL_checkinteger, 4, luaL_len(lua, 1));
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  for (lua_Integer i = first; i <= last; ++i) {
    lua_geti(lua, 1, i);
    if (lua_type(lua, -1) == LUA_TNUMBER) {
      char text[64];
      const std::string number = data::format_number(lua_tonumber(lua, -1));
      const size_t size = std::min(number.size(), sizeof text);
      std::memcpy(text, number.data(), size);
      lua_pop(lua, 1);
      lua_pushlstring(lua, text, size);
    } else if (lua_type(lua, -1) != LUA_TSTRING) {
      return luaL_error(lua, "invalid value (at index %I) in table for 'concat'",
                        static_cast<LUAI_UACINT>(i));
    }
    luaL_addvalue(&buffer);
    if (i < last) luaL_addlstring(&buffer, separator, separator_size);
    if (i == LUA_MAXINTEGER) break;
  }
  luaL_pushresult(&buffer);
  return 1;
}

int finish_pcall(lua_State* lua, int status, lua_KContext extra) {
  check_status(lua, status);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pushboolean(lua, 0);
    lua_pushvalue(lua, -2);
    return 2;
  }
  return lua_gettop(lua) - static_cast<int>(extra);
}

int pcall(lua_State* lua) {
  luaL_checkany(lua, 1);
  lua_pushboolean(lua, 1);
  lua_insert(lua, 1);
  const int status = lua_pcallk(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0, 0, finish_pcall);
  return finish_pcall(lua, status, 0);
}

int xpcall(lua_State* lua) {
  const int n = lua_gettop(lua);
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  lua_pushboolean(lua, 1);
  lua_pushvalue(lua, 1);
  lua_rotate(lua, 3, 2);  // f, handler, true, f, arguments
  const int status = lua_pcallk(lua, n - 2, LUA_MULTRET, 2, 2, finish_pcall);
  return finish_pcall(lua, status, 2);
}

lua_State* check_coroutine(lua_State* lua) {
  lua_State* co = lua_tothread(lua, 1);
  luaL_argexpected(lua, co, 1, "coroutine");
  return co;
}

// The number of results moved to `lua`, or -1 with the error object on top.
int resume_with(lua_State* lua, lua_State* co, int arguments) {
  charge(host_of(lua), kResumeCost);
  if (!lua_checkstack(co, arguments)) {
    lua_pushliteral(lua, "too many arguments to resume");
    return -1;
  }
  lua_xmove(lua, co, arguments);
  int results = 0;
  const int status = lua_resume(co, lua, arguments, &results);
  check_status(lua, status);
  if (status == LUA_OK || status == LUA_YIELD) {
    if (!lua_checkstack(lua, results + 1)) {
      lua_pop(co, results);
      lua_pushliteral(lua, "too many results to resume");
      return -1;
    }
    lua_xmove(co, lua, results);
    return results;
  }
  lua_xmove(co, lua, 1);
  return -1;
}

int co_resume(lua_State* lua) {
  lua_State* co = check_coroutine(lua);
  const int results = resume_with(lua, co, lua_gettop(lua) - 1);
  if (results < 0) {
    lua_pushboolean(lua, 0);
    lua_insert(lua, -2);
    return 2;
  }
  lua_pushboolean(lua, 1);
  lua_insert(lua, -(results + 1));
  return results + 1;
}

int co_create(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  charge(host_of(lua), kResumeCost);
  lua_State* co = lua_newthread(lua);
  lua_pushvalue(lua, 1);
  lua_xmove(lua, co, 1);
  return 1;
}

int call_wrapped(lua_State* lua) {
  lua_State* co = lua_tothread(lua, lua_upvalueindex(1));
  const int results = resume_with(lua, co, lua_gettop(lua));
  if (results >= 0) return results;
  const int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    check_status(lua, lua_resetthread(co));
    lua_xmove(co, lua, 1);
  }
  return lua_error(lua);
}

int co_wrap(lua_State* lua) {
  co_create(lua);
  lua_pushcclosure(lua, call_wrapped, 1);
  return 1;
}

int co_close(lua_State* lua) {
  lua_State* co = check_coroutine(lua);
  lua_Debug frame;
  const int state = lua_status(co);
  const bool dead_or_suspended =
      co != lua && (state == LUA_YIELD || (state == LUA_OK && lua_getstack(co, 0, &frame) == 0) ||
                    (state != LUA_OK && state != LUA_YIELD));
  if (!dead_or_suspended) return luaL_error(lua, "cannot close a running coroutine");
  const int status = lua_resetthread(co);
  check_status(lua, status);
  if (status == LUA_OK) {
    lua_pushboolean(lua, 1);
    return 1;
  }
  lua_pushboolean(lua, 0);
  lua_xmove(co, lua, 1);
  return 2;
}

// load of text in a string; no bytecode, no reader functions.
int load_text(lua_State* lua) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  const char* name = luaL_optstring(lua, 2, "=load");
  const int status = luaL_loadbufferx(lua, text, size, name, "t");
  check_status(lua, status);
  if (status != LUA_OK) {
    luaL_pushfail(lua);
    lua_insert(lua, -2);
    return 2;
  }
  if (lua_gettop(lua) > 4 || !lua_isnone(lua, 4)) {
    lua_pushvalue(lua, 4);
    if (!lua_setupvalue(lua, -2, 1)) lua_pop(lua, 1);
  }
  return 1;
}

// Finalizers would run at any allocation, also while the state is being closed; scripts need none.
int set_metatable(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const int type = lua_type(lua, 2);
  luaL_argexpected(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(lua, 1, "__metatable") != LUA_TNIL)
    return luaL_error(lua, "cannot change a protected metatable");
  if (type == LUA_TTABLE) {
    lua_pushliteral(lua, "__gc");
    if (lua_rawget(lua, 2) != LUA_TNIL) return luaL_error(lua, "__gc is not available");
    lua_pop(lua, 1);
  }
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

// collectgarbage: only what does not change how the collector works.
int collect_garbage(lua_State* lua) {
  const std::string option = luaL_optstring(lua, 1, "collect");
  if (option == "count") {
    lua_pushnumber(lua, static_cast<double>(host_of(lua).lua_bytes) / 1024);
    return 1;
  }
  if (option == "collect") lua_gc(lua, LUA_GCCOLLECT);
  lua_pushinteger(lua, 0);
  return 1;
}

// Keys before which others: numbers by size, then texts by bytes, then the rest as they come.
bool key_before(lua_State* lua, int keys, lua_Integer a, lua_Integer b) {
  lua_rawgeti(lua, keys, a);
  lua_rawgeti(lua, keys, b);
  const int type_a = lua_type(lua, -2);
  const int type_b = lua_type(lua, -1);
  bool before = false;
  if (type_a == LUA_TNUMBER && type_b == LUA_TNUMBER) {
    before = lua_compare(lua, -2, -1, LUA_OPLT);
  } else if (type_a == LUA_TSTRING && type_b == LUA_TSTRING) {
    size_t size_a = 0;
    size_t size_b = 0;
    const char* text_a = lua_tolstring(lua, -2, &size_a);
    const char* text_b = lua_tolstring(lua, -1, &size_b);
    before = std::string_view(text_a, size_a) < std::string_view(text_b, size_b);
  } else {
    const auto class_of = [](int type) {
      return type == LUA_TNUMBER ? 0 : type == LUA_TSTRING ? 1 : 2;
    };
    before = class_of(type_a) < class_of(type_b);
  }
  lua_pop(lua, 2);
  return before;
}

int next_sorted(lua_State* lua) {
  // Upvalues: the table, its keys in order, the place of the next one.
  lua_Integer place = lua_tointeger(lua, lua_upvalueindex(3));
  while (true) {
    if (lua_rawgeti(lua, lua_upvalueindex(2), ++place) == LUA_TNIL) return 1;
    lua_pushvalue(lua, -1);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) break;
    lua_pop(lua, 2);  // removed meanwhile
  }
  lua_pushinteger(lua, place);
  lua_replace(lua, lua_upvalueindex(3));
  return 2;
}

// pairs with the keys in order, so that a script does the same in every run.
int sorted_pairs(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (luaL_getmetafield(lua, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 1, 3);
    return 3;
  }
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 1);
  lua_newtable(lua);  // 2: keys in order
  lua_newtable(lua);  // 3: keys as they come
  lua_Integer n = 0;
  for (lua_pushnil(lua); lua_next(lua, 1) != 0;) {
    lua_pop(lua, 1);
    lua_pushvalue(lua, -1);
    lua_rawseti(lua, 3, ++n);
  }
  charge(host_of(lua), static_cast<uint64_t>(n) * 4);
  auto* order = static_cast<lua_Integer*>(
      lua_newuserdatauv(lua, sizeof(lua_Integer) * static_cast<size_t>(n + 1), 0));
  for (lua_Integer i = 0; i < n; ++i) order[i] = i + 1;
  std::stable_sort(order, order + n,
                   [&](lua_Integer a, lua_Integer b) { return key_before(lua, 3, a, b); });
  for (lua_Integer i = 0; i < n; ++i) {
    lua_rawgeti(lua, 3, order[i]);
    lua_rawseti(lua, 2, i + 1);
  }
  lua_settop(lua, 2);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, next_sorted, 3);
  lua_pushnil(lua);
  lua_pushnil(lua);
  return 3;
}

int random_seed(lua_State* lua) {
  // Without an argument Lua would take one from the clock.
  lua_settop(lua, 1);
  if (lua_isnoneornil(lua, 1)) {
    lua_pushinteger(lua, static_cast<lua_Integer>(host_of(lua).limits.seed));
    lua_replace(lua, 1);
  }
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, 1, 0);
  return 0;
}

void open_library(lua_State* lua, const char* name, lua_CFunction open) {
  luaL_requiref(lua, name, open, 1);
  lua_pop(lua, 1);
}

void remove(lua_State* lua, const char* library, const char* name) {
  lua_getglobal(lua, library);
  lua_pushnil(lua);
  lua_setfield(lua, -2, name);
  lua_pop(lua, 1);
}

int set_up(lua_State* lua) {
  open_basics(lua);
  open_data(lua);
  open_charts(lua);
  open_files(lua);
  open_reports(lua);
  return 0;
}

int seed_random(lua_State* lua) {
  lua_getglobal(lua, "math");
  lua_getfield(lua, -1, "randomseed");
  lua_call(lua, 0, 0);
  return 0;
}

// "script:2: where: …" becomes "line 2: where: …"; one line.
std::string error_text(lua_State* lua, int index) {
  std::string text;
  if (lua_type(lua, index) == LUA_TSTRING || lua_type(lua, index) == LUA_TNUMBER) {
    size_t size = 0;
    const char* message = lua_tolstring(lua, index, &size);
    text.assign(message, size);
  } else {
    text = std::string("the script raised a ") + luaL_typename(lua, index) + " as an error";
  }
  constexpr std::string_view kChunk = "script:";
  if (text.compare(0, kChunk.size(), kChunk) == 0) text.replace(0, kChunk.size(), "line ");
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Host& host_of(lua_State* lua) { return **static_cast<Host**>(lua_getextraspace(lua)); }

void stop(Host& host, const std::string& message) {
  host.events.error(message, true);
  ::_exit(0);
}

int raise_error(lua_State* lua) {
  // The nearest function that has lines: pcall(t.where, …) has C functions in between.
  lua_Debug frame;
  for (int level = 1; lua_getstack(lua, level, &frame); ++level) {
    lua_getinfo(lua, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    lua_pushfstring(lua, "%s:%d: ", frame.short_src, frame.currentline);
    lua_insert(lua, -2);
    lua_concat(lua, 2);
    break;
  }
  return lua_error(lua);
}

void open_basics(lua_State* lua) {
  open_library(lua, LUA_GNAME, luaopen_base);
  open_library(lua, LUA_STRLIBNAME, luaopen_string);
  open_library(lua, LUA_TABLIBNAME, luaopen_table);
  open_library(lua, LUA_MATHLIBNAME, luaopen_math);
  open_library(lua, LUA_UTF8LIBNAME, luaopen_utf8);
  open_library(lua, LUA_COLIBNAME, luaopen_coroutine);
  for (const char* name :
       {"dofile", "loadfile", "require", "warn", "package", "io", "os", "debug"}) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  remove(lua, "string", "dump");
  constexpr luaL_Reg kBasics[] = {{"print", call<print>},  {"tostring", call<to_text>},
                                  {"pcall", pcall},        {"xpcall", xpcall},
                                  {"load", load_text},     {"setmetatable", set_metatable},
                                  {"pairs", sorted_pairs}, {"collectgarbage", collect_garbage}};
  for (const luaL_Reg& f : kBasics) lua_register(lua, f.name, f.func);
  constexpr luaL_Reg kCoroutines[] = {{"resume", co_resume},
                                      {"create", co_create},
                                      {"wrap", co_wrap},
                                      {"close", co_close},
                                      {nullptr, nullptr}};
  lua_getglobal(lua, "coroutine");
  luaL_setfuncs(lua, kCoroutines, 0);
  lua_pop(lua, 1);
  lua_getglobal(lua, "table");
  lua_pushcfunction(lua, concat);
  lua_setfield(lua, -2, "concat");
  lua_pop(lua, 1);
  lua_getglobal(lua, "math");
  lua_getfield(lua, -1, "randomseed");
  lua_pushcclosure(lua, random_seed, 1);
  lua_setfield(lua, -2, "randomseed");
  lua_pop(lua, 1);
}

void prepare_script(Host& host) {
  host.lua = lua_newstate(allocate, &host);
  if (!host.lua) return;
  *static_cast<Host**>(lua_getextraspace(host.lua)) = &host;
  lua_pushcfunction(host.lua, set_up);
  // An error stays on the stack of a state that is then of no use.
  if (lua_pcall(host.lua, 0, 0, 0) == LUA_OK) return;
  lua_close(host.lua);
  host.lua = nullptr;
}

void run_script(Host& host) {
  if (!host.lua) prepare_script(host);
  lua_State* lua = host.lua;
  if (!lua) return host.events.error(kMemoryMessage);
  lua_pushcfunction(lua, seed_random);
  int status = lua_pcall(lua, 0, 0, 0);
  if (status == LUA_OK)
    status = luaL_loadbufferx(lua, host.script.data(), host.script.size(), "=script", "t");
  if (status == LUA_OK) {
    lua_sethook(lua, count_hook, LUA_MASKCOUNT, kHookEvery);
    status = lua_pcall(lua, 0, 0, 0);
  }
  check_status(lua, status);
  const bool failed = status != LUA_OK;
  const std::string message = failed ? error_text(lua, -1) : "";
  const bool spent = host.engine->used();
  failed ? host.events.error(message, spent) : host.events.done(spent);
  // A process that ends need not put anything away. In one that stays nobody waits for it: scripts
  // have no finalizers, so nothing of the script runs any more.
  if (host.events.serves() == Serves::many && !spent) lua_close(lua);
  host.lua = nullptr;
}

}  // namespace tools::script
