#include "server/reply_news.h"

namespace server {

using nlohmann::json;
using Kind = agent::ReplyProgress::Kind;

namespace {
constexpr auto kBetween = std::chrono::milliseconds(200);
}

bool ReplyNews::due() {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < kBetween) return false;
  told_ = now;
  return true;
}

void ReplyNews::tell_draft() {
  if (draft_.empty()) return;
  // A piece may end within a character, whose rest comes with the next.
  size_t whole = draft_.size();
  for (size_t back = 1; back <= 3 && back <= draft_.size(); ++back) {
    const auto byte = static_cast<unsigned char>(draft_[draft_.size() - back]);
    if (byte < 0x80) break;
    if (byte < 0xC0) continue;
    if (back < (byte >= 0xF0 ? 4u : byte >= 0xE0 ? 3u : 2u)) whole -= back;
    break;
  }
  if (whole == 0) return;
  tell_({{"type", "draft"}, {"text", draft_.substr(0, whole)}});
  draft_.erase(0, whole);
}

void ReplyNews::operator()(const agent::ReplyProgress& progress) {
  if (progress.kind == Kind::replied) {
    tell_draft();
    json event{{"type", "context"}, {"tokens", progress.read}};
    if (progress.of > 0) event["length"] = progress.of;
    return tell_(event);
  }
  if (!words_) return;
  if (progress.kind == Kind::asked) draft_.clear();
  if (progress.kind == Kind::reading && due())
    tell_({{"type", "reading"}, {"tokens", progress.read}, {"of", progress.of}});
  if (progress.kind == Kind::said) {
    draft_ += progress.text;
    if (due()) tell_draft();
  }
}

}  // namespace server
