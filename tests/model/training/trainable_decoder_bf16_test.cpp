#include <gtest/gtest.h>

#include <cmath>

#include "model/checkpoint.h"
#include "model/training/trainable_decoder.h"
#include "tests/golden.h"
#include "tests/model/checkpoint.h"

namespace model::training {
namespace {

TEST(TrainableDecoder, TheFastPathGivesNearlyTheReferencesGradients) {
  if (!std::filesystem::exists(real_checkpoint()))
    GTEST_SKIP() << "the Gemma 3 270M checkpoint is not in the cache";
  const Checkpoint checkpoint = std::move(*Checkpoint::open(real_checkpoint()));
  Architecture architecture = *checkpoint.architecture();
  Weights weights = *Weights::bind(checkpoint.tensors(), architecture);
  // Three layers with their head dimension and one key head exercise every line; eighteen only take
  // longer.
  architecture.n_layers = 3;
  architecture.layers.resize(3);
  weights.layers.resize(3);
  // The first rows of the vocabulary: a sixteenth of the head.
  architecture.vocab_size = 16384;
  weights.embedding.out = 16384;
  Lora lora;
  lora.layers.resize(3);
  for (int i = 0; i < 3; ++i)
    for (int p = 0; p < kProjections; ++p) {
      LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      low.rank = 4;
      low.in = projection_in(architecture, i, static_cast<Projection>(p));
      low.out = projection_out(architecture, i, static_cast<Projection>(p));
      for (int j = 0; j < 4 * low.in; ++j)
        low.a.push_back(0.02f * static_cast<float>(j * 37 % 19 - 9));
      for (int j = 0; j < 4 * low.out; ++j)
        low.b.push_back(0.001f * static_cast<float>(j * 31 % 17 - 8));
    }
  std::vector<Sequence> sequences(3);
  for (int s = 0; s < 3; ++s) {
    for (int t = 0; t < 70 + 9 * s; ++t)
      sequences[static_cast<size_t>(s)].tokens.push_back(t < 33 ? 500 + 13 * t
                                                                : 600 + (t * 271 + s * 97) % 9000);
    Sequence& q = sequences[static_cast<size_t>(s)];
    q.labels.assign(q.tokens.size(), -1);
    for (size_t t = 50; t + 1 < q.tokens.size(); ++t) q.labels[t] = q.tokens[t + 1];
  }
  sequences[0].media.push_back({.kind = MediaKind::image, .row = 40, .n = 9, .grid = {3, 3}});
  const PackedBatch batch = pack({&sequences[0], &sequences[1], &sequences[2]});
  ASSERT_EQ(batch.prefix, 33);
  SoftRows soft;
  for (int t = 0; t < 9; ++t) {
    soft.rows.push_back(batch.media[0].row + t);
    for (int i = 0; i < architecture.hidden; ++i)
      soft.values.push_back(0.1f * static_cast<float>((t * 41 + i * 29) % 23 - 11));
  }
  SoftRows soft_fast = soft;
  ThreadPool pool(2);
  TrainableDecoder reference(architecture, weights, lora, Precision::f32, pool);
  TrainableDecoder fast(architecture, weights, lora, Precision::bf16, pool);
  const double expected = reference.loss(batch, 0.01f, true, &soft);
  EXPECT_NEAR(fast.loss(batch, 0.01f, true, &soft_fast), expected, 5e-3 * expected);
  // bf16 keeps 8 bits: the directions agree to a few per mille.
  auto expect_parallel = [](const std::vector<float>& x, const std::vector<float>& y,
                            const std::string& what) {
    double xx = 0, yy = 0, xy = 0;
    for (size_t j = 0; j < x.size(); ++j) {
      xx += static_cast<double>(x[j]) * static_cast<double>(x[j]);
      yy += static_cast<double>(y[j]) * static_cast<double>(y[j]);
      xy += static_cast<double>(x[j]) * static_cast<double>(y[j]);
    }
    EXPECT_GT(xy / std::sqrt(xx * yy), 0.995) << what;
  };
  expect_parallel(soft.gradient, soft_fast.gradient, "soft tokens");
  const Parameters x = reference.parameters(), y = fast.parameters();
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i].name.ends_with(".lora_b")) expect_parallel(*x[i].gradient, *y[i].gradient, x[i].name);
}

}  // namespace
}  // namespace model::training
