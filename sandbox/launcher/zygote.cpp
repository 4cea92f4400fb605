// Z: builds once what all jails of one supervisor share, and forks each of them off. Two programs
// never run in jails of one zygote at the same time (runner.cpp), but one may wait beside another.
//
//   shared     user, network and uts namespaces; the folders, links and binds of the system in the
//              new root
//   each its own  pid, mount, ipc and cgroup namespaces, control group, /proc, /tmp, /dev/shm,
//              workspace, layer, keyring, limits, capabilities, Landlock, seccomp; and a network,
//              if it has one
//
// What could one program leave there for the next? The shared namespaces hold nothing that it can
// change: without a proxy it can make no socket other than a connected pair, to which nobody else
// can connect and which is gone with it; host names and the root are read-only for it. Its
// processes are all dead, and reaped, before the next begins.

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iterator>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

/// A jail that is not reaped.
struct Jail {
  pid_t pid = 0;
  int pidfd = -1;
  int status = -1;  ///< held so that the supervisor sees its end when the jail is gone
  bool killed = false;
};

/// Receives one request; ends with the last of those who could send one.
JailRequest receive_request(std::vector<int>& fds) {
  JailRequest request{};
  const ssize_t n = receive(kControlFd, &request, sizeof request, fds);
  if (n == 0) _exit(0);
  if (n != sizeof request) die("receive a request", EINVAL);
  if (request.groups > kMaxGroups || fds.size() != std::size(kJailFds) + request.groups)
    die("receive a request", EINVAL);
  return request;
}

void make_jail(std::vector<Jail>& jails, bool alone) {
  std::vector<int> fds;
  const JailRequest request = receive_request(fds);
  Jail jail;
  clone_args args{};
  args.flags = CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWCGROUP;
  args.pidfd = reinterpret_cast<uint64_t>(&jail.pidfd);
  args.exit_signal = SIGCHLD;
  if (request.unified != 0 && request.groups == 1) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(fds.back());
  }
  const long child = syscall(SYS_clone3, &args, sizeof args);
  if (child < 0) die("clone3 with mount, pid, ipc and cgroup namespaces");
  if (child == 0) run_jail(request, fds, alone);
  jail.pid = static_cast<pid_t>(child);
  for (size_t i = 0; i < fds.size(); ++i) {
    if (i < std::size(kJailFds) && kJailFds[i] == kStatusFd) {
      jail.status = fds[i];
    } else {
      close(fds[i]);
    }
  }
  jails.push_back(jail);
}

}  // namespace

void serve_requests(bool alone) {
  std::vector<Jail> jails;
  std::vector<pollfd> watched;
  for (;;) {
    watched.assign({{kControlFd, POLLIN, 0}});
    for (const Jail& jail : jails) {
      watched.push_back({jail.pidfd, POLLIN, 0});
      // The supervisor asks for the end by closing or shutting down its side.
      watched.push_back({jail.killed ? -1 : jail.status, POLLRDHUP, 0});
    }
    if (poll(watched.data(), watched.size(), -1) < 0) {
      if (errno == EINTR) continue;
      die("poll");
    }
    for (size_t i = jails.size(); i-- > 0;) {
      Jail& jail = jails[i];
      if (watched[1 + 2 * i].revents != 0) {
        // Pid 1 can be reaped only after every process of its namespace is gone.
        while (waitpid(jail.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        close(jail.pidfd);
        close(jail.status);
        jails.erase(jails.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (watched[2 + 2 * i].revents != 0) {
        kill(jail.pid, SIGKILL);
        jail.killed = true;
      }
    }
    if (watched[0].revents != 0) make_jail(jails, alone);
  }
}

}  // namespace jail
