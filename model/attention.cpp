#include "model/attention.h"

#include <cblas.h>

#include <algorithm>

#include "model/elementwise.h"

// Reading: a task is a block of neighbouring queries of the heads that share a key head; they are
// the rows of one product with a block of keys. OpenBLAS sums in another order where a matrix has
// another number of rows or columns, or a row another place in it. So blocks of queries and of keys
// begin at multiples of their size, positions that are missing are zeros, and all products have one
// shape: what a query gets depends on its position alone, not on how a prompt is cut into passes.
//
// Decoding: a task is one query with some of its heads.

namespace model {
namespace {

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

constexpr int kQueryRows = 64;  // of a product when reading, about
constexpr int kReadKeys = 128;  // of a product when reading
constexpr int kKeys = 256;      // decoded at a time when decoding

/// Keys or values of positions [begin, begin + kReadKeys) into `to`, zeros outside of `held`.
template <class Read>
void load_block(const KvCache& cache, int layer, int begin, KeyRange held, int hd, float* to,
                const Read& read) {
  const int from = std::max(begin, held.begin), until = std::min(begin + kReadKeys, held.end);
  std::fill(to, to + area(std::max(0, from - begin), hd), 0.0f);
  for (int p = from; p < until;) {
    const int run = cache.run_length(layer, p, until - p);
    float* at = to + area(p - begin, hd);
    const KvCache::Rows rows = read(p, run, at);
    for (int i = 0; i < run && rows.data != at; ++i)
      std::copy_n(rows.data + area(i, rows.stride), hd, at + area(i, hd));
    p += run;
  }
  std::fill(to + area(until - begin, hd), to + area(kReadKeys, hd), 0.0f);
}

}  // namespace

void attend(const AttentionShape& shape, const float* query, int first, int n,
            std::span<const KeyRange> reach, const KvCache& cache, int layer, float* attended,
            ThreadPool& pool) {
  const int hd = shape.head_dim, heads = shape.n_heads / shape.n_kv_heads;
  const int width = shape.n_heads * hd;
  const int queries = std::max(1, kQueryRows / heads), rows = queries * heads;
  const int first_block = first / queries, blocks = (first + n - 1) / queries + 1 - first_block;
  pool.parallel_for(blocks * shape.n_kv_heads, 1, [&](int worker, int begin, int end) {
    for (int task = begin; task < end; ++task) {
      const int kv_head = task % shape.n_kv_heads, offset = kv_head * hd;
      const int place = (first_block + task / shape.n_kv_heads) * queries;
      const int q0 = std::max(0, place - first), q1 = std::min(n, place + queries - first);
      KeyRange held = reach[static_cast<size_t>(q0)];
      for (int q = q0; q < q1; ++q) {
        held.begin = std::min(held.begin, reach[static_cast<size_t>(q)].begin);
        held.end = std::max(held.end, reach[static_cast<size_t>(q)].end);
      }
      const int base = held.begin / kReadKeys * kReadKeys;
      const int keys = (held.end - base + kReadKeys - 1) / kReadKeys * kReadKeys;
      float* q_rows = reinterpret_cast<float*>(pool.scratch(
          worker, (2 * area(rows, hd) + area(rows, keys) + area(kReadKeys, hd)) * sizeof(float)));
      float* o_rows = q_rows + area(rows, hd);
      float* loaded = o_rows + area(rows, hd);
      float* scores = loaded + area(kReadKeys, hd);
      auto lane = [&](int q) { return area(q, width) + area(kv_head * heads, hd); };
      auto row = [&](int q) { return area((q + first - place) * heads, hd); };
      std::fill(q_rows, q_rows + area(rows, hd), 0.0f);
      for (int q = q0; q < q1; ++q) std::copy_n(query + lane(q), area(heads, hd), q_rows + row(q));
      for (int p = base; p < base + keys; p += kReadKeys) {
        load_block(cache, layer, p, held, hd, loaded, [&](int from, int run, float* to) {
          return cache.keys(layer, from, run, offset, hd, to);
        });
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, kReadKeys, hd, 1, q_rows, hd,
                    loaded, hd, 0, scores + (p - base), keys);
      }
      for (int i = 0; i < rows; ++i) {
        const int q = i / heads + place - first;
        float* of_row = scores + area(i, keys);
        if (q < q0 || q >= q1) {
          std::fill(of_row, of_row + keys, 0.0f);
          continue;
        }
        const KeyRange& r = reach[static_cast<size_t>(q)];
        masked_softmax_row(of_row, keys, r.begin - base, r.end - base, shape.scale);
      }
      for (int p = base; p < base + keys; p += kReadKeys) {
        load_block(cache, layer, p, held, hd, loaded, [&](int from, int run, float* to) {
          return cache.values(layer, from, run, offset, hd, to);
        });
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, hd, kReadKeys, 1,
                    scores + (p - base), keys, loaded, hd, p == base ? 0 : 1, o_rows, hd);
      }
      for (int q = q0; q < q1; ++q)
        std::copy_n(o_rows + row(q), area(heads, hd), attended + lane(q));
    }
  });
}

void attend_each(const AttentionShape& shape, const float* query,
                 std::span<const KvCache* const> caches, std::span<const KeyRange> reach, int layer,
                 float* attended, ThreadPool& pool) {
  const int hd = shape.head_dim, group = shape.n_heads / shape.n_kv_heads;
  const int width = shape.n_heads * hd;
  // The heads of a query are divided among the workers.
  const int parts = shape.n_kv_heads >= pool.n_threads() ? 1 : std::min(group, pool.n_threads());
  const int heads = (group + parts - 1) / parts;  // of a task, at most
  const int tasks = static_cast<int>(reach.size()) * shape.n_kv_heads * parts;
  pool.parallel_for(tasks, 1, [&](int worker, int begin, int end) {
    for (int task = begin; task < end; ++task) {
      const int part = task % parts, kv_head = task / parts % shape.n_kv_heads;
      const int q = task / parts / shape.n_kv_heads;
      const int h0 = part * heads, h1 = std::min(group, h0 + heads);
      if (h0 >= h1) continue;
      const KvCache& cache = *caches[static_cast<size_t>(q)];
      const int rows = h1 - h0, offset = kv_head * hd;
      const auto [first, last] = reach[static_cast<size_t>(q)];
      const int keys = last - first;
      const size_t lane = area(q, width) + area(kv_head * group + h0, hd);
      float* decoded = reinterpret_cast<float*>(
          pool.scratch(worker, (area(rows, keys) + area(kKeys, hd)) * sizeof(float)));
      float* scores = decoded + area(kKeys, hd);
      for (int p = first; p < last;) {
        const int run = cache.run_length(layer, p, std::min(last - p, kKeys));
        const KvCache::Rows k = cache.keys(layer, p, run, offset, hd, decoded);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, run, hd, 1, query + lane, hd,
                    k.data, k.stride, 0, scores + (p - first), keys);
        p += run;
      }
      for (int i = 0; i < rows; ++i)
        masked_softmax_row(scores + area(i, keys), keys, 0, keys, shape.scale);
      float beta = 0;
      for (int p = first; p < last;) {
        const int run = cache.run_length(layer, p, std::min(last - p, kKeys));
        const KvCache::Rows v = cache.values(layer, p, run, offset, hd, decoded);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, hd, run, 1,
                    scores + (p - first), keys, v.data, v.stride, beta, attended + lane, hd);
        beta = 1;
        p += run;
      }
    }
  });
}

}  // namespace model
