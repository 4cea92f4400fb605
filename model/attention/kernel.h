#pragma once

#include <cstddef>
#include <span>

#include "model/kv_cache.h"

namespace model {

/// The keys that a query sees: positions [begin, end).
struct KeyRange {
  int begin, end;
};

constexpr int kKeyBlock = 128;  ///< keys that are packed and attended to together when reading
constexpr int kRowTile = 8;     ///< rows of queries are padded to a multiple of this
constexpr int kPartKeys = 256;  ///< keys of a part at most when decoding

/// Lanes of a packed row: head_dim and zeros.
constexpr int padded_lanes(int head_dim) { return (head_dim + 31) / 32 * 32; }

/// Keys or values of one key head as the cache holds them: [n] rows of head_dim numbers of `type`.
struct HeadRows {
  const std::byte* const* rows;  ///< null: a row of zeros
  KvType type;
};

/// Rows of queries (a query's heads that share a key head are neighbours) before a block of keys.
/// Softmax is online: `most`, `sum` and `out` hold what the blocks so far gave, relative to the
/// largest score so far, in powers of two: weights are 2^(score * scale - most).
struct AttentionBlock {
  int rows;  ///< a multiple of kRowTile
  int head_dim;
  float scale;               ///< of the scores, log2(e) included; > 0
  const std::byte* queries;  ///< packed [rows, padded_lanes]
  const std::byte* keys;     ///< packed block
  const std::byte* values;   ///< packed block
  const KeyRange* seen;      ///< [rows], within [0, kKeyBlock); may be empty
  float* most;               ///< [rows], kNothingSeen at first
  float* sum;                ///< [rows], 0 at first
  float* out;                ///< [rows, padded_lanes], 0 at first, not yet divided by sum
};
constexpr float kNothingSeen = -1e30f;

/// Heads of one query that share a key head before some neighbouring keys, all of them seen.
struct AttentionPart {
  int heads, head_dim;
  float scale;         ///< as in AttentionBlock
  const float* query;  ///< [heads, head_dim]
  int n;               ///< keys, 1 to kPartKeys
  HeadRows keys, values;
  float* most;  ///< [heads]; these three are written
  float* sum;   ///< [heads]
  float* out;   ///< [heads, padded_lanes], not yet divided by sum
};

/// The arithmetic of attention for one instruction set; blocks, ranges and threads are the
/// driver's (attention.cpp). What comes out for a row does not depend on the rows beside it, nor on
/// keys it does not see: they add zeros.
struct AttentionKernel {
  const char* name;
  bool (*supported)();
  /// Values and weights are rounded to bf16 when reading (scores and sums stay f32).
  bool rounds;

  /// Bytes of a number of what is packed, at most, in an order of the kernel's own; all 64-byte
  /// aligned.
  int value_bytes;
  /// q: [rows, head_dim]. to: [rows, padded_lanes].
  void (*pack_queries)(const float* q, int rows, int head_dim, std::byte* to);
  /// kKeyBlock rows. to: [kKeyBlock, padded_lanes].
  void (*pack_keys)(const HeadRows& keys, int head_dim, std::byte* to);
  void (*pack_values)(const HeadRows& values, int head_dim, std::byte* to);
  void (*read)(const AttentionBlock& block);

  /// Never rounds.
  void (*decode)(const AttentionPart& part);
};

extern const AttentionKernel kAttentionReference;
#if defined(__x86_64__)
extern const AttentionKernel kAttentionAvx2;
extern const AttentionKernel kAttentionAvx512;
extern const AttentionKernel kAttentionAvx512Bf16;
#endif
#if defined(__aarch64__)
extern const AttentionKernel kAttentionNeon;
#endif

/// Every kernel of this build, the reference first and then from slow to fast.
std::span<const AttentionKernel* const> all_attention_kernels();
/// The fastest one that is supported here, among those that do not round unless it may.
const AttentionKernel& best_attention_kernel(bool may_round);

}  // namespace model
