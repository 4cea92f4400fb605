#include "tools/script/events.h"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "tools/data/value.h"

namespace tools::script {

void Events::send(const nlohmann::json& event) {
  std::string line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody listens
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

void Events::print(std::string_view text) {
  if (printed_any_ && characters_left_ > 0) --characters_left_;  // the line break before it
  printed_any_ = true;
  if (characters_left_ == 0) return;
  const std::string clean = data::to_utf8(text);
  const std::string_view shown =
      std::string_view(clean).substr(0, data::utf8_prefix(clean, characters_left_));
  for (const char c : shown) characters_left_ -= (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  send({{"type", "print"}, {"text", shown}});
}

void Events::file(std::string_view path, uint64_t rows) {
  send({{"type", "file"}, {"path", path}, {"rows", rows}});
}
void Events::note(std::string_view text) { print("note: " + std::string(text)); }
void Events::done() { send({{"type", "done"}}); }
void Events::error(std::string_view message) {
  const std::string clean = data::to_utf8(message);
  send({{"type", "error"}, {"message", clean.substr(0, data::utf8_prefix(clean, 1000))}});
}

}  // namespace tools::script
