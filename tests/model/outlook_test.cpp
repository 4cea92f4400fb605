#include "model/outlook.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "model/sampler.h"

// The largest logits, found by bounds, are those that the whole product gives, bit for bit.

namespace model {
namespace {

constexpr int kVocab = 9000, kHidden = 96;  // more tokens than are computed one by one
constexpr size_t kBlocks = (kVocab + VocabularyScreen::kBlock - 1) / VocabularyScreen::kBlock;

/// A vocabulary of Q8_0 under a decoder without layers.
struct Head {
  explicit Head(uint32_t seed) : pool(2) {
    std::mt19937 random(seed);
    constexpr size_t kBlocks = kHidden / 32;
    bytes.resize(kVocab * kBlocks * 34);
    for (size_t block = 0; block < kVocab * kBlocks; ++block) {
      std::byte* at = bytes.data() + block * 34;
      const uint16_t scale = f32_to_f16(static_cast<float>(1 + random() % 100) / 4096.0F);
      std::memcpy(at, &scale, 2);
      for (size_t i = 0; i < 32; ++i) {
        // Some blocks have their largest weights on one side, some are empty.
        const int value = static_cast<int>(random() % 255) - 127;
        at[2 + i] = static_cast<std::byte>(block % 7 == 0    ? std::abs(value)
                                           : block % 11 == 0 ? 0
                                                             : value);
      }
    }
    architecture.vocab_size = kVocab;
    architecture.hidden = kHidden;
    weights.embedding = {TensorType::q8_0, bytes.data(), kVocab, kHidden};
    decoder.emplace(architecture, weights, nullptr, Precision::int16, 0, pool);
  }
  std::vector<float> row(uint32_t seed) const {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> x(kHidden);
    for (float& v : x) v = normal(random);
    // Near to some token's own row, as in a model that knows what comes next.
    std::vector<float> token(kHidden);
    weights.embedding.dequantize(static_cast<int>(random() % kVocab), 1, token.data());
    for (size_t i = 0; i < x.size(); ++i) x[i] += token[i] * static_cast<float>(seed % 3);
    return x;
  }

  ThreadPool pool;
  std::vector<std::byte> bytes;
  Architecture architecture = {};
  Weights weights = {};
  std::optional<Decoder> decoder;
};

TEST(VocabularyScreen, NoLogitIsAboveItsBound) {
  Head head(1);
  const VocabularyScreen whole(head.weights.embedding, head.pool);
  // Scales at the ends of what a half holds: sixteen times the largest is infinite.
  for (const auto& [block, scale] : {std::pair{0, 65504.0F}, {3, 6e-8F}, {6, -0.01F}}) {
    const uint16_t half = f32_to_f16(scale);
    std::memcpy(head.bytes.data() + block * 34, &half, 2);
  }
  const VocabularyScreen screen(head.weights.embedding, head.pool);
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::vector<float> x = head.row(seed);
    if (seed == 7) x.assign(kHidden, 0);
    if (seed == 8) x[5] = 1e20F;
    IntegerActivations rounded;
    const IntegerRows& rows = rounded.assign(x.data(), 1, kHidden, true, head.pool);
    std::vector<float> upper(kVocab), exact(kVocab), blocks(kBlocks);
    screen.bound(x.data(), 1, upper.data(), blocks.data(), head.pool);
    for (size_t i = 0; i < kVocab; i += VocabularyScreen::kBlock) {
      const size_t end = std::min<size_t>(kVocab, i + VocabularyScreen::kBlock);
      ASSERT_EQ(blocks[i / VocabularyScreen::kBlock],
                *std::max_element(upper.begin() + static_cast<ptrdiff_t>(i),
                                  upper.begin() + static_cast<ptrdiff_t>(end)));
    }
    multiply_integer_rows(head.weights.embedding, rows, exact.data(), head.pool);
    for (size_t i = 0; i < kVocab; ++i)
      ASSERT_GE(upper[i], exact[i]) << "row " << i << ", x " << seed;
  }
  // And it says something: few bounds reach what a token has that stands out.
  for (int token = 100; token < 120; ++token) {
    std::vector<float> x(kHidden), upper(kVocab), blocks(kBlocks);
    head.weights.embedding.dequantize(token, 1, x.data());
    whole.bound(x.data(), 1, upper.data(), blocks.data(), head.pool);
    const float own = std::inner_product(x.begin(), x.end(), x.begin(), 0.0F);
    EXPECT_LT(std::count_if(upper.begin(), upper.end(), [&](float v) { return v >= own; }), 1000);
  }
}

TEST(Outlook, TheLargestAreWhatAllOfThemSay) {
  Head head(2);
  std::mt19937 random(3);
  Outlook outlook(*head.decoder, head.pool);
  for (uint32_t round = 0; round < 24; ++round) {
    const int n = 1 + static_cast<int>(round % 3);
    std::vector<float> rows;
    for (int i = 0; i < n; ++i) {
      const std::vector<float> x = head.row(100 * round + static_cast<uint32_t>(i));
      rows.insert(rows.end(), x.begin(), x.end());
    }
    std::vector<float> all(static_cast<size_t>(n) * kVocab);
    head.decoder->logits(rows.data(), n, all.data(), head.pool);
    outlook.clear();
    outlook.add(rows.data(), n);
    for (int row = 0; row < n; ++row) {
      const std::span<const float> expected(all.data() + static_cast<size_t>(row) * kVocab, kVocab);
      for (const int most : {1, 5, 64, 0}) {
        // All tokens, most of them, a few, one.
        const int share = std::array{100, 90, 3, 0}[random() % 4];
        TokenMask allowed(kVocab);
        std::vector<float> masked(kVocab, kForbidden);
        for (size_t i = 0; i < kVocab; ++i)
          if (static_cast<int>(random() % 100) < share || i == 77)
            allowed.add(static_cast<int32_t>(i)), masked[i] = expected[i];
        Candidates found;
        outlook.settle(row, most, allowed, found);
        ASSERT_TRUE(std::is_sorted(found.ids.begin(), found.ids.end(), std::less_equal<>()));
        ASSERT_EQ(found.ids.size(), found.logits.size());
        for (size_t i = 0; i < found.size(); ++i) {
          ASSERT_TRUE(allowed.contains(found.ids[i]));
          ASSERT_EQ(found.logits[i], masked[static_cast<size_t>(found.ids[i])])
              << round << " " << most;
        }
        std::vector<float> sorted = masked;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        const float least = most == 0 ? kForbidden : sorted[static_cast<size_t>(most) - 1];
        for (int32_t id = 0; id < kVocab; ++id) {
          if (allowed.contains(id) && masked[static_cast<size_t>(id)] >= least) {
            ASSERT_TRUE(std::binary_search(found.ids.begin(), found.ids.end(), id))
                << round << " " << most << " " << id;
          }
        }
        const SamplerOptions options = {.temperature = most == 1 ? 0.0F : 1.0F, .top_k = most};
        EXPECT_EQ(Sampler(options).sample(found),
                  Sampler(options).sample(Candidates::of_all(masked)));
        EXPECT_EQ(Sampler(options).reach(), most);
      }
    }
    const std::span<const float> last = outlook.all(n - 1);
    EXPECT_TRUE(std::equal(last.begin(), last.end(), all.end() - kVocab));
  }
  std::vector<float> bounds(kVocab), blocks(kBlocks);
  EXPECT_TRUE(head.decoder->bounds(head.row(1).data(), 1, bounds.data(), blocks.data(), head.pool));
}

TEST(Outlook, NumbersThatAreNoneForbid) {
  Head head(4);
  const uint16_t nan = 0x7E00;
  for (const size_t token : {5, 50, 500}) std::memcpy(head.bytes.data() + token * 3 * 34, &nan, 2);
  Outlook outlook(*head.decoder, head.pool);
  for (uint32_t round = 0; round < 10; ++round) {
    const std::vector<float> x = head.row(round);
    std::vector<float> all(kVocab);
    head.decoder->logits(x.data(), 1, all.data(), head.pool);
    outlook.clear();
    outlook.add(x.data(), 1);
    for (const int most : {1, 5, 64}) {
      Candidates found;
      outlook.settle(0, most, TokenMask::all(kVocab), found);
      const auto drawn = [most](const Candidates& from) {
        return Sampler({.temperature = 1, .top_k = most, .seed = 7}).sample(from);
      };
      EXPECT_EQ(drawn(found), drawn(Candidates::of_all(all))) << most;
    }
  }
}

}  // namespace
}  // namespace model
