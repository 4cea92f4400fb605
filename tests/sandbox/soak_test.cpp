// Many runs at once, two at a time, and nothing of them stays on the host: processes, descriptors,
// folders of control groups, mounts, temporary files, threads. 100 runs; TESSERA_SOAK=1000 for
// more.

#include <dirent.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "fixture.h"
#include "scene.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

int entries(const fs::path& folder) {
  int n = 0;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; it != end; it.increment(ec)) ++n;
  return n;
}

/// What this process has on the machine. Other programs may run beside it, so only what carries our
/// name or is in our own lists is counted.
std::map<std::string, int> resources() {
  std::map<std::string, int> count;
  count["processes"] = static_cast<int>(children().size());
  count["descriptors"] = entries("/proc/self/fd");
  count["threads"] = entries("/proc/self/task");
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) ++count["mounts"];
  const std::string ours = "tessera-" + std::to_string(getpid()) + "-";
  std::error_code ec;
  for (fs::recursive_directory_iterator it("/sys/fs/cgroup", ec), end; it != end;
       it.increment(ec)) {
    if (it->path().filename().string().rfind(ours, 0) == 0) ++count["control groups"];
  }
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) {
    for (fs::directory_iterator it(folder, ec), end; it != end; it.increment(ec)) {
      struct stat info {};
      if (lstat(it->path().c_str(), &info) == 0 && info.st_uid == geteuid() &&
          it->path().filename().string().find(std::to_string(getpid())) != std::string::npos)
        ++count["temporary files"];
    }
  }
  return count;
}

class Soak : public SandboxTest {};

TEST_F(Soak, RunsInPairsLeaveNothingBehind) {
  const char* wanted = getenv("TESSERA_SOAK");
  const int runs = wanted != nullptr ? atoi(wanted) : 100;
  policy.limits.wall = std::chrono::milliseconds(3000);
  policy.limits.output_bytes = 100'000;
  // Ends of each kind: by itself, with a daemon, by output, by too many processes, by the clock.
  const std::vector<Argv> kinds = {{"/bin/true"},
                                   {program_path("linger"), "exit"},
                                   {program_path("flood"), "1", "1"},
                                   {"/bin/sh", "-c", "echo x > file-$$; cat file-$$; exit 3"},
                                   {program_path("linger"), "hold"}};
  const auto one = [&](const Argv& argv, const fs::path& folder) {
    Program p;
    p.argv = argv;
    p.workspace = folder;
    p.workspace_writable = true;
    base::Result<Outcome> outcome = run(p, policy, {});
    return outcome ? describe(*outcome) : "error: " + outcome.error().message;
  };
  const std::vector<std::string> expected = {"exit code 0", "exit code 0",
                                             "killed: printed more than allowed", "exit code 3",
                                             "exit code 0"};
  fs::create_directory(base / "warm");
  ASSERT_EQ(one(kinds[0], base / "warm"), expected[0]);  // what is made once is made now
  const auto before = resources();
  std::atomic<int> next{0};
  std::mutex mutex;
  std::string wrong;
  const auto work = [&](int who) {
    const fs::path folder = base / ("pair-" + std::to_string(who));
    fs::create_directory(folder);
    for (int i; (i = next++) < runs;) {
      const size_t kind = static_cast<size_t>(i) % kinds.size();
      const std::string end = one(kinds[kind], folder);
      if (end == expected[kind]) continue;
      std::lock_guard lock(mutex);
      wrong += kinds[kind][0] + ": " + end + "\n";
    }
  };
  std::thread other([&] { work(1); });
  work(2);
  other.join();
  EXPECT_EQ(wrong, "");
  auto after = resources();
  // A thread that has been joined may stay in the list for a moment.
  for (int i = 0; i < 100 && after != before; ++i) {
    usleep(5'000);
    after = resources();
  }
  EXPECT_EQ(after, before);
  RecordProperty("runs", runs);
  std::printf("%d runs:", runs);
  for (const auto& [name, n] : after) std::printf(" %s %d", name.c_str(), n);
  std::printf("\n");
}

}  // namespace
}  // namespace sandbox
