#include "sandbox/proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <latch>
#include <mutex>
#include <thread>

// The proxy between real sockets on the loopback. No test waits for a time to pass but for an end
// of a connection or an event; every socket gives up after 20 s so that a failure ends.

namespace sandbox {
namespace {

using base::UniqueFd;
using Kind = ProxyEvent::Kind;

void give_up_in_time(int fd) {
  const timeval limit = {20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

UniqueFd listen_on_loopback(uint16_t& port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd.get(), 64), 0);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

UniqueFd connect_to(uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port);
  give_up_in_time(fd.get());
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

/// Reads until `text` has come or the other side has ended.
std::string read_until(int fd, const std::string& text) {
  std::string all;
  char byte = 0;
  while (all.find(text) == std::string::npos && recv(fd, &byte, 1, 0) == 1) all += byte;
  return all;
}

std::string read_all(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    all.append(buffer, static_cast<size_t>(n));
  return all;
}

/// A server on the loopback whose connections are each handled by `serve` on one thread.
class Host {
 public:
  explicit Host(std::function<void(int fd)> serve) : listener_(listen_on_loopback(port_)) {
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (;;) {
        UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        ++connections_;
        give_up_in_time(fd.get());
        serve(fd.get());
      }
    });
  }
  ~Host() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  uint16_t port_ = 0;
  UniqueFd listener_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

class ProxyTest : public testing::Test {
 protected:
  /// Starts a proxy for `hosts`; "PORT" in them stands for that of `host_`.
  void start(std::vector<std::string> hosts, uint16_t host_port = 0) {
    policy_.name = "p";
    for (std::string& host : hosts) {
      if (const size_t at = host.find("PORT"); at != std::string::npos)
        host.replace(at, 4, std::to_string(host_port));
      base::Result<policies::HostPattern> pattern = policies::HostPattern::parse(host, false);
      ASSERT_TRUE(pattern) << pattern.error().message;
      policy_.network.hosts.push_back(*pattern);
    }
    options_.filter = [this](std::string_view host, uint16_t port) {
      return policies::decide_host(policy_, host, port);
    };
    options_.report = [this](const ProxyEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    };
    base::Result<std::unique_ptr<Proxy>> proxy =
        Proxy::start(listen_on_loopback(proxy_port_), options_);
    ASSERT_TRUE(proxy) << proxy.error().message;
    proxy_ = std::move(*proxy);
  }
  /// The answer to `request`, until the proxy ends the connection.
  std::string ask(const std::string& request) {
    UniqueFd fd = connect_to(proxy_port_);
    send_all(fd.get(), request);
    return read_all(fd.get());
  }
  std::string connect_line(const std::string& host, uint16_t port) {
    return "CONNECT " + host + ":" + std::to_string(port) + " HTTP/1.1\r\nHost: " + host + ":" +
           std::to_string(port) + "\r\n\r\n";
  }
  /// Waits for the `n`th event.
  ProxyEvent event(size_t n) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return events_.size() > n; });
    EXPECT_TRUE(came) << "event " << n;
    return came ? events_[n] : ProxyEvent{};
  }

  policies::Policy policy_;
  ProxyOptions options_;
  uint16_t proxy_port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ProxyEvent> events_;
  std::unique_ptr<Proxy> proxy_;
};

const std::string kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";

TEST_F(ProxyTest, ATunnelCarriesBytesBothWaysAndCountsThem) {
  Host host([](int fd) {
    const std::string got = read_until(fd, "ping");
    send_all(fd, "got " + got + std::string(100'000, 'x'));
    shutdown(fd, SHUT_WR);
    read_all(fd);
  });
  start({"127.0.0.1:PORT"}, host.port());
  UniqueFd fd = connect_to(proxy_port_);
  // What is sent before the answer comes is kept.
  send_all(fd.get(), connect_line("127.0.0.1", host.port()) + "pi");
  EXPECT_EQ(read_until(fd.get(), "\r\n\r\n"), kEstablished);
  send_all(fd.get(), "ng");
  EXPECT_EQ(read_all(fd.get()), "got ping" + std::string(100'000, 'x'));
  shutdown(fd.get(), SHUT_WR);
  EXPECT_EQ(event(0).kind, Kind::allowed);
  EXPECT_EQ(event(0).why, "the policy p lists 127.0.0.1:" + std::to_string(host.port()));
  const ProxyEvent closed = event(1);
  EXPECT_EQ(closed.kind, Kind::closed);
  EXPECT_EQ(closed.method, "CONNECT");
  EXPECT_EQ(closed.address, "127.0.0.1");
  EXPECT_EQ(closed.sent_bytes, 4u);
  EXPECT_EQ(closed.received_bytes, 100'008u);
  EXPECT_EQ(proxy_->sent_bytes(), 4u);
  EXPECT_EQ(proxy_->received_bytes(), 100'008u);
}

TEST_F(ProxyTest, APlainRequestIsWrittenAnewAndItsBodyEndsWhereItSays) {
  std::string seen;
  std::latch done(1);
  Host host([&](int fd) {
    seen = read_until(fd, "\r\n\r\nbody");
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    shutdown(fd, SHUT_WR);
    seen += read_all(fd);
    done.count_down();
  });
  start({"localhost:PORT"}, host.port());
  const std::string authority = "localhost:" + std::to_string(host.port());
  const std::string reply =
      ask("POST http://" + authority + "/x HTTP/1.1\r\nHost: " + authority +
          "\r\nConnection: keep-alive\r\nProxy-Authorization: secret\r\nContent-Length: 4\r\n\r\n"
          "bodyGET http://" +
          authority + "/hidden HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
  EXPECT_EQ(reply, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  done.wait();
  EXPECT_EQ(seen, "POST /x HTTP/1.1\r\nHost: " + authority +
                      "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
}

TEST_F(ProxyTest, ABodyThatComesInPiecesIsForwarded) {
  std::string seen;
  Host host([&](int fd) {
    seen = read_until(fd, "END");
    send_all(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  });
  start({"127.0.0.1:PORT"}, host.port());
  UniqueFd fd = connect_to(proxy_port_);
  const std::string body = std::string(50'000, 'b') + "END";
  send_all(fd.get(), "PUT http://127.0.0.1:" + std::to_string(host.port()) +
                         "/ HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) +
                         "\r\n\r\n");
  for (size_t i = 0; i < body.size(); i += 7001) send_all(fd.get(), body.substr(i, 7001));
  EXPECT_EQ(read_all(fd.get()), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(seen.ends_with("\r\n\r\n" + body));
}

TEST_F(ProxyTest, WhatThePolicyDoesNotListIsRefusedInOneSentence) {
  Host host([](int) {});
  start({"example.org:443", "*.internal:443"});
  policies::Rule rule;
  rule.why = "Names inside a cloud.";
  rule.verdict = policies::Verdict::ask;
  rule.host = *policies::HostPattern::parse("*.internal:*", true);
  policy_.rules = {rule};
  const std::string sentence =
      "127.0.0.1:" + std::to_string(host.port()) + " is not among the hosts of the policy p";
  const std::string reply = ask(connect_line("127.0.0.1", host.port()));
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 403 Forbidden\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("\r\n\r\ntessera: " + sentence + "\n")) << reply;
  EXPECT_EQ(event(0).kind, Kind::refused);
  EXPECT_EQ(event(0).why, sentence);
  EXPECT_TRUE(ask("GET http://127.0.0.1:" + std::to_string(host.port()) + "/ HTTP/1.0\r\n\r\n")
                  .ends_with(sentence + "\n"));
  // Nobody can be asked here.
  EXPECT_TRUE(ask(connect_line("a.internal", 443))
                  .ends_with("tessera: a person has to allow it first: Names inside a cloud.\n"));
  EXPECT_EQ(host.connections(), 0);
  EXPECT_EQ(proxy_->sent_bytes(), 0u);
}

TEST_F(ProxyTest, NamesThatLeadInsideAreRefusedWhateverTheyAreCalled) {
  Host host([](int) {});
  std::vector<std::string> answer;
  options_.resolve = [&](const std::string&) { return answer; };
  start({"*.example.org:PORT", "fixed.org:PORT", "*:80"}, host.port());
  for (const char* address : {"127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "::1",
                              "::", "fd00::1", "fe80::1", "::ffff:127.0.0.1", "192.168.0.1"}) {
    for (const char* name : {"a.example.org", "fixed.org"}) {
      answer = {address};
      const std::string reply = ask(connect_line(name, host.port()));
      EXPECT_TRUE(reply.starts_with("HTTP/1.1 403")) << reply;
      EXPECT_TRUE(reply.ends_with(std::string("tessera: ") + name + " leads to " + address +
                                  ", which is not a public address, and the policy does not list "
                                  "that\n"))
          << reply;
    }
  }
  // As addresses in the request.
  for (const char* target :
       {"127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[fd00::1]"})
    EXPECT_TRUE(ask(connect_line(target, 80)).starts_with("HTTP/1.1 403")) << target;
  // Other spellings are no addresses at all.
  for (const char* target : {"2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.1"})
    EXPECT_TRUE(ask(connect_line(target, 80)).starts_with("HTTP/1.1 400")) << target;
  EXPECT_EQ(host.connections(), 0);
}

TEST_F(ProxyTest, AnAddressThatThePolicyListsIsReachedByNameToo) {
  Host host([](int fd) { send_all(fd, "hello"); });
  // The public address of the two is never tried here: the listed one comes first.
  options_.resolve = [](const std::string&) {
    return std::vector<std::string>{"10.0.0.1", "127.0.0.1"};
  };
  start({"service.example.org:PORT", "127.0.0.1:PORT"}, host.port());
  EXPECT_EQ(ask(connect_line("service.example.org", host.port())).substr(0, kEstablished.size()),
            kEstablished);
  EXPECT_EQ(event(0).address, "127.0.0.1");
}

TEST_F(ProxyTest, SmugglingAttemptsNeverReachAHost) {
  Host host([](int) {});
  start({"127.0.0.1:PORT"}, host.port());
  const std::string authority = "127.0.0.1:" + std::to_string(host.port());
  const std::string get = "GET http://" + authority + "/ HTTP/1.1\r\n";
  for (const std::string& request :
       {get + "Host: " + authority + "\r\nHost: evil\r\n\r\n", get + "Host: evil\r\n\r\n",
        get + "Host: " + authority +
            "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        get + "Host: " + authority + "\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        get + "Host: " + authority + "\r\nTransfer-Encoding : chunked\r\n\r\n",
        get + "Host: " + authority + "\nX: y\r\n\r\n",
        "GET http://" + authority + "/\nHost: evil HTTP/1.1\r\n\r\n",
        "GET http://" + authority + "/ HTTP/1.1\n\n",
        "GET http://" + authority + "/a\rb HTTP/1.1\r\nHost: " + authority + "\r\n\r\n",
        "GET http://evil@" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n\r\n",
        std::string("\x16\x03\x01\x02\n\r\n\r\n")}) {
    const std::string reply = ask(request);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 4")) << request << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos);
  }
  EXPECT_EQ(host.connections(), 0);
}

TEST_F(ProxyTest, SlowAndLargeHeadsAreEnded) {
  options_.head_time = std::chrono::milliseconds(50);
  options_.max_head_bytes = 1000;
  start({"example.org:443"});
  UniqueFd silent = connect_to(proxy_port_);
  EXPECT_TRUE(read_all(silent.get()).starts_with("HTTP/1.1 408"));
  // A byte now and then does not put the end off.
  UniqueFd slow = connect_to(proxy_port_);
  pollfd ended = {slow.get(), POLLIN, 0};
  for (int i = 0; i < 20'000 && poll(&ended, 1, 1) == 0; ++i) send_all(slow.get(), "a");
  EXPECT_TRUE(read_all(slow.get()).starts_with("HTTP/1.1 4"));
  EXPECT_TRUE(
      ask("GET http://a/ HTTP/1.1\r\nX: " + std::string(1000, 'x')).starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(ask("GET http://a/ HTTP/1.1\r\nX: " + std::string(1000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
}

TEST_F(ProxyTest, AnIdleTunnelIsClosed) {
  Host host([](int fd) { read_all(fd); });
  options_.idle_time = std::chrono::milliseconds(50);
  start({"127.0.0.1:PORT"}, host.port());
  EXPECT_EQ(ask(connect_line("127.0.0.1", host.port())), kEstablished);
  EXPECT_EQ(event(1).kind, Kind::closed);
}

TEST_F(ProxyTest, ALookUpThatDoesNotEndIsGivenUp) {
  static std::latch release(1);
  options_.resolve = [](const std::string&) {
    release.wait();
    return std::vector<std::string>{};
  };
  options_.connect_time = std::chrono::milliseconds(50);
  start({"*:443"});
  EXPECT_TRUE(ask(connect_line("example.org", 443)).starts_with("HTTP/1.1 504"));
  EXPECT_EQ(event(0).kind, Kind::failed);
  // The proxy goes although the look-up still waits.
  proxy_.reset();
  release.count_down();
}

TEST_F(ProxyTest, MoreConnectionsThanAllowedWaitForTheirTurn) {
  options_.max_connections = 2;
  start({"example.org:443"});
  UniqueFd first = connect_to(proxy_port_), second = connect_to(proxy_port_);
  UniqueFd third = connect_to(proxy_port_);
  send_all(third.get(), connect_line("a.b", 443));
  // The second is served, the third is not: its answer comes only once another has ended.
  send_all(second.get(), "\n");
  EXPECT_TRUE(read_until(second.get(), "\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(event(0).method, "");
  pollfd waiting = {third.get(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
  first.reset();
  EXPECT_TRUE(read_all(third.get()).starts_with("HTTP/1.1 403"));
}

TEST_F(ProxyTest, AHostThatCannotBeReachedIsNamed) {
  uint16_t port = 0;
  listen_on_loopback(port).reset();
  start({"127.0.0.1:PORT", "nowhere.example:443"}, port);
  EXPECT_TRUE(ask(connect_line("127.0.0.1", port)).starts_with("HTTP/1.1 502"));
  EXPECT_EQ(event(0).kind, Kind::failed);
  EXPECT_EQ(event(0).why, "127.0.0.1 could not be reached: Connection refused");
}

TEST_F(ProxyTest, ItsEndClosesEveryConnection) {
  std::latch inside(1);
  Host host([&](int fd) {
    inside.count_down();
    read_all(fd);
  });
  start({"127.0.0.1:PORT"}, host.port());
  UniqueFd tunnel = connect_to(proxy_port_), silent = connect_to(proxy_port_);
  send_all(tunnel.get(), connect_line("127.0.0.1", host.port()));
  EXPECT_EQ(read_until(tunnel.get(), "\r\n\r\n"), kEstablished);
  inside.wait();
  proxy_.reset();
  EXPECT_EQ(read_all(tunnel.get()), "");
  EXPECT_EQ(read_all(silent.get()), "");
  EXPECT_EQ(event(1).kind, Kind::closed);
  EXPECT_EQ(event(1).host, "127.0.0.1");
  UniqueFd late(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(proxy_port_);
  EXPECT_NE(connect(late.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

TEST_F(ProxyTest, ManyTunnelsAtOnceDoNotMixTheirBytes) {
  // Each connection is answered in turn with what it sent.
  Host host([](int fd) { send_all(fd, read_until(fd, "\n")); });
  start({"127.0.0.1:PORT"}, host.port());
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int k = 0; k < 10; ++k) {
        const std::string line = std::to_string(i) + " " + std::to_string(k) + "\n";
        EXPECT_EQ(ask(connect_line("127.0.0.1", host.port()) + line), kEstablished + line);
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(ProxyTest, ServesAUnixSocketToo) {
  char folder[] = "/tmp/tessera-proxy-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = std::string(folder) + "/proxy";
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 4), 0);
  options_.filter = [](std::string_view, uint16_t) { return policies::Decision{}; };
  base::Result<std::unique_ptr<Proxy>> proxy = Proxy::start(std::move(listener), options_);
  ASSERT_TRUE(proxy) << proxy.error().message;
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  give_up_in_time(fd.get());
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  send_all(fd.get(), connect_line("a.b", 443));
  EXPECT_TRUE(read_all(fd.get()).starts_with("HTTP/1.1 403"));
  unlink(path.c_str());
  rmdir(folder);
}

TEST(ProxyStart, NeedsAListeningSocket) {
  ProxyOptions options;
  options.filter = [](std::string_view, uint16_t) { return policies::Decision{}; };
  UniqueFd idle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Proxy::start(std::move(idle), options).error().message,
            "proxy: the descriptor is not a listening socket");
  EXPECT_FALSE(Proxy::start(UniqueFd(), options));
  uint16_t port = 0;
  EXPECT_EQ(Proxy::start(listen_on_loopback(port), {}).error().message, "proxy: no filter");
}

}  // namespace
}  // namespace sandbox
