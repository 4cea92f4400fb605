// What a tool call of a run costs beside the model and the script: the loop, the journal of undo,
// the session on disk and the events.
//
//   call-overhead [--benchmark_… ]
//
// A run whose model answers at once makes 20 calls; a run without calls is taken off; so is the
// same script given to the toolbox directly, in the same process. Medians.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "base/json_line.h"
#include "tests/fakes/scripted_model.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kCalls = 20;

struct Script {
  const char* name;
  const char* code;  // the number of the call stands behind it: the same call twice is a loop
};
constexpr Script kScripts[] = {
    {"script that prints", "print(0"},
    {"script that reads a table", "print(data.read('shops.csv'):sum('revenue') + 0"},
};

fs::path g_top;
std::map<std::string, double> g_medians;  // microseconds

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "call-overhead: %s\n", why.c_str());
  std::exit(1);
}

tools::Toolbox open_tools() {
  base::Result<tools::Toolbox> opened = tools::Toolbox::open(
      {.workspace = g_top / "work", .policy = *policies::builtin("default"), .file_tools = true});
  if (!opened) give_up(opened.error().message);
  return std::move(*opened);
}

double seconds_of_run(const tools::Toolbox& toolbox, const agent::Prompt& prompt,
                      const std::string& code, int n_calls) {
  std::vector<agent::ModelReply> replies;
  for (int i = 0; i < n_calls; ++i) {
    replies.push_back(calls("", "run_lua", {{"code", code + std::to_string(i) + ")"}}));
    replies.back().message.calls[0].id = std::to_string(i);
  }
  replies.push_back(says("Done."));
  ScriptedModel model(std::move(replies));
  model.free = true;
  agent::RunOptions options = agent::kFreeRunOptions;
  options.max_turns = n_calls + 1;
  const auto notice = [](const std::string& text) { give_up(text); };
  auto store = agent::session::Store::open({.path = g_top / "sessions.db", .notice = notice});
  if (!store) give_up(store.error().message);
  auto recorder = agent::session::Recorder::begin(*store, {.request = "count"}, {}, notice);
  if (!recorder) give_up(recorder.error().message);
  size_t n_bytes = 0;
  const auto event = [&](const nlohmann::json& e) {
    const std::string line = base::line_of(e);
    n_bytes += line.size();
    (*recorder)->event(line);
  };
  const auto begin = Clock::now();
  const base::Result<agent::RunResult> result =
      agent::run("count", model, toolbox, prompt, options, event, {}, recorder->get());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!result) give_up(result.error().message);
  if (result->status != agent::Status::ok || result->tool_calls != n_calls)
    give_up("a run ended with: " + result->answer);
  (*recorder)->finish("ok", "{}");
  return seconds;
}

void alone(benchmark::State& state, const Script& script) {
  const tools::Toolbox toolbox = open_tools();
  (void)toolbox.run_lua("print(1)", {});  // waits for the first worker
  int i = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    const auto observation = toolbox.run_lua(script.code + std::to_string(++i) + ")", {});
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
    if (!observation || observation->error) give_up(observation ? observation->text : observation.error().message);
  }
}

void in_a_run(benchmark::State& state, const Script& script) {
  const tools::Toolbox toolbox = open_tools();
  const agent::Prompt prompt = agent::endpoint_prompt();
  (void)seconds_of_run(toolbox, prompt, script.code, 1);
  for (auto _ : state) {
    const double without = seconds_of_run(toolbox, prompt, script.code, 0);
    const double with = seconds_of_run(toolbox, prompt, script.code, kCalls);
    state.SetIterationTime((with - without) / kCalls);
  }
}

class Reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.aggregate_name == "median")
        g_medians[run.run_name.function_name] = run.GetAdjustedRealTime();
    ConsoleReporter::ReportRuns(runs);
  }
};

}  // namespace

int main(int argc, char** argv) {
  char folder[] = "/tmp/call-overhead-XXXXXX";
  if (::mkdtemp(folder) == nullptr) give_up("no folder under /tmp");
  g_top = folder;
  fs::create_directories(g_top / "work");
  ::setenv("XDG_STATE_HOME", (g_top / "state").c_str(), 1);
  std::ofstream(g_top / "work" / "shops.csv") << "shop,revenue\nNorth,12.5\nSouth,30\nEast,4.25\n";
#ifdef TESSERA_BUILT_WORKER
  ::setenv("TESSERA_WORKER", TESSERA_BUILT_WORKER, 0);
#endif
  benchmark::Initialize(&argc, argv);
  for (const Script& script : kScripts) {
    const auto add = [&](const char* how, auto body, int iterations) {
      benchmark::RegisterBenchmark((std::string(script.name) + ", " + how).c_str(), body, script)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(iterations)
          ->Repetitions(7)
          ->ReportAggregatesOnly(true);
    };
    add("alone", alone, 50);
    add("in a run", in_a_run, 3);
  }
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (const Script& script : kScripts) {
    const std::string name = script.name;
    const double alone = g_medians[name + ", alone"], run = g_medians[name + ", in a run"];
    if (run > 0)
      std::printf("%s: %.0f us a call, of which the script in the toolbox %.0f, the agent %.0f\n",
                  name.c_str(), run, alone, run - alone);
  }
  std::error_code ec;
  fs::remove_all(g_top, ec);
}
