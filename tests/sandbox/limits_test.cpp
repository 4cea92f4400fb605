// The limits, each with a program that goes past it. None of these runs without the sandbox.

#include <unistd.h>

#include "fixture.h"

namespace sandbox {
namespace {

using namespace std::chrono_literals;

class SandboxLimits : public SandboxTest {
 protected:
  /// How `argv` ends, without what it printed before it was noticed.
  std::string end_of(const Argv& argv) {
    std::string end = inside(argv);
    return end.substr(0, end.find(": worked"));
  }

  /// How `argv` ends, and that it did so within `limit` and half a second (and what a busy machine
  /// needs).
  std::string ends_in_time(const Argv& argv, std::chrono::milliseconds limit) {
    auto outcome = run_program(argv);
    if (!outcome) return outcome.error().message;
    EXPECT_LT(outcome->wall, limit + 1500ms) << argv[0];
    return describe(*outcome) + (outcome->out.empty() ? "" : ": " + outcome->out.substr(0, 200));
  }
};

TEST_F(SandboxLimits, WallClockEndsASleeperAndItsDaemon) {
  policy.limits.wall = 300ms;
  EXPECT_EQ(ends_in_time({"linger", "sleep"}, 300ms), "timed out (wall)");
  EXPECT_TRUE(lock_is_free());
}

TEST_F(SandboxLimits, WallClockEndsAProgramThatStopsItself) {
  policy.limits.wall = 300ms;
  EXPECT_EQ(ends_in_time({"linger", "stop"}, 300ms), "timed out (wall)");
  EXPECT_TRUE(lock_is_free());
}

TEST_F(SandboxLimits, ADaemonDiesWithANormalEnd) {
  EXPECT_EQ(ends_in_time({"linger", "exit"}, 0ms), "exit code 0");
  EXPECT_TRUE(lock_is_free());
}

TEST_F(SandboxLimits, ADaemonThatHoldsTheOutputDoesNotDelayTheResult) {
  EXPECT_EQ(ends_in_time({"linger", "hold"}, 0ms), "exit code 0");
  EXPECT_TRUE(lock_is_free());
}

TEST_F(SandboxLimits, CpuTimeIsASumOverAllProcesses) {
  policy.limits.cpu = 600ms;
  EXPECT_EQ(ends_in_time({"burn", "4"}, 1500ms), "timed out (cpu)");
}

TEST_F(SandboxLimits, MemoryOfOneProcess) {
  policy.limits.memory_bytes = 256u << 20;
  EXPECT_EQ(end_of({"memory_bomb", "1024", "1"}), "killed: used more memory than allowed");
}

TEST_F(SandboxLimits, MemoryIsASumOverAllProcesses) {
  policy.limits.memory_bytes = 256u << 20;
  EXPECT_EQ(end_of({"memory_bomb", "128", "4"}), "killed: used more memory than allowed");
}

TEST_F(SandboxLimits, MemorySharedAfterForkCountsOnce) {
  policy.limits.memory_bytes = 256u << 20;
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/python3";
  EXPECT_EQ(inside({"/usr/bin/python3", "-c",
                    "import os, time\n"
                    "x = bytearray(b'x') * (120 << 20)\n"
                    "for i in range(3):\n"
                    "  if os.fork() == 0: time.sleep(0.3); os._exit(0)\n"
                    "for i in range(3): os.wait()\n"
                    "print('shared')"}),
            "exit code 0: shared\n");
}

TEST_F(SandboxLimits, MemoryBackedFoldersAreBounded) {
  policy.limits.memory_bytes = 64u << 20;
  // Full at half and an eighth of the limit, so the program sees ENOSPC and is not killed.
  EXPECT_EQ(inside({"fill_tmp", "700"}), "exit code 0");
}

TEST_F(SandboxLimits, FilesInMemoryCountAsMemory) {
  policy.limits.memory_bytes = 64u << 20;
  EXPECT_EQ(
      inside({"/bin/sh", "-c",
              "head -c 30M /dev/zero > /tmp/a; exec " + program_path("memory_bomb") + " 50 1"}),
      "exit code 127");  // not visible: only argv[0] is mounted by itself
  program.mounts = {{program_path("memory_bomb"), false}};
  EXPECT_EQ(
      end_of({"/bin/sh", "-c",
              "head -c 30M /dev/zero > /tmp/a; exec " + program_path("memory_bomb") + " 50 1"}),
      "killed: used more memory than allowed");
}

TEST_F(SandboxLimits, AForkBombIsEnded) {
  EXPECT_EQ(ends_in_time({"fork_bomb"}, 1000ms), "killed: started more processes than allowed");
}

TEST_F(SandboxLimits, ThreadsCountAsProcesses) {
  EXPECT_EQ(ends_in_time({"thread_bomb"}, 1000ms), "killed: started more processes than allowed");
}

TEST_F(SandboxLimits, OutputIsCutAtTheLimitAndTheProgramEnded) {
  policy.limits.output_bytes = 100'000;
  for (const char* fd : {"1", "2", "3"}) {
    auto outcome = run_program({"flood", fd, "64"});
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(describe(*outcome), "killed: printed more than allowed") << fd;
    EXPECT_TRUE(outcome->truncated);
    const std::string& text = *fd == '1'   ? outcome->out
                              : *fd == '2' ? outcome->err
                                           : outcome->events;
    EXPECT_EQ(text, std::string(100'000, 'y'));
  }
}

TEST_F(SandboxLimits, OutputOfExactlyTheLimitArrives) {
  policy.limits.output_bytes = 1 << 20;
  auto outcome = run_program({"flood", "1", "1"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(describe(*outcome), "exit code 0");
  EXPECT_EQ(outcome->out.size(), 1u << 20);
  EXPECT_FALSE(outcome->truncated);
}

TEST_F(SandboxLimits, AFileHasALargestSize) {
  policy.limits.file_bytes = 10u << 20;
  EXPECT_EQ(inside({"file_bomb", "300"}), "killed: wrote a larger file than allowed");
  EXPECT_EQ(std::filesystem::file_size(workspace / "big"), 10u << 20);
  EXPECT_EQ(std::filesystem::file_size(workspace / "sparse"), 0u);
}

TEST_F(SandboxLimits, DescriptorsHaveALimit) { EXPECT_EQ(inside({"open_many"}), "exit code 0"); }

}  // namespace
}  // namespace sandbox
