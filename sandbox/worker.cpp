// A call is one send, one poll and one receive where nothing goes wrong, so there is no io_context
// here. poll() watches the program's socket, the launcher's pidfd, and an eventfd that the stop
// token writes to.

#include "sandbox/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/resident.h"

namespace sandbox {

using base::Errc;
using base::Error;
using base::Result;
using Clock = std::chrono::steady_clock;

struct Worker::State {
  Resident program;
  policies::Limits limits;
  bool only_adds = false;
  std::array<char, 65536> buffer{};

  /// The layer comes before the program starts, so it is here when the first reply is.
  bool see_layer() {
    while (!program.report.layer && read_status(program.prepared.status.get(), program.jail,
                                                program.report) == Heard::message) {
    }
    return static_cast<bool>(program.report.layer);
  }
};

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {}

Worker::~Worker() = default;

Result<std::unique_ptr<Worker>> Worker::start(const Program& program,
                                              const policies::Policy& policy) {
  Result<Resident> resident = Resident::start(program, policy, Wiring::worker);
  if (!resident) return resident.error();
  return std::unique_ptr<Worker>(new Worker(std::unique_ptr<State>(new State{
      .program = std::move(*resident), .limits = policy.limits, .only_adds = program.only_adds})));
}

Result<Worker::Reply> Worker::call(std::string_view request, std::stop_token stop) {
  State& s = *state_;
  if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
  const std::stop_callback on_stop(stop, [&s] { s.program.wake(); });
  const Clock::time_point start = Clock::now();
  const Clock::time_point deadline = start + s.limits.wall;
  std::string line(request);
  line += '\n';
  std::string_view unsent = line;
  Reply reply;
  for (;;) {
    if (!unsent.empty()) {
      const ssize_t n =
          send(s.program.prepared.events.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (n > 0) unsent.remove_prefix(static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR) return finish(std::move(reply), "");
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return finish(std::move(reply), "wall");
    pollfd watched[3] = {{s.program.prepared.events.get(),
                          static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                         {s.program.prepared.zygote->launcher.pidfd(), POLLIN, 0},
                         {s.program.stop.get(), POLLIN, 0}};
    const int ready = poll(watched, 3, static_cast<int>(std::min<long>(left, 1 << 30)));
    if (ready < 0 && errno != EINTR) return finish(std::move(reply), "");
    if (ready <= 0) continue;
    if (watched[2].revents != 0) return finish(std::move(reply), "stop");
    if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      const ssize_t n = recv(s.program.prepared.events.get(), s.buffer.data(), s.buffer.size(), 0);
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
  Result<End> end = s.program.end(reason);
  if (!end) return end.error();
  Outcome outcome;
  outcome.end = *end;
  const ssize_t n = read(s.program.prepared.err.get(), s.buffer.data(), s.buffer.size());
  if (n > 0) outcome.err.assign(s.buffer.data(), static_cast<size_t>(n));
  if (s.program.report.end) {
    outcome.cpu = std::chrono::milliseconds(s.program.report.end->cpu_us / 1000);
    outcome.peak_bytes =
        std::max(s.program.report.end->peak_bytes, s.program.prepared.cgroup.peak_bytes());
  }
  reply.end = std::move(outcome);
  return reply;
}

bool Worker::wrote() {
  State& s = *state_;
  if (!s.see_layer()) return false;
  struct statfs info {};
  if (fstatfs(s.program.report.layer.get(), &info) != 0) return true;
  // The places of a tmpfs are counted exactly, so an unchanged number means an untouched layer.
  return info.f_files - info.f_ffree > 1;
}

std::optional<Layer> Worker::take_layer() {
  State& s = *state_;
  if (!s.see_layer()) return std::nullopt;
  return Layer{.upper = std::move(s.program.report.layer), .before = {}, .only_adds = s.only_adds};
}

}  // namespace sandbox
