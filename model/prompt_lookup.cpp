#include "model/prompt_lookup.h"

#include <algorithm>

namespace model {
namespace {

constexpr size_t kShortest = 3;  // tokens of a repetition
constexpr size_t kLongest = 16;  // that are looked at

/// Of the kShortest tokens before `end`.
uint64_t key_of(const std::vector<TokenId>& tokens, size_t end) {
  uint64_t key = 0;
  for (size_t i = end - kShortest; i < end; ++i)
    key = key * 0x9e3779b97f4a7c15u + static_cast<uint32_t>(tokens[i]) + 1;
  return key;
}

}  // namespace

void PromptLookup::see(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    if (seen_.size() >= kShortest) ends_[key_of(seen_, seen_.size())] = seen_.size();
    seen_.push_back(token);
  }
}

std::vector<TokenId> PromptLookup::draft(const Session&, TokenId, int n,
                                         std::span<const TokenId> suppress) {
  if (seen_.size() < kShortest) return {};
  const auto found = ends_.find(key_of(seen_, seen_.size()));
  if (found == ends_.end()) return {};
  const size_t end = found->second;
  size_t length = 0;  // of the repetition; keys of different tokens may be equal
  while (length < std::min(end, kLongest) &&
         seen_[end - 1 - length] == seen_[seen_.size() - 1 - length])
    ++length;
  if (length < kShortest) return {};
  const size_t most = std::min(static_cast<size_t>(std::max(n, 0)), length - kShortest + 1);
  std::vector<TokenId> guesses;
  for (size_t i = end; i < seen_.size() && guesses.size() < most; ++i) {
    if (std::find(suppress.begin(), suppress.end(), seen_[i]) != suppress.end()) break;
    guesses.push_back(seen_[i]);
  }
  return guesses;
}

}  // namespace model
