#include "model/drafter.h"

#include <gtest/gtest.h>

#include "model/sampler.h"
#include "tests/golden.h"
#include "tests/npy.h"

namespace model {
namespace {

std::vector<float> floats_of(const std::string& name) {
  return read_npy<float>(golden("tiny/assistant_" + name + ".npy"));
}

class DrafterTest : public testing::Test {
 protected:
  DrafterTest()
      : engine(std::move(*Engine::load(golden("tiny/tiny-f32.gguf"),
                                       {.precision = Precision::f32, .threads = 2}))),
        drafter(std::move(*Drafter::load(golden("tiny/assistant-f32.gguf"), engine))) {}

  std::vector<Position> prompt(const std::string& name) {
    std::vector<Position> positions;
    for (const int32_t id : read_npy<int32_t>(golden("tiny/assistant_" + name + "_prompt.npy")))
      positions.push_back({.id = id});
    return positions;
  }

  Engine engine;
  Drafter drafter;
};

TEST_F(DrafterTest, GuessesWithTheLogitsAndHiddenStatesOfTheReference) {
  for (const std::string name : {"short", "long"}) {
    Session session(engine, 64);
    ASSERT_TRUE(session.prefill(prompt(name), {}));
    TokenId token = Sampler({}).sample(Candidates::of_all(session.logits()));
    ASSERT_EQ(token, read_npy<int32_t>(golden("tiny/assistant_" + name + "_next.npy"))[0]);
    const std::vector<int32_t> expected =
        read_npy<int32_t>(golden("tiny/assistant_" + name + "_drafted.npy"));
    EXPECT_EQ(drafter.draft(session, token, 4), expected) << name;
    const std::vector<float> all = floats_of(name + "_draft_logits");
    const std::vector<float> states = floats_of(name + "_draft_hidden");
    std::vector<float> g = floats_of(name + "_target_hidden"), logits;
    for (size_t i = 0; i < expected.size(); ++i) {
      drafter.step(session, token, g, logits);
      for (size_t k = 0; k < logits.size(); ++k) ASSERT_NEAR(logits[k], all[i * 512 + k], 2e-3f);
      for (size_t k = 0; k < g.size(); ++k) ASSERT_NEAR(g[k], states[i * 64 + k], 2e-3f);
      token = expected[i];
    }
  }
}

TEST_F(DrafterTest, TheSourceGivesTheSameLogitsBitForBitWhateverIsGuessed) {
  for (const std::string name : {"short", "long"}) {
    Session alone(engine, 128), together(engine, 128);
    ASSERT_TRUE(alone.prefill(prompt(name), {}));
    ASSERT_TRUE(together.prefill(prompt(name), {}));
    DraftedSource source(together, drafter, 4, {});
    Sampler greedy({});
    for (int i = 0; i < 80; ++i) {
      const std::span<const float> expected = alone.logits(), actual = source.next().all();
      for (size_t k = 0; k < expected.size(); ++k) ASSERT_EQ(actual[k], expected[k]) << i;
      // Every seventh token is not the model's choice: a reply may be sampled.
      const TokenId token = i % 7 == 6 ? 3 + i : greedy.sample(Candidates::of_all(expected));
      ASSERT_TRUE(source.append({&token, 1}, {}));
      ASSERT_TRUE(alone.decode(token));
    }
    const std::vector<TokenId> forced = {9, 8, 7, 6, 5, 4};
    ASSERT_TRUE(source.append(forced, {}));
    for (const TokenId token : forced) ASSERT_TRUE(alone.decode(token));
    EXPECT_EQ(greedy.sample(Candidates::of_all(source.next().all())),
              greedy.sample(Candidates::of_all(alone.logits())));
    EXPECT_GT(source.guessed(), 0);
  }
}

TEST_F(DrafterTest, GeneratedRepliesAreTheSameWithAndWithoutIt) {
  const Tokenizer& tokenizer = engine.tokenizer();
  for (const float temperature : {0.0f, 0.9f}) {
    const std::vector<Position> positions = prompt("long");
    std::vector<TokenId> ids;
    for (const Position& p : positions) ids.push_back(p.id);
    GenerateOptions options{.max_tokens = 80, .sampler = {.temperature = temperature, .seed = 5}};
    Session alone(engine, 128), together(engine, 128);
    ASSERT_TRUE(alone.prefill(positions, {}));
    SessionSource one_by_one(alone);
    const base::Result<Generated> plain =
        generate_from(one_by_one, tokenizer, ids, options, {}, {});
    ASSERT_TRUE(plain) << plain.error().message;
    ASSERT_TRUE(together.prefill(positions, {}));
    DraftedSource source(together, drafter, 4, {});
    const base::Result<Generated> drafted = generate_from(source, tokenizer, ids, options, {}, {});
    ASSERT_TRUE(drafted) << drafted.error().message;
    EXPECT_EQ(drafted->tokens, plain->tokens);
    EXPECT_GT(plain->tokens.size(), 3u);
  }
}

TEST_F(DrafterTest, IsRefusedWhereItDoesNotFit) {
  base::Result<Drafter> wrong = Drafter::load(golden("tiny/tiny-f32.gguf"), engine);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, base::Errc::unsupported);
  base::Result<Engine> model = Engine::load(golden("tiny/assistant-f32.gguf"), {.threads = 1});
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().message.find("drafter"), std::string::npos) << model.error().message;
}

}  // namespace
}  // namespace model
