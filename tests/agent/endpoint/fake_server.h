#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

/// A server of the test's own on loopback: plain sockets, one connection after the other, and for
/// each the next of a list of actions. It knows nothing of HTTP but where a request ends, so that
/// it can do everything wrong.
class FakeServer {
 public:
  /// Gets the connection and the whole request; the connection is closed when it returns.
  using Action = std::function<void(int fd, const std::string& request)>;

  explicit FakeServer(std::vector<Action> actions) : actions_(std::move(actions)) {
    listener_ = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    over_ = true;
    thread_.join();
  }

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// What was asked so far: whole requests.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static void send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  /// Waits until the other side closes, at most five seconds.
  static void wait_for_close(int fd) {
    char byte = 0;
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    while (::poll(&one, 1, 5000) > 0 && ::recv(fd, &byte, 1, 0) > 0) {
    }
  }

  static std::string response(int status, const std::string& type, const std::string& body,
                              const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
  }
  static Action answers(int status, const std::string& type, const std::string& body,
                        const std::string& headers = "") {
    return [=](int fd, const std::string&) { send(fd, response(status, type, body, headers)); };
  }
  static Action json(const std::string& body) { return answers(200, "application/json", body); }
  /// Events, one chunk each, ended properly.
  static Action events(std::vector<std::string> list) {
    return [list = std::move(list)](int fd, const std::string&) {
      send(fd,
           "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
           "Transfer-Encoding: chunked\r\n\r\n");
      for (const std::string& one : list) {
        const std::string line = "data: " + one + "\n\n";
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", line.size());
        send(fd, size + line + "\r\n");
      }
      send(fd, "0\r\n\r\n");
    };
  }

 private:
  static std::string read_request(int fd) {
    std::string all;
    size_t needed = std::string::npos;
    char buffer[4096];
    while (needed == std::string::npos || all.size() < needed) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&one, 1, 5000) <= 0) break;
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      all.append(buffer, static_cast<size_t>(n));
      const size_t end = all.find("\r\n\r\n");
      if (needed != std::string::npos || end == std::string::npos) continue;
      const size_t length = all.find("Content-Length: ");
      needed = end + 4 + (length < end ? std::strtoul(all.c_str() + length + 16, nullptr, 10) : 0);
    }
    return all;
  }

  void serve() {
    for (size_t next = 0; !over_;) {
      pollfd one{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&one, 1, 20) <= 0) continue;
      const base::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd.get() < 0) continue;
      const std::string request = raw ? "" : read_request(fd.get());
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (next < actions_.size()) actions_[next++](fd.get(), request);
    }
  }

  std::vector<Action> actions_;
  base::UniqueFd listener_;
  int port_ = 0;
  std::atomic<bool> over_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;

 public:
  std::atomic<bool> raw = false;  ///< the action reads the request itself (TLS)
};
