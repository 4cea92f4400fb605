#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/candidates.h"

namespace model {

/// The logit of a token that must not follow.
inline constexpr float kForbidden = -std::numeric_limits<float>::infinity();

/// How the next token is chosen. Applied in this order; the defaults of the penalties change
/// nothing.
struct SamplerOptions {
  /// In [1e-3, 1e3]: logits of tokens that occurred, in the prompt or the reply, are divided by it
  /// where positive and multiplied where negative. 1: none. Source: Keskar et al., CTRL,
  /// arXiv:1909.05858, 4.1.
  float repetition_penalty = 1;
  /// In [-2, 2], over the reply only: subtracted once from the logit of every token that occurred,
  /// and once for every time that it did.
  float presence_penalty = 0;
  float frequency_penalty = 0;
  /// Added to logits, each in [-100, 100] or -infinity; ids outside the vocabulary are refused by
  /// sample().
  std::vector<std::pair<int32_t, float>> logit_bias = {};
  float temperature = 0;  ///< in [0, 100]; 0: the likeliest token, what follows has no effect
  int top_k = 64;         ///< the likeliest so many; 0: all
  float top_p = 0.95f;    ///< in (0, 1]: the likeliest whose probabilities first reach it; 1: all
  float min_p = 0;        ///< in [0, 1]: at least so probable, relative to the likeliest; 0: all
  uint64_t seed = 1;
};

/// Errors: usage, naming the option and the value.
base::Status check(const SamplerOptions& options);

/// Log-probability of a token.
struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;
};

/// Softmax over `candidates` as they are: of `token`, which is one of them, and of the `top`
/// likeliest, best first. Nothing is sorted but the `top`.
struct Logprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};
Logprobs logprobs(const Candidates& candidates, int32_t token, int top);

/// Chooses tokens. The same options, calls and logits give the same tokens on every machine.
class Sampler {
 public:
  /// The options passed check().
  explicit Sampler(SamplerOptions options) : options_(std::move(options)), random_(options_.seed) {}

  /// A token of the prompt: counts for the repetition penalty only.
  void see_prompt(int32_t token);
  /// A token of the reply, however it was chosen.
  void see(int32_t token);

  /// One of the candidates; a logit of -infinity forbids one, not-a-number too. Ties go to the
  /// lower id. Does not call see(). -1: all are forbidden, or there is none.
  int32_t sample(const Candidates& candidates);

  /// How many of the largest logits decide what sample() returns; the others need not be among its
  /// candidates. 0: all do.
  int reach() const;

  const SamplerOptions& options() const { return options_; }

 private:
  struct Seen {
    bool anywhere = false;
    int in_reply = 0;
  };
  Seen& seen(int32_t token);
  bool changes_logits() const;

  SamplerOptions options_;
  std::mt19937_64 random_;
  std::vector<Seen> seen_;         // by token
  std::vector<int32_t> seen_ids_;  // those with an entry that says something
  std::vector<float> changed_;     // logits after the penalties
  std::vector<uint32_t> places_;   // among the candidates
  std::vector<double> weights_;
};

}  // namespace model
