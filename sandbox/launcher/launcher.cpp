// tessera-launcher: confines itself and runs one untrusted program. See jail_spec.h for what it is
// told.
//
//   supervisor (threads) ── vfork, exec ──► launcher A   outside, waits; kills the jail when the
//   supervisor is gone
//                                             │ clone: user, mount, pid, net, ipc, uts, cgroup
//                                             namespaces ▼
//                                           init B       pid 1 inside, trusted: builds the root,
//                                           drops everything,
//                                             │ vfork    then reaps and watches the limits
//                                             ▼
//                                           program C    Landlock, seccomp, execve
//
// A exists because waiting for pid 1 is the one way to know that every process inside is gone, to
// remove the control groups when the supervisor was killed, and because only a process outside the
// new user namespace may map more ids than its own. Everything that can fail is fatal and is
// reported with its errno on the status socket. Nothing here allocates after an unchecked size: the
// spec comes from the supervisor.
//
// B enters its control groups by itself, through descriptors that A opened. A process that moves
// another one makes the kernel wait for every processor (8 ms here); one that moves itself does not
// (version 1, `tasks`), nor does one that is born there (version 2, CLONE_INTO_CGROUP).

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
#include <iterator>

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

void send_ready(std::initializer_list<int> fds, bool copied) {
  int carried[2];
  unsigned n = 0;
  for (int fd : fds) {
    if (fd >= 0 && n < std::size(carried)) carried[n++] = fd;
  }
  if (n == 0) return;
  StatusMessage message{};
  message.kind = Status::ready;
  message.value = copied ? 1 : 0;
  iovec part{&message, sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof carried)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(n * sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(n * sizeof(int));
  memcpy(CMSG_DATA(rights), carried, n * sizeof(int));
  if (sendmsg(kStatusFd, &header, MSG_NOSIGNAL) < 0) die("hand over the layer");
  for (unsigned i = 0; i < n; ++i) close(carried[i]);
}

namespace {

/// Maps one part of the specification, for good, and calls `take` with each record. Of the pair
/// kinds, `second` is what follows the NUL.
template <class Header, class Take>
void read_part(int fd, const char (&magic)[8], Header& header, Take take) {
  struct stat info {};
  if (fstat(fd, &info) != 0) die("read the specification");
  const size_t size = static_cast<size_t>(info.st_size);
  if (size < sizeof header) die("read the specification: too short", EINVAL);
  void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) die("map the specification");
  close(fd);
  std::string_view bytes(static_cast<const char*>(map), size);
  memcpy(&header, bytes.data(), sizeof header);
  if (memcmp(header.magic, magic, sizeof magic) != 0 || header.total_bytes != size) {
    die("read the specification: the launcher is of another version than the program", EINVAL);
  }
  bytes.remove_prefix(sizeof header);
  while (!bytes.empty()) {
    JailRecord record;
    if (bytes.size() < sizeof record) die("read the specification: cut short", EINVAL);
    memcpy(&record, bytes.data(), sizeof record);
    bytes.remove_prefix(sizeof record);
    if (bytes.size() < record.length) die("read the specification: cut short", EINVAL);
    const std::string_view payload = bytes.substr(0, record.length);
    bytes.remove_prefix(record.length);
    const size_t nul = payload.find('\0');
    const bool pair = record.kind == Record::symlink || record.kind == Record::file;
    if (record.kind != Record::seccomp_filter && pair != (nul != payload.npos)) {
      die("read the specification: stray NUL", EINVAL);
    }
    const std::string_view second = pair ? payload.substr(nul + 1) : std::string_view();
    if (!take(record.kind, pair ? payload.substr(0, nul) : payload, std::string(second))) {
      die("read the specification: unknown record", EINVAL);
    }
  }
}

BaseSpec read_base() {
  BaseSpec spec;
  read_part(kBaseFd, kBaseMagic, spec.header,
            [&](Record kind, std::string_view payload, std::string second) {
              std::string text(payload);
              switch (kind) {
                case Record::bind_read_only:
                  spec.binds.push_back({text, false});
                  return true;
                case Record::symlink:
                  spec.symlinks.push_back({text, second});
                  return true;
                case Record::file:
                  spec.files.push_back({text, second});
                  return true;
                case Record::cgroup_v1:
                  spec.cgroups_v1.push_back(text);
                  return true;
                case Record::cgroup_v2:
                  spec.cgroup_v2 = text;
                  return true;
                default:
                  return false;
              }
            });
  return spec;
}

ProgramSpec read_program() {
  ProgramSpec spec;
  read_part(kProgramFd, kProgramMagic, spec.header,
            [&](Record kind, std::string_view payload, std::string) {
              if (kind == Record::seccomp_filter) {
                spec.filter = payload;
                return true;
              }
              std::string text(payload);
              switch (kind) {
                case Record::argv:
                  spec.argv.push_back(text);
                  return true;
                case Record::env:
                  spec.env.push_back(text);
                  return true;
                case Record::bind_read_only:
                  spec.binds.push_back({text, false});
                  return true;
                case Record::bind_writable:
                  spec.binds.push_back({text, true});
                  return true;
                case Record::workspace:
                  spec.workspace = text;
                  return true;
                case Record::cover_read_only:
                  spec.covers.push_back({text, false});
                  return true;
                case Record::cover_hidden:
                  spec.covers.push_back({text, true});
                  return true;
                default:
                  return false;
              }
            });
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

/// Ids inside, as far as B may map them itself: its own ids, and those only.
bool maps_itself(const BaseSpec& spec) {
  return spec.header.owner_uid == geteuid() && spec.header.owner_gid == getegid();
}

void write_id_maps(const BaseSpec& spec, const std::string& proc, uid_t uid, gid_t gid) {
  std::string uids = "1000 " + std::to_string(spec.header.owner_uid) + " 1\n";
  std::string gids = "1000 " + std::to_string(spec.header.owner_gid) + " 1\n";
  // Root that works on somebody else's folder: B needs root's own id until it becomes the owner.
  if (uid == 0 && spec.header.owner_uid != uid) uids += "0 " + std::to_string(uid) + " 1\n";
  if (uid == 0 && spec.header.owner_gid != gid) gids += "0 " + std::to_string(gid) + " 1\n";
  write_text(proc + "setgroups", "deny");
  write_text(proc + "uid_map", uids);
  write_text(proc + "gid_map", gids);
}

/// What A hands to B at its birth.
struct Birth {
  int mapped_fd = -1;  ///< a pipe that says when the ids are mapped; -1: B maps them itself
  uid_t uid = 0;       ///< A's ids
  gid_t gid = 0;
  std::vector<int> tasks_fds;  ///< of the groups to enter
  bool binds_are_open = false;
  int go_fd =
      -1;  ///< a socket on which `go` comes, with the program's opened binds if A opens them
};

/// The most descriptors that the kernel carries in one message.
constexpr size_t kMaxFds = 253;

/// A: says that the program part may be read, and hands over its binds.
void say_go(int socket, const std::vector<Bind>& binds) {
  char go = kGo;
  iovec part{&go, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  int fds[kMaxFds];
  if (binds.size() > kMaxFds) die("more mounts than can be handed over", EINVAL);
  for (size_t i = 0; i < binds.size(); ++i) fds[i] = binds[i].tree_fd;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!binds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(binds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(binds.size() * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, binds.size() * sizeof(int));
  }
  if (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) die("start the program");
}

/// B: waits for it. Returns the descriptors that came along.
std::vector<int> wait_for_go(int socket) {
  char go = 0;
  iovec part{&go, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = 0;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n != 1 || go != kGo) _exit(125);  // nobody needed this jail, or A has said why
  std::vector<int> fds;
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    fds.resize((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds.data(), CMSG_DATA(rights), fds.size() * sizeof(int));
  }
  close(socket);
  return fds;
}

/// B, from the first instruction inside the namespaces.
[[noreturn]] void init(BaseSpec& base, const Birth& birth) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  if (birth.mapped_fd < 0) {
    write_id_maps(base, "/proc/self/", birth.uid, birth.gid);
  } else {
    char mapped = 0;
    if (read(birth.mapped_fd, &mapped, 1) != 1) _exit(125);  // A failed and has said why
    close(birth.mapped_fd);
  }
  for (int fd : birth.tasks_fds) {
    if (write(fd, "0", 1) != 1) die("enter the control group");
    close(fd);
  }
  // A host short of memory should end the jail first.
  write_text("/proc/self/oom_score_adj", "1000");
  if (sethostname("sandbox", 7) != 0) die("sethostname");
  if (!birth.binds_are_open) {
    open_binds(base.binds);
    open_devices();
  }
  Root root = build_root(base);
  // A keyring of our own: the one we came with may hold the user's secrets.
  if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, nullptr) < 0 && errno != ENOSYS) {
    die("keyctl join session keyring");
  }
  drop_bounding_set();
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);

  // Here a jail waits that was prepared ahead.
  const std::vector<int> opened = wait_for_go(birth.go_fd);
  ProgramSpec spec = read_program();
  if (birth.binds_are_open) {
    if (opened.size() != spec.binds.size()) die("take over the mounts", EINVAL);
    for (size_t i = 0; i < opened.size(); ++i) spec.binds[i].tree_fd = opened[i];
  } else {
    open_binds(spec.binds);
  }
  enter_root(root, spec);
  int listener = -1;
  if (spec.header.proxy_port != 0) listener = listen_for_proxy(spec.header.proxy_port);
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

void remove_cgroups(const BaseSpec& spec) {
  std::vector<std::string> folders = spec.cgroups_v1;
  if (!spec.cgroup_v2.empty()) folders.push_back(spec.cgroup_v2);
  for (const std::string& folder : folders) {
    // The last process is reaped, but its group may take a moment to notice.
    for (int i = 0; i < 100 && rmdir(folder.c_str()) != 0 && errno == EBUSY; ++i) usleep(1000);
  }
}

int run_launcher() {
  if (syscall(SYS_close_range, kProgramFd + 1, ~0u, 0) != 0) die("close_range");
  start_clean();
  struct sigaction wake {};
  wake.sa_handler = [](int) {};
  sigaction(SIGTERM, &wake, nullptr);
  // Not SIGKILL: A must live to see the jail dead and to remove its groups. Also sent when only the
  // thread ended that started us, which poll() below tells apart.
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) die("PR_SET_PDEATHSIG");
  BaseSpec spec = read_base();
  if (getppid() != spec.header.supervisor_pid) _exit(125);
  for (int fd = 0; fd <= kStatusFd; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) die("descriptor " + std::to_string(fd));
  }
  (void)setsid();

  Birth birth;
  birth.uid = geteuid();
  birth.gid = getegid();
  // Root may search every folder on the way to a bind; B, without capabilities outside, may not. A
  // root that may not mount, as in some containers, is like anybody else.
  birth.binds_are_open = birth.uid == 0 && may_mount();
  if (birth.binds_are_open) {
    open_binds(spec.binds);
    open_devices();
    if (setgroups(0, nullptr) != 0) die("setgroups");
  }
  for (const std::string& folder : spec.cgroups_v1) {
    const int fd = open((folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) die("open " + folder + "/tasks");
    birth.tasks_fds.push_back(fd);
  }

  const bool by_itself = maps_itself(spec);
  int mapped[2] = {-1, -1}, go[2];
  if (!by_itself && pipe2(mapped, O_CLOEXEC) != 0) die("pipe2");
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, go) != 0) die("socketpair");
  birth.mapped_fd = mapped[0];
  birth.go_fd = go[0];
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
               CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (!spec.cgroup_v2.empty()) {
    const int group = open(spec.cgroup_v2.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group < 0) die("open " + spec.cgroup_v2);
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(group);
  }
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child < 0) die("clone3 with user, mount, pid, network, ipc, uts and cgroup namespaces");
  if (child == 0) {
    if (mapped[1] >= 0) close(mapped[1]);
    close(go[1]);
    init(spec, birth);
  }
  const pid_t pid = static_cast<pid_t>(child);
  if (!by_itself) {
    close(mapped[0]);
    write_id_maps(spec, "/proc/" + std::to_string(pid) + "/", birth.uid, birth.gid);
    if (write(mapped[1], "m", 1) != 1) die("start the jail");
    close(mapped[1]);
  }
  close(go[0]);
  for (int fd : birth.tasks_fds) close(fd);
  for (int fd = 0; fd <= kEventsFd; ++fd) close(fd);

  // The supervisor sends `go`. It asks for the end by closing or shutting down its side of the
  // status socket, or by dying.
  pollfd watched[2] = {{kStatusFd, POLLIN | POLLRDHUP, 0}, {pidfd, POLLIN, 0}};
  for (;;) {
    int n = poll(watched, 2, -1);
    const bool orphaned = getppid() != spec.header.supervisor_pid;
    if (n < 0 && errno == EINTR && !orphaned) continue;
    if (n > 0 && watched[1].revents != 0) break;
    if (n > 0 && watched[0].revents == POLLIN && go[1] >= 0) {
      char message = 0;
      if (recv(kStatusFd, &message, 1, MSG_DONTWAIT) != 1 || message != kGo)
        die("start the program", EINVAL);
      std::vector<Bind> binds;
      if (birth.binds_are_open) {
        binds = read_program().binds;
        open_binds(binds);
      }
      say_go(go[1], binds);
      for (const Bind& bind : binds) close(bind.tree_fd);
      close(go[1]);
      go[1] = -1;
      continue;
    }
    kill(pid, SIGKILL);
    break;
  }
  // Pid 1 can be reaped only after every process of its namespace is gone.
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  // A living supervisor reads them first and removes them itself.
  if (getppid() != spec.header.supervisor_pid) remove_cgroups(spec);
  return 0;
}

}  // namespace
}  // namespace jail

int main() { return jail::run_launcher(); }
