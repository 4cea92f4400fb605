#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "model/architecture.h"
#include "model/attention/attention.h"
#include "model/gemm/gemm.h"
#include "model/huge_pages.h"
#include "model/integer/matmul.h"
#include "model/kv_cache.h"
#include "model/lora.h"
#include "model/packed_lora.h"
#include "model/stored_matmul.h"
#include "model/thread_pool.h"
#include "model/vocabulary_screen.h"
#include "model/weights.h"

namespace model {

/// f32: dequantised weights times f32 activations and f32 keys and values, the reference. All
/// others have f16 keys and values, and make replies from quantized weights as stored times
/// activations rounded to words (int8: bytes). Prompts are read in the same way, but for bf16:
/// there by products of bf16 values summed in f32, those of attention, too. What is not quantized
/// is multiplied as bf16. fast: one of the three, by the width of the model and what this processor
/// multiplies quickly.
enum class Precision : uint8_t { f32, bf16, int16, int8, fast };
/// By these names; fast for any other, so check the name first.
Precision precision_named(std::string_view name);

/// Which keys the patches of an image see beyond the causal ones.
enum class ImageMask : uint8_t {
  canonical,          ///< in sliding layers the rest of their image; the window bounds the past
  transformers_5_24,  ///< in all layers their whole image, window or not: what the forward of
                      ///< transformers 5.24 does (docs/model.md)
};

/// The image a position belongs to, as positions [begin, end); begin is -1 for all others.
struct ImageBlock {
  int begin = -1;
  int end = -1;
};

/// The forward pass. What it computes never changes after it is made; sessions share it.
class Decoder {
 public:
  /// architecture and weights outlive the decoder; adapter may be null.
  /// Linear layers that are not quantized are unpacked to bf16 (with the adapter merged in) unless
  /// precision is f32, if they take at most max_packed_bytes; all others are read as stored on each
  /// pass.
  Decoder(const Architecture& architecture, const Weights& weights, const Lora* adapter,
          Precision precision, size_t max_packed_bytes, ThreadPool& pool);

  /// Buffers of a forward pass, reused from call to call.
  struct Workspace {
    Buffer normed, query, key, value, attended, branch, gate, up, low, padded;
    std::vector<int32_t> positions;
    /// Angles of RoPE in sliding and in full layers, the same in all of a kind.
    struct Rotation {
      Buffer cosines, sines;
    } sliding, full;
    IntegerActivations rounded;
    PackedRows packed, packed_low;
  };

  /// What a pass is about besides its input.
  struct Pass {
    std::span<const ImageBlock> images = {};  ///< [n], or empty: text only
    ImageMask mask = ImageMask::canonical;
    const Lora* adapter = nullptr;  ///< on top of the decoder's own
    /// Part of a prompt: what comes out for a position depends on those before it, bit for bit,
    /// and not on how the prompt is cut into passes. Else up to kFewRows rows are decoded.
    bool reading = false;
    /// Only the last row of the output is wanted: the last layer makes no other, and the others
    /// come out as nothing in particular.
    bool last_only = false;
    std::stop_token stop = {};  ///< looked at between the matrices of one cache's pass

    /// Whether `rows` rows are decoded, each as it would be alone.
    bool few(int rows) const { return !reading && rows <= kFewRows; }
  };

  /// Runs `stream` [n, hidden] (embedded input, overwritten by the final-normed output) at
  /// positions [cache.size(), +n), and adds their keys and values to the cache. n is at most the
  /// cache's slack; an image lies in one pass as a whole. False when it was stopped: `stream` is
  /// then of no use and the cache holds what it held.
  bool forward(std::vector<float>& stream, int n, const Pass& pass, KvCache& cache, Workspace& work,
               ThreadPool& pool) const;

  /// Decodes one row of each of 1 to kFewRows conversations, each at the end of its own cache: row
  /// i is what forward() over it alone gives, bit for bit.
  void forward_each(std::vector<float>& stream, std::span<KvCache* const> caches, const Pass& pass,
                    Workspace& work, ThreadPool& pool) const;

  /// Writes the scaled table row of a token.
  void embed(int32_t token, float* row) const;
  /// Logits of m final-normed rows: [m, vocab].
  void logits(const float* normed, int m, float* out, ThreadPool& pool) const;
  /// Of one row, those of `ids` alone, as logits() gives them. out: [ids].
  void logits_of(const float* normed, std::span<const int32_t> ids, float* out,
                 ThreadPool& pool) const;
  /// Upper bounds of logits, for half of what logits() reads: [m, vocab], and the largest of each
  /// block (see VocabularyScreen::bound). False, and nothing written, where there are none: they
  /// take memory for a screen of the vocabulary, which is made when a reply has gone on for a
  /// while.
  bool bounds(const float* normed, int m, float* out, float* most, ThreadPool& pool) const;

  const Architecture& architecture() const { return architecture_; }
  /// Never `fast`.
  Precision precision() const { return precision_; }
  /// Whether any linear layer was unpacked to bf16.
  bool packed() const { return !packed_.empty(); }

 private:
  /// The softcap, where there is one.
  void soften(float* logits, size_t n) const;
  /// To packed_, what the constructor says.
  void unpack(const Lora* adapter, size_t max_packed_bytes, ThreadPool& pool);
  /// Whether any matrix is multiplied as panels of bf16 when a prompt is read.
  bool reads_panels() const;
  bool run(std::vector<float>& stream, int n, const Pass& pass, std::span<KvCache* const> caches,
           Workspace& work, ThreadPool& pool) const;
  /// What the projections of a layer from `first` to `last` read.
  struct Input {
    const float* x;  // [m, in]; null where only `packed` reads it
    int m;
    int position;                          // of the first row
    const IntegerRows* rounded = nullptr;  // x, where any of them multiplies integers
    const PackedRows* packed = nullptr;    // x, where any multiplies panels of bf16
    const PackedRows* low = nullptr;       // x A^T of the decoder's adapter, beside `packed`
  };
  /// x: rows [row, row + m) of the pass.
  Input input(int layer, Projection first, Projection last, const float* x, int row, int m,
              const Pass& pass, Workspace& work, ThreadPool& pool) const;
  /// Of rows that make(begin, end, to) makes, as in PackedRows; x: where they go if anything but
  /// panels reads them.
  template <class Make>
  Input made_input(int layer, Projection first, Projection last, float* x, const Make& make,
                   int row, int m, const Pass& pass, Workspace& work, ThreadPool& pool) const;
  /// work.packed, and what the decoder's adapter reads beside it.
  void read_panels(int layer, Projection p, Input& in, Workspace& work, ThreadPool& pool) const;
  struct Output {
    Projection projection;
    float* y;  // [m, out]
  };
  void linear(int layer, std::initializer_list<Output> outputs, const Input& input,
              const Pass& pass, Workspace& work, ThreadPool& pool) const;
  /// What the decoder's adapter adds to a product of panels.
  PackedTerm beside_panels(int layer, Projection p, const Input& input) const;
  /// y += what the adapters add to it, if they did not go into the product itself.
  void adapt(int layer, const Output& output, const Input& input, const Pass& pass, Workspace& work,
             ThreadPool& pool) const;
  /// How a matrix that was not unpacked is multiplied.
  enum class Way { integers, stored_rows, panels, f32 };
  Way way(const Matrix& matrix, const Pass& pass, int m) const;
  const PackedMatrix* packed(int layer, Projection p) const;

  const Architecture& architecture_;
  const Weights& weights_;
  Lora adapter_;               // of layers in which it isn't merged into packed_
  PackedLora packed_adapter_;  // the same beside panels of bf16; empty where there are none
  Precision precision_;
  std::vector<std::array<PackedMatrix, kProjections>> packed_;
  /// Made by bounds(), by whoever has the pool to itself.
  struct Screening {
    bool possible = false;
    int asked = 0;  // times, before it was made
    std::unique_ptr<VocabularyScreen> screen;
  };
  mutable Screening screening_;
};

}  // namespace model
