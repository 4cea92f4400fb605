// As in worker.cpp, poll() and no io_context: it watches the program's socket, its standard error,
// of which the end is kept for messages, the jail's status socket, on which the proxy's listener
// comes, and an eventfd that the stop token writes to.

#include "sandbox/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/resident.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using Clock = std::chrono::steady_clock;

constexpr size_t kKeptErrors = 1000;

}  // namespace

struct Service::State {
  Resident program;
  policies::Policy policy;
  std::function<void(const ProxyEvent&)> on_proxy;
  std::unique_ptr<Proxy> proxy{};
  std::string unread{}, errors{};
  bool errors_closed = false;
  size_t looked = 0;  ///< bytes of `unread` in which there is no end of a line
  std::array<char, 65536> buffer{};

  void hear_errors() {
    ssize_t n = 0;
    while ((n = read(program.prepared.err.get(), buffer.data(), buffer.size())) > 0) {
      errors.append(buffer.data(), static_cast<size_t>(n));
      if (errors.size() > kKeptErrors) errors.erase(0, errors.size() - kKeptErrors);
    }
    errors_closed = n == 0;
  }

  /// Serves the jail's only way out as soon as it is there. Should that fail, nobody answers there.
  void hear_status() {
    while (read_status(program.prepared.status.get(), program.jail, program.report) ==
           Heard::message) {
      if (!program.report.listener) continue;
      ProxyOptions options;
      options.filter = [this](std::string_view host, uint16_t port) {
        return policies::decide_host(policy, host, port);
      };
      options.report = on_proxy;
      Result<std::unique_ptr<Proxy>> started =
          Proxy::start(std::move(program.report.listener), std::move(options));
      if (started) proxy = std::move(*started);
    }
  }

  Error ended() {
    const Result<End> end = program.end("");
    hear_errors();
    if (!end) return end.error();
    Outcome outcome;
    outcome.end = *end;
    std::string message = program.name + " has ended: " + describe(outcome);
    if (!errors.empty()) message += " (" + errors + ")";
    return {Errc::corrupt, message};
  }

  /// Waits for the socket to be ready for `events`, and hears what else comes meanwhile.
  base::Status wait(short events, Deadline deadline, const std::stop_token& token) {
    const std::stop_callback on_stop(token, [this] { program.wake(); });
    for (;;) {
      if (token.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return Error{Errc::limit, program.name + " took too long"};
      // An end of the status socket says nothing that the program's socket does not say as well.
      pollfd watched[4] = {{program.prepared.events.get(), events, 0},
                           {errors_closed ? -1 : program.prepared.err.get(), POLLIN, 0},
                           {program.report.end ? -1 : program.prepared.status.get(), POLLIN, 0},
                           {program.stop.get(), POLLIN, 0}};
      const int ready = poll(watched, 4, static_cast<int>(std::min<long>(left, 1 << 30)));
      if (ready < 0 && errno != EINTR) return Error{Errc::system, strerror(errno)};
      if (ready <= 0) continue;
      if (watched[1].revents != 0) hear_errors();
      if (watched[2].revents != 0) hear_status();
      if (watched[0].revents != 0) return base::Ok{};
      if ((watched[2].revents & POLLHUP) != 0) return ended();
    }
  }
};

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}

Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::start(const Program& program,
                                                const policies::Policy& policy) {
  Program resident = program;
  resident.workspace_writable = false;
  resident.network = true;
  Result<Resident> started = Resident::start(resident, policy, Wiring::service);
  if (!started) return started.error();
  return std::unique_ptr<Service>(new Service(std::unique_ptr<State>(
      new State{.program = std::move(*started), .policy = policy, .on_proxy = program.on_proxy})));
}

base::Status Service::send(std::string_view bytes, Deadline deadline, std::stop_token stop) {
  State& s = *state_;
  while (!bytes.empty()) {
    const ssize_t n =
        ::send(s.program.prepared.events.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return s.ended();
    // What the program prints meanwhile is taken in, or both sides would wait for each other.
    if (base::Status ready = s.wait(POLLIN | POLLOUT, deadline, stop); !ready) return ready;
    if (s.unread.size() > s.policy.limits.output_bytes)
      return Error{Errc::limit, s.program.name + " prints more than it reads"};
    const ssize_t heard =
        recv(s.program.prepared.events.get(), s.buffer.data(), s.buffer.size(), MSG_DONTWAIT);
    if (heard > 0) s.unread.append(s.buffer.data(), static_cast<size_t>(heard));
    if (heard == 0) return s.ended();
  }
  return base::Ok{};
}

Result<std::string> Service::read_line(Deadline deadline, std::stop_token stop) {
  State& s = *state_;
  for (;;) {
    if (const size_t end = s.unread.find('\n', s.looked); end != std::string::npos) {
      std::string line = s.unread.substr(0, end);
      s.unread.erase(0, end + 1);
      s.looked = 0;
      return line;
    }
    s.looked = s.unread.size();
    if (s.unread.size() > s.policy.limits.output_bytes)
      return Error{Errc::limit, s.program.name + " printed a line that is longer than allowed"};
    if (base::Status ready = s.wait(POLLIN, deadline, stop); !ready) return ready.error();
    const ssize_t n =
        recv(s.program.prepared.events.get(), s.buffer.data(), s.buffer.size(), MSG_DONTWAIT);
    if (n > 0) s.unread.append(s.buffer.data(), static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return s.ended();
  }
}

}  // namespace sandbox
