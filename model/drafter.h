#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "model/generate.h"
#include "model/model.h"

namespace model {

/// Gemma 4's MTP drafter: a few small layers that guess the next tokens from the hidden state and
/// the last keys and values of the model they belong to. Guesses are only ever proposals; the
/// target checks them in one pass (Session::extend), so they change the time a reply takes, never
/// the reply.
class Drafter {
 public:
  /// A drafter for `target`, which outlives it; GGUF (gemma4-assistant) or Hugging Face folder.
  /// Errors: as Checkpoint::open; usage (made for a target of another width, vocabulary or head
  /// geometry).
  static base::Result<Drafter> load(const std::filesystem::path& path, const Engine& target);

  /// Guesses the n tokens after `token`, which follows the session's last position but is not in
  /// its cache yet. suppress: ids that are never guessed.
  std::vector<TokenId> draft(const Session& session, TokenId token, int n,
                             std::span<const TokenId> suppress = {});

  /// One guess, for tests: logits [vocab] after `token` given the hidden state g [hidden of the
  /// target], which is replaced by the next one.
  void step(const Session& session, TokenId token, std::vector<float>& g,
            std::vector<float>& logits);

 private:
  struct Parts {
    Checkpoint file;
    Architecture architecture;
    Weights weights;
    Matrix pre = {}, post = {};
    std::vector<int> target_layers = {};  // whose keys and values each layer reads
  };
  Drafter(const Engine& target, std::unique_ptr<Parts> parts)
      : target_(&target), parts_(std::move(parts)) {}

  const Engine* target_;
  std::unique_ptr<Parts> parts_;
};

/// A session with a drafter in front of it (TokenSource says how it works). The session has read
/// the prompt; it and the drafter outlive the source, which leaves the session where the reply is.
class DraftedSource final : public TokenSource {
 public:
  /// n_guesses: 1 to 7, of a round.
  DraftedSource(Session& session, Drafter& drafter, int n_guesses, std::vector<TokenId> suppress);
  ~DraftedSource() override { settle(); }
  std::span<const float> logits() override;
  base::Status append(std::span<const TokenId> tokens, std::stop_token stop) override;

  int guessed() const { return guessed_; }    ///< tokens that were guessed so far
  int accepted() const { return accepted_; }  ///< of them, the ones the reply has

 private:
  void settle();  // takes back what was guessed and not chosen

  Session& session_;
  Drafter& drafter_;
  const int n_guesses_;
  const std::vector<TokenId> suppress_;
  std::vector<TokenId> round_;  // in the session's cache, not yet kept; empty: none
  int at_ = 0;                  // the last of round_ that was chosen
  int guessed_ = 0, accepted_ = 0;
};

}  // namespace model
