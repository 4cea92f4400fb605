// tessera-launcher: makes jails, each of which confines itself and runs one untrusted program. See
// jail_spec.h for what it is told.
//
//   supervisor (threads) ─ vfork, exec ─► launcher A   outside, waits; kills all jails when the
//                                           │          supervisor is gone
//                                           │ clone: user, mount, pid, network, uts namespaces
//                                           ▼
//                                         zygote Z     builds the root that jails share
//                                           │ clone: mount, pid, ipc, cgroup namespaces
//                                           ▼
//                                         init B       pid 1 of a jail, trusted: completes the
//                                         root,
//                                           │ vfork    drops everything, reaps, watches the limits
//                                           ▼
//                                         program C    Landlock, seccomp, execve
//
// A exists because waiting for pid 1 is the one way to know that every process inside is gone, to
// remove the control groups when the supervisor was killed, and because only a process outside the
// new user namespace may map more ids than its own. Z exists because its network namespace alone
// takes longer to make and to take down than the rest of a jail. Everything that can fail is fatal
// and is reported with its errno on the status or the control socket. Nothing here allocates after
// an unchecked size: the spec comes from the supervisor.
//
// B enters its control groups by itself, through descriptors that the supervisor opened. A process
// that moves another one makes the kernel wait for every processor (8 ms here); one that moves
// itself does not (version 1, `tasks`), nor does one that is born there (version 2,
// CLONE_INTO_CGROUP).

#include <dirent.h>
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

/// Ids inside, as far as Z may map them itself: its own ids, and those only.
bool maps_itself(const BaseSpec& spec) {
  return spec.header.owner_uid == geteuid() && spec.header.owner_gid == getegid();
}

void write_id_maps(const BaseSpec& spec, const std::string& proc, uid_t uid, gid_t gid) {
  std::string uids = "1000 " + std::to_string(spec.header.owner_uid) + " 1\n";
  std::string gids = "1000 " + std::to_string(spec.header.owner_gid) + " 1\n";
  // Root that works on somebody else's folder: jails need root's own id until they become the
  // owner.
  if (uid == 0 && spec.header.owner_uid != uid) uids += "0 " + std::to_string(uid) + " 1\n";
  if (uid == 0 && spec.header.owner_gid != gid) gids += "0 " + std::to_string(gid) + " 1\n";
  write_text(proc + "setgroups", "deny");
  write_text(proc + "uid_map", uids);
  write_text(proc + "gid_map", gids);
}

/// What A hands to Z at its birth.
struct Birth {
  int mapped_fd = -1;  ///< a pipe that says when the ids are mapped; -1: Z maps them itself
  uid_t uid = 0;       ///< A's ids
  gid_t gid = 0;
  bool binds_are_open = false;
};

/// Z, from the first instruction inside the namespaces.
[[noreturn]] void zygote(BaseSpec& base, const Birth& birth) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("PR_SET_PDEATHSIG");
  if (birth.mapped_fd < 0) {
    write_id_maps(base, "/proc/self/", birth.uid, birth.gid);
  } else {
    char mapped = 0;
    if (read(birth.mapped_fd, &mapped, 1) != 1) _exit(125);  // A failed and has said why
    close(birth.mapped_fd);
  }
  // A host short of memory should end the jails first.
  write_text("/proc/self/oom_score_adj", "1000");
  if (sethostname("sandbox", 7) != 0) die("sethostname");
  if (!birth.binds_are_open) {
    open_binds(base.binds);
    open_devices();
  }
  build_root(base, birth.binds_are_open);
  drop_bounding_set();
  serve_requests(birth.binds_are_open);
}

/// Removes the groups of a supervisor that was killed.
void remove_groups(const BaseSpec& spec) {
  const std::string prefix = kGroupPrefix + std::to_string(spec.header.supervisor_pid) + "-";
  for (const std::string& parent : spec.group_parents) {
    DIR* listing = opendir(parent.c_str());
    if (listing == nullptr) continue;
    while (const dirent* entry = readdir(listing)) {
      if (strncmp(entry->d_name, prefix.c_str(), prefix.size()) != 0) continue;
      // The last process is reaped, but its group may take a moment to notice.
      for (int i = 0;
           i < 100 && unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR) != 0 && errno == EBUSY;
           ++i) {
        usleep(1000);
      }
    }
    closedir(listing);
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
  // A jail's descriptors take these places, so nothing else may.
  for (int fd = 0; fd <= kProgramFd; ++fd) {
    if (fd != kBaseFd && fcntl(fd, F_GETFD) < 0) die("descriptor " + std::to_string(fd));
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

  const bool by_itself = maps_itself(spec);
  int mapped[2] = {-1, -1};
  if (!by_itself && pipe2(mapped, O_CLOEXEC) != 0) die("pipe2");
  birth.mapped_fd = mapped[0];
  int pidfd = -1;
  clone_args args{};
  args.flags =
      CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child < 0) die("clone3 with user, mount, pid, network and uts namespaces");
  if (child == 0) {
    if (mapped[1] >= 0) close(mapped[1]);
    zygote(spec, birth);
  }
  const pid_t pid = static_cast<pid_t>(child);
  if (!by_itself) {
    close(mapped[0]);
    write_id_maps(spec, "/proc/" + std::to_string(pid) + "/", birth.uid, birth.gid);
    if (write(mapped[1], "m", 1) != 1) die("start the jails");
    close(mapped[1]);
  }
  for (int fd = 0; fd <= kEventsFd; ++fd) close(fd);

  // Requests on the control socket are Z's. The supervisor asks for the end by closing it, or by
  // dying.
  pollfd watched[2] = {{kControlFd, POLLRDHUP, 0}, {pidfd, POLLIN, 0}};
  for (;;) {
    int n = poll(watched, 2, -1);
    const bool orphaned = getppid() != spec.header.supervisor_pid;
    if (n < 0 && errno == EINTR && !orphaned) continue;
    if (n <= 0 || watched[1].revents == 0) kill(pid, SIGKILL);
    break;
  }
  // Pid 1 can be reaped only after every process of its namespace is gone.
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  // A living supervisor reads them first and removes them itself.
  if (getppid() != spec.header.supervisor_pid) remove_groups(spec);
  return 0;
}

}  // namespace
}  // namespace jail

int main() { return jail::run_launcher(); }
