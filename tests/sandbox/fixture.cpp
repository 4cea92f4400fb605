#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/unique_fd.h"
#include "sandbox/workspace/journal.h"

extern char** environ;

namespace sandbox {

namespace fs = std::filesystem;

std::string program_path(const std::string& name) {
  return name.find('/') == std::string::npos ? std::string(TESSERA_PROGRAMS "/") + name : name;
}

/// The namespaces and a /proc of the new one, in a process of its own. Exit code 0, or an errno.
int try_namespaces() {
  pid_t pid = fork();
  if (pid == 0) {
    constexpr int kAll = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                         CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (unshare(kAll) != 0) _exit(errno);
    pid_t inner = fork();
    if (inner == 0) _exit(mount("proc", "/proc", "proc", 0, nullptr) == 0 ? 0 : errno);
    int state = 0;
    waitpid(inner, &state, 0);
    _exit(WIFEXITED(state) ? WEXITSTATUS(state) : 1);
  }
  int state = 0;
  waitpid(pid, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

const std::string& machine_lacks() {
  static const std::string lacks = [] {
    std::string what;
    if (int error = try_namespaces(); error != 0)
      what = std::string("user namespaces (") + strerror(error) + ")";
    if (syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1) < 1) {
      what += std::string(what.empty() ? "" : ", ") + "Landlock (" + strerror(errno) + ")";
    }
    return what;
  }();
  return lacks;
}

void SandboxTest::SetUp() {
  if (!machine_lacks().empty()) GTEST_SKIP() << "this machine does not allow " << machine_lacks();
}

SandboxTest::SandboxTest() {
  std::string name = (fs::temp_directory_path() / "tessera-test-XXXXXX").string();
  base = mkdtemp(name.data());
  workspace = base / "workspace";
  secret = base / "secret.txt";
  fs::create_directory(workspace);
  write(secret, "the secret\n");
  policy = *policies::builtin("default");
  policy.limits.wall = std::chrono::seconds(10);
  program.workspace = workspace;
  program.workspace_writable = true;
}

SandboxTest::~SandboxTest() {
  std::error_code ec;
  fs::remove_all(base, ec);
}

base::Result<Outcome> SandboxTest::run_program(const Argv& argv) {
  program.argv = argv;
  program.argv[0] = program_path(argv[0]);
  if (argv[0] == "linger") {
    // The lock that it takes must be seen here, where the layer is not.
    write(workspace / "lock", "");
    program.mounts = {{workspace / "lock", true}};
  }
  base::Result<Outcome> outcome = run(program, policy, {});
  if (outcome) commit(*outcome);
  return outcome;
}

void SandboxTest::commit(Outcome& outcome) {
  changes = {};
  if (!outcome.layer) return;
  base::Result<ChangeSet> found = find_changes(*outcome.layer, workspace, policy.protect, {});
  ASSERT_TRUE(found) << found.error().message;
  changes = *found;
  base::Result<Journal> journal = Journal::open(workspace);
  ASSERT_TRUE(journal) << journal.error().message;
  auto committed = journal->commit(changes, *outcome.layer, "test", 0);
  ASSERT_TRUE(committed) << committed.error().message;
}

base::Result<Outcome> SandboxTest::shell(const std::string& script) {
  return run_program({"/bin/sh", "-c", script});
}

std::string SandboxTest::inside(const Argv& argv) {
  base::Result<Outcome> outcome = run_program(argv);
  if (!outcome) return "error: " + outcome.error().message;
  return describe(*outcome) + (outcome->out.empty() ? "" : ": " + outcome->out.substr(0, 2000));
}

std::string SandboxTest::outside(const Argv& argv) {
  // In a folder of its own, which the test may still want to use.
  fs::path folder = base / "control", out = base / "control.out";
  fs::create_directory(folder);
  std::string command =
      "cd '" + folder.string() + "' && exec \"$@\" > '" + out.string() + "' 2>&1 < /dev/null";
  std::vector<std::string> words{"/bin/sh", "-c", command, "sh", program_path(argv[0])};
  words.insert(words.end(), argv.begin() + 1, argv.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  int state = 0;
  if (posix_spawn(&pid, "/bin/sh", nullptr, nullptr, pointers.data(), environ) != 0)
    return "error: posix_spawn";
  waitpid(pid, &state, 0);
  std::string text = read(out);
  std::string end = WIFEXITED(state) ? "exit code " + std::to_string(WEXITSTATUS(state))
                                     : "killed by signal " + std::to_string(WTERMSIG(state));
  return end + (text.empty() ? "" : ": " + text.substr(0, 2000));
}

std::string SandboxTest::read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void SandboxTest::write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

bool SandboxTest::lock_is_free() {
  base::UniqueFd fd(open((workspace / "lock").c_str(), O_RDWR | O_CLOEXEC));
  return fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

bool forbid(const char* name) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int call = seccomp_syscall_resolve_name(name);
  bool ok = call >= 0 && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) == 0 &&
            seccomp_load(filter) == 0;
  seccomp_release(filter);
  return ok;
}

}  // namespace sandbox
