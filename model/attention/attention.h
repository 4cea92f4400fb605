#pragma once

#include <span>

#include "model/attention/kernel.h"
#include "model/kv_cache.h"
#include "model/thread_pool.h"

namespace model {

/// Up to so many rows, a pass that decodes does for each of them exactly what a pass over that row
/// alone does, bit for bit: what a drafter guessed is judged by the logits that decoding token by
/// token would have given, and conversations that take a step together get what each gets alone.
inline constexpr int kFewRows = 8;

struct AttentionShape {
  int n_heads, n_kv_heads, head_dim;
  float scale;  ///< multiplies the scores; > 0
};

/// Softmax attention of n neighbouring queries over one layer of the cache. query and attended: [n,
/// n_heads, head_dim] f32; reach: [n], of a query that sees nothing comes zeros. What comes out for
/// a query does not depend on which others are asked with it.
void attend(const AttentionKernel& kernel, const AttentionShape& shape, const float* query,
            std::span<const KeyRange> reach, const KvCache& cache, int layer, float* attended,
            ThreadPool& pool);

/// The same, in f32, for 1 to kFewRows single queries, each over a cache of its own: caches and
/// reach are [n]. In other sums than attend(), faster for a few.
void attend_each(const AttentionKernel& kernel, const AttentionShape& shape, const float* query,
                 std::span<const KvCache* const> caches, std::span<const KeyRange> reach, int layer,
                 float* attended, ThreadPool& pool);

}  // namespace model
