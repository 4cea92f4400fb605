#include "server/reply_news.h"

#include "base/utf8.h"

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
  // A piece may end within a character, whose rest comes with the next.
  const size_t whole = draft_.size() - base::utf8_unfinished(draft_);
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
