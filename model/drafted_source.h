#pragma once

#include <span>
#include <vector>

#include "model/generate.h"
#include "model/model.h"

namespace model {

/// Proposes how a reply goes on. The model checks the guesses in one pass, so they change the time
/// a reply takes, never the reply.
class Guesser {
 public:
  virtual ~Guesser() = default;
  /// At most n tokens after `token`, which follows the session's last position but is not in its
  /// cache yet. suppress: ids that are never guessed.
  virtual std::vector<TokenId> draft(const Session& session, TokenId token, int n,
                                     std::span<const TokenId> suppress) = 0;
  /// Tokens that the reply got, each once and in order; the `token` of a draft() is the last of
  /// them.
  virtual void see(std::span<const TokenId>) {}
};

/// A session with a guesser in front of it (TokenSource says how it works). The session has read
/// the prompt; it and the guesser outlive the source, which leaves the session where the reply is.
class DraftedSource final : public TokenSource {
 public:
  /// n_guesses: 1 to 7, of a round.
  DraftedSource(Session& session, Guesser& guesser, int n_guesses, std::vector<TokenId> suppress);
  ~DraftedSource() override { settle(); }
  NextLogits next() override;
  base::Status append(std::span<const TokenId> tokens, std::stop_token stop) override;

  int guessed() const { return guessed_; }    ///< tokens that were guessed so far
  int accepted() const { return accepted_; }  ///< of them, the ones the reply has

 private:
  void settle();  // takes back what was guessed and not chosen

  Session& session_;
  Guesser& guesser_;
  const int n_guesses_;
  const std::vector<TokenId> suppress_;
  std::vector<TokenId> round_;  // in the session's cache, not yet kept; empty: none
  int at_ = 0;                  // the last of round_ that was chosen
  int guessed_ = 0, accepted_ = 0;
};

}  // namespace model
