// One request, straight on:
//
//   resolve ─► connect ─► (TLS) ─► write ─► head ─► body, piece by piece ─► close
//
// Each step is an asynchronous operation of Beast that await() runs to its end, looking every few
// milliseconds whether the caller wants to stop; that, the step's deadline and the caller's close
// the socket, which ends the operation. Stopping is looked at and not listened to, because it is
// asked for in a signal handler. getaddrinfo cannot be interrupted, so it runs on a thread that
// shares nothing but its answer and is left behind if it takes too long.

#include "agent/endpoint/http_client.h"

#include <netdb.h>
#include <sys/socket.h>

#include "base/net.h"
// After base/net.h, which works around a missing include in what these pull in.
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <future>
#include <memory>
#include <thread>

namespace agent {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using base::Errc;
using base::Error;
using base::Result;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Tcp = net::ip::tcp;
using Endpoints = std::vector<Tcp::endpoint>;

constexpr auto kLook = std::chrono::milliseconds(20);
constexpr size_t kMaxAddresses = 8;
constexpr size_t kMaxHeadBytes = 64 << 10;
constexpr size_t kPieceBytes = 16 << 10;

Endpoints lookup(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  Endpoints found;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return found;
  for (const addrinfo* one = list; one != nullptr && found.size() < kMaxAddresses;
       one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
        0)
      continue;
    error_code ec;
    const net::ip::address address = net::ip::make_address(text, ec);
    if (!ec) found.emplace_back(address, static_cast<uint16_t>(port));
  }
  freeaddrinfo(list);
  return found;
}

/// The addresses of a host. This machine's own names are not asked for: whoever answers for them
/// could lead elsewhere.
Result<Endpoints> resolve(const EndpointUrl& url, Clock::time_point deadline,
                          const std::stop_token& stop) {
  const auto port = static_cast<uint16_t>(url.port);
  error_code ec;
  const net::ip::address literal = net::ip::make_address(url.host, ec);
  if (!ec) return Endpoints{{literal, port}};
  if (url.is_local())
    return Endpoints{{net::ip::address_v4::loopback(), port},
                     {net::ip::address_v6::loopback(), port}};
  auto answer = std::make_shared<std::promise<Endpoints>>();
  std::future<Endpoints> found = answer->get_future();
  std::thread([answer, host = url.host, port] { answer->set_value(lookup(host, port)); }).detach();
  while (found.wait_for(kLook) != std::future_status::ready) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "stopped while looking up a name"};
    if (Clock::now() > deadline)
      return Error{Errc::limit, "nobody said in time where " + url.host + " is"};
  }
  Endpoints list = found.get();
  if (list.empty()) return Error{Errc::not_found, "there is no host " + url.host};
  return list;
}

/// A connection and the one operation it waits for.
class Connection {
 public:
  Connection(const EndpointUrl& url, Clock::time_point deadline, std::stop_token stop)
      : url_(url), deadline_(deadline), stop_(std::move(stop)), plain_(io_) {}

  Tcp::socket& socket() { return plain_; }
  net::io_context& io() { return io_; }

  /// Runs `start(handler)` until its handler was called.
  template <class Start>
  error_code await(std::chrono::milliseconds time, Start start) {
    const Clock::time_point end = std::min(deadline_, Clock::now() + time);
    error_code result;
    bool done = false;
    stopped_ = late_ = false;
    start([&](error_code ec, auto&&...) {
      result = ec;
      done = true;
    });
    bool closed = false;
    while (!done) {
      io_.restart();
      if (io_.run_one_for(kLook) == 0 && closed && io_.stopped()) break;
      if (done || closed) continue;
      if (stop_.stop_requested() || Clock::now() >= end) {
        (stop_.stop_requested() ? stopped_ : late_) = true;
        closed = true;
        error_code ignored;
        plain_.close(ignored);
      }
    }
    // It may have been done while the connection was closed; nothing can follow on it.
    if (closed && !result) result = net::error::operation_aborted;
    return result;
  }

  /// What an operation's end means for the caller.
  Error error(const error_code& ec, const std::string& what) const {
    const std::string who = url_.authority();
    if (stopped_) return {Errc::cancelled, "stopped while waiting for " + who};
    if (late_) return {Errc::limit, who + " took too long to " + what};
    if (ec == http::error::header_limit || ec == http::error::body_limit)
      return {Errc::limit, who + " sent more than a reply may hold"};
    if (ec == http::error::end_of_stream || ec == http::error::partial_message ||
        ec == net::error::eof || ec == net::error::connection_reset ||
        ec == net::ssl::error::stream_truncated)
      return {Errc::corrupt, who + " closed the connection before its reply was complete"};
    if (ec.category() == make_error_code(http::error::bad_method).category())
      return {Errc::corrupt, who + " did not answer with HTTP (" + ec.message() + ")"};
    return {Errc::system, who + " could not " + what + ": " + ec.message()};
  }

 private:
  const EndpointUrl& url_;
  Clock::time_point deadline_;
  std::stop_token stop_;
  bool stopped_ = false, late_ = false;
  net::io_context io_{1};
  Tcp::socket plain_;
};

/// Writes the request and reads the reply over `stream`: the socket, or TLS over it.
template <class Stream>
Result<HttpReplyHead> converse(Connection& connection, Stream& stream,
                               const HttpClientOptions& options,
                               http::request<http::string_body>& request,
                               const HttpClient::OnPiece& on_piece) {
  error_code ec = connection.await(options.send_time, [&](auto handler) {
    http::async_write(stream, request, std::move(handler));
  });
  // A server that refuses a request may answer before it has read all of it.
  if (ec && ec != net::error::broken_pipe && ec != net::error::connection_reset)
    return connection.error(ec, "take the request");

  beast::flat_buffer buffer(kMaxHeadBytes + kPieceBytes);
  http::response_parser<http::buffer_body> parser;
  parser.header_limit(kMaxHeadBytes);
  parser.body_limit(options.max_reply_bytes);
  ec = connection.await(options.silence_time, [&](auto handler) {
    http::async_read_header(stream, buffer, parser, std::move(handler));
  });
  if (ec) return connection.error(ec, "answer");
  const auto& message = parser.get();
  const auto field = [&](auto name) { return std::string(message[name].substr(0, 1000)); };
  HttpReplyHead head{.status = static_cast<int>(message.result_int()),
                     .type = field(http::field::content_type),
                     .retry_after = field(http::field::retry_after),
                     .location = field(http::field::location),
                     .session = std::string(message["Mcp-Session-Id"].substr(0, 1000))};
  const std::string encoding = field(http::field::content_encoding);
  if (!encoding.empty() && encoding != "identity")
    return Error{Errc::corrupt,
                 "the reply is encoded as " + encoding.substr(0, 40) + ", which was not asked for"};
  std::string piece(kPieceBytes, '\0');
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    body.more = true;
    ec = connection.await(options.silence_time, [&](auto handler) {
      http::async_read_some(stream, buffer, parser, std::move(handler));
    });
    if (ec == http::error::need_buffer) ec = {};
    const size_t n = piece.size() - parser.get().body().size;
    if (n > 0 && !on_piece(head, std::string_view(piece).substr(0, n))) return head;
    if (ec) return connection.error(ec, "go on");
  }
  return head;
}

/// Makes the settings of TLS: certificates and names are checked, nothing older than 1.2.
Result<std::unique_ptr<net::ssl::context>> tls_settings(const HttpClientOptions& options) {
  auto tls = std::make_unique<net::ssl::context>(net::ssl::context::tls_client);
  error_code ec;
  tls->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_sslv2 |
                       net::ssl::context::no_sslv3 | net::ssl::context::no_tlsv1 |
                       net::ssl::context::no_tlsv1_1,
                   ec);
  if (!ec) tls->set_verify_mode(net::ssl::verify_peer, ec);
  if (!ec && options.ca_file.empty()) tls->set_default_verify_paths(ec);
  if (!ec && !options.ca_file.empty()) tls->load_verify_file(options.ca_file, ec);
  if (ec) return Error{Errc::system, "TLS cannot be set up: " + ec.message()};
  return tls;
}

Result<HttpReplyHead> over_tls(Connection& connection, const EndpointUrl& url,
                               const HttpClientOptions& options,
                               http::request<http::string_body>& request,
                               const HttpClient::OnPiece& on_piece) {
  Result<std::unique_ptr<net::ssl::context>> settings = tls_settings(options);
  if (!settings) return settings.error();
  net::ssl::stream<Tcp::socket&> stream(connection.socket(), **settings);
  error_code literal;
  (void)net::ip::make_address(url.host, literal);
  // Names of servers are sent, addresses must not be (RFC 6066, section 3).
  if (literal && SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str()) != 1)
    return Error{Errc::system, "TLS cannot be set up for " + url.host};
  error_code ec;
  stream.set_verify_callback(net::ssl::host_name_verification(url.host), ec);
  if (ec) return Error{Errc::system, "TLS cannot be set up: " + ec.message()};
  ec = connection.await(options.connect_time, [&](auto handler) {
    stream.async_handshake(net::ssl::stream_base::client, std::move(handler));
  });
  if (const long verdict = SSL_get_verify_result(stream.native_handle());
      ec && verdict != X509_V_OK)
    return Error{Errc::refused, "the certificate of " + url.authority() + " is not trusted (" +
                                    X509_verify_cert_error_string(verdict) + ")"};
  if (ec && ec.category() == net::error::get_ssl_category())
    return Error{Errc::refused, "no safe connection to " + url.authority() + ": " + ec.message()};
  if (ec) return connection.error(ec, "agree on TLS");
  return converse(connection, stream, options, request, on_piece);
}

}  // namespace

Result<HttpReplyHead> HttpClient::ask(const std::string& path, const std::string* body,
                                      const OnPiece& on_piece, Clock::time_point deadline,
                                      std::stop_token stop, const HttpFields& fields) const {
  if (stop.stop_requested()) return Error{Errc::cancelled, "stopped"};
  const Result<Endpoints> addresses =
      resolve(url_, std::min(deadline, Clock::now() + options_.connect_time), stop);
  if (!addresses) return addresses.error();

  Connection connection(url_, deadline, stop);
  error_code ec;
  for (const Tcp::endpoint& address : *addresses) {
    error_code ignored;
    connection.socket().close(ignored);
    const error_code before = ec;
    ec = connection.await(options_.connect_time, [&](auto handler) {
      connection.socket().async_connect(address, std::move(handler));
    });
    if (!ec || stop.stop_requested()) break;
    // That somebody was there and refused says more than that an address is of no use here.
    if (before == net::error::connection_refused) ec = before;
  }
  if (ec == net::error::connection_refused)
    return Error{Errc::not_found, "nobody listens at " + url_.authority() +
                                      "; start the server, or correct the URL"};
  if (ec) {
    Error error = connection.error(ec, "be reached");
    if (error.code == Errc::system)
      error = {Errc::not_found, url_.authority() + " cannot be reached: " + ec.message()};
    return error;
  }
  error_code ignored;
  connection.socket().set_option(Tcp::no_delay(true), ignored);

  http::request<http::string_body> request{body != nullptr ? http::verb::post : http::verb::get,
                                           path, 11};
  for (const auto& [name, value] : fields) request.set(name, value);
  request.set(http::field::host, url_.authority());
  request.set(http::field::user_agent, "tessera");
  request.set(http::field::accept,
              body != nullptr ? "text/event-stream, application/json"
                              : "application/json, text/event-stream");
  request.set(http::field::accept_encoding, "identity");
  request.set(http::field::connection, "close");
  if (!options_.key.empty()) request.set(http::field::authorization, "Bearer " + options_.key);
  if (body != nullptr) {
    request.set(http::field::content_type, "application/json");
    request.body() = *body;
    request.prepare_payload();
  }
  return url_.tls ? over_tls(connection, url_, options_, request, on_piece)
                  : converse(connection, connection.socket(), options_, request, on_piece);
}

}  // namespace agent
