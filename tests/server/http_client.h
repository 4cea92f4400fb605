#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

/// A client that sends what it is told and nothing else.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  /// An end of a pair.
  static RawClient of(int fd) { return RawClient(fd, true); }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  /// Reads until `text` has come, the end, or ten seconds of silence; gives all that was read and
  /// not given before.
  std::string read_until(std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
      const std::string more = read_some(std::chrono::seconds(10));
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
  std::string read_all() {
    std::string all;
    for (std::string more; !(more = read_some(std::chrono::seconds(10))).empty();) all += more;
    return all;
  }
  /// Empty at the end of the stream or when nothing comes in time.
  std::string read_some(std::chrono::milliseconds time) {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    timed_out_ = ::poll(&wait, 1, static_cast<int>(time.count())) <= 0;
    if (timed_out_) return {};
    char bytes[8192];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    return n > 0 ? std::string(bytes, static_cast<size_t>(n)) : std::string();
  }
  bool timed_out() const { return timed_out_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void end_of_requests() { ::shutdown(fd_, SHUT_WR); }

 private:
  RawClient(int fd, bool connected) : fd_(fd), connected_(connected) {}
  int fd_;
  bool connected_ = false, timed_out_ = false;
};
