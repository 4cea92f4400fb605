#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/audio.h"
#include "model/checkpoint.h"
#include "model/decoder.h"
#include "model/outlook.h"
#include "model/sampler.h"
#include "model/tokenizer.h"
#include "model/vision.h"

/// model: runs a Gemma checkpoint on the CPU.
///
/// An Engine is a loaded checkpoint: mapped weights, tokenizer, embedders of pictures and sound,
/// workers. It never changes after load(). A Session is one conversation's timeline: it owns a KV
/// cache and the logits at its end. The Engine outlives its Sessions; its workers serve one session
/// at a time.
namespace model {

/// One place in the prompt: a token, or a soft token (a patch of a picture or a frame of sound,
/// projected to [hidden]) whose id is the placeholder it stands for.
struct Position {
  TokenId id = 0;
  std::span<const float> soft =
      {};              ///< empty, or [hidden]; the caller keeps it alive during prefill
  bool patch = false;  ///< part of a picture or video frame; neighbours that are form one image
};

/// What a position of a cache is computed from, itself and those before it: positions of prompts
/// with equal keys are the same to the model.
struct PositionKey {
  TokenId id = 0;
  uint64_t soft = 0;  ///< hash of the soft token, 0: none
  bool patch = false;
  bool operator==(const PositionKey&) const = default;
};
std::vector<PositionKey> keys_of(std::span<const Position> prompt);

/// Placeholders of soft tokens, -1 where the vocabulary has none.
struct MediaIds {
  TokenId image = -1;
  TokenId audio = -1;
  TokenId video = -1;
};

struct LoadOptions {
  Precision precision = Precision::fast;
  /// LoRA, empty: none. Embedders in its file were trained with it and stand for any others.
  std::filesystem::path adapter = {};
  std::filesystem::path mmproj = {};  ///< GGUF with the embedders; a folder holds its own
  int threads = 0;                    ///< 0: one per CPU
  bool need_tokenizer = true;         ///< false: one that cannot be read is no error
  /// Linear layers that take more than this in bf16 are read as stored (Decoder).
  size_t max_packed_bytes = size_t{2} << 30;
};

class Engine {
 public:
  /// Errors: not_found, corrupt, unsupported, usage (the adapter is for another checkpoint).
  static base::Result<Engine> load(const std::filesystem::path& path, const LoadOptions& options);

  const Architecture& architecture() const { return parts_->architecture; }
  /// Only where LoadOptions::need_tokenizer was not turned off.
  const Tokenizer& tokenizer() const { return *parts_->tokenizer; }
  MediaIds media_ids() const;
  const Checkpoint& checkpoint() const { return parts_->file; }
  int context_length() const { return parts_->architecture.context_length; }

  bool sees() const { return parts_->vision.has_value(); }
  bool hears() const { return parts_->audio.has_value(); }
  /// Errors: unsupported (this checkpoint does not see), usage.
  base::Result<SoftTokens> embed_image(const media::Pixels& picture, int budget) const;
  base::Result<SoftTokens> embed_frame(const media::Pixels& video_frame) const;
  /// samples: mono, 16 kHz. Errors: unsupported (this checkpoint does not hear), usage.
  base::Result<SoftTokens> embed_audio(std::span<const float> samples) const;

  /// Equal for engines that compute the same rows of keys and values from the same prompt: hash of
  /// the checkpoint's files (sizes, times, beginnings), the adapter, the precision and the kernels.
  uint64_t fingerprint() const { return parts_->fingerprint; }

  /// Calls `call` every few milliseconds of any work of this engine, on the thread that does it. It
  /// must be quick and use nothing of the engine. Empty: not any more. Set while nothing runs.
  void call_between(std::function<void()> call) const {
    parts_->pool->set_between(std::move(call));
  }

  /// An adapter for Session::set_adapter. Errors: as Lora::open.
  base::Result<Lora> open_adapter(const std::filesystem::path& path) const;

 private:
  friend class Session;
  friend class Drafter;
  struct Parts {  // stays in place, since its members point at each other
    Checkpoint file;
    std::optional<Checkpoint> media_file, adapter_file;
    Architecture architecture;
    Weights weights;
    std::optional<Tokenizer> tokenizer;
    std::unique_ptr<ThreadPool> pool;
    std::optional<VisionEmbedder> vision = {};
    std::optional<AudioEmbedder> audio = {};
    std::optional<Decoder> decoder = {};
    uint64_t fingerprint = 0;
  };
  explicit Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
  std::unique_ptr<Parts> parts_;
};

struct PrefillStats {
  int reused = 0;  ///< positions that were in the cache already
  int computed = 0;
};

/// A piece of a state that Session::save() gave: from the end of the piece before it to `end`.
struct StoredRows {
  int end = 0;
  std::span<const std::byte> rows = {};
};

/// Buffers of Session::decode_each, for sessions of one engine.
struct SharedPass {
  std::vector<float> stream = {};
  std::optional<Outlook> outlook = {};
  Decoder::Workspace work = {};
};

class Session {
 public:
  /// Most positions of a pass, unless an image is longer.
  static constexpr int kChunk = 512;

  /// context: most positions; at most the engine's context length.
  Session(const Engine& engine, int context);

  /// Whether a session of this context reads `prompt`; any thread. Errors: as prefill.
  static base::Status check(const Engine& engine, int context, std::span<const Position> prompt);

  /// Makes the cache hold exactly `prompt`: keeps the longest common beginning, drops what followed
  /// it and computes the rest, leaving the logits after the last position. Pictures are equal when
  /// their soft tokens are, and are kept or computed as a whole. Errors: limit (prompt too long, a
  /// picture of more than kMaxImageTokens), usage (empty, or an id outside the vocabulary),
  /// cancelled (the cache holds what was done). on_progress, if set, hears before each piece (about
  /// every kChunk) how many positions are read.
  base::Result<PrefillStats> prefill(std::span<const Position> prompt, std::stop_token stop,
                                     const std::function<void(int)>& on_progress = {});

  base::Status check(std::span<const Position> prompt) const {
    return check(engine_, cache_.context(), prompt);
  }

  /// prefill() in pieces, for callers with something else to do in between. keys: keys_of(prompt);
  /// check() has passed the prompt.
  /// How many positions at the beginning are the same in the cache.
  int shared(std::span<const PositionKey> keys) const;
  /// How many positions prefill() would keep.
  int reusable(std::span<const PositionKey> keys) const;
  /// Keeps so many, forgets the others, and returns how many they are.
  int reuse(std::span<const PositionKey> keys);
  /// Reads on in `prompt`, whose first size() positions the cache holds: at most `most` positions
  /// (1 to kChunk; images are not cut, and may take more), in one pass. At the end of the prompt
  /// logits() follow it. What is computed does not depend on the pieces. Errors: cancelled (within
  /// the time of one matrix; the cache holds what it held).
  base::Status read(std::span<const Position> prompt, std::span<const PositionKey> keys, int most,
                    std::stop_token stop);

  /// Mean of the final-normed rows of all positions of `prompt`, scaled to length 1: [hidden], an
  /// embedding of the text. Reads the prompt from an empty cache. Errors: as prefill.
  base::Result<std::vector<float>> pooled(std::span<const Position> prompt, std::stop_token stop);

  /// What restore() needs to come back to the end of this cache, given what it needs to come to
  /// position `begin` (0: nothing); none where the sliding layers no longer hold it.
  std::optional<std::vector<std::byte>> save(int begin) const;
  size_t state_bytes(int begin, int end) const { return cache_.state_bytes(begin, end); }
  /// Makes the cache hold exactly `keys`, as it was when the last of `pieces` was saved; they
  /// follow each other from 0 to keys.size(). There are no logits until something is read. Errors:
  /// corrupt (a piece is not of the size it should have), limit (the context); the cache is then
  /// empty.
  base::Status restore(std::span<const PositionKey> keys, std::span<const StoredRows> pieces);

  /// Appends `token`; logits() follow it. Errors: limit (the context is full).
  base::Status decode(TokenId token);

  /// Appends tokens[i] to sessions[i], all of one engine, in as few passes as there may be: each
  /// gets what decode() alone gives it, bit for bit. Logits lie in `pass` until its next use.
  /// Sessions with an adapter of their own take passes alone. Errors: as decode, before anything is
  /// done.
  static base::Status decode_each(std::span<Session* const> sessions,
                                  std::span<const TokenId> tokens, SharedPass& pass);

  /// Appends tokens that are known, however many; logits() follow the last. Errors: as extend, and
  /// cancelled.
  base::Status append(std::span<const TokenId> tokens, std::stop_token stop);

  /// Appends `tokens` (1 to 512) in one pass, to see how each would be continued: logits_after(i)
  /// follows tokens[i]. Then keep() says how many of them stay. Errors: as prefill.
  base::Status extend(std::span<const TokenId> tokens);
  /// What may follow the i-th token of the last extend(), valid until the next call.
  NextLogits next_after(int i) { return {outlook_, i}; }
  /// All of it: [vocab].
  std::span<const float> logits_after(int i) { return outlook_.all(i); }
  /// Forgets all but the first n (at least 1) tokens of the last extend(); logits() follow the
  /// n-th.
  void keep(int n);

  /// What may follow the last position, valid until the next call: computed when it is asked for.
  NextLogits next() { return {end(), end_row_}; }
  /// All of it: [vocab].
  std::span<const float> logits() { return end().all(end_row_); }

  /// The final-normed row of the last position: [hidden].
  std::span<const float> hidden() const { return hidden_; }

  /// Runs `prompt` from an empty cache and returns the logits of every position, [n, vocab]; for
  /// comparison with references. Errors: as prefill.
  base::Result<std::vector<float>> all_logits(std::span<const Position> prompt);

  /// From now on `adapter` (may be null) is applied on top of the engine's; another one than before
  /// empties the cache. Shared, because a request may still run when the server drops the adapter.
  void set_adapter(std::shared_ptr<const Lora> adapter);
  /// From now on images are masked so; another mask than before empties the cache.
  void set_mask(ImageMask mask);

  /// Empties the cache and fills n positions of it with random keys and values, to measure what a
  /// long context costs without reading one. Only for benchmarks.
  void fill_with_noise(int n, uint64_t seed);

  int size() const { return cache_.size(); }
  int context() const { return cache_.context(); }
  size_t cache_bytes() const { return cache_.bytes(); }

 private:
  friend class Drafter;
  base::Status check(std::span<const TokenId> tokens) const;
  void clear();
  /// Positions of `prompt` from `at` on that one pass takes: `most`, but never part of an image.
  static size_t chunk_length(std::span<const Position> prompt, size_t at, size_t most);
  /// What a pass makes of its rows; see Decoder::Pass.
  struct Rows {
    bool reading = false, last_only = false;
  };
  /// Runs one chunk; the final-normed rows stay in stream_. False when stopped.
  bool run(std::span<const Position> chunk, std::span<const PositionKey> keys, const Rows& rows,
           std::stop_token stop);
  /// As run(), for tokens that are decoded.
  bool run(std::span<const TokenId> tokens, std::stop_token stop = {});
  Outlook& end() { return shared_ ? *shared_ : outlook_; }
  /// The outlook is that of the first n rows of `rows`.
  void look_on(const std::vector<float>& rows, int n);

  const Engine& engine_;
  KvCache cache_;
  Decoder::Workspace work_;
  ImageMask mask_ = ImageMask::canonical;
  std::shared_ptr<const Lora> adapter_;
  std::vector<float> stream_;
  Outlook outlook_;            // of the last pass
  Outlook* shared_ = nullptr;  // where the last position was decoded in a SharedPass: its
  int end_row_ = 0;
  std::vector<float> hidden_;  // final-normed row at the end of the cache, [hidden]
  int n_extended_ = 0;
  std::vector<PositionKey> held_;  // of each position in the cache
};

}  // namespace model
