#include "model/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "tests/golden.h"

namespace model {
namespace {

const Engine& engine() {
  static const Engine engine =
      std::move(*Engine::load(golden("tiny/tiny-f32.gguf"), {.precision = Precision::f32}));
  return engine;
}
const Tokenizer& tokenizer() { return engine().tokenizer(); }
TokenId id_of(Special which) { return tokenizer().special(which); }

const GrammarVocabulary& vocabulary() {
  static const GrammarVocabulary vocabulary = std::move(*GrammarVocabulary::build(
      {.vocab_size = tokenizer().vocab_size(),
       .bytes_of = [](int32_t id) { return tokenizer().bytes_of(id); },
       .is_special = [](int32_t id) { return tokenizer().is_special(id); },
       .eos = tokenizer().eos(),
       .encode = [](std::string_view text) { return tokenizer().encode(text); }}));
  return vocabulary;
}

// Wants the tokens of a list, one after the other, then <turn|>.
class ListSource final : public TokenSource {
 public:
  explicit ListSource(std::vector<TokenId> wanted) : wanted_(std::move(wanted)) {}
  NextLogits next() override {
    logits_.assign(static_cast<size_t>(tokenizer().vocab_size()), 0);
    logits_[static_cast<size_t>(at_ < wanted_.size() ? wanted_[at_] : id_of(Special::turn_end))] =
        10;
    return logits_;
  }
  base::Status append(std::span<const TokenId> tokens, std::stop_token) override {
    if (appended.size() + tokens.size() > room) return base::Error{base::Errc::limit, "full"};
    appended.insert(appended.end(), tokens.begin(), tokens.end());
    for (const TokenId token : tokens)
      if (at_ < wanted_.size() && token == wanted_[at_]) ++at_;
    if (on_append) on_append();
    return base::Ok{};
  }
  std::vector<TokenId> appended;
  size_t room = 1000;
  std::function<void()> on_append;

 private:
  std::vector<TokenId> wanted_;
  size_t at_ = 0;
  std::vector<float> logits_;
};

std::vector<TokenId> spelled(std::string_view text) { return tokenizer().encode_special(text); }

struct Heard {
  Generated generated;
  std::string streamed, reasoning;
  std::vector<std::string> pieces;
};

Heard run(TokenSource& source, const GenerateOptions& options, std::stop_token stop = {}) {
  Heard heard;
  base::Result<Generated> out = generate_from(
      source, tokenizer(), spelled("hi"), options,
      [&](const ReplyEvent& event) {
        if (event.kind == ReplyEvent::Kind::text) {
          heard.streamed += event.text;
          heard.pieces.push_back(event.text);
        }
        if (event.kind == ReplyEvent::Kind::reasoning) heard.reasoning += event.text;
      },
      stop);
  EXPECT_TRUE(out) << out.error().message;
  if (out) heard.generated = std::move(*out);
  return heard;
}

Heard say(std::string_view reply, const GenerateOptions& options = {}) {
  ListSource source(spelled(reply));
  return run(source, options);
}

TEST(Generate, ReadsTextThoughtsAndCalls) {
  const Heard h =
      say("<|channel>thought\nhm<channel|>it is<|tool_call>call:f{a:1}<tool_call|><|tool_response>",
          {.functions = {"f"}});
  EXPECT_EQ(h.streamed, "it is");
  EXPECT_EQ(h.reasoning, "hm");
  EXPECT_EQ(h.generated.message.text, "it is");
  EXPECT_EQ(h.generated.message.reasoning, "hm");
  ASSERT_EQ(h.generated.message.calls.size(), 1U);
  EXPECT_EQ(h.generated.message.calls[0].arguments, nlohmann::json({{"a", 1}}));
  EXPECT_EQ(h.generated.finish, Finish::tool_calls);
  EXPECT_TRUE(h.generated.ended_by_token);
  EXPECT_EQ(h.generated.tokens.back(), id_of(Special::response_begin));
}

TEST(Generate, EndsAtItsStopTokensItsLengthAndTheContext) {
  EXPECT_EQ(say("abc").generated.finish, Finish::stop);
  const Heard cut = say("abcdefgh", {.max_tokens = 3});
  EXPECT_EQ(cut.generated.finish, Finish::length);
  EXPECT_EQ(cut.generated.tokens.size(), 3U);
  const std::vector<TokenId> ids = spelled("ab");
  const Heard early = say("ab", {.stop_tokens = {ids.back()}});
  EXPECT_EQ(early.generated.finish, Finish::stop);
  EXPECT_EQ(early.streamed, tokenizer().decode({ids.data(), ids.size() - 1}));
  ListSource full(spelled("abcdefgh"));
  full.room = 2;
  EXPECT_EQ(run(full, {}).generated.finish, Finish::length);
}

TEST(Generate, NothingOfAStopStringIsGivenOutWhereverTokensEnd) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i)
      text += std::vector<std::string>{"a", "b", "c", "\u00e9", "\n"}[random() % 5];
    std::vector<std::string> stops;
    for (size_t i = 1 + random() % 3; i > 0; --i) {
      std::string& stop = stops.emplace_back();
      for (size_t n = 1 + random() % 4; n > 0; --n)
        stop += std::vector<std::string>{"a", "b", "\u00e9", "\n"}[random() % 4];
    }
    const Heard h = say(text, {.stop = stops});
    size_t end = std::string::npos;
    for (const std::string& stop : stops) end = std::min(end, text.find(stop));
    EXPECT_EQ(h.streamed, text.substr(0, end)) << text;
    EXPECT_EQ(h.generated.message.text, h.streamed);
    EXPECT_EQ(h.generated.finish, Finish::stop);
    EXPECT_EQ(h.generated.ended_by_token, end == std::string::npos);
  }
  // Thoughts and calls are not searched, and text is not held back longer than needed.
  const Heard h = say("<|channel>thought\nxx<channel|>ab<|tool_call>call:xx{}<tool_call|>",
                      {.stop = {"xx", "bc"}});
  EXPECT_EQ(h.reasoning, "xx");
  EXPECT_EQ(h.streamed, "ab");
  EXPECT_EQ(h.generated.finish, Finish::tool_calls);
}

TEST(Generate, ACharacterIsHeldBackUntilItIsWhole) {
  const Heard h = say("a\u4e16b");
  EXPECT_EQ(h.streamed, "a\u4e16b");
  for (const std::string& piece : h.pieces) EXPECT_EQ(piece.find("\uFFFD"), std::string::npos);
}

TEST(Generate, AThoughtIsClosedWhenItsBudgetIsSpent) {
  const std::string thought = "abcabcabcabc";
  const size_t n_thought = spelled("thought\n" + thought).size();
  ASSERT_GT(n_thought, 6U);
  for (const bool open : {false, true}) {
    const Heard h = [&] {
      ListSource source(spelled((open ? "" : "<|channel>") + std::string("thought\n") + thought));
      return run(
          source,
          {.max_tokens = 40, .thinking = true, .starts_in_reasoning = open, .thinking_budget = 4});
    }();
    const std::vector<TokenId>& ids = h.generated.tokens;
    const auto end = std::find(ids.begin(), ids.end(), id_of(Special::channel_end));
    ASSERT_NE(end, ids.end());
    EXPECT_EQ(end - ids.begin(), 4 + (open ? 0 : 1));
    EXPECT_FALSE(h.streamed.empty());
  }
  const Heard none =
      say("<|channel>thought\nab<channel|>c", {.thinking = true, .thinking_budget = 0});
  EXPECT_EQ(std::count(none.generated.tokens.begin(), none.generated.tokens.end(),
                       id_of(Special::channel_begin)),
            0);
  const Heard whole =
      say("<|channel>thought\nab<channel|>c", {.thinking = true, .thinking_budget = 100});
  EXPECT_EQ(whole.reasoning, "ab");
  EXPECT_EQ(whole.streamed, "c");
}

TEST(Generate, NeverSaysTheEndOfMediaOrWhatIsSuppressed) {
  ListSource source({id_of(Special::image_end), id_of(Special::audio_end)});
  const Heard h = run(source, {.max_tokens = 5});
  for (const TokenId token : h.generated.tokens) {
    EXPECT_NE(token, id_of(Special::image_end));
    EXPECT_NE(token, id_of(Special::audio_end));
  }
  const TokenId a = spelled("a")[0];
  ListSource again({a});
  const Heard without = run(again, {.max_tokens = 5, .suppress = {a, -1, 1 << 30}});
  EXPECT_EQ(std::count(without.generated.tokens.begin(), without.generated.tokens.end(), a), 0);
}

Constraint compiled(const std::string& lark) {
  base::Result<Constraint> out = Constraint::compile(vocabulary(), lark);
  if (!out) ADD_FAILURE() << out.error().message;
  return std::move(*out);
}

TEST(Generate, TheAnswerFollowsTheGrammarAndForcedTextIsNotChosen) {
  Constraint constraint = compiled("start: \"abc\" (\"a\" | \"b\") <[" +
                                   std::to_string(id_of(Special::turn_end)) + "]>");
  ListSource source(spelled("zzzzzz"));
  const Heard h = run(source, {.constraint = &constraint});
  EXPECT_TRUE(h.streamed == "abca" || h.streamed == "abcb") << h.streamed;
  EXPECT_EQ(h.generated.finish, Finish::stop);
}

TEST(Generate, AThoughtIsFreeOfTheGrammarThatBindsTheAnswer) {
  const std::string grammar = "start: \"abc\" <[" + std::to_string(id_of(Special::turn_end)) + "]>";
  for (const int budget : {-1, 3}) {
    Constraint constraint = compiled(grammar);
    // <turn|> inside the thought would end the reply without an answer.
    ListSource source(spelled("<|channel>thought\nb<turn|>c<channel|>zz"));
    const Heard h = run(
        source,
        {.max_tokens = 30, .thinking = true, .thinking_budget = budget, .constraint = &constraint});
    if (budget < 0) {
      EXPECT_FALSE(h.reasoning.empty());
    } else {
      EXPECT_EQ(h.streamed, "abc");
      EXPECT_EQ(h.generated.finish, Finish::stop);
    }
  }
  Constraint constraint = compiled(grammar);
  const Heard off = [&] {
    ListSource source(spelled("<|channel>thought\nb<channel|>zz"));
    return run(source, {.constraint = &constraint});
  }();
  EXPECT_EQ(off.streamed, "abc");
  EXPECT_EQ(off.reasoning, "");
}

// Lets a reply begin as one of a few texts and go on as it likes.
class OneOf final : public ReplyWatch {
 public:
  explicit OneOf(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  bool allows(std::string_view reply) const override {
    return std::any_of(texts_.begin(), texts_.end(), [&](const std::string& text) {
      return text.starts_with(reply) || reply.starts_with(text);
    });
  }
  std::vector<std::string> continuations(std::string_view reply) const override {
    std::vector<std::string> rests;
    for (const std::string& text : texts_)
      if (text.starts_with(reply)) rests.push_back(text.substr(reply.size()));
    return rests;
  }

 private:
  std::vector<std::string> texts_;
};

TEST(Generate, WhatAWatchForbidsIsPassedOver) {
  const Constraint constraint = std::move(*Constraint::compile(
      vocabulary(), "start: (\"the price\" | \"the cost\" | \"a cost\" | \"costs\") <[" +
                        std::to_string(id_of(Special::turn_end)) + "]>"));
  const auto with = [&](const ReplyWatch& watch) {
    Constraint from_the_start = constraint.clone();
    return say("the price", {.constraint = &from_the_start, .watch = &watch})
        .generated.message.text;
  };
  EXPECT_EQ(with(OneOf({"the price", "the cost"})), "the price");
  EXPECT_EQ(with(OneOf({"the cost", "a cost"})), "the cost");
  EXPECT_EQ(with(OneOf({"costs"})), "costs");
  // Nothing is allowed: better a reply that may be wrong than none.
  EXPECT_EQ(with(OneOf({})), "the price");
}

TEST(Generate, StopsOnRequestWithWhatWasSaid) {
  std::stop_source stop;
  ListSource source(spelled("abcdefgh"));
  source.on_append = [&, n = 0]() mutable {
    if (++n == 3) stop.request_stop();
  };
  const Heard h = run(source, {}, stop.get_token());
  EXPECT_EQ(h.generated.finish, Finish::cancelled);
  EXPECT_EQ(h.generated.tokens.size(), 3U);
  EXPECT_FALSE(h.streamed.empty());
}

TEST(Generate, GivesTheGreedyTokensAndLogprobsOfASessionDrivenByHand) {
  std::vector<Position> prompt;
  for (const TokenId id : spelled("<bos>hello")) prompt.push_back({.id = id});
  Session by_hand(engine(), 64);
  ASSERT_TRUE(by_hand.prefill(prompt, {}));
  std::vector<TokenId> expected;
  std::vector<float> expected_logprobs;
  while (expected.size() < 12) {
    std::vector<float> logits(by_hand.logits().begin(), by_hand.logits().end());
    for (const Special which : {Special::image_end, Special::audio_end})
      logits[static_cast<size_t>(id_of(which))] = -INFINITY;
    const auto best = std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit - *best));
    expected.push_back(static_cast<TokenId>(best - logits.begin()));
    expected_logprobs.push_back(static_cast<float>(-std::log(sum)));
    ASSERT_TRUE(by_hand.decode(expected.back()));
  }
  Session session(engine(), 64);
  std::vector<Logprobs> told;
  const base::Result<Generated> out =
      generate(session, tokenizer(), prompt, {.max_tokens = 12, .logprobs = 2},
               [&](const ReplyEvent& event) {
                 told.insert(told.end(), event.logprobs.begin(), event.logprobs.end());
               },
               {});
  ASSERT_TRUE(out);
  const size_t n = std::min(expected.size(), out->tokens.size());
  EXPECT_GT(n, 0U);
  ASSERT_EQ(out->logprobs.size(), out->tokens.size());
  for (size_t i = 0; i < n; ++i) {
    EXPECT_EQ(out->tokens[i], expected[i]);
    EXPECT_NEAR(out->logprobs[i].chosen.logprob, expected_logprobs[i], 1e-4);
    EXPECT_EQ(out->logprobs[i].top.size(), 2U);
    EXPECT_EQ(out->logprobs[i].top[0].id, expected[i]);
  }
  // Events bring them along, all but the stop token's.
  ASSERT_EQ(told.size(), out->tokens.size() - (out->ended_by_token ? 1 : 0));
  for (size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i].chosen.id, out->tokens[i]);
  EXPECT_EQ(out->prompt_tokens, static_cast<int>(prompt.size()));
  // Again over the warm cache, and with progress.
  const base::Result<Generated> again =
      generate(session, tokenizer(), prompt, {.max_tokens = 12}, {}, {}, [](int) {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tokens, out->tokens);
}

TEST(Generate, RefusesOptionsByName) {
  const auto refused = [](const GenerateOptions& o) {
    return check(o) ? std::string() : check(o).error().message;
  };
  EXPECT_EQ(refused({}), "");
  EXPECT_NE(refused({.max_tokens = 0}).find("max_tokens 0"), std::string::npos);
  EXPECT_NE(refused({.sampler = {.top_p = 2}}).find("top_p 2"), std::string::npos);
  EXPECT_NE(refused({.stop = {""}}).find("stop"), std::string::npos);
  EXPECT_NE(refused({.stop = {"\xFF"}}).find("UTF-8"), std::string::npos);
  EXPECT_NE(refused({.stop = std::vector<std::string>(17, "x")}).find("17"), std::string::npos);
  EXPECT_NE(refused({.thinking_budget = -2}).find("thinking_budget"), std::string::npos);
  EXPECT_NE(refused({.logprobs = 21}).find("logprobs 21"), std::string::npos);
}

}  // namespace
}  // namespace model
