// How far past its limit a program runs that does what it can: a table of the limit, what came of
// it and when. Ends with 1 when one of them took more than half a second longer than its limit. Not
// a test, since a busy machine may be slow; run it on one that is not.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

struct Case {
  const char* name;
  std::vector<std::string> argv;
  policies::Limits limits;
  milliseconds limit;  ///< what the time is compared with; 0 where the limit is not one of time
};

}  // namespace

int main() {
  const policies::Limits usual{.wall = milliseconds(5000), .output_bytes = 1 << 20};
  const auto with = [&](auto change) {
    policies::Limits limits = usual;
    change(limits);
    return limits;
  };
  const std::string programs = TESSERA_PROGRAMS "/";
  const std::vector<Case> cases = {
      {"1 GB of output", {programs + "resources-flood", "1", "1024"}, usual, milliseconds(0)},
      {"fork bomb", {programs + "resources-fork_bomb"}, usual, milliseconds(0)},
      {"1 TB sparse file", {"/usr/bin/truncate", "-s", "1T", "sparse"}, usual, milliseconds(0)},
      {"memory bomb, 1 process",
       {programs + "resources-memory", "2048", "1"},
       with([](auto& l) { l.memory_bytes = 256u << 20; }),
       milliseconds(0)},
      {"memory bomb, 4 processes",
       {programs + "resources-memory", "512", "4"},
       with([](auto& l) { l.memory_bytes = 256u << 20; }),
       milliseconds(0)},
      {"ignores signals, sleeps",
       {programs + "time-sleeper"},
       with([](auto& l) { l.wall = milliseconds(500); }),
       milliseconds(500)},
      {"ignores signals, busy",
       {programs + "time-busy"},
       with([](auto& l) { l.wall = milliseconds(500); }),
       milliseconds(500)},
      {"busy, processor time",
       {programs + "time-busy"},
       with([](auto& l) { l.cpu = milliseconds(500); }),
       milliseconds(500)},
      {"stops itself",
       {programs + "time-stop_itself"},
       with([](auto& l) { l.wall = milliseconds(500); }),
       milliseconds(500)},
  };
  constexpr int kRepeats = 5;
  int late = 0;
  std::printf("%-26s %9s %9s %9s  %s\n", "program", "limit ms", "median", "worst", "outcome");
  for (const Case& c : cases) {
    std::vector<long> times;
    std::string outcome;
    for (int i = 0; i < kRepeats; ++i) {
      std::string name = (fs::temp_directory_path() / "tessera-limits-XXXXXX").string();
      if (mkdtemp(name.data()) == nullptr) return 2;
      policies::Policy policy = *policies::builtin("default");
      policy.limits = c.limits;
      sandbox::Program program;
      program.argv = c.argv;
      program.workspace = name;
      program.workspace_writable = true;
      const auto start = std::chrono::steady_clock::now();
      base::Result<sandbox::Outcome> end = sandbox::run(program, policy, {});
      times.push_back(
          std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start)
              .count());
      outcome = end ? sandbox::describe(*end) : end.error().message;
      std::error_code ec;
      fs::remove_all(name, ec);
    }
    std::sort(times.begin(), times.end());
    std::printf("%-26s %9ld %9ld %9ld  %s\n", c.name, static_cast<long>(c.limit.count()),
                times[kRepeats / 2], times.back(), outcome.c_str());
    if (times.back() > c.limit.count() + 500) ++late;
  }
  std::printf("%d of %zu later than their limit + 500 ms\n", late, cases.size());
  return late == 0 ? 0 : 1;
}
