#include "model/training/trainable_decoder.h"
#include "model/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include "base/json.h"

#include "model/training/adamw.h"
#include "tests/golden.h"
#include "tests/npy.h"

// The reference is PyTorch's autograd over a tiny Gemma 4 (K = V on full layers, two head
// geometries, softcap), by the script described in tests/golden/README.md; finite differences check
// the same gradients without it.

namespace model::training {
namespace {

struct Tiny {
  Checkpoint checkpoint = std::move(*Checkpoint::open(golden("tiny/tiny-f32.gguf")));
  Architecture architecture = *checkpoint.architecture();
  Weights weights = *Weights::bind(checkpoint.tensors(), architecture);
  Lora lora = *Lora::open(golden("tiny/lora-f32.gguf"), architecture);
  ThreadPool pool{2};
  std::vector<int32_t> ids = read_npy<int32_t>(golden("tiny/lora_ids.npy"));

  Sequence sequence() const {
    const std::vector<int32_t> labels = read_npy<int32_t>(golden("tiny/lora_labels.npy"));
    Sequence s{ids, std::vector<int32_t>(ids.size(), -1)};
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      s.labels[i] = labels[i + 1] == -100 ? -1 : labels[i + 1];
    return s;
  }
  static float weight(const PackedBatch& batch) {
    int n = 0;
    for (const int32_t label : batch.labels) n += label >= 0 ? 1 : 0;
    return 1.0f / static_cast<float>(n);
  }
};

TEST(TrainableDecoder, LogitsWithAndWithoutAdapterEqualTheReference) {
  Tiny tiny;
  const Sequence s = tiny.sequence();
  TrainableDecoder with(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  const std::vector<float> expected = read_npy<float>(golden("tiny/lora_logits.npy"));
  const std::vector<float> actual = with.logits(pack({&s}));
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 2e-3) << i;

  Sequence plain{read_npy<int32_t>(golden("tiny/text_t40_ids.npy")), {}};
  plain.labels.assign(plain.tokens.size(), -1);
  Lora none;
  none.layers.resize(static_cast<size_t>(tiny.architecture.n_layers));
  TrainableDecoder without(tiny.architecture, tiny.weights, none, Precision::f32, tiny.pool);
  const std::vector<float> expected_plain = read_npy<float>(golden("tiny/text_t40_logits.npy"));
  const std::vector<float> actual_plain = without.logits(pack({&plain}));
  ASSERT_EQ(actual_plain.size(), expected_plain.size());
  for (size_t i = 0; i < actual_plain.size(); ++i)
    ASSERT_NEAR(actual_plain[i], expected_plain[i], 2e-3) << i;
}

TEST(TrainableDecoder, EveryGradientEqualsTheReference) {
  Tiny tiny;
  const Sequence s = tiny.sequence();
  const PackedBatch batch = pack({&s});
  TrainableDecoder decoder(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  const double loss = decoder.loss(batch, Tiny::weight(batch), true);
  EXPECT_NEAR(loss, read_npy<float>(golden("tiny/lora_loss.npy"))[0], 1e-4);

  const std::map<std::string, Projection> names = {
      {"self_attn.q_proj", Projection::q}, {"self_attn.k_proj", Projection::k},
      {"self_attn.v_proj", Projection::v}, {"self_attn.o_proj", Projection::o},
      {"mlp.gate_proj", Projection::gate}, {"mlp.up_proj", Projection::up},
      {"mlp.down_proj", Projection::down}};
  std::ifstream file(golden("tiny/lora_grads.json"));
  const nlohmann::json expected = nlohmann::json::parse(file);
  size_t compared = 0;
  for (int layer = 0; layer < tiny.architecture.n_layers; ++layer)
    for (const auto& [name, projection] : names) {
      const std::string key = "model.language_model.layers." + std::to_string(layer) + "." + name;
      if (!expected.contains(key + ".a")) continue;
      const LowRank& g = decoder.gradient().at(layer, projection);
      for (const char side : {'a', 'b'}) {
        const nlohmann::json& e = expected[key + "." + side];
        const std::vector<float>& actual = side == 'a' ? g.a : g.b;
        double l2 = 0;
        for (const float v : actual) l2 += static_cast<double>(v) * static_cast<double>(v);
        const double expected_l2 = e["l2"];
        EXPECT_NEAR(std::sqrt(l2), expected_l2, 1e-3 * expected_l2) << key << side;
        for (size_t i = 0; i < e["idx"].size(); ++i)
          EXPECT_NEAR(actual.at(e["idx"][i].get<size_t>()), e["val"][i].get<double>(),
                      1e-3 * e["absmax"].get<double>())
              << key << side << i;
        ++compared;
      }
    }
  EXPECT_EQ(compared, expected.size());
}

double squares(const Lora& gradient) {
  double sum = 0;
  for (const auto& layer : gradient.layers)
    for (const LowRank& low : layer)
      for (const std::vector<float>* side : {&low.a, &low.b})
        for (const float v : *side) sum += static_cast<double>(v) * static_cast<double>(v);
  return sum;
}

TEST(TrainableDecoder, LossAmongSomeTokensIsTheirShareOfTheSoftmax) {
  Tiny tiny;
  const Sequence s = tiny.sequence();
  const PackedBatch batch = pack({&s});
  const int vocab = tiny.architecture.vocab_size;
  std::vector<int32_t> all, some;
  for (int i = 0; i < vocab; ++i) all.push_back(i);
  for (int i = 0; i < vocab; ++i)
    if (i % 3 == 0 || std::count(s.labels.begin(), s.labels.end(), i) > 0) some.push_back(i);
  ASSERT_LT(some.size(), all.size() / 2);
  auto decoder = [&](const std::vector<int32_t>& choices) {
    return TrainableDecoder(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool,
                            {.choices = choices});
  };
  TrainableDecoder plain = decoder({}), whole = decoder(all), part = decoder(some);
  const std::vector<float> logits = plain.logits(batch);
  const double expected_whole = plain.loss(batch, 1, true);
  EXPECT_NEAR(whole.loss(batch, 1, true), expected_whole, 1e-5 * expected_whole);
  EXPECT_NEAR(squares(whole.gradient()), squares(plain.gradient()),
              1e-4 * squares(plain.gradient()));

  double expected = 0;
  for (int r = 0; r < batch.rows(); ++r) {
    const int32_t label = batch.labels[static_cast<size_t>(r)];
    if (label < 0) continue;
    const float* row = logits.data() + static_cast<ptrdiff_t>(r) * vocab;
    double sum = 0;
    for (const int32_t c : some) sum += std::exp(static_cast<double>(row[c]));
    expected += std::log(sum) - static_cast<double>(row[label]);
  }
  EXPECT_LT(expected, expected_whole);
  EXPECT_NEAR(part.loss(batch, 1, true), expected, 1e-4 * expected);

  // Along its gradient the loss changes by |g| per unit.
  const Lora gradient = part.gradient();
  const double gg = squares(gradient), h = 1e-3 / std::sqrt(gg);
  auto moved = [&](double by) {
    part.lora() = tiny.lora;
    for (size_t i = 0; i < gradient.layers.size(); ++i)
      for (size_t p = 0; p < kProjections; ++p) {
        LowRank& low = part.lora().layers[i][p];
        const LowRank& g = gradient.layers[i][p];
        for (size_t k = 0; k < low.a.size(); ++k) low.a[k] += static_cast<float>(by) * g.a[k];
        for (size_t k = 0; k < low.b.size(); ++k) low.b[k] += static_cast<float>(by) * g.b[k];
      }
    return part.loss(batch, 1, false);
  };
  EXPECT_NEAR((moved(h) - moved(-h)) / (2 * h), gg, 0.02 * gg);
}

TEST(TrainableDecoder, GradientsEqualFiniteDifferences) {
  Tiny tiny;
  const Sequence s = tiny.sequence();
  const PackedBatch batch = pack({&s});
  const float weight = Tiny::weight(batch);
  TrainableDecoder decoder(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  decoder.loss(batch, weight, true);
  const Lora gradient = decoder.gradient();
  for (const auto& [layer, projection] :
       {std::pair{0, Projection::q}, {5, Projection::k}, {3, Projection::down}}) {
    const std::vector<float>& g = gradient.at(layer, projection).b;
    std::vector<float>& b =
        decoder.lora().layers[static_cast<size_t>(layer)][static_cast<size_t>(projection)].b;
    double gg = 0;
    for (const float v : g) gg += static_cast<double>(v) * static_cast<double>(v);
    // Along the gradient itself the loss changes by |g| per unit: the largest signal over the
    // rounding of f32.
    const double h = 1e-3 / std::sqrt(gg);
    const std::vector<float> kept = b;
    for (size_t i = 0; i < b.size(); ++i)
      b[i] = kept[i] + static_cast<float>(h * static_cast<double>(g[i]));
    const double up = decoder.loss(batch, weight, false);
    for (size_t i = 0; i < b.size(); ++i)
      b[i] = kept[i] - static_cast<float>(h * static_cast<double>(g[i]));
    const double down = decoder.loss(batch, weight, false);
    b = kept;
    EXPECT_NEAR((up - down) / (2 * h), gg, 0.02 * gg) << layer;
  }
}

/// The reference's three modules after `step` ("sgd", "adamw2").
void expect_matrices(const Lora& lora, const std::string& step) {
  for (const auto& [layer, projection, name] : {std::tuple{0, Projection::q, "0.self_attn.q_proj"},
                                                {5, Projection::k, "5.self_attn.k_proj"},
                                                {7, Projection::down, "7.mlp.down_proj"}})
    for (const char side : {'A', 'B'}) {
      const std::vector<float> expected =
          read_npy<float>(golden("tiny/train/lora.model.language_model.layers." +
                                 std::string(name) + "." + step + "_" + side + ".npy"));
      const LowRank& low = lora.at(layer, projection);
      const std::vector<float>& actual = side == 'A' ? low.a : low.b;
      ASSERT_EQ(actual.size(), expected.size());
      double difference = 0, size = 0;
      for (size_t i = 0; i < actual.size(); ++i) {
        difference += std::pow(static_cast<double>(actual[i] - expected[i]), 2);
        size += std::pow(static_cast<double>(expected[i]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-3 * std::sqrt(size)) << name << " " << step << side;
    }
}

TEST(TrainableDecoder, SgdAndAdamWStepsEqualTheReference) {
  Tiny tiny;
  const Sequence s = tiny.sequence();
  const PackedBatch batch = pack({&s});
  const float weight = Tiny::weight(batch);
  {
    TrainableDecoder decoder(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
    decoder.loss(batch, weight, true);
    for (const Parameter& p : decoder.parameters())
      for (size_t j = 0; j < p.value->size(); ++j) (*p.value)[j] -= 0.1f * (*p.gradient)[j];
    expect_matrices(decoder.lora(), "sgd");
    EXPECT_NEAR(decoder.loss(batch, weight, false),
                read_npy<float>(golden("tiny/lora_loss_after_sgd_lr0p1.npy"))[0], 5e-3);
  }
  const std::vector<float> losses = read_npy<float>(golden("tiny/lora_adamw_losses.npy"));
  TrainableDecoder decoder(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  AdamW optimizer(decoder.parameters());
  optimizer.weight_decay = 0.01f;
  for (size_t step = 0; step < 2; ++step) {
    decoder.clear_gradient();
    EXPECT_NEAR(decoder.loss(batch, weight, true), losses[step], 2e-3 * losses[step]) << step;
    optimizer.step(decoder.parameters(), 1e-2f, tiny.pool);
  }
  expect_matrices(decoder.lora(), "adamw2");
  EXPECT_NEAR(decoder.loss(batch, weight, false), losses[2], 2e-3 * losses[2]);
}

TEST(TrainableDecoder, ASharedPrefixGivesTheGradientsOfSeparateSequences) {
  Tiny tiny;
  std::vector<Sequence> sequences;
  for (int i = 0; i < 3; ++i) {
    Sequence s;
    for (int t = 0; t < 12; ++t) s.tokens.push_back(10 + t);  // longer than the sliding window of 8
    for (int t = 0; t < 5 + i; ++t) s.tokens.push_back(100 + 7 * i + t);
    s.labels.assign(s.tokens.size(), -1);
    for (size_t t = 13; t + 1 < s.tokens.size(); ++t) s.labels[t] = s.tokens[t + 1];
    sequences.push_back(s);
  }
  TrainableDecoder together(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  TrainableDecoder apart(tiny.architecture, tiny.weights, tiny.lora, Precision::f32, tiny.pool);
  const PackedBatch packed = pack({&sequences[0], &sequences[1], &sequences[2]});
  EXPECT_EQ(packed.prefix, 12);
  const double loss_together = together.loss(packed, 0.1f, true);
  double loss_apart = 0;
  for (const Sequence& s : sequences) loss_apart += apart.loss(pack({&s}), 0.1f, true);
  EXPECT_NEAR(loss_together, loss_apart, 1e-4 * loss_apart);
  for (size_t i = 0; i < tiny.lora.layers.size(); ++i)
    for (size_t p = 0; p < kProjections; ++p) {
      const std::vector<float>& x = together.gradient().layers[i][p].a;
      const std::vector<float>& y = apart.gradient().layers[i][p].a;
      double difference = 0, size = 0;
      for (size_t j = 0; j < x.size(); ++j) {
        difference += std::pow(static_cast<double>(x[j] - y[j]), 2);
        size += std::pow(static_cast<double>(y[j]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-3 * std::sqrt(size)) << i << " " << p;
    }
}

}  // namespace
}  // namespace model::training
