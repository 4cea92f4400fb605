#include "sandbox/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
// After base/net.h, which works around a missing include in what this pulls in. Boost 1.74 has
// use_vfork, and its code only under this name, which it never defines.
#define BOOST_POSIX_HAS_VFORK 1
#include <boost/process.hpp>
#include <boost/process/posix.hpp>

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::UniqueFd;
namespace bp = boost::process;

Error system_error(const std::string& what) {
  return Error{Errc::system, what + ": " + strerror(errno)};
}

/// The launcher's descriptors are placed by dup2 at 0 to 5, so ours must not lie there.
Result<UniqueFd> lift(int fd, const char* what) {
  UniqueFd low(fd);
  if (!low) return system_error(what);
  UniqueFd high(fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
  if (!high) return system_error(what);
  return high;
}

Result<Pair> lift(int ours, int theirs, const char* what) {
  UniqueFd second(theirs);
  Result<UniqueFd> first = lift(ours, what);
  if (!first) return first.error();
  Result<UniqueFd> other = lift(second.release(), what);
  if (!other) return other.error();
  return Pair{std::move(*first), std::move(*other)};
}

}  // namespace

Result<Pair> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return system_error("pipe2");
  return lift(fds[0], fds[1], "pipe");
}

Result<Pair> make_socketpair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) return system_error("socketpair");
  return lift(fds[0], fds[1], "socketpair");
}

namespace {

Result<UniqueFd> memory_file(const char* name) {
  return lift(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
}

/// Writes `content` at offset 0, which nobody can change from then on.
base::Status fill_and_seal(const UniqueFd& file, const std::string& content) {
  for (size_t done = 0; done < content.size();) {
    ssize_t n =
        pwrite(file.get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error("write to a memory file");
    done += static_cast<size_t>(n);
  }
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    return system_error("seal a memory file");
  }
  return base::Ok{};
}

}  // namespace

Result<Prepared> Prepared::make(Owner owner, bool resident) {
  Result<JailBase> base = prepare_base(owner);
  if (!base) return base.error();
  Result<UniqueFd> base_file = memory_file("jail"), program = memory_file("program"),
                   in = memory_file("stdin");
  for (const Result<UniqueFd>* file : {&base_file, &program, &in}) {
    if (!*file) return file->error();
  }
  if (base::Status s = fill_and_seal(*base_file, base->spec); !s) return s.error();
  Result<Pair> out = make_pipe(), err = make_pipe(),
               events = resident ? make_socketpair(SOCK_STREAM) : make_pipe(),
               status = make_socketpair(SOCK_SEQPACKET);
  for (const Result<Pair>* pair : {&out, &err, &events, &status}) {
    if (!*pair) return pair->error();
  }
  if (resident) {
    // Neither side waits for room in a pipe that nobody empties before the end.
    fcntl(err->ours.get(), F_SETFL, O_NONBLOCK);
    fcntl(events->ours.get(), F_SETFL, O_NONBLOCK);
  }
  bp::environment nothing;
  std::error_code spawn_error;
  bp::child child(bp::exe = base->launcher.string(), bp::args = std::vector<std::string>{}, nothing,
                  bp::posix::use_vfork, bp::posix::fd.bind(0, in->get()),
                  bp::posix::fd.bind(1, resident ? err->theirs.get() : out->theirs.get()),
                  bp::posix::fd.bind(2, err->theirs.get()),
                  bp::posix::fd.bind(jail::kEventsFd, events->theirs.get()),
                  bp::posix::fd.bind(jail::kStatusFd, status->theirs.get()),
                  bp::posix::fd.bind(jail::kBaseFd, base_file->get()),
                  bp::posix::fd.bind(jail::kProgramFd, program->get()), spawn_error);
  if (spawn_error) {
    return Error{Errc::refused, "the launcher " + base->launcher.string() +
                                    " cannot be run: " + spawn_error.message()};
  }
  const pid_t pid = child.id();
  child.detach();  // Launcher reaps it
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const int error = errno;
  Prepared prepared{.owner = owner,
                    .cgroup = std::move(base->cgroup),
                    .launcher = Launcher(pid, std::move(pidfd)),
                    .in = std::move(*in),
                    .program = std::move(*program),
                    .out = std::move(out->ours),
                    .err = std::move(err->ours),
                    .events = std::move(events->ours),
                    .status = std::move(status->ours)};
  if (prepared.launcher.pidfd() < 0)
    return Error{Errc::refused, std::string("sandbox: pidfd_open: ") + strerror(error)};
  return prepared;
}

base::Status Prepared::go(const Jail& jail, const std::string& stdin_text) {
  if (base::Status s = fill_and_seal(program, jail.spec); !s) return s;
  if (base::Status s = fill_and_seal(in, stdin_text); !s) return s;
  cgroup.set_limits(jail.memory_bytes, jail.max_processes);
  const char message = jail::kGo;
  // A launcher that failed has said so on this socket; that is read by whoever waits for the end.
  (void)!send(status.get(), &message, 1, MSG_NOSIGNAL);
  return base::Ok{};
}

Launcher::Launcher(Launcher&& other) noexcept
    : pid_(other.pid_), pidfd_(std::move(other.pidfd_)), reaped_(other.reaped_) {
  other.reaped_ = true;
}

Launcher::~Launcher() { await_end(); }

void Launcher::await_end() {
  if (reaped_) return;
  pollfd gone{pidfd_.get(), POLLIN, 0};
  for (int i = 0; i < 20 && poll(&gone, 1, 100) <= 0; ++i) {
  }
  kill_now();
  reap();
}

void Launcher::kill_now() {
  if (!reaped_) ::kill(pid_, SIGKILL);
}

void Launcher::reap() {
  if (reaped_) return;
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

bool read_status(int status, const Jail& jail, Report& report) {
  jail::StatusMessage message{};
  iovec part{&message, sizeof message};
  int fds[2];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t n = recvmsg(status, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  std::vector<UniqueFd> carried;
  if (n >= 0) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      memcpy(fds, CMSG_DATA(c), count * sizeof(int));
      for (size_t i = 0; i < count; ++i) carried.emplace_back(fds[i]);
    }
  }
  if (n != static_cast<ssize_t>(sizeof message)) return false;
  message.text[sizeof message.text - 1] = '\0';
  if (message.kind != jail::Status::ready) {
    if (!report.end) report.end = message;
    return true;
  }
  report.copied = message.value != 0;
  size_t next = 0;
  if (jail.layer != jail::LayerKind::none && next < carried.size())
    report.layer = std::move(carried[next++]);
  if (jail.proxy && next < carried.size()) report.listener = std::move(carried[next++]);
  return true;
}

Result<End> judge(const std::string& reason, const std::optional<jail::StatusMessage>& report,
                  const Cgroup& cgroup, const std::string& name) {
  if (report && report->kind == jail::Status::failed) {
    const std::string step = report->text;
    Error error{Errc::refused, "sandbox: " + step + ": " + strerror(report->error)};
    if (step.rfind("execve", 0) == 0) {
      error = Error{report->error == ENOENT ? Errc::not_found : Errc::usage,
                    "program " + name + ": " + strerror(report->error) + " (inside the sandbox)"};
    }
    return error;
  }
  if (reason == "stop") return Error{Errc::cancelled, "the run was stopped"};
  // Too much output that was found only after the end is as much too much.
  if (reason == "output_bytes") return End{Killed{SIGKILL, "output_bytes"}};
  if (cgroup.out_of_memory()) return End{Killed{SIGKILL, "memory"}};
  if (!report) {
    if (reason == "wall") return End{TimedOut{"wall"}};
    return Error{Errc::internal, "sandbox: the launcher ended without a report"};
  }
  switch (report->kind) {
    case jail::Status::exited:
      return End{Exited{report->value}};
    case jail::Status::limit:
      if (std::string_view(report->text) == "cpu") return End{TimedOut{"cpu"}};
      return End{Killed{SIGKILL, report->text}};
    case jail::Status::signalled:
      if (report->value == SIGSYS) return End{Violated{"a system call of another architecture"}};
      if (report->value == SIGXFSZ) return End{Killed{SIGXFSZ, "file_bytes"}};
      if (report->value == SIGXCPU) return End{TimedOut{"cpu"}};
      return End{Killed{report->value, ""}};
    case jail::Status::failed:
    case jail::Status::ready:
      break;
  }
  return Error{Errc::internal, "sandbox: the launcher's report makes no sense"};
}

}  // namespace sandbox
