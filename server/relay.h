#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/net.h"
#include "server/http/http_server.h"
#include "server/service.h"

namespace server {

/// What has been written for a stream and not yet sent; all of it on the server's thread.
struct Relay {
  explicit Relay(std::shared_ptr<net::io_context> context)
      : io(std::move(context)), timer(*io, net::steady_timer::time_point::max()) {}

  /// Waits until something has happened, or for so long.
  net::awaitable<void> wait(std::chrono::milliseconds time);
  void wake();
  void fail(ApiError why);
  /// Nobody waits for it any more.
  void leave();
  bool over() const { return gone || ended; }

  std::shared_ptr<net::io_context> io;  // whoever posts last keeps it
  net::steady_timer timer;
  std::unique_ptr<ReplyWriter> writer;
  bool streams = false, woken = false, gone = false, ended = false;
  std::stop_source stop;  // of the job
  std::string out;
  Progress progress;
  std::vector<model::Generated> all;
  std::optional<ApiError> error;
};

/// Ends the job with the handler, also where that throws.
struct LeaveAtEnd {
  explicit LeaveAtEnd(std::shared_ptr<Relay> r) : relay(std::move(r)) {}
  ~LeaveAtEnd() { relay->leave(); }
  LeaveAtEnd(const LeaveAtEnd&) = delete;
  LeaveAtEnd& operator=(const LeaveAtEnd&) = delete;
  std::shared_ptr<Relay> relay;
};

/// What a job calls, on the backend's thread: everything goes on to the relay, on the server's.
Sink sink_to(const std::shared_ptr<Relay>& relay);

/// A comment that clients pass over; resets their clocks, and tells a person what is going on.
std::string ping(const Progress& p);

/// The head of a stream, and its first events.
HttpReply stream_head(std::string begin);
HttpReply error_of(const ApiError& error, Protocol protocol = Protocol::chat);
HttpReply error_of(int status, std::string message);
/// 500, for what was caught.
ApiError failure(base::Error error);

}  // namespace server
