#include "model/prompt_lookup.h"

#include <gtest/gtest.h>

#include "tests/golden.h"

namespace model {
namespace {

const Engine& tiny() {
  static const Engine engine = std::move(
      *Engine::load(golden("tiny/tiny-q8_0.gguf"), {.threads = 2, .need_tokenizer = true}));
  return engine;
}

std::vector<TokenId> guesses(PromptLookup& lookup, int n, std::vector<TokenId> suppress = {}) {
  static const Session session(tiny(), 8);
  return lookup.draft(session, 0, n, suppress);
}

TEST(PromptLookup, GoesOnAsTheNewestRepetitionDid) {
  const std::vector<TokenId> prompt = {1, 2, 3, 4, 50, 1, 2, 3, 4, 60, 61, 62, 63};
  PromptLookup lookup(prompt);
  EXPECT_TRUE(guesses(lookup, 4).empty());
  lookup.see(std::vector<TokenId>{2, 3});
  EXPECT_TRUE(guesses(lookup, 4).empty());  // 63 2 3 is new
  lookup.see(std::vector<TokenId>{4});
  EXPECT_EQ(guesses(lookup, 4), (std::vector<TokenId>{60}));
  lookup.see(std::vector<TokenId>{60});
  EXPECT_EQ(guesses(lookup, 4), (std::vector<TokenId>{61, 62}));  // the longer, the more
  EXPECT_EQ(guesses(lookup, 1), (std::vector<TokenId>{61}));
  EXPECT_EQ(guesses(lookup, 4, {62}), (std::vector<TokenId>{61}));
  EXPECT_TRUE(guesses(lookup, 0).empty());
}

TEST(PromptLookup, KnowsWhatTheReplyRepeatsOfItself) {
  PromptLookup lookup({});
  const std::vector<TokenId> row = {7, 8, 9, 10};
  for (int i = 0; i < 3; ++i) lookup.see(row);
  EXPECT_EQ(guesses(lookup, 4), row);
}

TEST(PromptLookup, RepliesAreTheSameWithAndWithoutIt) {
  std::vector<TokenId> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(5 + i % 9);
  std::vector<Position> prompt;
  for (const TokenId id : ids) prompt.push_back({.id = id});
  int guessed = 0, accepted = 0;
  for (const float temperature : {0.0f, 0.9f}) {
    const GenerateOptions options{.max_tokens = 80,
                                  .sampler = {.temperature = temperature, .seed = 5}};
    Session alone(tiny(), 256), together(tiny(), 256), whole(tiny(), 256);
    ASSERT_TRUE(alone.prefill(prompt, {}));
    SessionSource plain(alone);
    const base::Result<Generated> expected =
        generate_from(plain, tiny().tokenizer(), ids, options, {}, {});
    ASSERT_TRUE(expected) << expected.error().message;
    ASSERT_TRUE(together.prefill(prompt, {}));
    PromptLookup lookup(ids);
    DraftedSource source(together, lookup, 4, {});
    const base::Result<Generated> actual =
        generate_from(source, tiny().tokenizer(), ids, options, {}, {});
    ASSERT_TRUE(actual) << actual.error().message;
    EXPECT_EQ(actual->tokens, expected->tokens);
    guessed += source.guessed();
    accepted += source.accepted();
    const base::Result<Generated> as_offered =
        generate(whole, tiny().tokenizer(), prompt, options, {}, {});
    ASSERT_TRUE(as_offered);
    EXPECT_EQ(as_offered->tokens, expected->tokens);
  }
  EXPECT_GT(guessed, 0);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace model
