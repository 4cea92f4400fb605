#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/drafted_source.h"

namespace model {

/// Guesses that a reply which repeats some tokens of the conversation goes on as they did: names of
/// columns and files, code that is edited, rows of a table. Costs no model.
/// Source: Saxena, "Prompt Lookup Decoding", 2023.
class PromptLookup final : public Guesser {
 public:
  /// prompt: what the session has read.
  explicit PromptLookup(std::span<const TokenId> prompt) { see(prompt); }

  /// The longer the repetition, the more guesses; none where the last tokens are new.
  std::vector<TokenId> draft(const Session& session, TokenId token, int n,
                             std::span<const TokenId> suppress) override;
  void see(std::span<const TokenId> tokens) override;

 private:
  std::vector<TokenId> seen_;
  /// After the newest of each few tokens that follow each other: where they end. Those at the very
  /// end are not in it yet.
  std::unordered_map<uint64_t, size_t> ends_;
};

}  // namespace model
