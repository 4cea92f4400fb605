#include "model/model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/golden.h"
#include "tests/model/checkpoint.h"
#include "tests/npy.h"

namespace model {
namespace {

std::vector<Position> positions(const std::vector<int32_t>& ids) {
  std::vector<Position> prompt;
  for (const int32_t id : ids) prompt.push_back({.id = id});
  return prompt;
}

Engine load(const std::filesystem::path& path,
            LoadOptions options = {.precision = Precision::f32, .threads = 2}) {
  base::Result<Engine> engine = Engine::load(path, options);
  if (!engine) throw std::runtime_error(engine.error().message);
  return std::move(*engine);
}

void expect_near(std::span<const float> actual, std::span<const float> expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
}

TEST(Session, LogitsOfTheQuantizedTwinsEqualTheDequantisedReference) {
  const std::vector<Position> prompt = positions(read_npy<int32_t>(golden("tiny/gguf_ids.npy")));
  for (const auto& [file, expected] :
       {std::pair{"tiny/tiny-q8_0.gguf", "tiny/gguf_q8_0_logits_dequant_f32.npy"},
        {"tiny/tiny-q4_0.gguf", "tiny/gguf_q4_0_logits_dequant_f32.npy"},
        {"tiny/tiny-f32.gguf", "tiny/text_t40_logits.npy"}}) {
    const Engine engine = load(golden(file));
    Session session(engine, 64);
    const std::vector<Position> used =
        std::string(expected) == "tiny/text_t40_logits.npy"
            ? positions(read_npy<int32_t>(golden("tiny/text_t40_ids.npy")))
            : prompt;
    base::Result<std::vector<float>> logits = session.all_logits(used);
    ASSERT_TRUE(logits) << logits.error().message;
    expect_near(*logits, read_npy<float>(golden(expected)), 2e-3f);
  }
}

/// Length of a - b over that of b.
double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(a[i] - b[i], 2);
    size += std::pow(b[i], 2);
  }
  return std::sqrt(difference / size);
}

/// Keys and values in f32 here: halves of them are rounded another way where the last bit of a
/// product differs.
TEST(Decoder, ActivationsInWordsLoseNextToNothing) {
  const std::vector<int32_t> ids = read_npy<int32_t>(golden("tiny/gguf_ids.npy"));
  for (const char* name : {"tiny/tiny-q8_0.gguf", "tiny/tiny-q4_0.gguf"})
    for (const bool with_adapter : {false, true}) {
      const Checkpoint file = std::move(*Checkpoint::open(golden(name)));
      const Architecture a = *file.architecture();
      const Weights weights = std::move(*Weights::bind(file.tensors(), a));
      const Lora lora = std::move(*Lora::open(golden("tiny/lora-f32.gguf"), a));
      const Lora* adapter = with_adapter ? &lora : nullptr;
      ThreadPool pool(2);
      const Decoder reference(a, weights, adapter, Precision::f32, 0, pool);
      const Decoder words(a, weights, adapter, Precision::int16, size_t{1} << 30, pool);
      const Decoder bytes(a, weights, adapter, Precision::int8, 0, pool);
      const Decoder panels(a, weights, adapter, Precision::bf16, 0, pool);
      EXPECT_EQ(Decoder(a, weights, adapter, Precision::fast, 0, pool).precision(),
                best_gemm_kernel().native ? Precision::bf16 : Precision::int16);
      EXPECT_FALSE(words.packed());
      const size_t hidden = static_cast<size_t>(a.hidden);
      Decoder::Workspace work;
      auto rows = [&](const Decoder& decoder, bool reading) {
        KvCache cache(a, 64, 64, KvType::f32);
        std::vector<float> all;
        const int n = static_cast<int>(ids.size()), pass = reading ? n : 1;
        for (int at = 0; at < n; at += pass) {
          std::vector<float> stream(static_cast<size_t>(pass) * hidden);
          for (int i = 0; i < pass; ++i)
            decoder.embed(ids[static_cast<size_t>(at + i)],
                          stream.data() + static_cast<size_t>(i) * hidden);
          decoder.forward(stream, pass, {.reading = reading}, cache, work, pool);
          all.insert(all.end(), stream.begin(), stream.end());
        }
        return all;
      };
      const std::vector<float> expected = rows(reference, true);
      // Random weights carry the rounding to bf16 further than trained ones; the adapter moves the
      // rows by much more.
      EXPECT_LT(relative_distance(rows(panels, true), expected), 0.06) << name;
      if (with_adapter) {
        const Decoder without(a, weights, nullptr, Precision::f32, 0, pool);
        EXPECT_GT(relative_distance(rows(without, true), expected), 0.2) << name;
      }
      for (const bool reading : {true, false}) {
        const double off = relative_distance(rows(words, reading), expected);
        EXPECT_LT(off, 1e-3) << name;
        EXPECT_GT(relative_distance(rows(bytes, reading), expected), 10 * off) << name;
      }
    }
}

/// Projections that read the same input share the adapter's product with it, whichever way each
/// goes.
TEST(Decoder, AnAdapterReachesMatricesOfSeveralTypes) {
  const std::vector<int32_t> ids = read_npy<int32_t>(golden("tiny/gguf_ids.npy"));
  const Checkpoint file = std::move(*Checkpoint::open(golden("tiny/tiny-q8_0.gguf")));
  const Architecture a = *file.architecture();
  Weights weights = std::move(*Weights::bind(file.tensors(), a));
  std::vector<std::vector<float>> decoded;  // of every `up` and `k`, which stay quantized elsewhere
  for (LayerWeights& layer : weights.layers)
    for (const Projection p : {Projection::up, Projection::k}) {
      Matrix& matrix = layer.projections[static_cast<size_t>(p)];
      decoded.emplace_back(static_cast<size_t>(matrix.out) * static_cast<size_t>(matrix.in));
      matrix.dequantize(0, matrix.out, decoded.back().data());
      matrix.type = TensorType::f32;
      matrix.data = reinterpret_cast<const std::byte*>(decoded.back().data());
    }
  const Lora lora = std::move(*Lora::open(golden("tiny/lora-f32.gguf"), a));
  ThreadPool pool(2);
  const size_t hidden = static_cast<size_t>(a.hidden);
  const int n = static_cast<int>(ids.size());
  auto rows = [&](const Lora* adapter, Precision precision, size_t max_packed_bytes) {
    const Decoder decoder(a, weights, adapter, precision, max_packed_bytes, pool);
    Decoder::Workspace work;
    KvCache cache(a, 64, 64, KvType::f32);
    std::vector<float> stream(static_cast<size_t>(n) * hidden);
    for (int i = 0; i < n; ++i)
      decoder.embed(ids[static_cast<size_t>(i)], stream.data() + static_cast<size_t>(i) * hidden);
    decoder.forward(stream, n, {.reading = true}, cache, work, pool);
    return stream;
  };
  const std::vector<float> expected = rows(&lora, Precision::f32, 0);
  EXPECT_GT(relative_distance(rows(nullptr, Precision::f32, 0), expected), 0.2);
  for (const Precision precision : {Precision::bf16, Precision::int16})
    for (const size_t packed : {size_t{0}, size_t{1} << 30})
      EXPECT_LT(relative_distance(rows(&lora, precision, packed), expected), 0.06) << packed;
}

TEST(Session, AnAdapterChangesTheLogitsAsTheReferenceSays) {
  const Engine engine =
      load(golden("tiny/tiny-f32.gguf"),
           {.precision = Precision::f32, .adapter = golden("tiny/lora-f32.gguf"), .threads = 2});
  Session session(engine, 64);
  base::Result<std::vector<float>> logits =
      session.all_logits(positions(read_npy<int32_t>(golden("tiny/lora_ids.npy"))));
  ASSERT_TRUE(logits);
  expect_near(*logits, read_npy<float>(golden("tiny/lora_logits.npy")), 2e-3f);
}

TEST(Session, AnyCutOfThePromptGivesTheLogitsOfOnePass) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  const std::vector<Position> prompt =
      positions(read_npy<int32_t>(golden("tiny/text_t40_ids.npy")));
  Session whole(engine, 64);
  ASSERT_TRUE(whole.prefill(prompt, {}));
  for (const size_t cut : {size_t{1}, size_t{7}, size_t{8}, size_t{9}, size_t{39}}) {
    Session session(engine, 64);
    ASSERT_TRUE(session.prefill(std::span(prompt).first(cut), {}));
    for (size_t i = cut; i < prompt.size(); ++i) ASSERT_TRUE(session.decode(prompt[i].id));
    expect_near(session.logits(), whole.logits(), 2e-3f);
  }
}

TEST(Session, PrefillKeepsTheCommonBeginningAndForgetsTheRest) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  std::vector<Position> prompt = positions(read_npy<int32_t>(golden("tiny/text_t40_ids.npy")));
  Session session(engine, 64);
  ASSERT_TRUE(session.prefill(prompt, {}));
  for (size_t i = 20; i < prompt.size(); ++i) prompt[i].id = static_cast<TokenId>(7 + i);
  const base::Result<PrefillStats> stats = session.prefill(prompt, {});
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->reused, 20);
  EXPECT_EQ(stats->computed, 20);
  Session fresh(engine, 64);
  ASSERT_TRUE(fresh.prefill(prompt, {}));
  expect_near(session.logits(), fresh.logits(), 2e-3f);
}

TEST(Session, TheRingStaysRightLongAfterItWraps) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  // Far past window + slack (8 + 512), in chunks and one by one, must agree.
  std::vector<int32_t> ids;
  for (int i = 0; i < 1300; ++i) ids.push_back(3 + i * 37 % 490);
  const std::vector<Position> prompt = positions(ids);
  Session chunked(engine, 2048), stepped(engine, 2048);
  ASSERT_TRUE(chunked.prefill(prompt, {}));
  ASSERT_TRUE(stepped.prefill(std::span(prompt).first(600), {}));
  for (size_t i = 600; i < prompt.size(); ++i) ASSERT_TRUE(stepped.decode(prompt[i].id));
  expect_near(chunked.logits(), stepped.logits(), 5e-3f);
}

TEST(Decoder, TheRingGivesTheSameAsACacheThatKeepsEverythingOver300000Positions) {
  // The five sliding layers of the tiny model, window 8. A cache whose slack is the whole context
  // never wraps: it is the plain reference.
#if defined(__SANITIZE_ADDRESS__)
  constexpr int kPositions = 60000;  // the same wraps, fewer of them: sanitizers are slow
#else
  constexpr int kPositions = 300000;
#endif
  const Checkpoint file = std::move(*Checkpoint::open(golden("tiny/tiny-f32.gguf")));
  Architecture a = *file.architecture();
  a.n_layers = 5;
  a.layers.resize(5);
  a.context_length = kPositions;
  const Weights weights = std::move(*Weights::bind(file.tensors(), a));
  ThreadPool pool(2);
  const Decoder decoder(a, weights, nullptr, Precision::f32, 0, pool);
  const size_t hidden = static_cast<size_t>(a.hidden);
  Decoder::Workspace work;
  auto read = [&](KvCache& cache, int n) {  // the final-normed row of the last of n positions
    std::vector<float> stream(static_cast<size_t>(n) * hidden);
    for (int i = 0; i < n; ++i)
      decoder.embed(3 + (cache.size() + i) * 37 % 490,
                    stream.data() + static_cast<size_t>(i) * hidden);
    decoder.forward(stream, n, {}, cache, work, pool);
    return std::vector<float>(stream.end() - static_cast<int64_t>(hidden), stream.end());
  };
  KvCache ring(a, kPositions, 64, KvType::f32), plain(a, kPositions, kPositions, KvType::f32);
  int checks = 0;
  for (int step = 0; plain.size() < kPositions; ++step) {
    // Chunks of odd length, and now and then a few positions one by one.
    const int n = std::min(kPositions - plain.size(), 57 + step % 8);
    const std::vector<float> expected = read(plain, n);
    const bool single = step % 500 == 0;
    std::vector<float> actual;
    for (int left = n; left > 0; left -= single ? 1 : left) actual = read(ring, single ? 1 : left);
    if (step % 50 != 0 && plain.size() < kPositions) continue;
    ++checks;
    for (size_t i = 0; i < hidden; ++i) ASSERT_NEAR(actual[i], expected[i], 2e-3f) << plain.size();
  }
  EXPECT_GT(checks, 15);
  EXPECT_LT(ring.bytes(), plain.bytes() / 100);
}

TEST(Session, ManyRewindsNeverReadAKeyThatWasOverwritten) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  std::vector<Position> prompt;
  for (int i = 0; i < 1500; ++i) prompt.push_back({.id = 3 + i * 31 % 490});
  Session session(engine, 2048);
  for (const size_t size : {1500u, 1400u, 1450u, 900u, 1500u, 1u, 700u, 690u, 600u, 1100u}) {
    ASSERT_TRUE(session.prefill(std::span(prompt).first(size), {}));
    Session fresh(engine, 2048);
    ASSERT_TRUE(fresh.prefill(std::span(prompt).first(size), {}));
    expect_near(session.logits(), fresh.logits(), 5e-3f);
  }
}

TEST(Session, ExtendSeesWhatSingleStepsSeeAndKeepForgetsTheRest) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  const std::vector<int32_t> ids = read_npy<int32_t>(golden("tiny/text_t40_ids.npy"));
  const std::vector<Position> prompt = positions(ids);
  Session stepped(engine, 64), extended(engine, 64);
  ASSERT_TRUE(stepped.prefill(std::span(prompt).first(20), {}));
  ASSERT_TRUE(extended.prefill(std::span(prompt).first(20), {}));
  ASSERT_TRUE(extended.extend(std::span(ids).subspan(20, 10)));
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(stepped.decode(ids[static_cast<size_t>(20 + i)]));
    expect_near(extended.logits_after(i), stepped.logits(), 2e-3f);
  }
  extended.keep(6);
  EXPECT_EQ(extended.size(), 26);
  expect_near(extended.logits(), stepped.logits(), 2e-3f);
  ASSERT_TRUE(extended.decode(7));
  ASSERT_TRUE(stepped.decode(7));
  expect_near(extended.logits(), stepped.logits(), 2e-3f);
}

TEST(Session, AnAdapterIsSwappedWithoutReloading) {
  const std::vector<Position> prompt = positions(read_npy<int32_t>(golden("tiny/lora_ids.npy")));
  const std::vector<float> with = read_npy<float>(golden("tiny/lora_logits.npy"));
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  base::Result<Lora> lora = engine.open_adapter(golden("tiny/lora-f32.gguf"));
  ASSERT_TRUE(lora) << lora.error().message;
  const auto adapter = std::make_shared<const Lora>(std::move(*lora));
  Session session(engine, 64);
  const std::vector<float> without = *session.all_logits(prompt);
  session.set_adapter(adapter);
  expect_near(*session.all_logits(prompt), with, 2e-3f);
  session.set_adapter(nullptr);
  ASSERT_TRUE(session.prefill(prompt, {}));
  expect_near(session.logits(), std::span(without).last(512), 2e-3f);
  session.set_adapter(adapter);
  base::Result<PrefillStats> stats = session.prefill(prompt, {});
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->reused, 0) << "keys of the other adapter are not taken";
  expect_near(session.logits(), std::span(with).last(512), 2e-3f);
}

TEST(Session, ReadingStoredWeightsPrefersTheSameTokensAsUnpackedOnes) {
  const std::filesystem::path path = real_checkpoint();
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "the Gemma 3 270M checkpoint is not in the cache";
  const Engine stored =
      load(path, {.precision = Precision::bf16, .threads = 2, .max_packed_bytes = 0});
  for (const char* p : {"p0", "p1", "p2", "p3"}) {
    const std::string prefix = std::string("gemma3/") + p;
    Session session(stored, 64);
    ASSERT_TRUE(session.prefill(positions(read_npy<int32_t>(golden(prefix + "_ids.npy"))), {}));
    EXPECT_EQ(
        Sampler({}).sample(Candidates::of_all(session.logits())),
        Sampler({}).sample(Candidates::of_all(read_npy<float>(golden(prefix + "_logits.npy")))))
        << p;
  }
}

TEST(Session, RefusesWhatDoesNotFit) {
  const Engine engine = load(golden("tiny/tiny-f32.gguf"));
  Session session(engine, 4);
  EXPECT_EQ(session.prefill(positions({1, 2, 3, 4, 5}), {}).error().code, base::Errc::limit);
  EXPECT_EQ(session.prefill(positions({}), {}).error().code, base::Errc::usage);
  EXPECT_EQ(session.prefill(positions({512}), {}).error().code, base::Errc::usage);
  EXPECT_EQ(session.prefill(positions({-1}), {}).error().code, base::Errc::usage);
  ASSERT_TRUE(session.prefill(positions({1, 2, 3, 4}), {}));
  EXPECT_EQ(session.decode(5).error().code, base::Errc::limit);
}

TEST(Gemma3, LogitsAndGreedyTokensOfTheRealCheckpointEqualTheReference) {
  const std::filesystem::path path = real_checkpoint();
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "the Gemma 3 270M checkpoint is not in the cache";
  const Engine engine = load(path);
  for (const char* p : {"p0", "p1", "p2", "p3"}) {
    const std::string prefix = std::string("gemma3/") + p;
    Session session(engine, 64);
    ASSERT_TRUE(session.prefill(positions(read_npy<int32_t>(golden(prefix + "_ids.npy"))), {}));
    expect_near(session.logits(), read_npy<float>(golden(prefix + "_logits.npy")), 2e-3f);
    Sampler greedy({});
    for (const int32_t expected : read_npy<int32_t>(golden(prefix + "_greedy8.npy"))) {
      const TokenId token = greedy.sample(Candidates::of_all(session.logits()));
      EXPECT_EQ(token, expected) << p;
      ASSERT_TRUE(session.decode(token));
    }
  }
}

TEST(Gemma3, TheFastPathPrefersTheSameTokens) {
  const std::filesystem::path path = real_checkpoint();
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "the Gemma 3 270M checkpoint is not in the cache";
  const Engine engine = load(path, {.precision = Precision::bf16, .threads = 2});
  for (const char* p : {"p0", "p1", "p2", "p3"}) {
    const std::string prefix = std::string("gemma3/") + p;
    Session session(engine, 64);
    ASSERT_TRUE(session.prefill(positions(read_npy<int32_t>(golden(prefix + "_ids.npy"))), {}));
    const std::vector<float> expected = read_npy<float>(golden(prefix + "_logits.npy"));
    // bf16 products move logits by some tenths; the order at the top must survive.
    const TokenId token = Sampler({}).sample(Candidates::of_all(session.logits()));
    EXPECT_EQ(token, Sampler({}).sample(Candidates::of_all(expected))) << p;
  }
}

}  // namespace
}  // namespace model
