#include "model/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "model/elementwise.h"
#include "model/gemm/bf16.h"

namespace model {
namespace {

struct Case {
  int head_dim, n_heads, n_kv_heads, window, slack;
  KvType type;
};

/// Queries at positions [first, first + n) before a ring that holds what a sliding layer does.
/// All numbers are values of bf16 and f16, so that only arithmetic can differ.
struct Attention {
  Case c;
  AttentionShape shape;
  int first, n;
  KvCache cache;
  std::vector<float> keys, values, query;  // of all positions
  std::vector<KeyRange> reach;

  Attention(const Case& of, int at, int rows, std::mt19937& random)
      : c(of),
        shape{of.n_heads, of.n_kv_heads, of.head_dim, 1.5f / std::sqrt(float(of.head_dim))},
        first(at),
        n(rows),
        cache(architecture(of), at + rows, of.slack, of.type) {
    std::normal_distribution<float> normal;
    auto some = [&](int count) {
      std::vector<float> x(static_cast<size_t>(count));
      for (float& v : x) v = from_bf16(to_bf16(normal(random)));
      return x;
    };
    const int width = c.n_kv_heads * c.head_dim, end = first + n;
    keys = some(end * width);
    values = some(end * width);
    query = some(n * c.n_heads * c.head_dim);
    cache.extend(end);
    for (int p = 0; p < end; ++p)
      cache.write(0, p, keys.data() + p * width, values.data() + p * width);
    for (int q = 0; q < n; ++q)
      reach.push_back({std::max(0, first + q + 1 - c.window), first + q + 1});
  }

  static Architecture architecture(const Case& c) {
    Architecture a;
    a.n_layers = 1;
    a.n_heads = c.n_heads;
    a.sliding_window = c.window;
    LayerShape& layer = a.layers.emplace_back();
    layer.head_dim = c.head_dim;
    layer.n_kv_heads = c.n_kv_heads;
    return a;
  }

  size_t at(int q, int head) const {
    return static_cast<size_t>((q * c.n_heads + head) * c.head_dim);
  }

  std::vector<float> read(const AttentionKernel& kernel, ThreadPool& pool, int begin,
                          int end) const {
    std::vector<float> out(query.size(), -7);
    attend(kernel, shape, query.data() + at(begin, 0),
           std::span(reach).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
           cache, 0, out.data() + at(begin, 0), pool);
    return out;
  }

  std::vector<float> decode(const AttentionKernel& kernel, ThreadPool& pool, int begin,
                            int end) const {
    std::vector<float> out(query.size(), -7);
    const std::vector<const KvCache*> caches(static_cast<size_t>(end - begin), &cache);
    attend_each(kernel, shape, query.data() + at(begin, 0), caches,
                std::span(reach).subspan(static_cast<size_t>(begin), caches.size()), 0,
                out.data() + at(begin, 0), pool);
    return out;
  }

  /// Some of the queries against sums in double. rounding: of a weight, relative.
  void expect(const std::vector<float>& actual, int begin, int end, double rounding) const {
    const int heads = c.n_heads / c.n_kv_heads, width = c.n_kv_heads * c.head_dim;
    for (int q = begin; q < end; q += q + 5 < end ? 5 : 1)
      for (int h = q % 3; h < c.n_heads; h += 3) {
        const KeyRange r = reach[static_cast<size_t>(q)];
        const float* of_query = query.data() + at(q, h);
        const int lane = h / heads * c.head_dim;
        std::vector<double> scores;
        double most = -1e300, steep = 0, sum = 0;
        for (int p = r.begin; p < r.end; ++p) {
          double score = 0, size = 0;
          for (int i = 0; i < c.head_dim; ++i) {
            const double term = double(of_query[i]) * double(keys[size_t(p * width + lane + i)]);
            score += term;
            size += std::abs(term);
          }
          scores.push_back(score * double(shape.scale));
          most = std::max(most, scores.back());
          steep = std::max(steep, size * double(shape.scale));
        }
        for (double& s : scores) sum += s = std::exp(s - most);
        for (int i = 0; i < c.head_dim; ++i) {
          double expected = 0, size = 0;
          for (int p = r.begin; p < r.end; ++p) {
            const double term =
                scores[size_t(p - r.begin)] / sum * double(values[size_t(p * width + lane + i)]);
            expected += term;
            size += std::abs(term);
          }
          ASSERT_NEAR(actual[at(q, h) + size_t(i)], expected,
                      size * (rounding + 4e-7 * (steep + 10)) + 1e-12)
              << "query " << q << " head " << h << " lane " << i << ", head_dim " << c.head_dim
              << ", heads " << c.n_heads << "/" << c.n_kv_heads << ", keys " << r.begin << ".."
              << r.end;
        }
      }
  }
};

constexpr Case kCases[] = {
    {64, 1, 1, 40, 90, KvType::f16},    {80, 3, 1, 130, 77, KvType::f16},
    {96, 10, 2, 200, 64, KvType::f32},  {128, 5, 1, 128, 128, KvType::f16},
    {256, 4, 1, 300, 101, KvType::f16}, {320, 2, 2, 33, 150, KvType::f32},
    {512, 16, 1, 257, 64, KvType::f16}, {256, 16, 2, 1, 70, KvType::f32},
    {16, 7, 1, 500, 64, KvType::f16},   {34, 2, 1, 96, 64, KvType::f32},
};

class AttentionKernels : public testing::TestWithParam<const AttentionKernel*> {
 protected:
  void SetUp() override {
    if (!kernel.supported()) GTEST_SKIP() << "this CPU lacks " << kernel.name;
  }
  const AttentionKernel& kernel = *GetParam();
  const double rounding = kernel.rounds ? 1.0 / 256 : 0;
  ThreadPool pool_{2};
  std::mt19937 random_{7};
};

TEST_P(AttentionKernels, ReadAsSumsInDoubleAroundTheRing) {
  for (const Case& c : kCases)
    for (const int first : {0, 1, 127, 333, 700}) {
      const Attention a(c, first, 1 + first % 47, random_);
      a.expect(a.read(kernel, pool_, 0, a.n), 0, a.n, rounding);
      if (HasFatalFailure()) return;
    }
}

TEST_P(AttentionKernels, ReadImagesAheadAndNothingAtAll) {
  for (const Case& c : kCases) {
    Attention a(c, 250, 60, random_);
    for (int q = 0; q < a.n; ++q) {
      KeyRange& r = a.reach[static_cast<size_t>(q)];
      if (q >= 10 && q < 45) r.end = a.first + 45;            // an image
      if (q < 3 || q >= a.n - 2 || q == 20) r.end = r.begin;  // nothing
      if (q == 30) r = {a.first + 35, a.first + 36};          // a single key ahead
    }
    const std::vector<float> out = a.read(kernel, pool_, 0, a.n);
    a.expect(out, 0, a.n, rounding);
    if (HasFatalFailure()) return;
    for (int i = 0; i < c.head_dim; ++i) ASSERT_EQ(out[a.at(1, 0) + size_t(i)], 0);
  }
}

TEST_P(AttentionKernels, ReadWhatComesOutForAQueryWhateverElseIsAsked) {
  ThreadPool alone(1);
  for (const Case& c : kCases) {
    const Attention a(c, 190, 64, random_);
    const std::vector<float> whole = a.read(kernel, pool_, 0, a.n);
    for (const int piece : {1, 3, 17, 63}) {
      std::vector<float> out;
      for (int q = 0; q < a.n; q += piece) {
        const int end = std::min(a.n, q + piece);
        const std::vector<float> part = a.read(kernel, alone, q, end);
        out.insert(out.end(), part.begin() + int64_t(a.at(q, 0)),
                   part.begin() + int64_t(a.at(end, 0)));
      }
      ASSERT_EQ(out, whole) << "head_dim " << c.head_dim << ", pieces of " << piece;
    }
  }
}

TEST_P(AttentionKernels, ReadLongContextsInTurns) {
  // Their packed keys and values take more than the 16 MiB of one turn.
  const Attention a({512, 4, 4, 5000, 64, KvType::f16}, 2600, 9, random_);
  a.expect(a.read(kernel, pool_, 0, a.n), 0, a.n, rounding);
}

TEST_P(AttentionKernels, DecodeAsSumsInDoubleAroundTheRing) {
  for (const Case& c : kCases)
    for (const int first : {0, 1, 31, 255, 256, 700}) {
      const Attention a(c, first, 3, random_);
      a.expect(a.decode(kernel, pool_, 0, a.n), 0, a.n, 0);
      if (HasFatalFailure()) return;
    }
}

TEST_P(AttentionKernels, DecodeEachRowAsAlone) {
  ThreadPool three(3);
  for (const Case& c : kCases) {
    Attention a(c, 600, kFewRows, random_);
    a.reach[2].end = a.reach[2].begin;
    const std::vector<float> together = a.decode(kernel, three, 0, a.n);
    std::vector<float> out;
    for (int q = 0; q < a.n; ++q) {
      const std::vector<float> one = a.decode(kernel, pool_, q, q + 1);
      out.insert(out.end(), one.begin() + int64_t(a.at(q, 0)),
                 one.begin() + int64_t(a.at(q + 1, 0)));
    }
    ASSERT_EQ(out, together) << "head_dim " << c.head_dim;
    for (int i = 0; i < c.head_dim; ++i) ASSERT_EQ(out[a.at(2, 0) + size_t(i)], 0);
  }
}

TEST_P(AttentionKernels, NeverLookAtKeysBeyondTheReach) {
  const Case c = {128, 4, 2, 200, 100, KvType::f32};
  Attention a(c, 300, 40, random_);
  const std::vector<float> read = a.read(kernel, pool_, 0, 13);
  const std::vector<float> decoded = a.decode(kernel, pool_, 5, 13);
  const std::vector<float> bad(size_t(c.n_kv_heads * c.head_dim), std::nanf(""));
  for (int p = a.first + 13; p < a.first + a.n; ++p) a.cache.write(0, p, bad.data(), bad.data());
  EXPECT_EQ(a.read(kernel, pool_, 0, 13), read);
  EXPECT_EQ(a.decode(kernel, pool_, 5, 13), decoded);
}

TEST_P(AttentionKernels, BearScoresFarApart) {
  const Case c = {64, 2, 1, 400, 64, KvType::f32};
  for (const float factor : {1e-3f, 30.0f, 1000.0f}) {
    Attention a(c, 300, 20, random_);
    for (float& q : a.query) q = from_bf16(to_bf16(q * factor));
    a.expect(a.read(kernel, pool_, 0, a.n), 0, a.n, rounding);
    a.expect(a.decode(kernel, pool_, 0, 8), 0, 8, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, AttentionKernels, testing::ValuesIn(all_attention_kernels()),
                         [](const auto& p) { return std::string(p.param->name); });

TEST(Rope, IsTheSameWithAnglesMadeAhead) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  ThreadPool pool(2);
  for (const int half : {8, 17, 128}) {
    constexpr int kRows = 70, kHeads = 3;
    std::vector<float> x(size_t(kRows * kHeads * 2 * half)), frequencies(static_cast<size_t>(half));
    for (float& v : x) v = normal(random);
    for (int i = 0; i < half; ++i) frequencies[size_t(i)] = std::pow(1e-4f, float(i) / float(half));
    std::vector<int32_t> positions(kRows);
    for (int i = 0; i < kRows; ++i) positions[size_t(i)] = 262100 + i;
    std::vector<float> once = x, twice = x, cosines(size_t(kRows * half)), sines = cosines;
    rope(once.data(), kRows, kHeads, 2 * half, positions.data(), frequencies.data(), 1, pool);
    rope_angles(positions.data(), kRows, frequencies, cosines.data(), sines.data(), pool);
    rope(twice.data(), kRows, kHeads, 2 * half, cosines.data(), sines.data(), pool);
    EXPECT_EQ(once, twice);
    // Lane i of a head with lane i + half, by the angle as it is in f32.
    const double angle = double(float(positions[5]) * frequencies[2]);
    const size_t at = size_t((5 * kHeads + 1) * 2 * half + 2), other = at + size_t(half);
    EXPECT_NEAR(once[at], x[at] * std::cos(angle) - x[other] * std::sin(angle), 1e-5);
    EXPECT_NEAR(once[other], x[other] * std::cos(angle) + x[at] * std::sin(angle), 1e-5);
    rope(once.data(), kRows, kHeads, 2 * half, positions.data(), frequencies.data(), -1, pool);
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(once[i], x[i], 1e-5);
  }
}

TEST(AttentionKernel, OnlyRoundsWhereItMay) {
  EXPECT_FALSE(best_attention_kernel(false).rounds);
  EXPECT_TRUE(best_attention_kernel(true).supported());
}

}  // namespace
}  // namespace model
