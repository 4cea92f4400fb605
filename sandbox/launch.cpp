#include "sandbox/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
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

/// Sends `bytes` with descriptors in one message; prepare() bounds the mounts far below what fits.
bool send_with(int socket, std::string_view bytes, const std::vector<int>& fds) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(jail::kMaxMessageFds * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

Error told_by(const Zygote& zygote) {
  Report report;
  read_rest(-1, zygote, Jail{}, report);
  if (!report.end) return Error{Errc::internal, "sandbox: the launcher ended without a report"};
  return Error{Errc::refused,
               std::string("sandbox: ") + report.end->text + ": " + strerror(report.end->error)};
}

/// Detached copies of the mounts of `binds`, already read-only where they have to be. Empty where
/// this process may not copy mounts: then the jail, which may, opens them by itself. Root may
/// search every folder on the way to them; the jail, without capabilities outside, may not.
Result<std::vector<UniqueFd>> open_binds(const std::vector<Mount>& binds) {
  std::vector<UniqueFd> trees;
  if (geteuid() != 0) return trees;
  for (const Mount& bind : binds) {
    UniqueFd tree(static_cast<int>(
        syscall(SYS_open_tree, AT_FDCWD, bind.path.c_str(),
                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW)));
    if (!tree && errno == EPERM) return std::vector<UniqueFd>();
    if (!tree)
      return Error{Errc::refused, "sandbox: bind " + bind.path.string() + ": " + strerror(errno)};
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (!bind.writable) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    attributes.propagation = MS_PRIVATE;
    if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                sizeof attributes) != 0) {
      return Error{Errc::refused,
                   "sandbox: mount_setattr " + bind.path.string() + ": " + strerror(errno)};
    }
    trees.push_back(std::move(tree));
  }
  return trees;
}

}  // namespace

Result<std::shared_ptr<Zygote>> Zygote::make(Owner owner) {
  Result<JailBase> base = prepare_base(owner);
  if (!base) return base.error();
  Result<UniqueFd> base_file = memory_file("jail"),
                   nothing = lift(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
  if (!base_file) return base_file.error();
  if (!nothing) return nothing.error();
  if (base::Status s = fill_and_seal(*base_file, base->spec); !s) return s.error();
  Result<Pair> control = make_socketpair(SOCK_SEQPACKET);
  if (!control) return control.error();
  bp::environment no_environment;
  std::error_code spawn_error;
  bp::child child(bp::exe = base->launcher.string(), bp::args = std::vector<std::string>{},
                  no_environment, bp::posix::use_vfork, bp::posix::fd.bind(0, nothing->get()),
                  bp::posix::fd.bind(1, nothing->get()), bp::posix::fd.bind(2, nothing->get()),
                  bp::posix::fd.bind(jail::kEventsFd, nothing->get()),
                  bp::posix::fd.bind(jail::kControlFd, control->theirs.get()),
                  bp::posix::fd.bind(jail::kBaseFd, base_file->get()),
                  bp::posix::fd.bind(jail::kProgramFd, nothing->get()), spawn_error);
  if (spawn_error) {
    return Error{Errc::refused, "the launcher " + base->launcher.string() +
                                    " cannot be run: " + spawn_error.message()};
  }
  const pid_t pid = child.id();
  child.detach();  // Launcher reaps it
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const int error = errno;
  auto zygote =
      std::make_shared<Zygote>(owner, Launcher(pid, std::move(pidfd)), std::move(control->ours));
  if (zygote->launcher.pidfd() < 0)
    return Error{Errc::refused, std::string("sandbox: pidfd_open: ") + strerror(error)};
  return zygote;
}

Result<Prepared> Prepared::make(std::shared_ptr<Zygote> zygote, Wiring wiring) {
  const bool resident = wiring != Wiring::run;
  Result<UniqueFd> program = memory_file("program"), in = memory_file("stdin");
  for (const Result<UniqueFd>* file : {&program, &in}) {
    if (!*file) return file->error();
  }
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
  std::string detail;
  Cgroup cgroup = Cgroup::create(detail);
  Result<std::vector<UniqueFd>> groups = cgroup.open();
  if (!groups) return groups.error();
  const jail::JailRequest request{.groups = static_cast<uint32_t>(groups->size()),
                                  .unified = cgroup.unified() ? 1u : 0u};
  const bool service = wiring == Wiring::service;
  const int talk = events->theirs.get(), rest = err->theirs.get();
  std::vector<int> fds = {service ? talk : in->get(),
                          service    ? talk
                          : resident ? rest
                                     : out->theirs.get(),
                          rest,
                          service ? rest : talk,
                          status->theirs.get(),
                          program->get()};
  for (const UniqueFd& group : *groups) fds.push_back(group.get());
  if (!send_with(zygote->control.get(), {reinterpret_cast<const char*>(&request), sizeof request},
                 fds)) {
    return told_by(*zygote);
  }
  return Prepared{.zygote = std::move(zygote),
                  .cgroup = std::move(cgroup),
                  .in = std::move(*in),
                  .program = std::move(*program),
                  .out = std::move(out->ours),
                  .err = std::move(err->ours),
                  .events = std::move(events->ours),
                  .status = std::move(status->ours)};
}

base::Status Prepared::go(const Jail& jail, const std::string& stdin_text) {
  if (base::Status s = fill_and_seal(program, jail.spec); !s) return s;
  if (base::Status s = fill_and_seal(in, stdin_text); !s) return s;
  cgroup.set_limits(jail.memory_bytes, jail.max_processes);
  Result<std::vector<UniqueFd>> trees = open_binds(jail.binds);
  if (!trees) return trees.error();
  std::vector<int> fds;
  for (const UniqueFd& tree : *trees) fds.push_back(tree.get());
  // A jail that failed has said so on this socket; that is read by whoever waits for the end.
  (void)send_with(status.get(), {&jail::kGo, 1}, fds);
  return base::Ok{};
}

void Prepared::await_end(int status) {
  // Only an end of both directions, which is that of the last process that holds the other side.
  pollfd gone{status, 0, 0};
  for (int i = 0; i < 20 && poll(&gone, 1, 100) <= 0; ++i) {
  }
}

Launcher::Launcher(Launcher&& other) noexcept
    : pid_(other.pid_), pidfd_(std::move(other.pidfd_)), reaped_(other.reaped_) {
  other.reaped_ = true;
}

Launcher::~Launcher() { await_end(); }

bool Launcher::is_gone() const {
  pollfd gone{pidfd_.get(), POLLIN, 0};
  return poll(&gone, 1, 0) > 0;
}

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

Heard read_status(int status, const Jail& jail, Report& report) {
  jail::StatusMessage message{};
  iovec part{&message, sizeof message};
  int fds[2];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  // A peer that ended before it read what we sent is told first, and only then what it said.
  ssize_t n = 0;
  do n = recvmsg(status, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  std::vector<UniqueFd> carried;
  if (n >= 0) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      memcpy(fds, CMSG_DATA(c), count * sizeof(int));
      for (size_t i = 0; i < count; ++i) carried.emplace_back(fds[i]);
    }
  }
  if (n == 0 || (n < 0 && errno != EAGAIN)) return Heard::end;
  if (n != static_cast<ssize_t>(sizeof message)) return Heard::nothing;
  message.text[sizeof message.text - 1] = '\0';
  if (message.kind != jail::Status::ready) {
    if (!report.end) report.end = message;
    return Heard::message;
  }
  report.copied = message.value != 0;
  size_t next = 0;
  if (jail.layer != jail::LayerKind::none && next < carried.size())
    report.layer = std::move(carried[next++]);
  if (jail.proxy && next < carried.size()) report.listener = std::move(carried[next++]);
  return Heard::message;
}

void read_rest(int status, const Zygote& zygote, const Jail& jail, Report& report) {
  while (status >= 0 && read_status(status, jail, report) == Heard::message) {
  }
  while (!report.end && read_status(zygote.control.get(), jail, report) == Heard::message) {
  }
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
