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
    TokenId token = Sampler({}).sample(session.logits());
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

TEST_F(DrafterTest, VerifiedGuessesGiveTheGreedyReplyOfTheModelAlone) {
  for (const std::string name : {"short", "long"}) {
    constexpr size_t kTokens = 60;
    std::vector<TokenId> plain, drafted;
    Session alone(engine, 128), together(engine, 128);
    ASSERT_TRUE(alone.prefill(prompt(name), {}));
    Sampler greedy({});
    for (TokenId t = greedy.sample(alone.logits()); plain.size() < kTokens;
         t = greedy.sample(alone.logits())) {
      plain.push_back(t);
      ASSERT_TRUE(alone.decode(t));
    }
    ASSERT_TRUE(together.prefill(prompt(name), {}));
    TokenId token = greedy.sample(together.logits());
    while (drafted.size() < kTokens) {
      std::vector<TokenId> round = {token};
      for (const TokenId guess : drafter.draft(together, token, 4)) round.push_back(guess);
      ASSERT_TRUE(together.extend(round));
      int kept = 0;
      for (;; ++kept) {
        drafted.push_back(round[static_cast<size_t>(kept)]);
        token = greedy.sample(together.logits_after(kept));
        if (kept + 1 == static_cast<int>(round.size()) ||
            token != round[static_cast<size_t>(kept) + 1])
          break;
      }
      together.keep(kept + 1);
    }
    drafted.resize(kTokens);
    EXPECT_EQ(drafted, plain) << name;
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
