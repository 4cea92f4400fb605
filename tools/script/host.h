#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tools/data/engine.h"
#include "tools/script/events.h"

struct lua_State;

/// tools::script: runs one Lua script against the workspace's files, inside the process
/// `tessera-worker`.
namespace tools::script {

/// Bounds of one run. Whatever the script does about it, reaching one ends the process.
struct Limits {
  uint64_t instructions = 200'000'000;  ///< of Lua's virtual machine, counted in steps of 1,000
  uint64_t lua_bytes = 64'000'000;      ///< of Lua's own heap
  uint64_t seed = 1;                    ///< of math.random
};

/// What Lua's functions reach through the extra space of their state.
struct Host {
  Events events;
  std::shared_ptr<data::Engine> engine;
  Limits limits;
  std::string script;
  uint64_t instructions = 0;
  uint64_t lua_bytes = 0;
  lua_State* lua = nullptr;  ///< once prepared
};

Host& host_of(lua_State* lua);

/// Makes the state that run_script() needs, ahead of the script; it costs more than most scripts.
void prepare_script(Host& host);
/// Runs `host.script` in a state that has met no script before, and sends its events, the last of
/// them done or error. `host.limits` may have changed since it was prepared. Once for each host.
void run_script(Host& host);

/// Registers the functions of one library in `lua`.
void open_basics(lua_State* lua);   ///< print, tostring, pcall, … and the limits behind them
void open_data(lua_State* lua);     ///< data.*, read_text, the methods of tables
void open_charts(lua_State* lua);   ///< chart.*
void open_files(lua_State* lua);    ///< files.*
void open_reports(lua_State* lua);  ///< report.*

/// Ends the run at once: the last event is an error. For limits, which a script must not catch.
[[noreturn]] void stop(Host& host, const std::string& message);

}  // namespace tools::script
