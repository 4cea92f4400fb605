// The supervisor. An io_context of its own, driven by the calling thread, waits for six things at
// once:
//
//   stdout, stderr, events   pipes, read as far as output_bytes
//   status socket            what the jail reports, at the end that every process of the program
//                            is dead; it ends when the jail is gone; shutting it down is the order
//                            to end the jail
//   pidfd of the launcher    readable when it is gone, and then so is every process inside
//   timer                    the wall clock
//
// Standard input is a sealed memory file, so there is no pipe to feed and no SIGPIPE to catch. When
// the program is gone the pipes hold all there will ever be: they are emptied without waiting,
// since a descriptor that another thread's child happens to have inherited must not delay the
// result.

#include "sandbox/sandbox.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/net.h"
#include "sandbox/jail.h"
#include "sandbox/launch.h"
#include "sandbox/workspace/distill.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;
using Stream = net::posix::stream_descriptor;

/// One of the program's output streams.
struct Sink {
  Stream stream;
  std::string* text;
  std::array<char, 65536> buffer;
};

class Supervisor {
 public:
  Supervisor(const Program& program, const policies::Policy& policy, const Jail& jail,
             Outcome& outcome)
      : program_(program),
        policy_(policy),
        limits_(policy.limits),
        jail_(jail),
        outcome_(outcome),
        status_(io_),
        pidfd_(io_),
        wall_(io_),
        grace_(io_) {}

  /// Waits until the program and all its descendants are gone. Descriptors are taken over.
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
  Report& report() { return report_; }

 private:
  void read(Sink& sink) {
    sink.stream.async_read_some(net::buffer(sink.buffer),
                                [this, &sink](boost::system::error_code ec, size_t n) {
                                  if (ec) return;
                                  keep(sink, n);
                                  if (!ending_) read(sink);
                                });
  }

  void keep(Sink& sink, size_t n) {
    const size_t room =
        limits_.output_bytes - std::min<uint64_t>(limits_.output_bytes, sink.text->size());
    const std::string_view kept(sink.buffer.data(), std::min(n, room));
    sink.text->append(kept);
    if (program_.on_output && !kept.empty() && sink.text != &outcome_.events)
      program_.on_output(sink.text == &outcome_.out ? STDOUT_FILENO : STDERR_FILENO, kept);
    if (n > room) {
      outcome_.truncated = true;
      end_jail("output_bytes");
    }
  }

  void wait_status() {
    status_.async_wait(Stream::wait_read, [this](boost::system::error_code ec) {
      if (ec) return;
      if (read_status(status_.native_handle(), jail_, report_) == Heard::end) return finished();
      if (report_.listener) start_proxy();
      // Everything of the program is dead then; the jail itself takes a moment longer to be gone.
      if (report_.end && report_.end->kind != jail::Status::failed) return finished();
      wait_status();
    });
  }

  /// Serves the jail's only way out. Should that fail, nobody answers there.
  void start_proxy() {
    Result<std::unique_ptr<Proxy>> proxy = Proxy::start(
        std::move(report_.listener),
        {.filter = [this](std::string_view host,
                          uint16_t port) { return policies::decide_host(policy_, host, port); },
         .report = program_.on_proxy});
    if (proxy) proxy_ = std::move(*proxy);
  }

  /// Has pid 1 of the jail killed. Should nobody answer, the launcher is killed, and all its jails
  /// with it.
  void end_jail(const char* reason) {
    if (!ended_for_.empty()) return;
    ended_for_ = reason;
    shutdown(status_.native_handle(), SHUT_WR);
    grace_.expires_after(std::chrono::seconds(2));
    grace_.async_wait([this](boost::system::error_code ec) {
      if (!ec) launcher_->kill_now();
    });
  }

  /// Nobody writes any more.
  void finished() {
    if (std::exchange(ending_, true)) return;
    while (read_status(status_.native_handle(), jail_, report_) == Heard::message) {
    }
    for (const std::unique_ptr<Sink>& sink : sinks_) sink->stream.cancel();
    // Behind the reads that are done already and whose handlers have yet to run.
    net::post(io_, [this] { drain(); });
  }

  void drain() {
    for (const std::unique_ptr<Sink>& sink : sinks_) {
      while (!outcome_.truncated) {
        ssize_t n = ::read(sink->stream.native_handle(), sink->buffer.data(), sink->buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        keep(*sink, static_cast<size_t>(n));
      }
    }
    io_.stop();
  }

  const Program& program_;
  const policies::Policy& policy_;
  const policies::Limits& limits_;
  const Jail& jail_;
  Outcome& outcome_;
  net::io_context io_{1};
  Stream status_, pidfd_;
  net::steady_timer wall_, grace_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  Launcher* launcher_ = nullptr;
  std::string ended_for_;
  bool ending_ = false;
  Report report_;
  std::unique_ptr<Proxy> proxy_;
};

}  // namespace

Result<Outcome> run_in(Prepared& prepared, const Program& program, const policies::Policy& policy,
                       Jail& jail, std::stop_token stop) {
  if (base::Status s = prepared.go(jail, program.stdin_text); !s) return s.error();
  Outcome outcome;
  Supervisor supervisor(program, policy, jail, outcome);
  supervisor.run(std::move(prepared.out), std::move(prepared.err), std::move(prepared.events),
                 std::move(prepared.status), prepared.zygote->launcher, stop);
  Report& report = supervisor.report();
  read_rest(-1, *prepared.zygote, jail, report);
  prepared.spoiled = !report.end || report.end->kind == jail::Status::failed;
  Result<End> end = judge(supervisor.ended_for(), report.end, prepared.cgroup, program.argv[0]);
  if (!end) return end.error();
  outcome.end = *end;
  if (report.end) {
    outcome.peak_bytes = report.end->peak_bytes;
    outcome.cpu = std::chrono::milliseconds(report.end->cpu_us / 1000);
  }
  outcome.peak_bytes = std::max(outcome.peak_bytes, prepared.cgroup.peak_bytes());
  if (report.layer) {
    outcome.layer = Layer{.upper = std::move(report.layer),
                          .before = std::move(jail.before),
                          .only_adds = program.only_adds};
    outcome.on_a_copy = report.copied;
    // A copy is worth nothing before it is distilled, and what a program that was ended left behind
    // is not kept anyway.
    if (report.copied && !std::holds_alternative<Exited>(outcome.end)) {
      outcome.layer.reset();
    } else if (report.copied) {
      if (base::Status s = distill(*outcome.layer, jail.workspace); !s) return s.error();
    }
  }
  return outcome;
}

Result<Outcome> run(const Program& program, const policies::Policy& policy, std::stop_token stop) {
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    Result<std::shared_ptr<Zygote>> zygote = Zygote::make(jail->owner);
    if (!zygote) return zygote.error();
    Result<Prepared> prepared = Prepared::make(std::move(*zygote), Wiring::run);
    if (!prepared) return prepared.error();
    Result<Outcome> outcome = run_in(*prepared, program, policy, *jail, stop);
    // Waits until the jail is gone, so that its group can be removed at once.
    prepared->zygote.reset();
    return outcome;
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
      if (k.limit == "disk_bytes") return "killed: wrote more to the workspace than allowed";
      if (k.limit == "files") return "killed: made more files than allowed";
      return "killed by signal " + std::to_string(k.signal);
    }
    std::string operator()(const TimedOut& t) const { return "timed out (" + t.limit + ")"; }
    std::string operator()(const Violated& v) const { return "broke the policy: " + v.what; }
  };
  return std::visit(Words{}, outcome.end);
}

}  // namespace sandbox
