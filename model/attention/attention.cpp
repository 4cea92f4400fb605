#include "model/attention/attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "model/clones.h"

// Reading: the keys are packed for products, in blocks that begin at multiples of their size. A
// task is some neighbouring queries of the heads that share a key head; it goes through the blocks
// with a running softmax (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135),
// so the scores of one block and a few rows are all there is at a time. What a query gets depends
// on its position and reach alone. Where the packed keys would be large, they are packed and read
// in turns.
//
// Decoding: the keys of a query are cut into equal parts, which the workers take; what they give is
// put together in the order of the keys. The cut depends on the number of keys alone.

namespace model {
namespace {

constexpr float kLog2E = 1.44269504f;
constexpr int kMostRows = 64;     // of a task when reading: they stay in the second cache
constexpr int kMostHeads = 1024;  // of a key head
constexpr size_t kMostPackedBytes = size_t{16} << 20;  // of keys and values at a time

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

constexpr const AttentionKernel* kKernels[] = {
    &kAttentionReference,
#if defined(__x86_64__)
    &kAttentionAvx2,      &kAttentionAvx512, &kAttentionAvx512Bf16,
#endif
#if defined(__aarch64__)
    &kAttentionNeon,
#endif
};

const AttentionKernel& find_kernel(bool may_round) {
  const AttentionKernel* found = &kAttentionReference;
  for (const AttentionKernel* kernel : kKernels)
    if ((may_round || !kernel->rounds) && kernel->supported()) found = kernel;
  return *found;
}

/// Hands out pieces of a worker's scratch, 64-byte aligned.
struct Pieces {
  std::byte* at;
  template <class T>
  T* take(size_t n) {
    std::byte* piece = at;
    at += (n * sizeof(T) + 63) / 64 * 64;
    return reinterpret_cast<T*>(piece);
  }
};

/// One call of attend(). Tasks are numbered [block of queries, key head], packed blocks of keys
/// [block, key head].
struct Reading {
  const AttentionKernel& kernel;
  const AttentionShape& shape;
  const float* query;
  std::span<const KeyRange> reach;
  const KvCache& cache;
  int layer;
  float* attended;

  int n = static_cast<int>(reach.size()), kv_heads = shape.n_kv_heads;
  int heads = shape.n_heads / kv_heads, head_dim = shape.head_dim;
  int lanes = padded_lanes(head_dim);
  size_t row_bytes = area(lanes, kernel.value_bytes);  // packed
  size_t block_bytes = area(kKeyBlock, 1) * row_bytes;
  int queries = 0, rows = 0;  // of a task

  std::byte *packed_queries = nullptr, *packed_keys = nullptr, *packed_values = nullptr;
  float *out = nullptr, *most = nullptr, *sum = nullptr;  // as in AttentionBlock

  size_t lane(int q, int kv_head) const {
    return area(q, shape.n_heads * head_dim) + area(kv_head * heads, head_dim);
  }

  KeyRange seen_by(int begin, int end) const {
    KeyRange seen{0, 0};
    for (const KeyRange& r : reach.subspan(area(begin, 1), area(end - begin, 1))) {
      if (r.begin >= r.end) continue;
      seen = seen.begin >= seen.end
                 ? r
                 : KeyRange{std::min(seen.begin, r.begin), std::max(seen.end, r.end)};
    }
    return seen;
  }

  /// Of positions [base, base + kKeyBlock) those that are seen at all.
  void pack(int base, KeyRange seen, int kv_head, size_t to) const {
    const std::byte* stored[kKeyBlock] = {};
    const int from = std::max(base, seen.begin), until = std::min(base + kKeyBlock, seen.end);
    cache.key_rows(layer, from, until, kv_head * head_dim, stored + (from - base));
    kernel.pack_keys({stored, cache.type()}, head_dim, packed_keys + to * block_bytes);
    cache.value_rows(layer, from, until, kv_head * head_dim, stored + (from - base));
    kernel.pack_values({stored, cache.type()}, head_dim, packed_values + to * block_bytes);
  }

  void start(int task) const {
    const int kv_head = task % kv_heads, begin = task / kv_heads * queries;
    const int used = (std::min(n, begin + queries) - begin) * heads;
    std::byte* to = packed_queries + area(task, rows) * row_bytes;
    for (int q = begin; q < begin + used / heads; ++q, to += area(heads, 1) * row_bytes)
      kernel.pack_queries(query + lane(q, kv_head), heads, head_dim, to);
    std::fill_n(to, area(rows - used, 1) * row_bytes, std::byte{0});
    std::fill_n(out + area(task, rows) * area(1, lanes), area(rows, lanes), 0.0f);
    std::fill_n(most + area(task, rows), rows, kNothingSeen);
    std::fill_n(sum + area(task, rows), rows, 0.0f);
  }

  /// The keys of positions [first, last), which are packed; first is a multiple of kKeyBlock.
  void read(int task, int first, int last) const {
    const int kv_head = task % kv_heads, begin = task / kv_heads * queries;
    const int end = std::min(n, begin + queries);
    const KeyRange all = seen_by(begin, end);
    KeyRange seen[kMostHeads + kRowTile];
    for (int base = std::max(first, all.begin / kKeyBlock * kKeyBlock);
         base < std::min(last, all.end); base += kKeyBlock) {
      std::fill_n(seen, rows, KeyRange{0, 0});
      for (int q = begin; q < end; ++q) {
        const KeyRange& r = reach[static_cast<size_t>(q)];
        std::fill_n(seen + area(q - begin, heads), heads,
                    KeyRange{std::clamp(r.begin - base, 0, kKeyBlock),
                             std::clamp(r.end - base, 0, kKeyBlock)});
      }
      const size_t block = area((base - first) / kKeyBlock, kv_heads) + area(1, kv_head);
      kernel.read({.rows = rows,
                   .head_dim = head_dim,
                   .scale = shape.scale * kLog2E,
                   .queries = packed_queries + area(task, rows) * row_bytes,
                   .keys = packed_keys + block * block_bytes,
                   .values = packed_values + block * block_bytes,
                   .seen = seen,
                   .most = most + area(task, rows),
                   .sum = sum + area(task, rows),
                   .out = out + area(task, rows) * area(1, lanes)});
    }
  }

  void finish(int task) const {
    const int kv_head = task % kv_heads, begin = task / kv_heads * queries;
    const float* of_task = sum + area(task, rows);
    for (int q = begin; q < std::min(n, begin + queries); ++q)
      for (int h = 0; h < heads; ++h) {
        const int row = (q - begin) * heads + h;
        const float by = of_task[row] == 0 ? 0 : 1 / of_task[row];
        const float* from = out + (area(task, rows) + area(1, row)) * area(1, lanes);
        float* to = attended + lane(q, kv_head) + area(h, head_dim);
        for (int i = 0; i < head_dim; ++i) to[i] = from[i] * by;
      }
  }
};

/// Into how many parts that many keys are cut: an even number, so that two workers have the same.
int parts_of(int keys) {
  constexpr int kTooFew = 64;  // for two workers
  return keys <= kTooFew ? std::min(keys, 1) : 2 * ((keys - 1) / (2 * kPartKeys) + 1);
}

/// What the parts of a head gave, each relative to its own largest score, to one vector.
TESSERA_CLONES void merge_parts(const float* most, const float* sum, const float* out, int parts,
                                int head_dim, size_t stride, size_t out_stride, float* to) {
  float largest = kNothingSeen, total = 0;
  for (int p = 0; p < parts; ++p)
    largest = std::max(largest, most[static_cast<size_t>(p) * stride]);
  std::fill_n(to, head_dim, 0.0f);
  for (int p = 0; p < parts; ++p) {
    const float factor = std::exp2(most[static_cast<size_t>(p) * stride] - largest);
    total += factor * sum[static_cast<size_t>(p) * stride];
    const float* from = out + static_cast<size_t>(p) * out_stride;
#pragma GCC ivdep
    for (int i = 0; i < head_dim; ++i) to[i] += factor * from[i];
  }
  const float by = 1 / total;
  for (int i = 0; i < head_dim; ++i) to[i] *= by;
}

}  // namespace

std::span<const AttentionKernel* const> all_attention_kernels() { return kKernels; }

const AttentionKernel& best_attention_kernel(bool may_round) {
  static const AttentionKernel &exact = find_kernel(false), &any = find_kernel(true);
  return may_round ? any : exact;
}

void attend(const AttentionKernel& kernel, const AttentionShape& shape, const float* query,
            std::span<const KeyRange> reach, const KvCache& cache, int layer, float* attended,
            ThreadPool& pool) {
  Reading r{kernel, shape, query, reach, cache, layer, attended};
  assert(r.heads <= kMostHeads);
  r.queries = std::max(1, kMostRows / r.heads);
  // A short piece of a prompt is for all workers, too.
  while (r.queries > 1 && (r.n - 1) / r.queries + 1 < 2 * pool.n_threads()) r.queries /= 2;
  r.rows = (r.queries * r.heads + kRowTile - 1) / kRowTile * kRowTile;
  const int tasks = ((r.n - 1) / r.queries + 1) * r.kv_heads;
  const KeyRange all = r.seen_by(0, r.n);
  const int base = all.begin / kKeyBlock * kKeyBlock;
  const int blocks = (all.end - base + kKeyBlock - 1) / kKeyBlock;
  const int most_blocks = static_cast<int>(kMostPackedBytes / (2 * r.block_bytes)) / r.kv_heads;
  const int together = std::clamp(blocks, 1, std::max(1, most_blocks));

  const size_t rows = area(tasks, r.rows), packed = area(together, r.kv_heads) * r.block_bytes;
  Pieces pieces{pool.scratch(
      0, rows * (r.row_bytes + area(r.lanes + 2, sizeof(float))) + 2 * packed + 6 * 64)};
  r.packed_queries = pieces.take<std::byte>(rows * r.row_bytes);
  r.packed_keys = pieces.take<std::byte>(packed);
  r.packed_values = pieces.take<std::byte>(packed);
  r.out = pieces.take<float>(rows * area(1, r.lanes));
  r.most = pieces.take<float>(rows);
  r.sum = pieces.take<float>(rows);

  for (int block = 0; block == 0 || block < blocks; block += together) {
    const int some = std::min(together, blocks - block), first = base + block * kKeyBlock;
    pool.parallel_for(some * r.kv_heads, 1, [&](int, int begin, int end) {
      for (int i = begin; i < end; ++i)
        r.pack(first + i / r.kv_heads * kKeyBlock, all, i % r.kv_heads, area(1, i));
    });
    pool.parallel_for(tasks, 1, [&](int, int begin, int end) {
      for (int i = begin; i < end; ++i) {
        // The last queries see most keys: they come first, so that no worker is late with them.
        const int task = tasks - 1 - i;
        if (block == 0) r.start(task);
        r.read(task, first, first + some * kKeyBlock);
        if (block + together >= blocks) r.finish(task);
      }
    });
  }
}

void attend_each(const AttentionKernel& kernel, const AttentionShape& shape, const float* query,
                 std::span<const KvCache* const> caches, std::span<const KeyRange> reach, int layer,
                 float* attended, ThreadPool& pool) {
  const int n = static_cast<int>(reach.size()), kv_heads = shape.n_kv_heads;
  assert(n <= kFewRows);
  const int head_dim = shape.head_dim, heads = shape.n_heads / kv_heads;
  const int lanes = padded_lanes(head_dim);
  int first[kFewRows + 1] = {0};  // part of each query
  for (int q = 0; q < n; ++q) {
    const KeyRange& r = reach[static_cast<size_t>(q)];
    first[q + 1] = first[q] + parts_of(std::max(0, r.end - r.begin));
  }
  // [part, head] of all parts of all queries; their tasks take no scratch.
  const size_t all = area(first[n], shape.n_heads);
  Pieces pieces{pool.scratch(0, all * area(lanes + 2, sizeof(float)) + 3 * 64)};
  float* out = pieces.take<float>(all * area(1, lanes));
  float* most = pieces.take<float>(all);
  float* sum = pieces.take<float>(all);
  pool.parallel_for(first[n] * kv_heads, 1, [&](int, int begin, int end) {
    for (int task = begin; task < end; ++task) {
      const int part = task / kv_heads, kv_head = task % kv_heads;
      int q = 0;
      while (part >= first[q + 1]) ++q;
      const KeyRange& r = reach[static_cast<size_t>(q)];
      const int keys = r.end - r.begin, parts = first[q + 1] - first[q];
      auto border = [&](int p) {
        return r.begin + static_cast<int>(static_cast<int64_t>(keys) * p / parts);
      };
      const int from = border(part - first[q]), until = border(part - first[q] + 1);
      const KvCache& cache = *caches[static_cast<size_t>(q)];
      const std::byte *key_rows[kPartKeys], *value_rows[kPartKeys];
      cache.key_rows(layer, from, until, kv_head * head_dim, key_rows);
      cache.value_rows(layer, from, until, kv_head * head_dim, value_rows);
      const size_t at = area(part, shape.n_heads) + area(kv_head, heads);
      kernel.decode({.heads = heads,
                     .head_dim = head_dim,
                     .scale = shape.scale * kLog2E,
                     .query = query + area(q * shape.n_heads + kv_head * heads, head_dim),
                     .n = until - from,
                     .keys = {key_rows, cache.type()},
                     .values = {value_rows, cache.type()},
                     .most = most + at,
                     .sum = sum + at,
                     .out = out + at * area(1, lanes)});
    }
  });
  pool.parallel_for(n * shape.n_heads, 64, [&](int, int begin, int end) {
    for (int i = begin; i < end; ++i) {
      const int q = i / shape.n_heads;
      const size_t at = area(first[q], shape.n_heads) + area(1, i % shape.n_heads);
      float* to = attended + area(i, head_dim);
      if (first[q] == first[q + 1])
        std::fill_n(to, head_dim, 0.0f);
      else
        merge_parts(most + at, sum + at, out + at * area(1, lanes), first[q + 1] - first[q],
                    head_dim, area(1, shape.n_heads), area(shape.n_heads, lanes), to);
    }
  });
}

}  // namespace model
