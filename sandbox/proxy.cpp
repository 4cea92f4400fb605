// One thread drives one io_context. Each connection is a Session:
//
//   read the head ─► judge ─► resolve ─► check addresses ─► connect ─► relay both ways ─► end
//
// Sessions are held by the operations they wait for, and one timer per session closes its sockets
// when its deadline has passed, which ends those. getaddrinfo cannot be interrupted, so it runs on
// a detached thread that shares nothing with the proxy but a mailbox; the destructor closes the
// mailbox and does not wait.

#include "sandbox/proxy.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/net.h"
// After base/net.h, which works around a missing include in what this pulls in.
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "sandbox/proxy_request.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using boost::system::error_code;
using Protocol = net::generic::stream_protocol;
using Socket = Protocol::socket;
using Clock = std::chrono::steady_clock;
using Kind = ProxyEvent::Kind;

constexpr size_t kMaxAddresses = 4;
constexpr size_t kMaxResolving = 32;
constexpr auto kLingerTime = std::chrono::seconds(1);

std::vector<std::string> system_resolve(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  std::vector<std::string> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0)
      addresses.emplace_back(text);
  }
  freeaddrinfo(list);
  return addresses;
}

/// Whether an interface of this machine has the address: a service that listens on all of them
/// would be reached as if from outside.
bool is_own_address(const net::ip::address& address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return true;
  bool found = false;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    char text[NI_MAXHOST];
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getnameinfo(one->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    error_code ec;
    found = found || (net::ip::make_address(text, ec) == address && !ec);
  }
  freeifaddrs(list);
  return found;
}

/// Where resolver threads leave their answers while the proxy is there.
struct Mailbox {
  std::mutex mutex;
  net::io_context* io = nullptr;
  size_t resolving = 0;
};

std::string status_text(int status) {
  switch (status) {
    case 400:
      return "400 Bad Request";
    case 408:
      return "408 Request Timeout";
    case 411:
      return "411 Length Required";
    case 431:
      return "431 Request Header Fields Too Large";
    case 502:
      return "502 Bad Gateway";
    case 503:
      return "503 Service Unavailable";
    case 504:
      return "504 Gateway Timeout";
    default:
      return "403 Forbidden";
  }
}

}  // namespace

struct Proxy::Server {
  class Session;

  explicit Server(ProxyOptions given)
      : options(std::move(given)), acceptor(io), pause(io), mailbox(std::make_shared<Mailbox>()) {
    mailbox->io = &io;
    if (!options.resolve) options.resolve = system_resolve;
  }
  ~Server() {
    {
      const std::lock_guard lock(mailbox->mutex);
      mailbox->io = nullptr;
    }
    io.stop();
    if (thread.joinable()) thread.join();
    report_open();
  }

  void accept();
  void report(ProxyEvent event) const {
    if (options.report) options.report(event);
  }
  /// Reports the connections that the end of the proxy closes.
  void report_open() const;
  /// `session` is done; there may be room for another.
  void ended(Session* session) {
    sessions.erase(session);
    if (!accepting) accept();
  }

  ProxyOptions options;
  std::atomic<uint64_t> sent_bytes{0}, received_bytes{0};
  std::set<Session*> sessions;  ///< those that have not ended
  bool accepting = false;
  // Last, so that what the operations hold goes before the rest does.
  net::io_context io{1};
  net::basic_socket_acceptor<Protocol> acceptor;
  net::steady_timer pause;
  std::shared_ptr<Mailbox> mailbox;
  std::thread thread;
};

/// Held by its pending operations, which overlap: two directions and a timer.
class Proxy::Server::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server& server, Socket client)
      : server_(server), client_{std::move(client)}, host_{Socket(server.io)}, timer_(server.io) {}

  void start() {
    server_.sessions.insert(this);
    deadline(server_.options.head_time);
    watch();
    read_head();
  }

  void report_closed() const {
    if (stage_ == Stage::relay) event(Kind::closed, verdict_.why);
  }

 private:
  struct Side {
    Socket socket;
    std::array<char, 16 * 1024> buffer{};
    bool done = false;  ///< nothing more comes from it
  };

  // --- time

  void deadline(Clock::duration from_now) { deadline_ = Clock::now() + from_now; }

  void watch() {
    timer_.expires_at(deadline_);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (ec || self->over_) return;
      if (Clock::now() < self->deadline_) return self->watch();
      self->too_late();
    });
  }

  void too_late() {
    switch (stage_) {
      case Stage::head:
        return refuse(408, "the request did not come in time", Kind::refused);
      case Stage::connecting: {
        error_code ignored;
        host_.socket.close(ignored);
        return refuse(504, request_.host + " could not be reached in time", Kind::failed);
      }
      case Stage::relay:
      case Stage::refused:
        return end();
    }
  }

  // --- request

  void read_head() {
    client_.socket.async_read_some(net::buffer(client_.buffer),
                                   [self = shared_from_this()](error_code ec, size_t n) {
                                     if (self->stage_ != Stage::head) return;
                                     if (ec) return self->end();
                                     self->head_.append(self->client_.buffer.data(), n);
                                     self->look_at_head();
                                   });
  }

  void look_at_head() {
    const size_t end = head_.find("\r\n\r\n");
    const size_t size = end == std::string::npos ? head_.size() : end + 4;
    if (size > server_.options.max_head_bytes)
      return refuse(431, "the head of the request is too large", Kind::refused);
    if (end == std::string::npos) {
      // It would wait for an end that has come, as far as the program is concerned.
      for (size_t i = head_.find('\n'); i != std::string::npos; i = head_.find('\n', i + 1)) {
        if (i == 0 || head_[i - 1] != '\r')
          return refuse(400, "a line of the request does not end with CR LF", Kind::refused);
      }
      return read_head();
    }
    request_ = read_proxy_request(std::string_view(head_).substr(0, size));
    head_.erase(0, size);
    if (request_.status != 0) return refuse(request_.status, request_.problem, Kind::refused);
    verdict_ = server_.options.filter(request_.host, request_.port);
    if (verdict_.verdict == policies::Verdict::ask)
      return refuse(403, "a person has to allow it first: " + verdict_.why, Kind::refused);
    if (verdict_.verdict != policies::Verdict::allow)
      return refuse(403, verdict_.why, Kind::refused);
    stage_ = Stage::connecting;
    deadline(server_.options.connect_time);
    watch_from_now();
    resolve();
  }

  /// The deadline may have come nearer.
  void watch_from_now() {
    timer_.cancel();
    watch();
  }

  // --- host

  void resolve() {
    error_code ec;
    const net::ip::address address = net::ip::make_address(request_.host, ec);
    if (!ec) return found({address.to_string()});
    const std::shared_ptr<Mailbox> mailbox = server_.mailbox;
    {
      const std::lock_guard lock(mailbox->mutex);
      if (mailbox->resolving >= kMaxResolving)
        return refuse(503, "too many names are being looked up", Kind::failed);
      ++mailbox->resolving;
    }
    // The thread must not be the one that destroys the session, hence the weak pointer.
    const auto work = [mailbox, lookup = server_.options.resolve, host = request_.host,
                       weak = weak_from_this()] {
      std::vector<std::string> addresses = lookup(host);
      const std::lock_guard lock(mailbox->mutex);
      --mailbox->resolving;
      if (mailbox->io == nullptr) return;
      net::post(*mailbox->io, [weak, addresses] {
        if (const std::shared_ptr<Session> self = weak.lock()) self->found(addresses);
      });
    };
    try {
      std::thread(work).detach();
    } catch (const std::system_error&) {
      {
        const std::lock_guard lock(mailbox->mutex);
        --mailbox->resolving;
      }
      refuse(503, "no thread to look up a name", Kind::failed);
    }
  }

  void found(const std::vector<std::string>& addresses) {
    if (stage_ != Stage::connecting || over_) return;
    if (addresses.empty()) return refuse(502, request_.host + " has no address", Kind::failed);
    std::string refused;
    for (const std::string& text : addresses) {
      error_code ec;
      const net::ip::address address = net::ip::make_address(text, ec);
      if (ec) continue;
      if (!may_reach(address)) {
        refused = text;
      } else if (to_try_.size() < kMaxAddresses) {
        to_try_.push_back(address);
      }
    }
    if (to_try_.empty()) {
      return refuse(403,
                    request_.host + " leads to " + (refused.empty() ? addresses[0] : refused) +
                        ", which is not a public address, and the policy does not list that",
                    Kind::refused);
    }
    connect();
  }

  bool may_reach(const net::ip::address& address) const {
    const std::string text = address.to_string();
    if (is_public_address(text) && !is_own_address(address)) return true;
    if (request_.host == "localhost" && verdict_.literal && address.is_loopback()) return true;
    const policies::Decision listed = server_.options.filter(text, request_.port);
    return listed.verdict == policies::Verdict::allow && listed.literal;
  }

  void connect() {
    const net::ip::address address = to_try_.front();
    to_try_.erase(to_try_.begin());
    error_code ignored;
    host_.socket.close(ignored);
    host_.socket.async_connect(
        Protocol::endpoint(net::ip::tcp::endpoint(address, request_.port)),
        [self = shared_from_this(), address](error_code ec) {
          if (self->stage_ != Stage::connecting || self->over_) return;
          if (!ec) return self->connected(address.to_string());
          if (!self->to_try_.empty()) return self->connect();
          self->refuse(502, self->request_.host + " could not be reached: " + ec.message(),
                       Kind::failed);
        });
  }

  void connected(const std::string& address) {
    for (Socket* socket : {&client_.socket, &host_.socket}) {
      const int one = 1;
      setsockopt(socket->native_handle(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    address_ = address;
    stage_ = Stage::relay;
    event(Kind::allowed, verdict_.why);
    touch();
    watch_from_now();
    if (request_.tunnel) {
      reply_ = "HTTP/1.1 200 Connection established\r\n\r\n";
      net::async_write(client_.socket, net::buffer(reply_),
                       [self = shared_from_this()](error_code ec, size_t) {
                         if (self->over_) return;
                         if (ec) return self->end();
                         self->from_host();
                         self->first_to_host();
                       });
      return;
    }
    // What the program sent past the end of its body belongs to no request.
    head_.resize(std::min<uint64_t>(head_.size(), request_.content_length));
    left_ = request_.content_length - head_.size();
    head_.insert(0, request_.head);
    from_host();
    first_to_host();
  }

  // --- relay

  void touch() { deadline(server_.options.idle_time); }

  /// The head, and what came with it.
  void first_to_host() {
    if (head_.empty()) return from_client();
    net::async_write(host_.socket, net::buffer(head_),
                     [self = shared_from_this()](error_code ec, size_t n) {
                       if (self->over_) return;
                       self->count_sent(n);
                       if (ec) return self->end();
                       self->from_client();
                     });
  }

  void from_client() {
    size_t room = client_.buffer.size();
    if (!request_.tunnel) room = static_cast<size_t>(std::min<uint64_t>(room, left_));
    // The answer can still come; nothing more is read from the program.
    if (room == 0) return;
    client_.socket.async_read_some(net::buffer(client_.buffer.data(), room),
                                   [self = shared_from_this()](error_code ec, size_t n) {
                                     if (self->over_) return;
                                     if (ec == net::error::eof && self->request_.tunnel) {
                                       return self->one_done(self->client_, self->host_);
                                     }
                                     if (ec) return self->end();
                                     self->touch();
                                     if (!self->request_.tunnel) self->left_ -= n;
                                     net::async_write(self->host_.socket,
                                                      net::buffer(self->client_.buffer.data(), n),
                                                      [self](error_code failed, size_t written) {
                                                        if (self->over_) return;
                                                        self->count_sent(written);
                                                        if (failed) return self->end();
                                                        self->from_client();
                                                      });
                                   });
  }

  void from_host() {
    host_.socket.async_read_some(
        net::buffer(host_.buffer), [self = shared_from_this()](error_code ec, size_t n) {
          if (self->over_) return;
          if (ec == net::error::eof) return self->one_done(self->host_, self->client_);
          if (ec) return self->end();
          self->touch();
          self->received_ += n;
          self->server_.received_bytes += n;
          net::async_write(self->client_.socket, net::buffer(self->host_.buffer.data(), n),
                           [self](error_code failed, size_t) {
                             if (self->over_) return;
                             if (failed) return self->end();
                             self->from_host();
                           });
        });
  }

  void count_sent(size_t n) {
    touch();
    sent_ += n;
    server_.sent_bytes += n;
  }

  /// `from` has said all it will; `to` hears so.
  void one_done(Side& from, Side& to) {
    from.done = true;
    error_code ignored;
    to.socket.shutdown(Socket::shutdown_send, ignored);
    if (request_.tunnel) {
      if (to.done) end();
    } else if (left_ > 0) {
      end();
    } else {
      deadline(kLingerTime);
      watch_from_now();
      linger();
    }
  }

  // --- end

  void event(Kind kind, const std::string& why) const {
    server_.report({.kind = kind,
                    .method = request_.method,
                    .host = request_.host,
                    .port = request_.port,
                    .address = address_,
                    .why = why,
                    .sent_bytes = sent_,
                    .received_bytes = received_});
  }

  void refuse(int status, const std::string& why, Kind kind) {
    stage_ = Stage::refused;
    event(kind, why);
    const std::string body = "tessera: " + why + "\n";
    reply_ = "HTTP/1.1 " + status_text(status) +
             "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    deadline(kLingerTime);
    watch_from_now();
    net::async_write(client_.socket, net::buffer(reply_),
                     [self = shared_from_this()](error_code ec, size_t) {
                       if (self->over_) return;
                       if (ec) return self->end();
                       error_code ignored;
                       self->client_.socket.shutdown(Socket::shutdown_send, ignored);
                       self->linger();
                     });
  }

  /// Closing with unread bytes would reset the connection before the reply is read.
  void linger() {
    client_.socket.async_read_some(net::buffer(client_.buffer),
                                   [self = shared_from_this()](error_code ec, size_t) {
                                     if (self->over_) return;
                                     if (ec) return self->end();
                                     self->linger();
                                   });
  }

  void end() {
    if (over_) return;
    over_ = true;
    report_closed();
    error_code ignored;
    client_.socket.close(ignored);
    host_.socket.close(ignored);
    timer_.cancel();
    server_.ended(this);
  }

  enum class Stage { head, connecting, relay, refused };

  Server& server_;
  Side client_, host_;
  net::steady_timer timer_;
  Clock::time_point deadline_;
  Stage stage_ = Stage::head;
  bool over_ = false;
  std::string head_;  ///< what was read and not yet used
  std::string reply_;
  ProxyRequest request_;
  policies::Decision verdict_;
  std::vector<net::ip::address> to_try_;
  std::string address_;
  uint64_t left_ = 0;  ///< bytes of the body that are still to come
  uint64_t sent_ = 0, received_ = 0;
};

void Proxy::Server::report_open() const {
  for (const Session* session : sessions) session->report_closed();
}

void Proxy::Server::accept() {
  accepting = sessions.size() < options.max_connections;
  if (!accepting) return;
  acceptor.async_accept([this](error_code ec, Socket client) {
    if (ec == net::error::operation_aborted || ec == net::error::bad_descriptor) return;
    if (ec) {
      // Out of descriptors, most likely; some will be free again.
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](error_code stopped) {
        if (!stopped) accept();
      });
      return;
    }
    std::make_shared<Session>(*this, std::move(client))->start();
    accept();
  });
}

Proxy::Proxy(std::unique_ptr<Server> server) : server_(std::move(server)) {}
Proxy::~Proxy() = default;

uint64_t Proxy::sent_bytes() const { return server_->sent_bytes; }
uint64_t Proxy::received_bytes() const { return server_->received_bytes; }

Result<std::unique_ptr<Proxy>> Proxy::start(base::UniqueFd listener, ProxyOptions options) {
  int listening = 0, family = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      listening == 0 || getsockopt(listener.get(), SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) {
    return Error{Errc::usage, "proxy: the descriptor is not a listening socket"};
  }
  if (!options.filter) return Error{Errc::usage, "proxy: no filter"};
  auto server = std::make_unique<Server>(std::move(options));
  error_code ec;
  server->acceptor.assign(Protocol(family, 0), listener.get(), ec);
  if (ec) return Error{Errc::system, "proxy: " + ec.message()};
  listener.release();
  server->accept();
  try {
    server->thread = std::thread([raw = server.get()] {
      // Returns only when the io_context is stopped: there are moments without an operation.
      const net::executor_work_guard work(raw->io.get_executor());
      raw->io.run();
    });
  } catch (const std::system_error& e) {
    return Error{Errc::system, std::string("proxy: no thread: ") + e.what()};
  }
  return std::unique_ptr<Proxy>(new Proxy(std::move(server)));
}

}  // namespace sandbox
