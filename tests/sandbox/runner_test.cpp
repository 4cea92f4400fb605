// A Runner's programs share namespaces one after the other; what one does is nothing to the next.

#include "sandbox/runner.h"

#include <gtest/gtest.h>

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

TEST_F(RunnerTest, ProgramsAtTheSameTimeHaveLimitsOfTheirOwn) {
  policy.limits.processes = 12;
  // Eight that wait: two such programs would not fit into one limit.
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
