// What confinement costs: the time from the call to the outcome of a program that does next to
// nothing, confined by sandbox::run() and by a bare posix_spawn() and waitpid(), and for programs
// that take longer to start.
//
//   bench-sandbox [rounds]       default 100
//
// A figure is the median; contenders alternate within a round, so a busy machine hits all of them.

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"

namespace {

using Argv = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

bool run_bare(const Argv& argv) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  pid_t pid = 0;
  int state = 0;
  if (posix_spawn(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0) return false;
  return waitpid(pid, &state, 0) == pid && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

bool run_confined(const Argv& argv, const std::string& workspace, const policies::Policy& policy) {
  sandbox::Program program;
  program.argv = argv;
  program.workspace = workspace;
  program.workspace_writable = true;
  base::Result<sandbox::Outcome> outcome = sandbox::run(program, policy, {});
  if (outcome && outcome->end == decltype(outcome->end)(sandbox::Exited{0})) return true;
  std::fprintf(stderr, "%s: %s\n", argv[0].c_str(),
               outcome ? sandbox::describe(*outcome).c_str() : outcome.error().message.c_str());
  return false;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 100;
  base::Result<policies::Policy> policy = policies::builtin("default");
  std::string workspace =
      (std::filesystem::temp_directory_path() / "bench-sandbox-XXXXXX").string();
  if (!policy || mkdtemp(workspace.data()) == nullptr) return 1;
  for (const sandbox::Probe& probe : sandbox::probe()) {
    std::printf("%-22s %s\n", probe.name.c_str(), probe.detail.c_str());
  }
  std::printf("%-34s %12s %12s\n", "median ms", "bare", "confined");
  bool ok = true;
  for (const Argv& program :
       {Argv{"/bin/true"}, Argv{"/bin/sh", "-c", ":"}, Argv{"/usr/bin/python3", "-c", "0"}}) {
    if (access(program[0].c_str(), X_OK) != 0) continue;
    std::vector<double> bare, confined;
    for (int i = 0; i < rounds && ok; ++i) {
      const Clock::time_point start = Clock::now();
      ok = run_bare(program);
      const Clock::time_point between = Clock::now();
      ok = ok && run_confined(program, workspace, *policy);
      const Clock::time_point end = Clock::now();
      bare.push_back(std::chrono::duration<double, std::milli>(between - start).count());
      confined.push_back(std::chrono::duration<double, std::milli>(end - between).count());
    }
    if (ok)
      std::printf("%-34s %12.2f %12.2f\n", program[0].c_str(), median(bare), median(confined));
  }
  std::error_code ec;
  std::filesystem::remove_all(workspace, ec);
  return ok ? 0 : 1;
}
