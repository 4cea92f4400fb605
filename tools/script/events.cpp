#include "tools/script/events.h"

#include <unistd.h>

#include <cerrno>
#include "base/json.h"

#include "tools/data/value.h"

namespace tools::script {

namespace {
constexpr size_t kGathered = 16 << 10;
}

void Events::send(const nlohmann::json& event) {
  gathered_ += event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  gathered_ += '\n';
  if (gathered_.size() >= kGathered) flush();
}

void Events::flush() {
  for (std::string_view rest = gathered_; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // nobody listens
    rest.remove_prefix(static_cast<size_t>(n));
  }
  gathered_.clear();
}

void Events::last(nlohmann::json event, bool spent) {
  if (spent && serves_ == Serves::many) event["spent"] = true;
  send(event);
  if (serves_ != Serves::one) gathered_ += '\n';
  flush();
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
void Events::note(std::string_view text) {
  print("note: " + std::string(text));
  send({{"type", "note"}, {"text", text}});
}
void Events::done(bool spent) { last({{"type", "done"}}, spent); }
void Events::error(std::string_view message, bool spent) {
  const std::string clean = data::to_utf8(message);
  last({{"type", "error"}, {"message", clean.substr(0, data::utf8_prefix(clean, 1000))}}, spent);
}

}  // namespace tools::script
