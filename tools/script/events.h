#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tools::script {

/// How many requests this process answers.
enum class Serves {
  one,
  many,
  one_of_many,  ///< it is a copy of one that goes on
};

/// The worker's side of the protocol: JSON Lines on one descriptor. They are gathered and written
/// some at a time, the last event at once with what was gathered.
class Events {
 public:
  explicit Events(int fd, Serves serves = Serves::one) : fd_(fd), serves_(serves) {}

  Serves serves() const { return serves_; }
  void send(const nlohmann::json& event);
  /// A line the script printed. Together at most 4,000 characters are sent, with the line breaks
  /// between them.
  void print(std::string_view text);
  /// A file the script saved.
  void file(std::string_view path, uint64_t rows);
  /// A line "note: …": something the script did not ask about, such as rows without a key. Sent
  /// twice, as a line and as an event of its own, which no text of a file can pass for.
  void note(std::string_view text);
  /// The last event; where another request may come, an empty line follows. spent: this process
  /// takes no further one.
  void done(bool spent = false);
  void error(std::string_view message, bool spent = false);

 private:
  void last(nlohmann::json event, bool spent);
  void flush();
  int fd_;
  Serves serves_;
  std::string gathered_;
  bool printed_any_ = false;
  size_t characters_left_ = 4000;
};

}  // namespace tools::script
