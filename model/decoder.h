#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "model/architecture.h"
#include "model/gemm/gemm.h"
#include "model/kv_cache.h"
#include "model/lora.h"
#include "model/thread_pool.h"
#include "model/weights.h"

namespace model {

/// f32: dequantised weights times f32 activations, the reference. bf16: linear layers packed in
/// bf16 at load (an adapter merged into them), the fast path; the output head reads the stored
/// format in f32 in both.
enum class Precision { f32, bf16 };

/// The forward pass. Never changes after it is made; sessions share it.
class Decoder {
 public:
  /// architecture and weights outlive the decoder; lora may be null.
  Decoder(const Architecture& architecture, const Weights& weights, const Lora* lora,
          Precision precision, ThreadPool& pool);

  /// Buffers of a forward pass, reused from call to call.
  struct Workspace {
    std::vector<float> stream, normed, query, key, value, attended, branch, gate, up, low, inverse;
    std::vector<int32_t> positions;
  };

  /// Runs `stream` [n, hidden] (embedded input, overwritten by the final-normed output) at
  /// positions [cache.size(), +n), and adds their keys and values to the cache. n is at most the
  /// cache's slack.
  void forward(std::vector<float>& stream, int n, KvCache& cache, Workspace& work,
               ThreadPool& pool) const;

  /// Writes the scaled table row of a token.
  void embed(int32_t token, float* row) const;
  /// Logits of one final-normed row: [vocab].
  void logits(const float* normed, std::span<float> out, ThreadPool& pool) const;

 private:
  void linear(int layer, Projection p, const float* x, int m, float* y, Workspace& work,
              ThreadPool& pool) const;
  void attention(int layer, int n, KvCache& cache, Workspace& work, ThreadPool& pool) const;

  const Architecture& architecture_;
  const Weights& weights_;
  std::optional<Lora> lora_;  // f32 only
  Precision precision_;
  std::vector<std::array<PackedMatrix, kProjections>> packed_;
};

}  // namespace model
