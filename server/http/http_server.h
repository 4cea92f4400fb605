#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/net.h"
#include "base/result.h"

/// server/http: HTTP/1.1 with keep-alive over TCP or TLS, all connections on one thread. It knows
/// nothing of the API.
namespace server {

struct HttpRequest {
  std::string method = {};  ///< "GET"
  std::string path = {};    ///< without the query, not decoded
  std::string query = {};
  std::map<std::string, std::string> headers = {};  ///< names in lower case; the last of a name
  std::string body = {};

  std::string_view header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string_view() : it->second;
  }
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";  ///< empty: no such header
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};  ///< of a stream: what is sent with the head
};

/// How a handler answers: either send(), once, or begin(), write()…; on the server's thread. Every
/// operation gives false when the client has gone or is too slow.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual net::awaitable<bool> send(HttpReply reply) = 0;
  virtual net::awaitable<bool> begin(HttpReply head) = 0;
  virtual net::awaitable<bool> write(std::string bytes) = 0;
  /// Called once, when the client closes the connection before its answer is complete; at once if
  /// it has.
  virtual void when_gone(std::function<void()> call) = 0;
  /// Of the server's thread.
  virtual std::shared_ptr<net::io_context> io() const = 0;
};

using HttpHandler = std::function<net::awaitable<void>(HttpRequest, std::shared_ptr<Responder>)>;

struct HttpOptions {
  std::string host = "127.0.0.1";  ///< an address, not a name
  uint16_t port = 0;               ///< 0: any free one
  std::string certificate = {};    ///< PEM file with the chain; with it only TLS is spoken
  std::string private_key = {};    ///< PEM file
  size_t max_connections = 256;    ///< more are told 503
  uint32_t max_head_bytes = 64 * 1024;
  uint64_t max_body_bytes = uint64_t{64} << 20;
  std::chrono::milliseconds head_time{10'000};   ///< for a head, from its first byte
  std::chrono::milliseconds body_time{60'000};   ///< for a body
  std::chrono::milliseconds write_time{30'000};  ///< for each write: a slower reader is left
  std::chrono::milliseconds idle_time{75'000};   ///< between requests
  /// Looks at a head before its body is read; what it gives is the answer, and nothing is read.
  std::function<std::optional<HttpReply>(const HttpRequest& head)> at_the_door = {};
  /// Headers of every answer to a request with this head, errors included.
  std::function<std::vector<std::pair<std::string, std::string>>(const HttpRequest& head)>
      answer_headers = {};
  /// Body of an error that happened before a handler was asked: 400, 408, 413, 431, 503.
  std::function<HttpReply(int status, std::string_view why)> error_reply = {};
};

class HttpServer {
 public:
  /// Binds and listens; nothing is served before run(). Errors: usage (the address, the
  /// certificate), system (the port is taken).
  static base::Result<std::unique_ptr<HttpServer>> listen(HttpOptions options, HttpHandler handler);
  ~HttpServer();

  uint16_t port() const;
  /// Outlives the server where somebody holds it: threads of a backend post to it.
  std::shared_ptr<net::io_context> io() const;

  /// Serves on the calling thread until stop(), then lets handlers end for a moment.
  void run();
  /// Any thread, also a signal's handler through io(): no new connections, those there are closed.
  void stop();
  /// Serves one connected socket of any kind (a socketpair's end in tests), without TLS.
  void serve(int descriptor);

  size_t connections() const;

  struct State;

 private:
  HttpServer(std::shared_ptr<net::io_context> io, std::shared_ptr<State> state);
  std::shared_ptr<net::io_context> io_;  // not in State, which coroutines in it hold
  std::shared_ptr<State> state_;
};

}  // namespace server
