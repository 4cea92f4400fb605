#include "server/relay.h"

#include <utility>

#include "server/api/reply.h"
#include "server/failures.h"

namespace server {

net::awaitable<void> Relay::wait(std::chrono::milliseconds time) {
  if (std::exchange(woken, false)) co_return;
  timer.expires_after(time);
  boost::system::error_code ignored;
  co_await timer.async_wait(net::redirect_error(net::use_awaitable, ignored));
  woken = false;
}

void Relay::wake() {
  woken = true;
  timer.cancel();
}

void Relay::fail(ApiError why) {
  if (over()) return;
  all.clear();
  error = std::move(why);
  ended = true;
  stop.request_stop();
  wake();
}

void Relay::leave() {
  gone = true;
  stop.request_stop();
  wake();
}

namespace {

/// Does `work` on the server's thread. Where it throws, the request fails and nobody else's.
template <class Work>
void post(const std::shared_ptr<Relay>& relay, Work work) {
  net::post(*relay->io, [relay, work = std::move(work)]() mutable {
    try {
      work();
    } catch (...) {
      relay->fail(failure(caught()));
    }
  });
}

}  // namespace

Sink sink_to(const std::shared_ptr<Relay>& relay) {
  return {
      .on_progress =
          [relay](const Progress& progress) {
            post(relay, [relay, progress] { relay->progress = progress; });
          },
      .on_event =
          [relay](int choice, const model::ReplyEvent& event) {
            if (!relay->streams) return;
            post(relay, [relay, choice, event] {
              if (relay->over()) return;  // the backend that the writer asks may be gone, too
              relay->out += relay->writer->on_event(choice, event);
              relay->wake();
            });
          },
      .on_done =
          [relay](int choice, const model::Generated& out) {
            if (!relay->streams) return;
            post(relay, [relay, choice, out] {
              if (relay->over()) return;
              relay->out += relay->writer->on_done(choice, out);
              relay->wake();
            });
          },
      .on_end =
          [relay](std::vector<model::Generated> all, std::optional<ApiError> error) {
            post(relay, [relay, all = std::move(all), error = std::move(error)]() mutable {
              if (relay->over()) return;
              relay->all = std::move(all);
              relay->error = std::move(error);
              relay->ended = true;
              relay->wake();
            });
          },
  };
}

std::string ping(const Progress& p) {
  if (p.queued_before > 0)
    return ": ping queued behind " + std::to_string(p.queued_before) + "\n\n";
  if (p.read < p.prompt_tokens)
    return ": ping reading the prompt, " + std::to_string(p.read) + " of " +
           std::to_string(p.prompt_tokens) + " tokens\n\n";
  return ": ping\n\n";
}

HttpReply stream_head(std::string begin) {
  return {.type = "text/event-stream", .body = std::move(begin)};
}

HttpReply error_of(const ApiError& error, Protocol protocol) {
  HttpReply reply{.status = error.status, .body = error_json(error, protocol)};
  if (error.retry_after_s > 0)
    reply.headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  return reply;
}

HttpReply error_of(int status, std::string message) {
  return error_of({.status = status, .message = std::move(message)});
}

ApiError failure(base::Error error) {
  return {.status = 500, .message = std::move(error.message), .type = "server_error"};
}

}  // namespace server
