// A call is one send, one poll and one receive where nothing goes wrong, so there is no io_context
// here. poll() watches the program's socket, the launcher's pidfd, and an eventfd that the stop
// token writes to.

#include "sandbox/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/jail.h"
#include "sandbox/launch.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

constexpr int kGraceMs = 2000;

}  // namespace

struct Worker::State {
  std::string name;
  policies::Limits limits;
  bool only_adds = false;
  Jail jail;
  Prepared prepared;
  UniqueFd stop;
  Report report{};
  std::array<char, 65536> buffer{};

  /// The layer comes before the program starts, so it is here when the first reply is.
  bool see_layer() {
    while (!report.layer && read_status(prepared.status.get(), jail, report) == Heard::message) {
    }
    return static_cast<bool>(report.layer);
  }
};

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {}

Worker::~Worker() = default;

Result<std::unique_ptr<Worker>> Worker::start(const Program& program,
                                              const policies::Policy& policy) {
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop) return Error{Errc::system, std::string("eventfd: ") + strerror(errno)};
    Result<std::shared_ptr<Zygote>> zygote = Zygote::make(jail->owner);
    if (!zygote) return zygote.error();
    Result<Prepared> prepared = Prepared::make(std::move(*zygote), Wiring::worker);
    if (!prepared) return prepared.error();
    if (base::Status s = prepared->go(*jail, ""); !s) return s.error();
    return std::unique_ptr<Worker>(
        new Worker(std::unique_ptr<State>(new State{.name = program.argv[0],
                                                    .limits = policy.limits,
                                                    .only_adds = program.only_adds,
                                                    .jail = std::move(*jail),
                                                    .prepared = std::move(*prepared),
                                                    .stop = std::move(stop)})));
  } catch (const std::exception& e) {
    return Error{Errc::system, std::string("sandbox: ") + e.what()};
  }
}

Result<Worker::Reply> Worker::call(std::string_view request, std::stop_token stop) {
  State& s = *state_;
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  const std::stop_callback on_stop(stop, [&s] {
    const uint64_t one = 1;
    (void)!write(s.stop.get(), &one, sizeof one);
  });
  const Clock::time_point start = Clock::now();
  const Clock::time_point deadline = start + s.limits.wall;
  std::string line(request);
  line += '\n';
  std::string_view unsent = line;
  Reply reply;
  for (;;) {
    if (!unsent.empty()) {
      const ssize_t n = send(s.prepared.events.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (n > 0) unsent.remove_prefix(static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR) return finish(std::move(reply), "");
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return finish(std::move(reply), "wall");
    pollfd watched[3] = {{s.prepared.events.get(),
                          static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                         {s.prepared.zygote->launcher.pidfd(), POLLIN, 0},
                         {s.stop.get(), POLLIN, 0}};
    const int ready = poll(watched, 3, static_cast<int>(std::min<long>(left, 1 << 30)));
    if (ready < 0 && errno != EINTR) return finish(std::move(reply), "");
    if (ready <= 0) continue;
    if (watched[2].revents != 0) return finish(std::move(reply), "stop");
    if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      const ssize_t n = recv(s.prepared.events.get(), s.buffer.data(), s.buffer.size(), 0);
      if (n == 0) return finish(std::move(reply), "");
      if (n < 0 && errno != EAGAIN && errno != EINTR) return finish(std::move(reply), "");
      if (n > 0) reply.lines.append(s.buffer.data(), static_cast<size_t>(n));
      if (reply.lines.size() > s.limits.output_bytes + 2)
        return finish(std::move(reply), "output_bytes");
      if (reply.lines == "\n" || reply.lines.ends_with("\n\n")) {
        reply.lines.pop_back();
        busy_ += Clock::now() - start;
        return reply;
      }
      continue;  // what it said before it ended comes first
    }
    if (watched[1].revents != 0) return finish(std::move(reply), "");
  }
}

Result<Worker::Reply> Worker::finish(Reply reply, const std::string& reason) {
  State& s = *state_;
  // Shutting down the status socket is the order to end the jail, but only where we give it: a
  // program that ended by itself is still being reported on.
  if (!reason.empty()) shutdown(s.prepared.status.get(), SHUT_WR);
  pollfd gone{s.prepared.status.get(), 0, 0};
  if (poll(&gone, 1, kGraceMs) == 0) {
    shutdown(s.prepared.status.get(), SHUT_WR);
    Prepared::await_end(s.prepared.status.get());
    s.prepared.zygote->launcher.kill_now();
  }
  read_rest(s.prepared.status.get(), *s.prepared.zygote, s.jail, s.report);
  Result<End> end = judge(reason, s.report.end, s.prepared.cgroup, s.name);
  if (!end) return end.error();
  Outcome outcome;
  outcome.end = *end;
  const ssize_t n = read(s.prepared.err.get(), s.buffer.data(), s.buffer.size());
  if (n > 0) outcome.err.assign(s.buffer.data(), static_cast<size_t>(n));
  if (s.report.end) {
    outcome.cpu = std::chrono::milliseconds(s.report.end->cpu_us / 1000);
    outcome.peak_bytes = std::max(s.report.end->peak_bytes, s.prepared.cgroup.peak_bytes());
  }
  reply.end = std::move(outcome);
  return reply;
}

bool Worker::wrote() {
  State& s = *state_;
  if (!s.see_layer()) return false;
  struct statfs info {};
  if (fstatfs(s.report.layer.get(), &info) != 0) return true;
  // The places of a tmpfs are counted exactly, so an unchanged number means an untouched layer.
  return info.f_files - info.f_ffree > 1;
}

std::optional<Layer> Worker::take_layer() {
  State& s = *state_;
  if (!s.see_layer()) return std::nullopt;
  return Layer{.upper = std::move(s.report.layer), .before = {}, .only_adds = s.only_adds};
}

}  // namespace sandbox
