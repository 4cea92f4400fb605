// One io_context, one thread. Each connection is a coroutine:
//
//   wait ─► head ─► body ─► handler (begin, write … or send) ─► wait …
//
// Beast reads and writes; every operation has a deadline, which Beast's stream enforces by closing
// it. While a handler works, the socket is watched: when the other side closes it, the handler is
// told, so that nothing goes on being computed for nobody. Where something else lies between us and
// the end of its stream, it is looked for ten times a second.
#include "server/http/http_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <set>

namespace server {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using base::Errc;
using base::Error;
using boost::system::error_code;
using Plain = beast::basic_stream<net::generic::stream_protocol>;
using Tls = net::ssl::stream<Plain>;

constexpr auto kLastMoment = std::chrono::seconds(5);

HttpReply plain_error(int status, std::string_view why) {
  return {.status = status, .type = "text/plain", .body = std::string(why) + "\n"};
}

/// What a failed read means, 0: nobody to answer.
int status_of(const error_code& ec) {
  if (ec == http::error::body_limit) return 413;
  if (ec == http::error::header_limit) return 431;
  if (ec == beast::error::timeout || ec == http::error::end_of_stream ||
      ec == http::error::partial_message)
    return 0;
  return ec.category() == make_error_code(http::error::bad_method).category() ? 400 : 0;
}

}  // namespace

class AnyConnection {
 public:
  virtual ~AnyConnection() = default;
  virtual void close() = 0;
};

struct HttpServer::State {
  State(net::io_context& context, HttpOptions given, HttpHandler handle)
      : options(std::move(given)),
        handler(std::move(handle)),
        io(&context),
        work(context.get_executor()),
        acceptor(context) {}

  HttpOptions options;
  HttpHandler handler;
  net::io_context* io;
  std::weak_ptr<net::io_context> shared_io = {};
  net::executor_work_guard<net::io_context::executor_type> work;
  net::ip::tcp::acceptor acceptor;
  std::unique_ptr<net::ssl::context> tls;
  std::set<AnyConnection*> open;
  bool stopping = false;

  HttpReply error(int status, std::string_view why) const {
    return options.error_reply ? options.error_reply(status, why) : plain_error(status, why);
  }
};

namespace {

template <class Stream>
class Connection final : public Responder,
                         public AnyConnection,
                         public std::enable_shared_from_this<Connection<Stream>> {
 public:
  template <class... Args>
  explicit Connection(std::shared_ptr<HttpServer::State> state, Args&&... args)
      : state_(std::move(state)), stream_(std::forward<Args>(args)...), look_(*state_->io) {
    state_->open.insert(this);
  }
  ~Connection() override { state_->open.erase(this); }

  void close() override {
    error_code ignored;
    socket().shutdown(net::socket_base::shutdown_both, ignored);
    lowest().close();
    lost();
  }

  net::awaitable<void> converse() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      error_code ec;
      lowest().expires_after(state_->options.head_time);
      co_await stream_.async_handshake(net::ssl::stream_base::server,
                                       net::redirect_error(net::use_awaitable, ec));
      if (ec) co_return;
    }
    if (state_->open.size() > state_->options.max_connections) {
      keep_alive_ = false;
      HttpReply full = state_->error(503, "too many connections");
      full.headers.emplace_back("Retry-After", "1");
      co_await send(std::move(full));
    } else {
      while (co_await exchange()) {
      }
    }
    co_await end();
  }

  net::awaitable<bool> send(HttpReply reply) override {
    if (answered_) co_return false;
    answered_ = true;
    http::response<http::string_body> out{static_cast<http::status>(reply.status), version_};
    head_of(out, reply);
    out.body() = std::move(reply.body);
    out.prepare_payload();
    if (method_is_head_) out.body().clear();
    error_code ec;
    lowest().expires_after(state_->options.write_time);
    co_await http::async_write(stream_, out, net::redirect_error(net::use_awaitable, ec));
    co_return done(ec);
  }

  net::awaitable<bool> begin(HttpReply reply) override {
    if (answered_) co_return false;
    answered_ = streaming_ = true;
    if (version_ < 11) keep_alive_ = false;  // ended by the end of the connection
    http::response<http::empty_body> out{static_cast<http::status>(reply.status), version_};
    head_of(out, reply);
    out.set(http::field::cache_control, "no-cache");
    out.set("X-Accel-Buffering", "no");
    if (version_ >= 11) out.chunked(true);
    http::response_serializer<http::empty_body> serializer{out};
    error_code ec;
    lowest().expires_after(state_->options.write_time);
    co_await http::async_write_header(stream_, serializer,
                                      net::redirect_error(net::use_awaitable, ec));
    if (!done(ec)) co_return false;
    co_return co_await write(std::move(reply.body));
  }

  net::awaitable<bool> write(std::string bytes) override {
    if (!streaming_ || gone_) co_return false;
    if (bytes.empty()) co_return true;
    error_code ec;
    lowest().expires_after(state_->options.write_time);
    if (version_ >= 11)
      co_await net::async_write(stream_, http::make_chunk(net::buffer(bytes)),
                                net::redirect_error(net::use_awaitable, ec));
    else
      co_await net::async_write(stream_, net::buffer(bytes),
                                net::redirect_error(net::use_awaitable, ec));
    co_return done(ec);
  }

  void when_gone(std::function<void()> call) override {
    if (gone_)
      call();
    else
      on_gone_ = std::move(call);
  }

  std::shared_ptr<net::io_context> io() const override { return state_->shared_io.lock(); }

 private:
  Plain& lowest() { return beast::get_lowest_layer(stream_); }
  auto& socket() { return lowest().socket(); }

  bool done(const error_code& ec) {
    if (ec) lost();
    return !ec && !gone_;
  }
  void lost() {
    if (std::exchange(gone_, true)) return;
    keep_alive_ = false;
    if (const auto call = std::exchange(on_gone_, nullptr)) call();
  }

  template <class Response>
  void head_of(Response& out, const HttpReply& reply) {
    if (!reply.type.empty()) out.set(http::field::content_type, reply.type);
    out.set(http::field::server, "tessera");
    out.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : answer_headers_) out.set(name, value);
    for (const auto& [name, value] : reply.headers) out.set(name, value);
    out.keep_alive(keep_alive_);
  }

  /// One request and its answer; whether another one may follow.
  net::awaitable<bool> exchange() {
    answered_ = streaming_ = method_is_head_ = false;
    keep_alive_ = true;
    version_ = 11;
    answer_headers_.clear();
    error_code ec;
    if (buffer_.size() == 0) {
      lowest().expires_after(state_->options.idle_time);
      const size_t n = co_await stream_.async_read_some(
          buffer_.prepare(4096), net::redirect_error(net::use_awaitable, ec));
      if (ec) co_return false;
      buffer_.commit(n);
    }
    http::request_parser<http::string_body> parser;
    parser.header_limit(state_->options.max_head_bytes);
    parser.body_limit(state_->options.max_body_bytes);
    lowest().expires_after(state_->options.head_time);
    co_await http::async_read_header(stream_, buffer_, parser,
                                     net::redirect_error(net::use_awaitable, ec));
    if (ec) {
      co_await refuse(ec == beast::error::timeout ? 0 : status_of(ec), ec.message());
      co_return false;
    }
    const auto& head = parser.get();
    version_ = head.version();
    method_is_head_ = head.method() == http::verb::head;
    HttpRequest request;
    if (const char* why = take(head, request); why != nullptr) {
      co_await refuse(400, why);
      co_return false;
    }
    if (state_->options.answer_headers) answer_headers_ = state_->options.answer_headers(request);
    if (state_->options.at_the_door) {
      std::optional<HttpReply> no = state_->options.at_the_door(request);
      if (no) {
        keep_alive_ = false;  // its body is not read
        co_await send(std::move(*no));
        co_return false;
      }
    }
    const auto expect = head[http::field::expect];
    if (beast::iequals(expect, "100-continue")) {
      http::response<http::empty_body> go_on{http::status::continue_, version_};
      lowest().expires_after(state_->options.write_time);
      co_await http::async_write(stream_, go_on, net::redirect_error(net::use_awaitable, ec));
      if (ec) co_return false;
    }
    lowest().expires_after(state_->options.body_time);
    co_await http::async_read(stream_, buffer_, parser,
                              net::redirect_error(net::use_awaitable, ec));
    if (ec) {
      co_await refuse(status_of(ec), ec.message());
      co_return false;
    }
    http::request<http::string_body> message = parser.release();
    keep_alive_ = message.keep_alive();
    request.body = std::move(message.body());
    lowest().expires_never();
    watch();
    co_await state_->handler(std::move(request), this->shared_from_this());
    on_gone_ = nullptr;
    unwatch();
    if (!answered_) co_await send(state_->error(500, "the request was not answered"));
    if (streaming_ && !gone_ && version_ >= 11) {
      lowest().expires_after(state_->options.write_time);
      co_await net::async_write(stream_, http::make_chunk_last(),
                                net::redirect_error(net::use_awaitable, ec));
      done(ec);
    }
    co_return keep_alive_ && !gone_ && !state_->stopping;
  }

  net::awaitable<void> refuse(int status, std::string why) {
    if (status == 0) co_return;
    keep_alive_ = false;
    co_await send(state_->error(status, why));
  }

  /// Why it cannot be taken, or null.
  static const char* take(const http::request<http::string_body>& message, HttpRequest& to) {
    const auto host = message.count(http::field::host);
    if (host > 1 || (host == 0 && message.version() >= 11))
      return "the request names its Host twice, or none";
    // Beast reads a body of another coding as one without an end of its own.
    const auto coding = message[http::field::transfer_encoding];
    if (message.count(http::field::transfer_encoding) > 1 ||
        (!coding.empty() && !beast::iequals(coding, "chunked")))
      return "a Transfer-Encoding other than chunked";
    to.method = std::string(message.method_string());
    const std::string target(message.target());
    const size_t query = target.find('?');
    to.path = target.substr(0, query);
    if (query != std::string::npos) to.query = target.substr(query + 1);
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      to.headers[name] = std::string(field.value());
    }
    return nullptr;
  }

  void watch() {
    if (buffer_.size() > 0) {
      look_now_and_then();
      return;
    }
    watching_ = true;
    socket().async_wait(net::socket_base::wait_read, [self = this->shared_from_this(),
                                                      turn = turn_](const error_code& ec) {
      if (ec || turn != self->turn_ || !self->watching_) return;
      self->watching_ = false;
      char byte = 0;
      const ssize_t n = ::recv(self->socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN))
        self->lost();
      else
        self->look_now_and_then();
    });
  }
  /// Where bytes lie before the end of the stream (the next request, TLS's goodbye), the end is no
  /// event.
  void look_now_and_then() {
    look_.expires_after(std::chrono::milliseconds(100));
    look_.async_wait([self = this->shared_from_this(), turn = turn_](const error_code& ec) {
      if (ec || turn != self->turn_ || self->gone_) return;
      pollfd end{.fd = self->socket().native_handle(), .events = POLLRDHUP, .revents = 0};
      if (::poll(&end, 1, 0) != 0 && (end.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        self->lost();
      else
        self->look_now_and_then();
    });
  }
  void unwatch() {
    ++turn_;
    look_.cancel();
    if (!std::exchange(watching_, false)) return;
    error_code ignored;
    socket().cancel(ignored);
  }

  /// Says goodbye: unread bytes would make the kernel reset the connection before the client has
  /// read our last answer.
  net::awaitable<void> end() {
    error_code ec;
    if constexpr (std::is_same_v<Stream, Tls>) {
      if (!gone_) {
        lowest().expires_after(std::chrono::seconds(2));
        co_await stream_.async_shutdown(net::redirect_error(net::use_awaitable, ec));
      }
    }
    socket().shutdown(net::socket_base::shutdown_send, ec);
    if (!gone_ && !ec) {
      lowest().expires_after(std::chrono::seconds(2));
      char rest[4096];
      for (int i = 0; i < 256 && !ec; ++i)
        co_await lowest().async_read_some(net::buffer(rest),
                                          net::redirect_error(net::use_awaitable, ec));
    }
    lowest().close();
  }

  std::shared_ptr<HttpServer::State> state_;
  Stream stream_;
  net::steady_timer look_;
  beast::flat_buffer buffer_;
  unsigned version_ = 11;
  bool keep_alive_ = true, answered_ = false, streaming_ = false, gone_ = false;
  bool method_is_head_ = false, watching_ = false;
  std::vector<std::pair<std::string, std::string>> answer_headers_;
  unsigned turn_ = 0;  // which request a watch belongs to
  std::function<void()> on_gone_;
};

template <class Stream, class... Args>
void start(const std::shared_ptr<HttpServer::State>& state, Args&&... args) {
  auto connection = std::make_shared<Connection<Stream>>(state, std::forward<Args>(args)...);
  // The lambda lives as long as the coroutine, which refers to it.
  net::co_spawn(
      *state->io, [connection]() -> net::awaitable<void> { co_await connection->converse(); },
      [connection](std::exception_ptr failure) {
        if (failure) connection->close();  // out of memory: this connection alone ends
      });
}

net::awaitable<void> accept(std::shared_ptr<HttpServer::State> state) {
  while (!state->stopping) {
    error_code ec;
    net::ip::tcp::socket socket(*state->io);
    co_await state->acceptor.async_accept(socket, net::redirect_error(net::use_awaitable, ec));
    if (state->stopping || ec == net::error::operation_aborted) co_return;
    if (ec) {  // out of descriptors: those that end make room
      net::steady_timer pause(*state->io, std::chrono::milliseconds(50));
      co_await pause.async_wait(net::redirect_error(net::use_awaitable, ec));
      continue;
    }
    socket.set_option(net::ip::tcp::no_delay(true), ec);
    if (state->tls)
      start<Tls>(state, net::generic::stream_protocol::socket(std::move(socket)), *state->tls);
    else
      start<Plain>(state, net::generic::stream_protocol::socket(std::move(socket)));
  }
}

/// A handler that waits for somebody who does not answer does not keep us for ever.
net::awaitable<void> see_off(std::shared_ptr<HttpServer::State> state) {
  const auto end = std::chrono::steady_clock::now() + kLastMoment;
  net::steady_timer pause(*state->io);
  while (!state->open.empty() && std::chrono::steady_clock::now() < end) {
    error_code ec;
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(net::redirect_error(net::use_awaitable, ec));
  }
  state->io->stop();
}

base::Status set_up_tls(HttpServer::State& state) {
  const HttpOptions& o = state.options;
  if (o.certificate.empty() && o.private_key.empty()) return base::Ok{};
  if (o.certificate.empty() || o.private_key.empty())
    return Error{Errc::usage, "TLS needs a certificate and its private key, both as PEM files"};
  state.tls = std::make_unique<net::ssl::context>(net::ssl::context::tls_server);
  error_code ec;
  state.tls->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_sslv2 |
                             net::ssl::context::no_sslv3 | net::ssl::context::no_tlsv1 |
                             net::ssl::context::no_tlsv1_1 | net::ssl::context::single_dh_use,
                         ec);
  state.tls->use_certificate_chain_file(o.certificate, ec);
  if (ec) return Error{Errc::usage, o.certificate + ": not a PEM certificate: " + ec.message()};
  state.tls->use_private_key_file(o.private_key, net::ssl::context::pem, ec);
  if (ec)
    return Error{Errc::usage, o.private_key + ": not the certificate's PEM key: " + ec.message()};
  return base::Ok{};
}

}  // namespace

HttpServer::HttpServer(std::shared_ptr<net::io_context> io, std::shared_ptr<State> state)
    : io_(std::move(io)), state_(std::move(state)) {}

HttpServer::~HttpServer() {
  stop();
  io_->restart();
  io_->poll();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(HttpOptions options,
                                                             HttpHandler handler) {
  auto io = std::make_shared<net::io_context>(1);
  auto state = std::make_shared<State>(*io, std::move(options), std::move(handler));
  state->shared_io = io;
  if (base::Status tls = set_up_tls(*state); !tls) return tls.error();
  const HttpOptions& o = state->options;
  error_code ec;
  const auto address = net::ip::make_address(o.host, ec);
  if (ec)
    return Error{Errc::usage, o.host + ": not an address; give one such as 127.0.0.1 or 0.0.0.0"};
  const net::ip::tcp::endpoint endpoint(address, o.port);
  state->acceptor.open(endpoint.protocol(), ec);
  if (!ec) state->acceptor.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec) state->acceptor.bind(endpoint, ec);
  if (!ec) state->acceptor.listen(net::socket_base::max_listen_connections, ec);
  if (ec)
    // Taken, or not ours to take: another one has to be asked for.
    return Error{ec == net::error::address_in_use || ec == net::error::access_denied ? Errc::usage
                                                                                     : Errc::system,
                 o.host + ":" + std::to_string(o.port) + ": " + ec.message() +
                     (ec == net::error::address_in_use || ec == net::error::access_denied
                          ? "; choose another --port"
                          : "")};
  net::co_spawn(
      *state->io, [state] { return accept(state); }, net::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(io), std::move(state)));
}

uint16_t HttpServer::port() const {
  error_code ec;
  return state_->acceptor.local_endpoint(ec).port();
}

std::shared_ptr<net::io_context> HttpServer::io() const { return io_; }
size_t HttpServer::connections() const { return state_->open.size(); }

void HttpServer::run() { io_->run(); }

void HttpServer::stop() {
  net::post(*state_->io, [state = state_] {
    if (std::exchange(state->stopping, true)) return;
    error_code ignored;
    state->acceptor.close(ignored);
    const std::set<AnyConnection*> open = state->open;  // closing may end some
    for (AnyConnection* connection : open)
      if (state->open.contains(connection)) connection->close();
    state->work.reset();
    net::co_spawn(
        *state->io, [state] { return see_off(state); }, net::detached);
  });
}

void HttpServer::serve(int descriptor) {
  net::post(*state_->io, [state = state_, descriptor] {
    net::generic::stream_protocol::socket socket(*state->io);
    error_code ec;
    socket.assign(net::generic::stream_protocol(AF_UNIX, 0), descriptor, ec);
    if (!ec) start<Plain>(state, std::move(socket));
  });
}

}  // namespace server
