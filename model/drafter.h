#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "model/drafted_source.h"
#include "model/model.h"

namespace model {

/// Gemma 4's MTP drafter: a few small layers that guess the next tokens from the hidden state and
/// the last keys and values of the model they belong to. Guesses are only ever proposals; the
/// target checks them in one pass (Session::extend), so they change the time a reply takes, never
/// the reply.
class Drafter final : public Guesser {
 public:
  /// A drafter for `target`, which outlives it; GGUF (gemma4-assistant) or Hugging Face folder.
  /// Errors: as Checkpoint::open; usage (made for a target of another width, vocabulary or head
  /// geometry).
  static base::Result<Drafter> load(const std::filesystem::path& path, const Engine& target);

  std::vector<TokenId> draft(const Session& session, TokenId token, int n,
                             std::span<const TokenId> suppress = {}) override;

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

}  // namespace model
