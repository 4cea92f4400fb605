#include "model/drafted_source.h"

#include <algorithm>
#include <utility>

namespace model {

using base::Errc;
using base::Error;

DraftedSource::DraftedSource(Session& session, Guesser& guesser, int n_guesses,
                             std::vector<TokenId> suppress)
    : session_(session),
      guesser_(guesser),
      n_guesses_(std::clamp(n_guesses, 1, 7)),
      suppress_(std::move(suppress)) {}

NextLogits DraftedSource::next() {
  return round_.empty() ? session_.next() : session_.next_after(at_);
}

void DraftedSource::settle() {
  if (!round_.empty()) session_.keep(at_ + 1);
  round_.clear();
}

base::Status DraftedSource::append(std::span<const TokenId> tokens, std::stop_token stop) {
  guesser_.see(tokens);
  while (!tokens.empty() && static_cast<size_t>(at_) + 1 < round_.size() &&
         round_[static_cast<size_t>(at_) + 1] == tokens[0]) {
    ++at_;
    ++accepted_;
    tokens = tokens.subspan(1);
  }
  if (tokens.empty()) return base::Ok{};
  settle();
  constexpr size_t kChunk = 512;
  for (; tokens.size() > 1; tokens = tokens.subspan(std::min(kChunk, tokens.size() - 1))) {
    // Text that a grammar forces: nothing to guess before its end.
    if (stop.stop_requested())
      return Error{Errc::cancelled, "stopped while the model was replying"};
    const size_t n = std::min(kChunk, tokens.size() - 1);
    const base::Status read = session_.extend(tokens.first(n));
    if (!read) return read.error();
    session_.keep(static_cast<int>(n));
  }
  const int room = session_.context() - session_.size() - 1;
  round_ = {tokens[0]};
  for (const TokenId guess :
       guesser_.draft(session_, tokens[0], std::clamp(room, 0, n_guesses_), suppress_))
    round_.push_back(guess);
  const base::Status read = session_.extend(round_);
  if (!read) {
    round_.clear();
    return read.error();
  }
  at_ = 0;
  guessed_ += static_cast<int>(round_.size()) - 1;
  return base::Ok{};
}

}  // namespace model
