// tessera-launcher: confines itself and runs one untrusted program. See jail_spec.h for what it is
// told.
//
//   supervisor (threads) ── vfork, exec ──► launcher A   outside, waits; kills the jail when the
//   supervisor is gone
//                                             │ clone: user, mount, pid, net, ipc, uts, cgroup
//                                             namespaces ▼
//                                           init B       pid 1 inside, trusted: builds the root,
//                                           drops everything,
//                                             │ fork     then reaps and watches the limits
//                                             ▼
//                                           program C    Landlock, seccomp, execve
//
// A exists because only a process outside the new user namespace may write its id map, and because
// waiting for pid 1 is the one way to know that every process inside is gone. Everything that can
// fail is fatal and is reported with its errno on the status socket. Nothing here allocates after
// an unchecked size: the spec comes from the supervisor.

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/launcher/steps.h"

namespace jail {

void send_status(Status kind, int value, std::string_view text, uint64_t peak_bytes,
                 uint64_t cpu_us) {
  StatusMessage message{};
  message.kind = kind;
  message.value = value;
  message.peak_bytes = peak_bytes;
  message.cpu_us = cpu_us;
  memcpy(message.text, text.data(), std::min(text.size(), sizeof message.text - 1));
  (void)!send(kStatusFd, &message, sizeof message, MSG_NOSIGNAL);
}

void die(std::string_view step, int error) {
  StatusMessage message{};
  message.kind = Status::failed;
  message.error = error;
  memcpy(message.text, step.data(), std::min(step.size(), sizeof message.text - 1));
  (void)!send(kStatusFd, &message, sizeof message, MSG_NOSIGNAL);
  _exit(125);
}

void die(std::string_view step) { die(step, errno); }

namespace {

JailSpec read_spec() {
  struct stat info {};
  if (fstat(kSpecFd, &info) != 0) die("read the specification");
  size_t size = static_cast<size_t>(info.st_size);
  if (size < sizeof(JailHeader)) die("read the specification: too short", EINVAL);
  void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, kSpecFd, 0);
  if (map == MAP_FAILED) die("map the specification");
  std::string_view bytes(static_cast<const char*>(map), size);

  JailSpec spec;
  memcpy(&spec.header, bytes.data(), sizeof spec.header);
  if (memcmp(spec.header.magic, kMagic, sizeof kMagic) != 0 || spec.header.total_bytes != size) {
    die("read the specification: the launcher is of another version than the program", EINVAL);
  }
  bytes.remove_prefix(sizeof(JailHeader));
  while (!bytes.empty()) {
    JailRecord record;
    if (bytes.size() < sizeof record) die("read the specification: cut short", EINVAL);
    memcpy(&record, bytes.data(), sizeof record);
    bytes.remove_prefix(sizeof record);
    if (bytes.size() < record.length) die("read the specification: cut short", EINVAL);
    std::string_view payload = bytes.substr(0, record.length);
    bytes.remove_prefix(record.length);
    const size_t nul = payload.find('\0');
    const bool pair = record.kind == Record::symlink || record.kind == Record::file;
    if (record.kind != Record::seccomp_filter && pair != (nul != payload.npos)) {
      die("read the specification: stray NUL", EINVAL);
    }
    std::string text(payload);
    switch (record.kind) {
      case Record::argv:
        spec.argv.push_back(text);
        continue;
      case Record::env:
        spec.env.push_back(text);
        continue;
      case Record::bind_read_only:
        spec.binds.push_back({text, false});
        continue;
      case Record::bind_writable:
        spec.binds.push_back({text, true});
        continue;
      case Record::workspace:
        spec.workspace = text;
        continue;
      case Record::cover_read_only:
        spec.covers.push_back({text, false});
        continue;
      case Record::cover_hidden:
        spec.covers.push_back({text, true});
        continue;
      case Record::symlink:
        spec.symlinks.push_back({text.substr(0, nul), text.substr(nul + 1)});
        continue;
      case Record::file:
        spec.files.push_back({text.substr(0, nul), text.substr(nul + 1)});
        continue;
      case Record::cgroup_procs:
        spec.cgroup_procs.push_back(text);
        continue;
      case Record::seccomp_filter:
        spec.filter = payload;
        continue;
    }
    die("read the specification: unknown record", EINVAL);
  }
  if (spec.argv.empty() || spec.filter.empty() || spec.workspace.empty()) {
    die("read the specification: incomplete", EINVAL);
  }
  return spec;
}

void write_text(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) die("open " + path);
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    die("write " + path);
  close(fd);
}

/// The state that exec hands down from whichever thread of the supervisor made us: signals, umask,
/// descriptors.
void start_clean() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(022);
}

[[noreturn]] void program(const JailSpec& spec) {
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

/// What A tells B: that its ids are mapped, and that it is in its cgroup. Entering a cgroup can
/// take milliseconds, in which B builds the root.
constexpr char kMapped = 'm', kGrouped = 'g';

void wait_for(int fd, char expected) {
  char got = 0;
  if (read(fd, &got, 1) != 1 || got != expected) _exit(125);  // A failed and has said why
}

void tell(int fd, char what) {
  if (write(fd, &what, 1) != 1) die("start the jail");
}

/// B, from the first instruction inside the namespaces.
[[noreturn]] void init(JailSpec& spec, int go_fd, bool binds_are_open) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  wait_for(go_fd, kMapped);
  if (sethostname("sandbox", 7) != 0) die("sethostname");
  if (!binds_are_open) open_binds(spec);
  const int proc_fd = enter_root(spec);
  // A keyring of our own: the one we came with may hold the user's secrets.
  if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, nullptr) < 0 && errno != ENOSYS) {
    die("keyctl join session keyring");
  }
  set_limits(spec);
  drop_privileges();
  // drop_privileges() may have changed the uid, which clears the parent-death signal.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");

  wait_for(go_fd, kGrouped);
  close(go_fd);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) program(spec);
  watch(spec, pid, proc_fd);
}

void write_id_maps(const JailSpec& spec, pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid) + "/";
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  std::string uids = "1000 " + std::to_string(spec.header.owner_uid) + " 1\n";
  std::string gids = "1000 " + std::to_string(spec.header.owner_gid) + " 1\n";
  // Root that works on somebody else's folder: B needs root's own id until it becomes the owner.
  if (uid == 0 && spec.header.owner_uid != uid) uids += "0 " + std::to_string(uid) + " 1\n";
  if (uid == 0 && spec.header.owner_gid != gid) gids += "0 " + std::to_string(gid) + " 1\n";
  write_text(proc + "setgroups", "deny");
  write_text(proc + "uid_map", uids);
  write_text(proc + "gid_map", gids);
}

int run_launcher() {
  if (syscall(SYS_close_range, kSpecFd + 1, ~0u, 0) != 0) die("close_range");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  JailSpec spec = read_spec();
  if (getppid() != spec.header.supervisor_pid) _exit(125);
  close(kSpecFd);
  start_clean();
  for (int fd = 0; fd <= kStatusFd; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) die("descriptor " + std::to_string(fd));
  }
  (void)setsid();

  // Root may search every folder on the way to a bind; B, without capabilities outside, may not. A
  // root that may not mount, as in some containers, is like anybody else.
  const bool privileged = geteuid() == 0 && may_mount();
  if (privileged) {
    open_binds(spec);
    if (setgroups(0, nullptr) != 0) die("setgroups");
  }

  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) die("pipe2");
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
               CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child < 0) die("clone3 with user, mount, pid, network, ipc, uts and cgroup namespaces");
  if (child == 0) {
    close(go[1]);
    init(spec, go[0], privileged);
  }
  close(go[0]);
  const pid_t pid = static_cast<pid_t>(child);
  write_id_maps(spec, pid);
  // A host short of memory should end the jail first. Later, B is no longer ours to write to.
  write_text("/proc/" + std::to_string(pid) + "/oom_score_adj", "1000");
  tell(go[1], kMapped);
  for (const std::string& procs : spec.cgroup_procs) write_text(procs, std::to_string(pid));
  tell(go[1], kGrouped);
  close(go[1]);
  for (int fd = 0; fd <= kEventsFd; ++fd) close(fd);

  // The supervisor asks for the end by closing or shutting down its side of the status socket.
  pollfd watched[2] = {{kStatusFd, POLLRDHUP, 0}, {pidfd, POLLIN, 0}};
  for (;;) {
    int n = poll(watched, 2, -1);
    if (n < 0 && errno == EINTR) continue;
    if (watched[1].revents != 0) break;
    if (n < 0 || watched[0].revents != 0) {
      kill(pid, SIGKILL);
      break;
    }
  }
  // Pid 1 can be reaped only after every process of its namespace is gone.
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

}  // namespace
}  // namespace jail

int main() { return jail::run_launcher(); }
