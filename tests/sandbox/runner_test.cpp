// A Runner's programs share namespaces one after the other; what one does is nothing to the next.

#include "sandbox/runner.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "fixture.h"

namespace sandbox {
namespace {

class RunnerTest : public SandboxTest {
 protected:
  /// How `argv` ends, as describe() has it, followed by `: ` and what it printed.
  std::string end_of(const Argv& argv) {
    Program p = program;
    p.argv = argv;
    base::Result<Outcome> outcome = runner.run(p, policy, {});
    if (!outcome) return "error: " + outcome.error().message;
    return describe(*outcome) + ": " + outcome->out;
  }
  Runner runner;
};

TEST_F(RunnerTest, TheNextProgramFindsNothingOfTheLastOne) {
  program.workspace_writable = true;
  EXPECT_EQ(end_of({"/bin/sh", "-c",
                    "echo x > /tmp/left; echo x > /dev/shm/left; echo x > left; (sleep 60 &) ; echo"
                    " did"}),
            "exit code 0: did\n");
  // No file, layer or process of the one before: the shell sees itself only.
  EXPECT_EQ(
      end_of({"/bin/sh", "-c",
              "ls -A . /dev/shm; [ -e /tmp/left ] && echo left; set -- /proc/[0-9]*; echo $#"}),
      "exit code 0: .:\n\n/dev/shm:\n1\n");
}

TEST_F(RunnerTest, TheNameOfAnotherWorkspaceIsNotSeen) {
  EXPECT_EQ(end_of({"/bin/sh", "-c", "pwd"}), "exit code 0: " + workspace.string() + "\n");
  const std::filesystem::path other = base / "other";
  std::filesystem::create_directory(other);
  const std::string first = workspace.string();
  program.workspace = other;
  EXPECT_EQ(end_of({"/bin/sh", "-c", "pwd; [ -e " + first + " ] && echo seen"}),
            "exit code 1: " + other.string() + "\n");
}

TEST_F(RunnerTest, NothingCanBeLeftInTheSharedNetwork) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(end_of({program_path("socket_families")}).rfind("exit code 0", 0), 0u) << i;
    EXPECT_EQ(end_of({program_path("rights")}).rfind("exit code 0", 0), 0u) << i;
  }
}

TEST_F(RunnerTest, AProgramAfterOneThatHadToBeKilledRuns) {
  const auto usual = policy.limits.wall;
  policy.limits.wall = std::chrono::milliseconds(300);
  EXPECT_EQ(end_of({"/bin/sleep", "60"}), "timed out (wall): ");
  policy.limits.wall = usual;
  EXPECT_EQ(end_of({"/bin/echo", "next"}), "exit code 0: next\n");
  EXPECT_EQ(end_of({"/nonexistent"}).rfind("error: ", 0), 0u);
  EXPECT_EQ(end_of({"/bin/echo", "next"}), "exit code 0: next\n");
}

/// Kills the launchers, which are all the children that this process has, and with them their
/// zygotes. How many there were.
int kill_launchers() {
  int killed = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    std::ifstream status(entry.path() / "status");
    int parent = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("PPid:")) parent = std::atoi(line.c_str() + 5);
    }
    siginfo_t info{};
    if (pid > 0 && parent == getpid() && kill(pid, SIGKILL) == 0 &&
        waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0)
      ++killed;
  }
  return killed;
}

TEST_F(RunnerTest, AProgramRunsAfterTheHostEndedWhatWasKept) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(end_of({"/bin/echo", "before"}), "exit code 0: before\n");
    EXPECT_GT(kill_launchers(), 0);
    EXPECT_EQ(end_of({"/bin/echo", "after"}), "exit code 0: after\n");
  }
}

TEST_F(RunnerTest, ProgramsAtTheSameTimeHaveLimitsOfTheirOwn) {
  policy.limits.processes = 12;
  // Eight that wait: three such programs would not fit into one limit, with its slack of 16.
  const Argv argv = {"/bin/sh", "-c",
                     "for i in 1 2 3 4 5 6 7 8; do sleep 0.3 & done; wait; echo all"};
  std::string ends[3];
  std::vector<std::thread> threads;
  for (std::string& end : ends) threads.emplace_back([&] { end = end_of(argv); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& end : ends) EXPECT_EQ(end, "exit code 0: all\n");
}

}  // namespace
}  // namespace sandbox
