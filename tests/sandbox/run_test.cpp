// What must keep working, and what run() promises about its own behaviour.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <thread>

#include "fixture.h"
#include "sandbox/worker.h"

namespace sandbox {
namespace {

using namespace std::chrono_literals;

TEST_F(SandboxTest, AFailingCommandsExitCodeComesThrough) {
  EXPECT_EQ(inside({"/bin/true"}), "exit code 0");
  EXPECT_EQ(inside({"/bin/sh", "-c", "exit 7"}), "exit code 7");
  EXPECT_EQ(inside({"/bin/sh", "-c", "kill -9 $$"}), "killed by signal 9");
}

TEST_F(SandboxTest, FeedsStandardInputAndKeepsTheStreamsApart) {
  program.stdin_text = std::string(200'000, 'x') + "end";
  auto outcome = shell("cat; echo problem >&2; echo '{\"type\":\"done\"}' >&3");
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->out, program.stdin_text);
  EXPECT_EQ(outcome->err, "problem\n");
  EXPECT_EQ(outcome->events, "{\"type\":\"done\"}\n");
  EXPECT_FALSE(outcome->truncated);
}

TEST_F(SandboxTest, FilesInTheWorkspaceAreOnTheHostAfterwards) {
  write(workspace / "in.txt", "one\n");
  EXPECT_EQ(inside({"/bin/sh", "-c", "pwd; mkdir d; cat in.txt in.txt > d/out.txt; rm in.txt; ls"}),
            "exit code 0: " + std::filesystem::canonical(workspace).string() + "\nd\n");
  EXPECT_EQ(read(workspace / "d/out.txt"), "one\none\n");
  EXPECT_FALSE(std::filesystem::exists(workspace / "in.txt"));
}

TEST_F(SandboxTest, AReadOnlyWorkspaceCanOnlyBeRead) {
  write(workspace / "in.txt", "one\n");
  program.workspace_writable = false;
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "cat in.txt; echo x > in.txt || touch new || rm in.txt || echo refused"}),
            "exit code 0: one\nrefused\n");
  program.workspace_writable = true;
  policy.workspace_writable = false;
  EXPECT_EQ(inside({"/bin/sh", "-c", "touch new || echo refused"}), "exit code 0: refused\n");
  EXPECT_EQ(read(workspace / "in.txt"), "one\n");
}

TEST_F(SandboxTest, PipelinesAndOrdinaryToolsWork) {
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "printf 'b 2\\na 1\\nb 3\\n' | sort | awk '{s[$1]+=$2} END {for (k in s) print "
                    "k, s[k]}' | sort |"
                    " sed s/b/B/ | grep -c .; (cd /tmp && echo t > f && cat f); echo $TMPDIR "
                    "$HOME; id -un"}),
            "exit code 0: 2\nt\n/tmp /tmp\nuser\n");
}

TEST_F(SandboxTest, TwentyProcessesRunAtOnce) {
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "i=0; while [ $i -lt 20 ]; do sleep 0.05 & i=$((i+1)); done; wait; echo done"}),
            "exit code 0: done\n");
}

TEST_F(SandboxTest, DevicesAndProcSelfWork) {
  EXPECT_EQ(
      inside({"/bin/sh", "-c",
              "echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c;"
              " readlink /proc/self/exe > /dev/null && echo self; echo out > /dev/stdout; ls "
              "/dev/shm"}),
      "exit code 0: 3\n5\nself\nout\n");
}

TEST_F(SandboxTest, PythonWithThreadsAndSubprocessesWorks) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/python3";
  EXPECT_EQ(
      inside({"/usr/bin/python3", "-c",
              "import json, re, threading, subprocess, pathlib, tempfile, socket\n"
              "out = []\n"
              "ts = [threading.Thread(target=lambda i=i: out.append(i)) for i in range(8)]\n"
              "[t.start() for t in ts]; [t.join() for t in ts]\n"
              "pathlib.Path('p.txt').write_text(json.dumps(sorted(out)))\n"
              "print(subprocess.run(['cat', 'p.txt'], capture_output=True, text=True).stdout)\n"
              "a, b = socket.socketpair(); a.send(b'ok'); print(b.recv(2))\n"
              "x = bytearray(100 << 20)\n"
              "with tempfile.TemporaryFile() as f: f.write(b'x' * 1000)\n"}),
      "exit code 0: [0, 1, 2, 3, 4, 5, 6, 7]\nb'ok'\n");
}

TEST_F(SandboxTest, TheEnvironmentIsWhatIsGiven) {
  program.env = {{"GIVEN", "yes"}, {"TMPDIR", "/dev/shm"}};
  EXPECT_EQ(
      inside({"/usr/bin/env"}),
      "exit code 0: "
      "GIVEN=yes\nHOME=/tmp\nLANG=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin\nTMPDIR=/dev/shm\n");
}

TEST_F(SandboxTest, MountsAppearAtTheirOwnPaths) {
  write(base / "data/table.csv", "a,b\n");
  write(base / "cache/x", "");
  program.mounts = {{base / "data", false}, {base / "cache", true}};
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "cat ../data/table.csv; touch ../data/new || touch ../cache/new; ls ../cache"}),
            "exit code 0: a,b\nnew\nx\n");
  EXPECT_FALSE(std::filesystem::exists(base / "data/new"));
}

TEST_F(SandboxTest, ALibraryOfAMountCanBeLoaded) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/python3";
  // Any library will do: the C++ one that this test runs on.
  std::string library;
  std::istringstream maps(read("/proc/self/maps"));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/libstdc++.so") != std::string::npos) library = line.substr(line.find('/'));
  }
  if (library.empty()) GTEST_SKIP() << "libstdc++ is linked statically";
  std::filesystem::create_directories(base / "project/.deps/lib");
  std::filesystem::copy_file(library, base / "project/.deps/lib/libthing.so");
  program.mounts = {{base / "project/.deps/lib", false}};
  program.env = {{"THING", (base / "project/.deps/lib/libthing.so").string()}};
  EXPECT_EQ(inside({"/usr/bin/python3", "-c",
                    "import ctypes, os; ctypes.CDLL(os.environ['THING']); print('loaded')"}),
            "exit code 0: loaded\n");
}

TEST_F(SandboxTest, FontsAreFound) {
  if (access("/usr/bin/fc-match", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/fc-match";
  std::string end = inside({"/usr/bin/fc-match", "-f", "%{file}", "sans"});
  EXPECT_EQ(end.rfind("exit code 0: /usr/share/fonts/", 0), 0u) << end;
}

TEST_F(SandboxTest, AProgramOfTheWorkspaceCanBeRun) {
  write(workspace / "hello", "#!/bin/sh\necho hello $1\n");
  chmod((workspace / "hello").c_str(), 0755);
  EXPECT_EQ(inside({"./hello", "you"}), "exit code 0: hello you\n");
}

TEST_F(SandboxTest, TmpIsFreshForEachRun) {
  EXPECT_EQ(inside({"/bin/sh", "-c", "echo x > /tmp/left; echo x > /dev/shm/left"}), "exit code 0");
  EXPECT_EQ(inside({"/bin/sh", "-c", "ls /dev/shm; cat /tmp/left || echo gone"}),
            "exit code 0: gone\n");
}

TEST_F(SandboxTest, AProgramThatIsNotThereIsAnError) {
  program.argv = {"/nowhere/prog"};
  EXPECT_EQ(run(program, policy, {}).error().message,
            "program /nowhere/prog: No such file or directory");
  program.argv = {"no-such-tool"};
  auto outcome = run(program, policy, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::not_found);
  EXPECT_EQ(outcome.error().message,
            "program no-such-tool: No such file or directory (inside the sandbox)");
  program.argv = {"./in.txt"};
  write(workspace / "in.txt", "one\n");
  EXPECT_EQ(run(program, policy, {}).error().message,
            "program ./in.txt: Permission denied (inside the sandbox)");
  program.argv = {};
  EXPECT_EQ(run(program, policy, {}).error().code, base::Errc::usage);
}

TEST_F(SandboxTest, RefusesAWorkspaceThatIsTooMuch) {
  program.argv = {"/bin/true"};
  for (const char* path :
       {"/", "/usr", "/usr/lib", "/etc", "/proc/self", "/tmp", "/home", "/dev"}) {
    program.workspace = path;
    auto outcome = run(program, policy, {});
    ASSERT_FALSE(outcome) << path;
    EXPECT_EQ(outcome.error().code, base::Errc::refused) << outcome.error().message;
  }
  const std::string home = getenv("HOME");
  setenv("HOME", (workspace / "home").c_str(), 1);
  std::filesystem::create_directory(workspace / "home");
  program.workspace = workspace;
  auto outcome = run(program, policy, {});
  setenv("HOME", home.c_str(), 1);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("holds your home folder"), std::string::npos);
  program.workspace = base / "missing";
  EXPECT_EQ(run(program, policy, {}).error().code, base::Errc::not_found);
}

TEST_F(SandboxTest, RefusesMountsOfTheSystemAndContradictions) {
  program.argv = {"/bin/true"};
  for (const char* path : {"/", "/proc", "/etc", "/etc/passwd", "/dev/null", "/run"}) {
    program.mounts = {{path, false}};
    auto outcome = run(program, policy, {});
    ASSERT_FALSE(outcome) << path;
    EXPECT_EQ(outcome.error().code, base::Errc::refused) << outcome.error().message;
  }
  program.mounts = {{"/usr/share", true}};
  EXPECT_EQ(run(program, policy, {}).error().code, base::Errc::refused);
  program.mounts = {{"/usr/share", false}};
  EXPECT_TRUE(run(program, policy, {}));
  program.mounts = {{workspace, false}};
  EXPECT_EQ(run(program, policy, {}).error().code, base::Errc::usage);
}

TEST_F(SandboxTest, RefusesWhenTheLauncherIsMissing) {
  setenv("TESSERA_LAUNCHER", "/nonexistent/launcher", 1);
  program.argv = {"/bin/true"};
  auto outcome = run(program, policy, {});
  std::vector<Probe> probes = probe();
  unsetenv("TESSERA_LAUNCHER");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::refused);
  EXPECT_FALSE(probes.front().available);
  EXPECT_FALSE(probes.back().available);
}

TEST_F(SandboxTest, RefusesWhenTheLauncherCannotBePutUpWith) {
  // Something that ends without a word: no report, no outcome.
  setenv("TESSERA_LAUNCHER", "/bin/true", 1);
  program.argv = {"/bin/true"};
  auto outcome = run(program, policy, {});
  unsetenv("TESSERA_LAUNCHER");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "sandbox: the launcher ended without a report");
}

TEST_F(SandboxTest, AStopEndsTheRun) {
  std::stop_source source;
  program.argv = {"/bin/sleep", "60"};
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  auto start = std::chrono::steady_clock::now();
  auto outcome = run(program, policy, source.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::cancelled);
  EXPECT_EQ(run(program, policy, source.get_token()).error().code, base::Errc::cancelled);
}

TEST_F(SandboxTest, RunsFromSeveralThreadsAtOnce) {
  std::vector<std::jthread> threads;
  std::array<std::string, 4> results;
  for (size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      Program mine = program;
      mine.argv = {"/bin/sh", "-c", "echo " + std::to_string(i) + "; exit 3"};
      auto outcome = run(mine, policy, {});
      results[i] = outcome ? describe(*outcome) + " " + outcome->out : outcome.error().message;
    });
  }
  threads.clear();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i], "exit code 3 " + std::to_string(i) + "\n");
}

TEST_F(SandboxTest, LeavesNoDescriptorAndNoProcessBehind) {
  auto descriptors = [] {
    size_t n = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator("/proc/self/fd")) n++;
    return n;
  };
  EXPECT_EQ(inside({"/bin/true"}), "exit code 0");
  const size_t before = descriptors();
  EXPECT_EQ(inside({"/bin/true"}), "exit code 0");
  EXPECT_EQ(inside({"no/such/program"}).substr(0, 5), "error");
  EXPECT_EQ(descriptors(), before);
}

TEST_F(SandboxTest, ProbeFindsEverythingRequired) {
  for (const Probe& probe : probe()) {
    EXPECT_TRUE(probe.available || !probe.required) << probe.name << ": " << probe.detail;
    EXPECT_FALSE(probe.detail.empty()) << probe.name;
  }
}

TEST_F(SandboxTest, AWorkerKnowsWhetherSomethingWasWritten) {
  program.argv = {"/bin/sh", "-c",
                  "while read -r line <&3; do\n"
                  "  [ \"$line\" = write ] && echo text > /out/file\n"
                  "  printf 'done\\n\\n' >&3\n"
                  "done"};
  program.only_adds = true;
  auto worker = Worker::start(program, policy);
  ASSERT_TRUE(worker) << worker.error().message;
  for (const char* request : {"look", "look again"}) {
    auto reply = (*worker)->call(request, {});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->lines, "done\n");
    EXPECT_FALSE((*worker)->wrote());
  }
  ASSERT_TRUE((*worker)->call("write", {}));
  EXPECT_TRUE((*worker)->wrote());
  std::optional<Layer> layer = (*worker)->take_layer();
  ASSERT_TRUE(layer);
  auto found = find_changes(*layer, workspace, policy.protect, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->changes.size(), 1u);
  EXPECT_EQ(found->changes[0].path, "file");
}

TEST_F(SandboxTest, ReportsTimeAndMemory) {
  auto outcome = run_program({"memory_bomb", "64", "1"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(describe(*outcome), "exit code 10");
  EXPECT_GE(outcome->wall, 1s);
  EXPECT_GE(outcome->peak_bytes, 64u << 20);
  EXPECT_LT(outcome->peak_bytes, 128u << 20);
}

}  // namespace
}  // namespace sandbox
