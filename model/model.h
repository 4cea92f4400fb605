#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/checkpoint.h"
#include "model/decoder.h"
#include "model/sampler.h"
#include "model/tokenizer.h"

/// model: runs a GGUF checkpoint on the CPU.
///
/// An Engine is a loaded checkpoint: mapped weights, tokenizer, workers. It never changes after
/// load(). A Session is one conversation's timeline: it owns a KV cache and the logits at its end.
/// The Engine outlives its Sessions; its workers serve one session at a time.
namespace model {

/// One place in the prompt: a token, or a soft token (an image patch or audio frame projected to
/// [hidden]) whose id is the placeholder it stands for.
struct Position {
  TokenId id = 0;
  std::span<const float> soft =
      {};  ///< empty, or [hidden]; the caller keeps it alive during prefill
};

struct LoadOptions {
  Precision precision = Precision::bf16;
  std::filesystem::path adapter = {};  ///< LoRA, empty: none
  int threads = 0;                     ///< 0: one per CPU
};

class Engine {
 public:
  /// Errors: not_found, corrupt, unsupported, usage (the adapter is for another checkpoint).
  static base::Result<Engine> load(const std::filesystem::path& path, const LoadOptions& options);

  const Architecture& architecture() const { return parts_->architecture; }
  const Tokenizer& tokenizer() const { return parts_->tokenizer; }
  int context_length() const { return parts_->architecture.context_length; }

 private:
  friend class Session;
  struct Parts {  // stays in place, since its members point at each other
    Checkpoint file;
    Architecture architecture;
    Weights weights;
    Tokenizer tokenizer;
    std::unique_ptr<ThreadPool> pool;
    std::optional<Decoder> decoder = {};
  };
  explicit Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
  std::unique_ptr<Parts> parts_;
};

struct PrefillStats {
  int reused = 0;  ///< positions that were in the cache already
  int computed = 0;
};

class Session {
 public:
  /// context: most positions; at most the engine's context length.
  Session(const Engine& engine, int context);

  /// Makes the cache hold exactly `prompt`: keeps the longest common beginning, drops what followed
  /// it and computes the rest, leaving the logits after the last position. Errors: limit (prompt
  /// too long), usage (empty, or an id outside the vocabulary), cancelled (the cache holds what was
  /// done).
  base::Result<PrefillStats> prefill(std::span<const Position> prompt, std::stop_token stop);

  /// Appends `token`; logits() follow it. Errors: limit (the context is full).
  base::Status decode(TokenId token);

  /// [vocab] after the last position, valid until the next call.
  std::span<const float> logits() const { return logits_; }

  /// Runs `prompt` from an empty cache and returns the logits of every position, [n, vocab]; for
  /// comparison with references. Errors: as prefill.
  base::Result<std::vector<float>> all_logits(std::span<const Position> prompt);

  int size() const { return cache_.size(); }

 private:
  base::Status check(std::span<const Position> prompt) const;
  /// Runs one chunk; the final-normed rows stay in stream_.
  void run(std::span<const Position> chunk);

  const Engine& engine_;
  KvCache cache_;
  Decoder::Workspace work_;
  std::vector<float> stream_, logits_;
  std::vector<TokenId>
      held_;  // ids in the cache; -1 for soft tokens, which are never taken for equal
};

}  // namespace model
