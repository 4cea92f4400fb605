#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tools::script {

/// The worker's side of the protocol: JSON Lines on one descriptor.
class Events {
 public:
  explicit Events(int fd) : fd_(fd) {}

  void send(const nlohmann::json& event);
  /// A line the script printed. Together at most 4,000 characters are sent, with the line breaks
  /// between them.
  void print(std::string_view text);
  /// A file the script saved.
  void file(std::string_view path, uint64_t rows);
  /// A line "note: …": something the script did not ask about, such as rows without a key.
  void note(std::string_view text);
  void done();
  void error(std::string_view message);

 private:
  int fd_;
  bool printed_any_ = false;
  size_t characters_left_ = 4000;
};

}  // namespace tools::script
