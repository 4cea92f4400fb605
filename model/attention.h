#pragma once

#include <span>

#include "model/kv_cache.h"
#include "model/thread_pool.h"

namespace model {

/// Up to so many rows, a pass does for each of them exactly what a pass over that row alone does,
/// bit for bit: what a drafter guessed is judged by the logits that decoding token by token would
/// have given.
inline constexpr int kFewRows = 8;

/// The keys that a query sees: positions [begin, end).
struct KeyRange {
  int begin, end;
};

struct AttentionShape {
  int n_heads, n_kv_heads, head_dim;
  float scale;  ///< multiplies the scores
};

/// Softmax attention of n queries over one layer of the cache. query and attended: [n, n_heads,
/// head_dim] f32; reach: [n].
void attend(const AttentionShape& shape, const float* query, int n, std::span<const KeyRange> reach,
            const KvCache& cache, int layer, float* attended, ThreadPool& pool);

}  // namespace model
