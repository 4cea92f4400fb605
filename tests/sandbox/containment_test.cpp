// Hostile programs: each runs inside, where nothing may work, and where it is safe also outside,
// where something must, to show that the program can tell the difference.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"
#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

class Containment : public SandboxTest {
 protected:
  void nothing_works(const Argv& argv) { EXPECT_EQ(inside(argv), "exit code 0") << argv[0]; }
  /// The control, with `expected` among what it says that worked.
  void works_outside(const Argv& argv, const std::string& expected) {
    std::string end = outside(argv);
    EXPECT_EQ(end.substr(0, 12), "exit code 10") << argv[0] << " " << end;
    EXPECT_NE(end.find("worked: " + expected), std::string::npos) << argv[0] << " " << end;
  }
};

base::UniqueFd listener(const sockaddr* address, socklen_t size) {
  base::UniqueFd fd(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind(fd.get(), address, size), 0);
  EXPECT_EQ(listen(fd.get(), 8), 0);
  return fd;
}

TEST_F(Containment, FilesOutsideCannotBeWritten) {
  const std::string before = read(secret);
  fs::create_directory(base / "beside");
  nothing_works({"write_outside", secret.string(), (base / "beside").string(), "system"});
  EXPECT_EQ(read(secret), before);
  EXPECT_TRUE(fs::is_empty(base / "beside"));
  works_outside({"write_outside", secret.string(), (base / "beside").string()}, "absolute path");
}

TEST_F(Containment, LinksOfTheWorkspaceLeadNowhere) {
  fs::create_symlink(base, workspace / "out");
  fs::create_symlink("../../..", workspace / "up");
  nothing_works(
      {"write_outside", (workspace / "out/secret.txt").string(), (workspace / "up").string()});
  nothing_works({"read_secret", (workspace / "out/secret.txt").string(),
                 (workspace / "up/etc/shadow").string()});
  EXPECT_EQ(read(secret), "the secret\n");
}

// Their nodes are the host's, and root's programs may have the id of their owner.
TEST_F(Containment, DevicesCanBeUsedAndNotChanged) {
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "for d in null zero full random urandom; do"
                    "  chmod 666 /dev/$d 2> /dev/null && echo mode $d;"
                    "  touch -c /dev/$d 2> /dev/null && echo time $d; done;"
                    "echo x >> /dev/null && echo x > /dev/zero && echo written"}),
            "exit code 0: written\n");
}

TEST_F(Containment, SecretsCannotBeRead) {
  nothing_works({"read_secret", secret.string(), "/etc/shadow", "/etc/hostname", "/root/.bashrc",
                 "/root/.profile", "/home/user/.bashrc", "/var/log/dpkg.log", "/etc/machine-id",
                 "../secret.txt"});
  works_outside({"read_secret", secret.string()}, secret.string());
}

TEST_F(Containment, NobodyClimbsOut) {
  nothing_works({"climb", secret.string()});
  works_outside({"climb", secret.string()}, "openat(..)");
}

TEST_F(Containment, TheLoopbackOfTheHostIsNotThere) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  base::UniqueFd fd = listener(reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  nothing_works({"connect_tcp", port});
  works_outside({"connect_tcp", port}, "connect");
  EXPECT_EQ(inside({"/bin/bash", "-c", "echo x > /dev/tcp/127.0.0.1/" + port}), "exit code 1");
}

TEST_F(Containment, UnixSocketsOfTheHostAreNotReached) {
  const std::string path = (workspace / "service.sock").string();
  const std::string abstract = "@tessera-test-" + std::to_string(getpid());
  std::vector<base::UniqueFd> listeners;
  for (const std::string& name : {path, abstract}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof address.sun_path);
    name.copy(address.sun_path, name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    listeners.push_back(
        listener(reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())));
  }
  nothing_works({"connect_unix", path, abstract});
  works_outside({"connect_unix", path, abstract}, path);
  works_outside({"connect_unix", path, abstract}, abstract);
}

TEST_F(Containment, NoFamilyOfSocketsOpens) {
  nothing_works({"socket_families"});
  works_outside({"socket_families"}, "inet");
}

TEST_F(Containment, NoNamespaceInsideANamespace) {
  nothing_works({"nested_namespaces"});
  works_outside({"nested_namespaces"}, "clone3");
}

TEST_F(Containment, NobodyTraces) {
  nothing_works({"trace_child"});
  works_outside({"trace_child"}, "ptrace");
}

TEST_F(Containment, NothingIsMounted) {
  fs::create_directory(workspace / ".git");
  // Its control would need a mount namespace of its own, which NothingIsMounted is about.
  nothing_works({"mounts"});
}

TEST_F(Containment, DangerousCallsAreRefused) {
  nothing_works({"kernel_surface"});
  works_outside({"kernel_surface"}, "memfd_create");
}

TEST_F(Containment, KernelFilesAreNotThere) {
  nothing_works({"kernel_files"});
  works_outside({"kernel_files"}, "/proc/self/oom_score_adj");
}

TEST_F(Containment, DescriptorsAreNotInherited) {
  base::UniqueFd low(open(secret.c_str(), O_RDONLY));
  base::UniqueFd folder(open(base.c_str(), O_RDONLY | O_DIRECTORY));
  const int high = fcntl(low.get(), F_DUPFD, 200);
  nothing_works({"leaked_descriptors"});
  works_outside({"leaked_descriptors"}, "descriptor 200");
  close(high);
}

TEST_F(Containment, TheEnvironmentOfTheCallerIsNotSeen) {
  setenv("TESSERA_TEST_KEY", "hunter2-hunter2", 1);
  nothing_works({"environment", "hunter2-hunter2"});
  works_outside({"environment", "hunter2-hunter2"}, "its own environment");
  unsetenv("TESSERA_TEST_KEY");
}

TEST_F(Containment, NoRightsAndNoneToGain) {
  nothing_works({"rights"});
  works_outside({"rights"}, "chmod u+s");
  for (const fs::directory_entry& entry : fs::directory_iterator(workspace)) {
    if (entry.path().filename() == ".tessera") continue;  // the journal
    struct stat info {};
    ASSERT_EQ(lstat(entry.path().c_str(), &info), 0);
    EXPECT_TRUE(S_ISREG(info.st_mode)) << entry.path();
    EXPECT_EQ(info.st_mode & (S_ISUID | S_ISGID), 0u) << entry.path();
  }
}

TEST_F(Containment, ForeignSystemCallsEndTheProgram) {
#ifndef __x86_64__
  GTEST_SKIP() << "this machine has one kind of system call";
#endif
  EXPECT_EQ(inside({"foreign_call"}), "broke the policy: a system call of another architecture");
  EXPECT_EQ(inside({"x32_call"}), "broke the policy: a system call of another architecture");
}

TEST_F(Containment, AHookOfTheRepositoryCannotBePlanted) {
  write(workspace / ".git/config", "[core]\n");
  write(workspace / ".git/hooks/sample", "");
  write(workspace / "vendor/sub/.git/config", "[core]\n");
  nothing_works({"plant_hook", "."});
  nothing_works({"plant_hook", "vendor/sub"});
  EXPECT_FALSE(fs::exists(workspace / ".git/hooks/pre-commit"));
  EXPECT_FALSE(fs::exists(workspace / "vendor/sub/.git/hooks"));
  EXPECT_EQ(read(workspace / ".git/config"), "[core]\n");
  works_outside({"plant_hook", "."}, "hook");
}

TEST_F(Containment, ANewRepositoryDoesNotReachTheWorkspace) {
  EXPECT_EQ(inside({"plant_hook", "fresh"}).substr(0, 12), "exit code 10");
  EXPECT_EQ(changes.refusals, (std::vector<Refusal>{{"fresh/.git", "its name is protected"}}));
  EXPECT_FALSE(fs::exists(workspace / "fresh/.git"));
  EXPECT_EQ(inside({"/bin/sh", "-c", "mkdir -p .GIT/hooks; chmod 0 .GIT"}), "exit code 0");
  EXPECT_EQ(changes.refusals, (std::vector<Refusal>{{".GIT", "its name is protected"}}));
  EXPECT_EQ(inside({"/bin/sh", "-c", "mkdir -p a/b/.git; chmod 0 a"}), "exit code 0");
  EXPECT_EQ(changes.refusals, (std::vector<Refusal>{{"a/b/.git", "its name is protected"}}));
  chmod((workspace / "a").c_str(), 0700);
  EXPECT_TRUE(fs::exists(workspace / "a/b"));
  EXPECT_FALSE(fs::exists(workspace / "a/b/.git"));
}

TEST_F(Containment, ALinkInThePlaceOfARepositoryIsRefused) {
  fs::create_directory(workspace / "real");
  fs::create_symlink("real", workspace / ".git");
  EXPECT_EQ(inside({"/bin/true"}),
            "error: workspace: .git is a symbolic link, which cannot be protected");
}

TEST_F(Containment, ANewLinkOutOfTheWorkspaceIsNotKept) {
  write(workspace / "notes.txt", "mine\n");
  fs::create_symlink(base, workspace / "kept");  // the person's own
  ASSERT_EQ(inside({"/bin/sh", "-c",
                    "ln -sf /etc/passwd notes.txt; ln -s ../.. up; ln -s notes.txt chain; "
                    "ln -s . here"}),
            "exit code 0");
  std::vector<std::string> refused;
  for (const Refusal& r : changes.refusals) refused.push_back(r.path);
  EXPECT_EQ(refused, (std::vector<std::string>{"chain", "notes.txt", "up"}));
  EXPECT_EQ(read(workspace / "notes.txt"), "mine\n");
  EXPECT_TRUE(fs::is_symlink(workspace / "kept"));
  EXPECT_TRUE(fs::is_symlink(workspace / "here"));
  EXPECT_FALSE(fs::is_symlink(workspace / "up"));
}

TEST_F(Containment, ATreeThatNobodyCanWalkIsNotKept) {
  program.argv = {"/bin/sh", "-c",
                  "i=0; while [ $i -lt 200 ]; do mkdir d && cd -P d; i=$((i+1)); done"};
  auto outcome = run(program, policy, {});
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_TRUE(outcome->layer);
  auto found = find_changes(*outcome->layer, workspace, policy.protect, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::Errc::refused);
  EXPECT_FALSE(fs::exists(workspace / "d"));
}

TEST_F(Containment, OneEndOfAPairCannotSendToASocketOfTheWorkspace) {
  // socket() is refused; a datagram pair would be as good.
  EXPECT_EQ(inside({"/usr/bin/python3", "-c",
                    "import socket\n"
                    "try: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                    "except OSError: print('refused')\n"
                    "socket.socketpair()"}),
            "exit code 0: refused\n");
}

TEST_F(Containment, OurOwnStateIsHidden) {
  write(workspace / ".tessera/state", "mine\n");
  write(workspace / ".env", "KEY=1\n");
  policy.protect.hidden.push_back(".env");
  EXPECT_EQ(inside({"/bin/sh", "-c",
                    "ls -A .tessera; cat .env; echo x > .env; touch .tessera/x; rm -rf .tessera "
                    ".env; ls -A"}),
            "exit code 0: .env\n.tessera\n");
  EXPECT_EQ(read(workspace / ".tessera/state"), "mine\n");
  EXPECT_EQ(read(workspace / ".env"), "KEY=1\n");
}

TEST_F(Containment, ProcessesOutsideAreOutOfReach) {
  pid_t victim = fork();
  if (victim == 0) {
    for (;;) pause();
  }
  nothing_works({"kill_outside", std::to_string(victim)});
  works_outside({"kill_outside", std::to_string(victim)}, "kill");
  kill(victim, SIGKILL);
  waitpid(victim, nullptr, 0);
  // Its own shell is all that a program sees, not even the first process of the jail.
  EXPECT_EQ(inside({"/bin/sh", "-c", "echo /proc/[0-9]*"}), "exit code 0: /proc/2\n");
}

TEST_F(Containment, NobodyTypesIntoTheTerminal) { nothing_works({"type_ahead"}); }

TEST_F(Containment, TheJailDiesWithItsLauncher) {
  std::thread killer([this] {
    // The launcher is this process's child; its child is pid 1 of the jail.
    for (int i = 0; i < 500 && lock_is_free(); ++i) usleep(10'000);
    // The list of children may lack one while it is read.
    for (int i = 0; i < 100; ++i, usleep(10'000)) {
      std::string children;
      for (const auto& task : fs::directory_iterator("/proc/self/task"))
        children += read(task.path() / "children") + " ";
      const pid_t launcher = static_cast<pid_t>(strtol(children.c_str(), nullptr, 10));
      if (launcher > 1 && kill(launcher, SIGKILL) == 0) break;
    }
  });
  EXPECT_EQ(inside({"linger", "sleep"}), "error: sandbox: the launcher ended without a report");
  killer.join();
  for (int i = 0; i < 200 && !lock_is_free(); ++i) usleep(10'000);
  EXPECT_TRUE(lock_is_free());
}

}  // namespace
}  // namespace sandbox
