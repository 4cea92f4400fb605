#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/unique_fd.h"

namespace tools::script {

/// A copy of this process that waits for one request: loaded and confined like this one, with
/// nothing of a script in it. Made ahead, so that a request does not wait for a fork. It ends when
/// this process lets go of it or ends.
class Spare {
 public:
  Spare() = default;
  /// answer: called in the copy with the request, and must not return. Tests false when no process
  /// can be made.
  static Spare make(const std::function<void(const std::string& line)>& answer);
  explicit operator bool() const { return request_.get() >= 0; }
  /// Gives the copy its request. Returns its process; this object then has none.
  pid_t hand_over(const std::string& line);

 private:
  pid_t process_ = 0;
  base::UniqueFd request_;
};

/// Reads a line from a socket. text: what was read beyond earlier lines, kept between
/// calls. False at its end or when `text` grows beyond `limit` bytes.
bool read_line(int fd, std::string& text, size_t limit, std::string& line);

}  // namespace tools::script
