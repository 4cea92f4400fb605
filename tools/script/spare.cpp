#include "tools/script/spare.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace tools::script {

Spare Spare::make(const std::function<void(const std::string& line)>& answer) {
  Spare spare;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return spare;
  base::UniqueFd from(ends[0]), to(ends[1]);
  spare.process_ = ::fork();
  if (spare.process_ == 0) {
    to.reset();  // or its end would never come
    std::string text, line;
    if (!read_line(from.get(), text, text.max_size(), line)) ::_exit(0);
    answer(line);
    ::_exit(1);
  }
  if (spare.process_ > 0) spare.request_ = std::move(to);
  return spare;
}

pid_t Spare::hand_over(const std::string& line) {
  const std::string request = line + "\n";
  // A copy that is gone says so by its status.
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t n = ::send(request_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  request_.reset();
  return process_;
}

bool read_line(int fd, std::string& text, size_t limit, std::string& line) {
  size_t end = 0;
  while ((end = text.find('\n')) == text.npos) {
    char buffer[65536];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > limit) return false;
  }
  line = text.substr(0, end);
  text.erase(0, end + 1);
  return true;
}

}  // namespace tools::script
