#include "model/attention.h"

#include <cblas.h>

#include <algorithm>

#include "model/elementwise.h"

// A task is a block of queries of some of the heads that share a key head: they are the rows of one
// product with the keys. Decoding has one query, so there the heads are divided among the workers.

namespace model {

static size_t area(int rows, int width) {
  return static_cast<size_t>(rows) * static_cast<size_t>(width);
}

void attend(const AttentionShape& shape, const float* query, int n, std::span<const KeyRange> reach,
            const KvCache& cache, int layer, float* attended, ThreadPool& pool) {
  const int hd = shape.head_dim, group = shape.n_heads / shape.n_kv_heads;
  const int width = shape.n_heads * hd;
  const bool few = n <= kFewRows;
  const int parts =
      !few || shape.n_kv_heads >= pool.n_threads() ? 1 : std::min(group, pool.n_threads());
  const int heads = (group + parts - 1) / parts;  // of a task, at most
  const int queries = few ? 1 : std::max(1, 64 / heads), blocks = (n + queries - 1) / queries;
  constexpr int kKeys = 256;  // decoded at a time
  const int tasks = blocks * shape.n_kv_heads * parts;
  pool.parallel_for(tasks, 1, [&](int worker, int begin, int end) {
    for (int task = begin; task < end; ++task) {
      const int part = task % parts, kv_head = task / parts % shape.n_kv_heads;
      const int q0 = task / parts / shape.n_kv_heads * queries, q1 = std::min(n, q0 + queries);
      const int h0 = part * heads, h1 = std::min(group, h0 + heads);
      if (h0 >= h1) continue;
      const int rows = (q1 - q0) * (h1 - h0), offset = kv_head * hd;
      int first = reach[static_cast<size_t>(q0)].begin, last = 0;
      for (int q = q0; q < q1; ++q) {
        first = std::min(first, reach[static_cast<size_t>(q)].begin);
        last = std::max(last, reach[static_cast<size_t>(q)].end);
      }
      const int keys = last - first;
      float* q_rows = reinterpret_cast<float*>(pool.scratch(
          worker, (2 * area(rows, hd) + area(rows, keys) + area(kKeys, hd)) * sizeof(float)));
      float* o_rows = q_rows + area(rows, hd);
      float* decoded = o_rows + area(rows, hd);
      float* scores = decoded + area(kKeys, hd);
      auto lane = [&](int q) { return area(q, width) + area(kv_head * group + h0, hd); };
      for (int q = q0; q < q1; ++q)
        std::copy_n(query + lane(q), area(h1 - h0, hd), q_rows + area((q - q0) * (h1 - h0), hd));
      for (int p = first; p < last;) {
        const int run = cache.run_length(layer, p, std::min(last - p, kKeys));
        const KvCache::Rows k = cache.keys(layer, p, run, offset, hd, decoded);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, run, hd, 1, q_rows, hd, k.data,
                    k.stride, 0, scores + (p - first), keys);
        p += run;
      }
      for (int i = 0; i < rows; ++i) {
        const KeyRange& r = reach[static_cast<size_t>(q0 + i / (h1 - h0))];
        masked_softmax_row(scores + area(i, keys), keys, r.begin - first, r.end - first,
                           shape.scale);
      }
      float beta = 0;
      for (int p = first; p < last;) {
        const int run = cache.run_length(layer, p, std::min(last - p, kKeys));
        const KvCache::Rows v = cache.values(layer, p, run, offset, hd, decoded);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, hd, run, 1,
                    scores + (p - first), keys, v.data, v.stride, beta, o_rows, hd);
        beta = 1;
        p += run;
      }
      for (int q = q0; q < q1; ++q)
        std::copy_n(o_rows + area((q - q0) * (h1 - h0), hd), area(h1 - h0, hd), attended + lane(q));
    }
  });
}

}  // namespace model
