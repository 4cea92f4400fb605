#include "model/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

namespace model {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// What the options say, token by token, with everything sorted: probabilities of all tokens.
std::vector<double> plain_distribution(std::vector<double> logits,
                                       const std::vector<int32_t>& prompt,
                                       const std::vector<int32_t>& reply, const SamplerOptions& o) {
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const auto in_prompt = std::count(prompt.begin(), prompt.end(), id);
    const auto in_reply = std::count(reply.begin(), reply.end(), id);
    const double r = static_cast<double>(o.repetition_penalty);
    if (in_prompt + in_reply > 0) logits[i] = logits[i] > 0 ? logits[i] / r : logits[i] * r;
    if (in_reply > 0) logits[i] -= static_cast<double>(o.presence_penalty);
    logits[i] -= static_cast<double>(o.frequency_penalty) * static_cast<double>(in_reply);
    for (const auto& [token, bias] : o.logit_bias)
      if (token == id) logits[i] += static_cast<double>(bias);
  }
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  std::vector<double> p(logits.size(), 0);
  if (o.temperature == 0) {
    p[order[0]] = 1;
    return p;
  }
  const size_t k =
      o.top_k == 0 ? order.size() : std::min(order.size(), static_cast<size_t>(o.top_k));
  double total = 0;
  for (size_t i = 0; i < k; ++i)
    total += p[order[i]] =
        std::exp((logits[order[i]] - logits[order[0]]) / static_cast<double>(o.temperature));
  double sum = 0;
  size_t n = 0;
  while (n < k && (n == 0 || sum < static_cast<double>(o.top_p) * total)) sum += p[order[n++]];
  while (n > 1 && p[order[n - 1]] < static_cast<double>(o.min_p)) --n;
  sum = 0;
  for (size_t i = 0; i < n; ++i) sum += p[order[i]];
  for (size_t i = 0; i < order.size(); ++i) p[order[i]] = i < n ? p[order[i]] / sum : 0;
  return p;
}

TEST(Sampler, DrawsFromThePlainDistributionForRandomOptions) {
  std::mt19937 random(5);
  const auto one_of = [&](const std::vector<float>& values) {
    return values[random() % values.size()];
  };
  for (int round = 0; round < 150; ++round) {
    const size_t n_vocab = round % 10 == 0 ? 3000 : 2 + random() % 40;
    std::vector<float> logits(n_vocab);
    for (float& logit : logits)
      logit = random() % 9 == 0 ? kForbidden
                                : std::round(std::normal_distribution<float>(0, 3)(random) * 4) / 4;
    logits[0] = 1;
    std::vector<int32_t> prompt, reply;
    for (size_t i = random() % 6; i > 0; --i)
      prompt.push_back(static_cast<int32_t>(random() % n_vocab));
    for (size_t i = random() % 6; i > 0; --i)
      reply.push_back(static_cast<int32_t>(random() % n_vocab));
    SamplerOptions o{.repetition_penalty = one_of({1, 1, 1.3F, 0.7F}),
                     .presence_penalty = one_of({0, 0, 1.5F, -1}),
                     .frequency_penalty = one_of({0, 0, 0.5F, -0.5F}),
                     .temperature = one_of({0, 0.3F, 1, 2.5F}),
                     .top_k = static_cast<int>(one_of({0, 1, 5, 64})),
                     .top_p = one_of({1, 0.95F, 0.5F, 0.01F}),
                     .min_p = one_of({0, 0.05F, 0.4F, 1}),
                     .seed = random()};
    if (random() % 3 == 0)
      o.logit_bias = {{0, 2.5F}, {static_cast<int32_t>(n_vocab) - 1, kForbidden}};
    ASSERT_TRUE(check(o));
    const std::vector<double> p =
        plain_distribution({logits.begin(), logits.end()}, prompt, reply, o);
    Sampler sampler(o);
    for (const int32_t token : prompt) sampler.see_prompt(token);
    for (const int32_t token : reply) sampler.see(token);
    constexpr int kDraws = 3000;
    std::map<int32_t, int> drawn;
    for (int i = 0; i < kDraws; ++i) ++drawn[sampler.sample(Candidates::of_all(logits))];
    for (const auto& [token, n] : drawn)
      ASSERT_GT(p[static_cast<size_t>(token)], 0) << "round " << round << " token " << token;
    for (size_t i = 0; i < n_vocab; ++i) {
      const double sigma = std::sqrt(kDraws * p[i] * (1 - p[i]));
      ASSERT_NEAR(drawn[static_cast<int32_t>(i)], kDraws * p[i], 6 * sigma + 1)
          << "round " << round << " token " << i;
    }
  }
}

TEST(Sampler, TheSameSeedGivesTheSameTokensAndAnotherSeedOthers) {
  std::mt19937 random(6);
  std::vector<float> logits(500);
  for (float& logit : logits) logit = std::normal_distribution<float>(0, 2)(random);
  const auto draw = [&](uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<int32_t> out;
    for (int i = 0; i < 30; ++i) out.push_back(sampler.sample(Candidates::of_all(logits)));
    return out;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Sampler, GreedyTakesTheLowestOfEqualsAndNeverWhatIsForbidden) {
  Sampler greedy({});
  EXPECT_EQ(greedy.sample(Candidates::of_all(std::vector<float>{1, 3, 3, 2})), 1);
  EXPECT_EQ(greedy.sample(Candidates::of_all(std::vector<float>{kForbidden, NAN, -5})), 2);
  EXPECT_EQ(greedy.sample(Candidates::of_all(std::vector<float>{kForbidden, kForbidden})), -1);
  Sampler hot({.temperature = 100, .top_k = 0, .top_p = 1});
  for (int i = 0; i < 200; ++i) {
    const int32_t token =
        hot.sample(Candidates::of_all(std::vector<float>{kForbidden, 1, NAN, 0, kForbidden}));
    EXPECT_TRUE(token == 1 || token == 3);
  }
  EXPECT_EQ(hot.sample(Candidates::of_all(
                std::vector<float>{0, std::numeric_limits<float>::infinity(), 3})),
            1);
}

// Candidates that are a few of the vocabulary draw what the vocabulary draws with the others
// forbidden, penalties and biases of tokens that are no candidates included.
TEST(Sampler, FewCandidatesAreAVocabularyWithTheOthersForbidden) {
  std::mt19937 random(9);
  for (uint32_t round = 0; round < 50; ++round) {
    std::vector<float> logits(200, kForbidden);
    Candidates few;
    for (int32_t id = 0; id < 200; ++id)
      if (random() % 4 == 0) {
        few.add(id, static_cast<float>(random() % 100) / 10.0F);
        logits[static_cast<size_t>(id)] = few.logits.back();
      }
    const SamplerOptions options = {.repetition_penalty = 1.3F,
                                    .presence_penalty = 0.5F,
                                    .logit_bias = {{3, 2.0F}, {50, -1.0F}, {120, 4.0F}},
                                    .temperature = round % 5 == 0 ? 0.0F : 1.0F,
                                    .seed = round};
    Sampler sparse(options), dense(options);
    for (int i = 0; i < 20; ++i) {
      const int32_t token = sparse.sample(few);
      ASSERT_EQ(token, dense.sample(Candidates::of_all(logits)));
      sparse.see(token), dense.see(token);
      const int32_t other = static_cast<int32_t>(random() % 200);
      sparse.see_prompt(other), dense.see_prompt(other);
    }
    const int32_t token = few.ids[random() % few.size()];
    const Logprobs a = logprobs(few, token, 5), b = logprobs(Candidates::of_all(logits), token, 5);
    EXPECT_EQ(a.chosen.logprob, b.chosen.logprob);
    ASSERT_EQ(a.top.size(), b.top.size());
    for (size_t i = 0; i < a.top.size(); ++i) EXPECT_EQ(a.top[i].id, b.top[i].id);
  }
  EXPECT_EQ(Sampler({}).sample(Candidates{}), -1);
}

TEST(Sampler, RefusesEveryOptionOutOfItsRangeByName) {
  const auto refused = [](const SamplerOptions& o) {
    return check(o) ? std::string() : check(o).error().message;
  };
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 1}), "");
  const auto starts = [&](const SamplerOptions& o, const std::string& name) {
    EXPECT_EQ(refused(o).substr(0, name.size()), name) << refused(o);
  };
  starts({.temperature = -1}, "temperature -1");
  starts({.temperature = NAN}, "temperature");
  starts({.temperature = std::numeric_limits<float>::infinity()}, "temperature");
  starts({.top_k = -1}, "top_k -1");
  starts({.top_p = 0}, "top_p");
  starts({.top_p = 1.5F}, "top_p 1.5");
  starts({.min_p = -0.1F}, "min_p");
  starts({.repetition_penalty = 0}, "repetition_penalty");
  starts({.presence_penalty = 2.5F}, "presence_penalty");
  starts({.frequency_penalty = -3}, "frequency_penalty");
  starts({.logit_bias = {{7, 101}}}, "logit_bias of token 7");
  starts({.logit_bias = {{-7, 1}}}, "logit_bias of token -7");
}

TEST(Logprobs, AreTheSoftmaxOfTheLogitsAsTheyAre) {
  std::mt19937 random(8);
  for (int round = 0; round < 50; ++round) {
    const size_t n = 1 + random() % 300;
    std::vector<float> logits(n);
    for (float& logit : logits)
      logit = random() % 5 == 0 ? kForbidden
                                : std::round(std::normal_distribution<float>(0, 20)(random));
    logits[n - 1] = 0;
    double most = -1e30, sum = 0;
    for (const float x : logits) most = std::max(most, static_cast<double>(x));
    for (const float x : logits) sum += std::exp(static_cast<double>(x) - most);
    std::vector<int32_t> order;
    for (size_t i = 0; i < n; ++i)
      if (logits[i] > kForbidden) order.push_back(static_cast<int32_t>(i));
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    const int top = static_cast<int>(random() % 25);
    const Logprobs actual = logprobs(Candidates::of_all(logits), static_cast<int32_t>(n) - 1, top);
    EXPECT_EQ(actual.chosen.id, static_cast<int32_t>(n) - 1);
    EXPECT_NEAR(actual.chosen.logprob, 0 - most - std::log(sum), 1e-4);
    ASSERT_EQ(actual.top.size(), std::min(order.size(), static_cast<size_t>(top)));
    for (size_t i = 0; i < actual.top.size(); ++i) {
      EXPECT_EQ(actual.top[i].id, order[i]);
      EXPECT_NEAR(actual.top[i].logprob,
                  static_cast<double>(logits[static_cast<size_t>(order[i])]) - most - std::log(sum),
                  1e-4);
    }
  }
}

}  // namespace
}  // namespace model
