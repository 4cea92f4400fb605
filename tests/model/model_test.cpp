#include "model/model.h"

#include <gtest/gtest.h>

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
      const TokenId token = greedy.sample(session.logits());
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
    const TokenId token = Sampler({}).sample(session.logits());
    EXPECT_EQ(token, Sampler({}).sample(expected)) << p;
  }
}

}  // namespace
}  // namespace model
