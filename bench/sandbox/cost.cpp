// What confinement costs, against a bare fork and exec in the same run: google-benchmark, medians.
//
//   bench-sandbox [--benchmark_… ]      prints a table of medians and of their ratios at the end
//
// Contenders: the bare posix_spawn and waitpid; sandbox::run(), which puts up every wall for the
// one program; a Runner, which keeps a jail ready, called at once again (back to back) and after a
// pause, as an agent does whose model thinks in between; both without and with a workspace that may
// be written (an overlay); bubblewrap where it is installed; a Lua script in a warm worker and in a
// worker of its own, next to what no sandbox can be faster than: a new Lua state in this process,
// and a byte sent to another process and back.

#include <benchmark/benchmark.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <lua.hpp>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/runner.h"
#include "tools/toolbox/toolbox.h"

namespace {

using Argv = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

std::string g_workspace;

policies::Policy default_policy() { return *policies::builtin("default"); }

void spawn_and_wait(benchmark::State& state, const Argv& argv) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  for (auto _ : state) {
    pid_t pid = 0;
    int end = 0;
    if (posix_spawn(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0 ||
        waitpid(pid, &end, 0) != pid || end != 0) {
      state.SkipWithError("it did not run");
      break;
    }
  }
}

void bare(benchmark::State& state) { spawn_and_wait(state, {"/bin/true"}); }

constexpr std::chrono::milliseconds kPause(20);

/// What a pause costs by itself: processors that sleep, caches that cool.
void bare_after_a_pause(benchmark::State& state) {
  char name[] = "/bin/true";
  char* argv[] = {name, nullptr};
  for (auto _ : state) {
    std::this_thread::sleep_for(kPause);
    const Clock::time_point start = Clock::now();
    pid_t pid = 0;
    int end = 0;
    if (posix_spawn(&pid, name, nullptr, nullptr, argv, environ) != 0 ||
        waitpid(pid, &end, 0) != pid || end != 0) {
      state.SkipWithError("it did not run");
      break;
    }
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

void bubblewrap(benchmark::State& state) {
  spawn_and_wait(state, {"/usr/bin/bwrap", "--unshare-all", "--die-with-parent",
                         "--ro-bind",      "/usr",          "/usr",
                         "--symlink",      "usr/lib",       "/lib",
                         "--symlink",      "usr/lib64",     "/lib64",
                         "--symlink",      "usr/bin",       "/bin",
                         "--proc",         "/proc",         "--dev",
                         "/dev",           "--tmpfs",       "/tmp",
                         "--bind",         g_workspace,     g_workspace,
                         "/bin/true"});
}

sandbox::Program true_in(bool writable) {
  return {.argv = {"/bin/true"}, .workspace = g_workspace, .workspace_writable = writable};
}

bool ended_well(const base::Result<sandbox::Outcome>& outcome) {
  return outcome && outcome->end == sandbox::End(sandbox::Exited{0});
}

void cold(benchmark::State& state, bool writable) {
  const policies::Policy policy = default_policy();
  for (auto _ : state) {
    if (!ended_well(sandbox::run(true_in(writable), policy, {}))) {
      state.SkipWithError("it did not run");
      break;
    }
  }
}

void ready(benchmark::State& state, bool writable, std::chrono::milliseconds pause) {
  const policies::Policy policy = default_policy();
  sandbox::Runner runner;
  for (auto _ : state) {
    std::this_thread::sleep_for(pause);
    const Clock::time_point start = Clock::now();
    if (!ended_well(runner.run(true_in(writable), policy, {}))) {
      state.SkipWithError("it did not run");
      break;
    }
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

void lua_warm(benchmark::State& state) {
  auto toolbox = tools::Toolbox::open({.workspace = g_workspace, .policy = default_policy()});
  (void)toolbox->run_lua("print(1)", {});  // waits for the first worker
  for (auto _ : state) {
    auto observation = toolbox->run_lua("print(1 + 1)", {});
    if (!observation || observation->text != "2") {
      state.SkipWithError("it did not run");
      break;
    }
  }
}

/// A process of its own in a jail of its own, loaded from the start.
void lua_alone(benchmark::State& state) {
  const char* worker = getenv("TESSERA_WORKER") ? getenv("TESSERA_WORKER") : TESSERA_BUILT_WORKER;
  sandbox::Program program{.argv = {worker, "lua"},
                           .workspace = g_workspace,
                           .stdin_text = R"json({"script":"print(1 + 1)"})json"};
  const policies::Policy policy = default_policy();
  sandbox::Runner runner;
  for (auto _ : state) {
    if (!ended_well(runner.run(program, policy, {}))) {
      state.SkipWithError("it did not run");
      break;
    }
  }
}

/// A process of its own, copied off a worker that is loaded and confined.
void lua_cold(benchmark::State& state, std::chrono::milliseconds pause) {
  auto toolbox = tools::Toolbox::open({.workspace = g_workspace, .policy = default_policy()});
  (void)toolbox->run_lua("print(1)", {});  // waits for the first worker
  for (auto _ : state) {
    std::this_thread::sleep_for(pause);
    const Clock::time_point start = Clock::now();
    auto observation = toolbox->run_lua("-- data\nprint(1 + 1)", {});
    if (!observation || observation->text != "2") {
      state.SkipWithError("it did not run");
      break;
    }
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

void lua_state(benchmark::State& state) {
  for (auto _ : state) {
    lua_State* lua = luaL_newstate();
    luaL_openlibs(lua);
    if (luaL_dostring(lua, "local x = 1 + 1") != LUA_OK) state.SkipWithError("it did not run");
    lua_close(lua);
  }
}

void round_trip(benchmark::State& state) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
  const pid_t pid = fork();
  char byte = 0;
  if (pid == 0) {
    close(pair[0]);
    while (recv(pair[1], &byte, 1, 0) == 1) (void)!send(pair[1], &byte, 1, MSG_NOSIGNAL);
    _exit(0);
  }
  close(pair[1]);
  for (auto _ : state) {
    (void)!send(pair[0], &byte, 1, MSG_NOSIGNAL);
    if (recv(pair[0], &byte, 1, 0) != 1) state.SkipWithError("nobody answers");
  }
  close(pair[0]);
  waitpid(pid, nullptr, 0);
}

/// Shows each figure as usual and keeps the medians for the table.
class Table : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name == "median")
        median_[run.run_name.function_name] = run.GetAdjustedRealTime();
    }
    ConsoleReporter::ReportRuns(runs);
  }
  void print() const {
    const auto at = median_.find("bare fork+exec");
    const auto paused = median_.find("bare fork+exec, after a pause");
    if (at == median_.end() || paused == median_.end()) return;
    std::printf("\n| | median µs | against bare fork+exec |\n| --- | --: | --: |\n");
    // Like with like.
    for (const auto& [name, time] : median_) {
      const bool after = name.find("after a pause") != std::string::npos;
      std::printf("| %s | %.1f | %.2f |\n", name.c_str(), time,
                  time / (after ? paused : at)->second);
    }
  }

 private:
  std::map<std::string, double> median_;
};

}  // namespace

int main(int argc, char** argv) {
  // Repetitions of all contenders are shuffled, so a busy machine hits all of them.
  std::vector<char*> arguments(argv, argv + argc);
  std::vector<std::string> ours{"--benchmark_repetitions=15", "--benchmark_min_time=0.1",
                                "--benchmark_enable_random_interleaving=true",
                                "--benchmark_report_aggregates_only=true"};
  for (std::string& option : ours) arguments.insert(arguments.begin() + 1, option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  g_workspace = (std::filesystem::temp_directory_path() / "bench-sandbox-XXXXXX").string();
  if (mkdtemp(g_workspace.data()) == nullptr) return 1;

  using std::chrono::milliseconds;
  auto add = [](const char* name, auto function) {
    return benchmark::RegisterBenchmark(name, function)
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  };
  auto add_timed = [](const char* name, auto function) {
    return benchmark::RegisterBenchmark(name, function)
        ->Unit(benchmark::kMicrosecond)
        ->UseManualTime();
  };
  add("bare fork+exec", bare);
  add_timed("bare fork+exec, after a pause", bare_after_a_pause);
  if (access("/usr/bin/bwrap", X_OK) == 0) add("bubblewrap", bubblewrap);
  add("confined, from nothing", [](benchmark::State& s) { cold(s, false); });
  add("confined and overlay, from nothing", [](benchmark::State& s) { cold(s, true); });
  add_timed("confined, back to back",
            [](benchmark::State& s) { ready(s, false, milliseconds(0)); });
  add_timed("confined, after a pause", [](benchmark::State& s) { ready(s, false, kPause); });
  add_timed("confined and overlay, back to back",
            [](benchmark::State& s) { ready(s, true, milliseconds(0)); });
  add_timed("confined and overlay, after a pause",
            [](benchmark::State& s) { ready(s, true, kPause); });
  add("Lua, warm worker", lua_warm);
  add_timed("Lua, process of its own, back to back",
            [](benchmark::State& s) { lua_cold(s, milliseconds(0)); });
  add_timed("Lua, process of its own, after a pause",
            [](benchmark::State& s) { lua_cold(s, kPause); });
  add("Lua, jail and process of its own", lua_alone);
  add("limit: Lua state in this process", lua_state);
  add("limit: round trip between processes", round_trip);
  Table table;
  benchmark::RunSpecifiedBenchmarks(&table);
  table.print();
  std::error_code ec;
  std::filesystem::remove_all(g_workspace, ec);
  return 0;
}
