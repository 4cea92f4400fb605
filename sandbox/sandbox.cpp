// The supervisor. Boost.Process executes the launcher (by vfork, so the size of this process does
// not matter), and an io_context of its own, driven by the calling thread, waits for six things at
// once:
//
//   stdout, stderr, events   pipes, read as far as output_bytes
//   status socket            what the launcher reports; shutting it down is the order to end the
//   jail pidfd of the launcher    readable when it is gone, and then so is every process inside
//   timer                    the wall clock
//
// Standard input is a sealed memory file, so there is no pipe to feed and no SIGPIPE to catch. When
// the launcher is gone the pipes hold all there will ever be: they are emptied without waiting,
// since a descriptor that another thread's child happens to have inherited must not delay the
// result.

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
// After base/net.h, which works around a missing include in what this pulls in.
#include <algorithm>
#include <array>
#include <boost/process.hpp>
#include <boost/process/posix.hpp>
#include <memory>
#include <optional>
#include <thread>

#include "base/unique_fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/jail.h"
#include "sandbox/launcher/jail_spec.h"
#include "sandbox/seccomp_filter.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;
using Stream = net::posix::stream_descriptor;
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

struct Pair {
  UniqueFd ours, theirs;
};

Result<Pair> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return system_error("pipe2");
  UniqueFd writer(fds[1]);
  Result<UniqueFd> ours = lift(fds[0], "pipe");
  if (!ours) return ours.error();
  Result<UniqueFd> theirs = lift(writer.release(), "pipe");
  if (!theirs) return theirs.error();
  return Pair{std::move(*ours), std::move(*theirs)};
}

Result<Pair> make_socketpair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return system_error("socketpair");
  UniqueFd second(fds[1]);
  Result<UniqueFd> ours = lift(fds[0], "socketpair");
  if (!ours) return ours.error();
  Result<UniqueFd> theirs = lift(second.release(), "socketpair");
  if (!theirs) return theirs.error();
  return Pair{std::move(*ours), std::move(*theirs)};
}

/// A memory file with `content` that nobody can change, at offset 0.
Result<UniqueFd> sealed_file(const char* name, const std::string& content) {
  Result<UniqueFd> file = lift(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
  if (!file) return file;
  for (size_t done = 0; done < content.size();) {
    ssize_t n =
        pwrite(file->get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error("write to a memory file");
    done += static_cast<size_t>(n);
  }
  if (fcntl(file->get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    return system_error("seal a memory file");
  }
  return file;
}

/// A running launcher. If it is let go before it ended, it is killed, and the kernel kills the jail
/// with it.
class Launcher {
 public:
  explicit Launcher(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  ~Launcher() {
    kill_now();
    reap();
  }
  int pidfd() const { return pidfd_.get(); }
  void kill_now() {
    if (!reaped_) ::kill(pid_, SIGKILL);
  }
  void reap() {
    if (reaped_) return;
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
  }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
  bool reaped_ = false;
};

/// One of the program's output streams.
struct Sink {
  Stream stream;
  std::string* text;
  std::array<char, 65536> buffer;
};

class Supervisor {
 public:
  Supervisor(const policies::Limits& limits, Outcome& outcome)
      : limits_(limits), outcome_(outcome), status_(io_), pidfd_(io_), wall_(io_), grace_(io_) {}

  /// Waits until the launcher is gone. Descriptors are taken over.
  void run(UniqueFd out, UniqueFd err, UniqueFd events, UniqueFd status, Launcher& launcher,
           std::stop_token stop) {
    const Clock::time_point start = Clock::now();
    launcher_ = &launcher;
    for (auto [fd, text] :
         {std::pair{&out, &outcome_.out}, {&err, &outcome_.err}, {&events, &outcome_.events}}) {
      auto sink = std::make_unique<Sink>(Sink{Stream(io_, fd->release()), text, {}});
      boost::system::error_code ignored;
      sink->stream.non_blocking(true, ignored);
      read(*sink);
      sinks_.push_back(std::move(sink));
    }
    status_.assign(status.release());
    wait_status();
    pidfd_.assign(dup(launcher.pidfd()));
    pidfd_.async_wait(Stream::wait_read, [this](boost::system::error_code) { finished(); });
    wall_.expires_after(limits_.wall);
    wall_.async_wait([this](boost::system::error_code ec) {
      if (!ec) end_jail("wall");
    });
    {
      std::stop_callback on_stop(stop, [this] { net::post(io_, [this] { end_jail("stop"); }); });
      io_.run();
    }
    outcome_.wall = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  }

  /// Why this side ended the jail: wall, output_bytes, stop; or empty.
  const std::string& ended_for() const { return ended_for_; }
  const std::optional<jail::StatusMessage>& report() const { return report_; }

 private:
  void read(Sink& sink) {
    sink.stream.async_read_some(net::buffer(sink.buffer),
                                [this, &sink](boost::system::error_code ec, size_t n) {
                                  if (ec) return;
                                  keep(sink, n);
                                  read(sink);
                                });
  }

  void keep(Sink& sink, size_t n) {
    const size_t room =
        limits_.output_bytes - std::min<uint64_t>(limits_.output_bytes, sink.text->size());
    sink.text->append(sink.buffer.data(), std::min(n, room));
    if (n > room) {
      outcome_.truncated = true;
      end_jail("output_bytes");
    }
  }

  void wait_status() {
    status_.async_wait(Stream::wait_read, [this](boost::system::error_code ec) {
      if (ec) return;
      if (read_status()) wait_status();
    });
  }

  /// Takes one message; false when there is none.
  bool read_status() {
    jail::StatusMessage message{};
    ssize_t n = recv(status_.native_handle(), &message, sizeof message, MSG_DONTWAIT);
    if (n != static_cast<ssize_t>(sizeof message)) return false;
    message.text[sizeof message.text - 1] = '\0';
    if (!report_) report_ = message;
    return true;
  }

  /// Tells the launcher to kill pid 1 of the jail and to wait for it. Should it not answer, it is
  /// killed itself.
  void end_jail(const char* reason) {
    if (!ended_for_.empty()) return;
    ended_for_ = reason;
    shutdown(status_.native_handle(), SHUT_WR);
    grace_.expires_after(std::chrono::seconds(2));
    grace_.async_wait([this](boost::system::error_code ec) {
      if (!ec) launcher_->kill_now();
    });
  }

  void finished() {
    while (read_status()) {
    }
    for (const std::unique_ptr<Sink>& sink : sinks_) {
      sink->stream.cancel();
      for (;;) {
        ssize_t n = ::read(sink->stream.native_handle(), sink->buffer.data(), sink->buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        keep(*sink, static_cast<size_t>(n));
        if (outcome_.truncated) break;
      }
    }
    io_.stop();
  }

  const policies::Limits& limits_;
  Outcome& outcome_;
  net::io_context io_{1};
  Stream status_, pidfd_;
  net::steady_timer wall_, grace_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  Launcher* launcher_ = nullptr;
  std::string ended_for_;
  std::optional<jail::StatusMessage> report_;
};

Result<std::variant<Exited, Killed, TimedOut, Violated>> judge(const Supervisor& supervisor,
                                                               const Cgroup& cgroup,
                                                               const Program& program) {
  using End = std::variant<Exited, Killed, TimedOut, Violated>;
  const std::optional<jail::StatusMessage>& report = supervisor.report();
  if (report && report->kind == jail::Status::failed) {
    const std::string step = report->text;
    Error error{Errc::refused, "sandbox: " + step + ": " + strerror(report->error)};
    if (step.rfind("execve", 0) == 0) {
      error = Error{
          report->error == ENOENT ? Errc::not_found : Errc::usage,
          "program " + program.argv[0] + ": " + strerror(report->error) + " (inside the sandbox)"};
    }
    return error;
  }
  const std::string& reason = supervisor.ended_for();
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
      break;
  }
  return Error{Errc::internal, "sandbox: the launcher's report makes no sense"};
}

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// Looks for what was not there before and must not stay: protected names, which it renames, and
/// links out of the workspace, which it removes. Says what it did, or nothing.
Result<std::string> clean_up(const Jail& jail, const policies::Protect& protect) {
  // Rights to a folder that were taken away are given back, or a name in it could not be seen.
  Result<WorkspaceScan> after = scan_workspace(jail.workspace, protect, true);
  if (!after) {
    if (after.error().code == Errc::refused) return "left a " + after.error().message;
    return after.error();
  }
  std::string what;
  for (const ProtectedPath& found : after->protected_paths) {
    if (contains(jail.before.protected_paths, found)) continue;
    Result<std::string> aside = set_aside(jail.workspace, found.path);
    if (!aside) return aside.error();
    what += (what.empty() ? "made " : ", ") + found.path + " (now " + *aside + ")";
  }
  for (const LinkOut& link : after->links_out) {
    if (contains(jail.before.links_out, link)) continue;
    if (base::Status s = remove_link(jail.workspace, link); !s) return s.error();
    what +=
        (what.empty() ? "made " : ", ") + link.path + ", a link to " + link.target + " (removed)";
  }
  return what;
}

Result<Outcome> run_prepared(const Program& program, const policies::Policy& policy,
                             const Jail& jail, std::stop_token stop) {
  Result<UniqueFd> spec = sealed_file("jail", jail.spec);
  if (!spec) return spec.error();
  Result<UniqueFd> in = sealed_file("stdin", program.stdin_text);
  if (!in) return in.error();
  Result<Pair> out = make_pipe(), err = make_pipe(), events = make_pipe(),
               status = make_socketpair();
  for (const Result<Pair>* pair : {&out, &err, &events, &status}) {
    if (!*pair) return pair->error();
  }

  bp::environment nothing;
  std::error_code spawn_error;
  bp::child child(bp::exe = jail.launcher.string(), bp::args = std::vector<std::string>{}, nothing,
                  bp::posix::fd.bind(0, in->get()), bp::posix::fd.bind(1, out->theirs.get()),
                  bp::posix::fd.bind(2, err->theirs.get()),
                  bp::posix::fd.bind(jail::kEventsFd, events->theirs.get()),
                  bp::posix::fd.bind(jail::kStatusFd, status->theirs.get()),
                  bp::posix::fd.bind(jail::kSpecFd, spec->get()), spawn_error);
  if (spawn_error) {
    return Error{Errc::refused, "the launcher " + jail.launcher.string() +
                                    " cannot be run: " + spawn_error.message()};
  }
  Launcher launcher(child.id());
  child.detach();  // Launcher reaps it
  if (launcher.pidfd() < 0)
    return Error{Errc::refused, std::string("sandbox: pidfd_open: ") + strerror(errno)};
  for (Result<Pair>* pair : {&out, &err, &events, &status}) (*pair)->theirs.reset();

  Outcome outcome;
  Supervisor supervisor(policy.limits, outcome);
  supervisor.run(std::move(out->ours), std::move(err->ours), std::move(events->ours),
                 std::move(status->ours), launcher, stop);
  launcher.reap();

  auto end = judge(supervisor, jail.cgroup, program);
  if (jail.workspace_writable) {
    Result<std::string> planted = clean_up(jail, policy.protect);
    if (!planted) return planted.error();
    if (!planted->empty() && end) *end = Violated{*planted};
  }
  if (!end) return end.error();
  outcome.end = *end;
  if (const auto& report = supervisor.report()) {
    outcome.peak_bytes = report->peak_bytes;
    outcome.cpu = std::chrono::milliseconds(report->cpu_us / 1000);
  }
  outcome.peak_bytes = std::max(outcome.peak_bytes, jail.cgroup.peak_bytes());
  return outcome;
}

}  // namespace

Result<Outcome> run(const Program& program, const policies::Policy& policy, std::stop_token stop) {
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    return run_prepared(program, policy, *jail, stop);
  } catch (const std::exception& e) {
    return Error{Errc::system, std::string("sandbox: ") + e.what()};
  }
}

std::string describe(const Outcome& outcome) {
  struct Words {
    std::string operator()(const Exited& e) const { return "exit code " + std::to_string(e.code); }
    std::string operator()(const Killed& k) const {
      if (k.limit == "memory") return "killed: used more memory than allowed";
      if (k.limit == "processes") return "killed: started more processes than allowed";
      if (k.limit == "file_bytes") return "killed: wrote a larger file than allowed";
      if (k.limit == "output_bytes") return "killed: printed more than allowed";
      return "killed by signal " + std::to_string(k.signal);
    }
    std::string operator()(const TimedOut& t) const { return "timed out (" + t.limit + ")"; }
    std::string operator()(const Violated& v) const { return "broke the policy: " + v.what; }
  };
  return std::visit(Words{}, outcome.end);
}

std::vector<Probe> probe() {
  std::vector<Probe> result;
  Result<std::filesystem::path> launcher = find_launcher();
  result.push_back({"launcher", launcher.has_value(), true,
                    launcher ? launcher->string() : launcher.error().message});

  Result<std::string> filter = build_seccomp_filter();
  result.push_back(
      {"seccomp", filter.has_value(), true,
       filter ? std::to_string(filter->size() / 8) + " instructions" : filter.error().message});

  long abi = syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1);
  result.push_back(
      {"Landlock", abi >= 1, true,
       abi >= 1 ? "ABI " + std::to_string(abi)
                : std::string(strerror(errno)) + "; enable it with lsm=landlock,… at boot"});

  policies::Policy policy;
  policy.limits.wall = std::chrono::seconds(10);
  std::string detail;
  {
    Cgroup cgroup = Cgroup::create(policy.limits, detail);
    const std::string instead = "sampled every 20 ms instead (" + detail + ")";
    result.push_back({"cgroup memory limit", cgroup.limits_memory(), false,
                      cgroup.limits_memory() ? "in use, and sampled" : instead});
    result.push_back({"cgroup process limit", cgroup.limits_processes(), false,
                      cgroup.limits_processes() ? "in use, and sampled" : instead});
  }

  std::error_code ec;
  std::string folder = (std::filesystem::temp_directory_path(ec) / "tessera-probe-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    result.push_back({"confined run", false, true, std::string("mkdtemp: ") + strerror(errno)});
    return result;
  }
  Program program;
  program.argv = {"/bin/true"};
  program.workspace = folder;
  Result<Outcome> outcome = run(program, policy, {});
  const bool ok = outcome && outcome->end == decltype(outcome->end)(Exited{0});
  result.push_back({"confined run", ok, true,
                    ok        ? std::to_string(outcome->wall.count()) + " ms"
                    : outcome ? describe(*outcome)
                              : outcome.error().message});
  std::filesystem::remove(folder, ec);
  return result;
}

}  // namespace sandbox
