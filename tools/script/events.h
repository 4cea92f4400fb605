#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tools::script {

/// The worker's side of the protocol: JSON Lines on one descriptor. They are gathered and written
/// some at a time, the last event at once with what was gathered.
class Events {
 public:
  /// serves: an empty line follows the last event, because another request may.
  explicit Events(int fd, bool serves = false) : fd_(fd), serves_(serves) {}

  bool serves() const { return serves_; }
  void send(const nlohmann::json& event);
  /// A line the script printed. Together at most 4,000 characters are sent, with the line breaks
  /// between them.
  void print(std::string_view text);
  /// A file the script saved.
  void file(std::string_view path, uint64_t rows);
  /// A line "note: …": something the script did not ask about, such as rows without a key.
  void note(std::string_view text);
  /// The last event. spent: this process takes no further request.
  void done(bool spent = false);
  void error(std::string_view message, bool spent = false);

 private:
  void last(nlohmann::json event, bool spent);
  void flush();
  int fd_;
  bool serves_;
  std::string gathered_;
  bool printed_any_ = false;
  size_t characters_left_ = 4000;
};

}  // namespace tools::script
