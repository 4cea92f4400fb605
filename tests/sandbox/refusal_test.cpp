// A wall that cannot be put up: the run is refused, the message names the wall and nothing is run.
// The missing mechanism is made in a child process, by a seccomp filter that answers one system
// call with ENOSYS or by the limit on user namespaces.

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "fixture.h"

namespace sandbox {
namespace {

class Refusal : public SandboxTest {
 protected:
  /// What run() says after `take_away` in a process of its own, as `refused: message`.
  std::string run_after(const std::function<bool()>& take_away) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return "pipe2";
    pid_t pid = fork();
    if (pid == 0) {
      std::string text = "cannot take it away";
      if (take_away()) {
        program.argv = {"/bin/sh", "-c", "touch it-ran"};
        base::Result<Outcome> outcome = run(program, policy, {});
        text = outcome ? describe(*outcome)
                       : std::string(base::errc_name(outcome.error().code)) + ": " +
                             outcome.error().message;
      }
      (void)!::write(fds[1], text.data(), text.size());
      _exit(0);
    }
    close(fds[1]);
    std::string text;
    char buffer[1024];
    for (ssize_t n; (n = ::read(fds[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(n));
    close(fds[0]);
    waitpid(pid, nullptr, 0);
    return text;
  }
};

class AnyMachine : public Refusal {
 protected:
  void SetUp() override {}
};

TEST_F(AnyMachine, WithoutWallsRunsNothing) {
  if (machine_lacks().empty()) GTEST_SKIP() << "this machine has all it takes";
  std::string text = run_after([] { return true; });
  EXPECT_EQ(text.rfind("refused: ", 0), 0u) << text;
  EXPECT_FALSE(std::filesystem::exists(workspace / "it-ran"));
}

TEST_F(Refusal, NamesTheMechanismThatIsMissing) {
  for (const auto& [call, step] :
       {std::pair{"clone3", "clone3 with user, mount, pid, network and uts namespaces"},
        {"open_tree", "bind /"},
        {"mount_setattr", "mount_setattr /"},
        {"fsopen", "mount tmpfs (fsopen)"},
        {"move_mount", "attach the new root"},
        {"openat2", "open the place of /"},
        {"pivot_root", "pivot_root"},
        {"umount2", "detach the old root"},
        {"sethostname", "sethostname"},
        {"capset", "capset"},
        {"setresuid", "setresuid"},
        {"setsid", "setsid"},
        {"close_range", "close_range"},
        {"landlock_create_ruleset", "Landlock"},
        {"landlock_add_rule", "Landlock: rule for /"},
        {"landlock_restrict_self", "Landlock: restrict_self"},
        {"seccomp", "seccomp"}}) {
    std::string text = run_after([call = call] { return forbid(call); });
    EXPECT_EQ(text.rfind(std::string("refused: sandbox: ") + step, 0), 0u) << call << ": " << text;
    EXPECT_NE(text.find(": Function not implemented"), std::string::npos) << call << ": " << text;
  }
  EXPECT_FALSE(std::filesystem::exists(workspace / "it-ran"));
}

TEST_F(Refusal, WithoutUserNamespacesNothingRuns) {
  std::string text = run_after([] {
    const std::string map = "0 " + std::to_string(geteuid()) + " 1";
    if (unshare(CLONE_NEWUSER) != 0) return false;
    int fd = open("/proc/self/uid_map", O_WRONLY);
    if (::write(fd, map.data(), map.size()) < 0) return false;
    fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
    return ::write(fd, "0", 1) == 1;
  });
  EXPECT_EQ(text,
            "refused: sandbox: clone3 with user, mount, pid, network and uts namespaces: "
            "No space left on device");
  EXPECT_FALSE(std::filesystem::exists(workspace / "it-ran"));
}

}  // namespace
}  // namespace sandbox
