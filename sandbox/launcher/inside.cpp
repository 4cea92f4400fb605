// B, pid 1 of one jail, and C, its program. B comes from the zygote with the root already built, in
// a mount namespace of its own; what it adds to that and what it takes away is its program's alone.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iterator>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

[[noreturn]] void program(const ProgramSpec& spec) {
  // Also drops a controlling terminal, should one have been left.
  if (setsid() < 0) die("setsid");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // 0 to 3 are the program's; the status socket must live until execve succeeded.
  if (syscall(SYS_close_range, kStatusFd, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) != 0)
    die("close_range");

  std::vector<char*> argv, env;
  for (const std::string& s : spec.argv) argv.push_back(const_cast<char*>(s.c_str()));
  for (const std::string& s : spec.env) env.push_back(const_cast<char*>(s.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);
  std::vector<std::string> candidates;
  if (spec.argv[0].find('/') != std::string::npos) {
    candidates.push_back(spec.argv[0]);
  } else {
    for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
      candidates.push_back(folder + spec.argv[0]);
    }
  }
  const std::string failed = "execve " + spec.argv[0];

  enter_landlock(spec);
  enter_seccomp(spec);
  int error = ENOENT;
  for (const std::string& path : candidates) {
    execve(path.c_str(), argv.data(), env.data());
    if (errno != ENOENT) error = errno;
  }
  die(failed, error);
}

/// Waits for the word to start. Returns the program's opened binds, if the supervisor opened them.
std::vector<int> wait_for_go() {
  char go = 0;
  std::vector<int> fds;
  if (receive(kStatusFd, &go, 1, fds) != 1 || go != kGo) _exit(125);  // nobody needed this jail
  return fds;
}

/// Makes the descriptors of the request those of this process, and of everything else none.
void take_descriptors(const std::vector<int>& fds, const JailRequest& request) {
  constexpr size_t kPlaces = std::size(kJailFds);
  // All of them lie above: the zygote keeps the places taken.
  for (size_t i = 0; i < kPlaces; ++i) {
    if (dup2(fds[i], kJailFds[i]) < 0) die("dup2");
  }
  for (size_t i = kPlaces; i < fds.size() && request.unified == 0; ++i) {
    if (write(fds[i], "0", 1) != 1) die("enter the control group");
  }
  close(kBaseFd);
  if (syscall(SYS_close_range, kProgramFd + 1, ~0u, 0) != 0) die("close_range");
}

}  // namespace

void run_jail(const JailRequest& request, const std::vector<int>& fds, bool alone) {
  take_descriptors(fds, request);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  Root root = here_as_root();
  mount_proc(root);
  // A keyring of our own: the one we came with may hold the user's secrets.
  if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, nullptr) < 0 && errno != ENOSYS) {
    die("keyctl join session keyring");
  }
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);

  // Here a jail waits that was prepared ahead.
  const std::vector<int> opened = wait_for_go();
  ProgramSpec spec = read_program();
  if (opened.empty() && !alone) {
    open_binds(spec.binds);
  } else {
    if (opened.size() != spec.binds.size()) die("take over the mounts", EINVAL);
    for (size_t i = 0; i < opened.size(); ++i) spec.binds[i].tree_fd = opened[i];
  }
  enter_root(root, spec, alone);
  int listener = -1;
  if (spec.header.proxy_port != 0) {
    // The network that jails share is out of reach for those without a proxy: they get no socket.
    if (unshare(CLONE_NEWNET) != 0) die("unshare the network");
    listener = listen_for_proxy(spec.header.proxy_port);
  }
  set_limits(spec);
  drop_privileges();
  // drop_privileges() may have changed the uid, which clears the parent-death signal.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  int layer = -1;
  if (root.layer >= 0) {
    layer = openat(root.layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layer < 0) die("open the layer");
  }
  send_ready({layer, listener}, root.copied);

  // vfork: copying the page tables would cost more than what the child does until it executes. It
  // never returns from program().
  pid_t pid = vfork();
  if (pid < 0) die("vfork");
  if (pid == 0) program(spec);
  watch(spec, pid, root);
}

}  // namespace jail
