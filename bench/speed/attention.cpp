// Attention alone, each kernel of this machine: a layer of Gemma 3 270M (4 heads of 256, one key
// head) over a cache of 8,192 positions in f16.
//
//   speed-attention [threads]
//
// Prints the shortest of some runs, the products of two numbers a thread makes in a second and, of
// decoding, how fast the cache is read.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "model/attention/attention.h"

using namespace model;

namespace {

template <class F>
double shortest(int rounds, F run) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kPositions = 8192, kQueries = 512, kHeads = 4, kHeadDim = 256;
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 0);
  Architecture architecture;
  architecture.n_layers = 1;
  architecture.n_heads = kHeads;
  LayerShape& layer = architecture.layers.emplace_back();
  layer.head_dim = kHeadDim;
  layer.n_kv_heads = 1;
  layer.sliding = false;
  KvCache cache(architecture, kPositions, kQueries, KvType::f16);
  cache.extend(kPositions);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> key(kHeadDim), value(kHeadDim), query(kQueries * kHeads * kHeadDim);
  for (int p = 0; p < kPositions; ++p) {
    for (float& v : key) v = normal(random);
    for (float& v : value) v = normal(random);
    cache.write(0, p, key.data(), value.data());
  }
  for (float& v : query) v = normal(random);
  std::vector<float> attended(query.size());
  const AttentionShape shape = {kHeads, 1, kHeadDim, 1.0f / 16};
  const double of_key = 2.0 * kHeads * kHeadDim / 1e9 / pool.n_threads();

  for (const AttentionKernel* kernel : all_attention_kernels()) {
    if (!kernel->supported()) continue;
    for (const auto& [first, window] :
         {std::pair{0, kPositions}, {3584, kPositions}, {3584, 512}}) {
      std::vector<KeyRange> reach;
      double keys = 0;
      for (int p = first; p < first + kQueries; ++p) {
        reach.push_back({std::max(0, p + 1 - window), p + 1});
        keys += reach.back().end - reach.back().begin;
      }
      const double s = shortest(
          5, [&] { attend(*kernel, shape, query.data(), reach, cache, 0, attended.data(), pool); });
      std::printf("%-10s  read %d from %4d on, window %4d  %8.2f ms  %5.1f GMAC/s a thread\n",
                  kernel->name, kQueries, first, window, s * 1e3, keys * of_key / s);
    }
    for (const int keys : {64, 512, 4096, 8192}) {
      const KeyRange reach{0, keys};
      const KvCache* const one = &cache;
      const double s = shortest(100, [&] {
        attend_each(*kernel, shape, query.data(), {&one, 1}, {&reach, 1}, 0, attended.data(), pool);
      });
      std::printf(
          "%-10s  decode, %4d keys                %8.3f ms  %5.1f GMAC/s a thread  %5.1f GB/s\n",
          kernel->name, keys, s * 1e3, keys * of_key / s, keys * kHeadDim * 4 / s / 1e9);
    }
  }
}
