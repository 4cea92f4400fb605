// Sampling over a vocabulary of 262,144 tokens without sorting it.
//
// Penalties and biases touch only the tokens they name. With top-k, a heap of k candidates is kept
// in one pass. Without it, top-p and min-p need only the likeliest tokens too: those within e^-30
// of the likeliest are taken out in one pass (what is left out has, all together, less than 2^18 *
// e^-30 < 1e-7 of the likeliest's weight, and less than drawing can tell) and selected by halves:
// the best 256, then 512, … are sorted until top-p is reached.
#include "model/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace model {

namespace {

constexpr float kNegligible = 30;  // in units of the temperature

base::Status in_range(const char* name, float value, float least, float most) {
  if (value >= least && value <= most) return base::Ok{};
  char text[160];
  std::snprintf(text, sizeof text, "%s %g, expected %g to %g", name, static_cast<double>(value),
                static_cast<double>(least), static_cast<double>(most));
  return base::Error{base::Errc::usage, text};
}

/// Where `token` stands among the candidates, or would.
size_t place_of(const Candidates& candidates, int32_t token) {
  const auto at = std::lower_bound(candidates.ids.begin(), candidates.ids.end(), token);
  return static_cast<size_t>(at - candidates.ids.begin());
}

}  // namespace

base::Status check(const SamplerOptions& o) {
  const base::Status checks[] = {
      in_range("repetition_penalty", o.repetition_penalty, 1e-3F, 1e3F),
      in_range("presence_penalty", o.presence_penalty, -2, 2),
      in_range("frequency_penalty", o.frequency_penalty, -2, 2),
      in_range("temperature", o.temperature, 0, 100),
      in_range("top_p", o.top_p, 0, 1),
      in_range("min_p", o.min_p, 0, 1),
  };
  for (const base::Status& status : checks)
    if (!status) return status;
  if (o.top_p == 0) return base::Error{base::Errc::usage, "top_p 0, expected more"};
  if (o.top_k < 0)
    return base::Error{base::Errc::usage,
                       "top_k " + std::to_string(o.top_k) + ", expected 0 or more"};
  for (const auto& [token, bias] : o.logit_bias) {
    if (token < 0)
      return base::Error{base::Errc::usage, "logit_bias of token " + std::to_string(token)};
    if (bias == kForbidden) continue;
    const std::string name = "logit_bias of token " + std::to_string(token);
    if (base::Status status = in_range(name.c_str(), bias, -100, 100); !status) return status;
  }
  return base::Ok{};
}

Logprobs logprobs(const Candidates& candidates, int32_t token, int top) {
  const std::vector<float>& logits = candidates.logits;
  float most = kForbidden;
  for (const float logit : logits)
    if (logit > most) most = logit;
  double sum = 0;
  for (const float logit : logits)
    if (logit > kForbidden) sum += std::exp(static_cast<double>(logit) - static_cast<double>(most));
  const double log_sum = std::log(sum) + static_cast<double>(most);
  const auto of = [&](size_t i) {
    return TokenLogprob{candidates.ids[i],
                        static_cast<float>(static_cast<double>(logits[i]) - log_sum)};
  };
  const auto better = [&](size_t a, size_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  };
  Logprobs out{.chosen = of(place_of(candidates, token)), .top = {}};
  std::vector<size_t> heap;  // the worst of the best in front
  for (size_t i = 0; i < logits.size() && top > 0; ++i) {
    if (!(logits[i] > kForbidden)) continue;
    if (heap.size() < static_cast<size_t>(top)) {
      heap.push_back(i);
      std::push_heap(heap.begin(), heap.end(), better);
    } else if (better(i, heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), better);
      heap.back() = i;
      std::push_heap(heap.begin(), heap.end(), better);
    }
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  for (const size_t i : heap) out.top.push_back(of(i));
  return out;
}

Sampler::Seen& Sampler::seen(int32_t token) {
  const auto at = static_cast<size_t>(token);
  if (at >= seen_.size()) seen_.resize(at + 1);
  if (!seen_[at].anywhere) seen_ids_.push_back(token);
  seen_[at].anywhere = true;
  return seen_[at];
}

void Sampler::see_prompt(int32_t token) {
  if (token >= 0 && options_.repetition_penalty != 1) seen(token);
}

void Sampler::see(int32_t token) {
  if (token >= 0) ++seen(token).in_reply;
}

bool Sampler::changes_logits() const {
  return options_.repetition_penalty != 1 || options_.presence_penalty != 0 ||
         options_.frequency_penalty != 0 || !options_.logit_bias.empty();
}

int Sampler::reach() const {
  if (changes_logits()) return 0;
  return options_.temperature <= 0 ? 1 : options_.top_k;
}

int32_t Sampler::sample(const Candidates& candidates) {
  const std::vector<int32_t>& ids = candidates.ids;
  std::span<const float> logits = candidates.logits;
  if (changes_logits()) {
    changed_ = candidates.logits;
    const auto logit_of = [&](int32_t id) -> float* {
      const size_t at = place_of(candidates, id);
      return at < ids.size() && ids[at] == id ? &changed_[at] : nullptr;
    };
    for (const int32_t id : seen_ids_) {
      float* logit = logit_of(id);
      if (logit == nullptr) continue;
      *logit =
          *logit > 0 ? *logit / options_.repetition_penalty : *logit * options_.repetition_penalty;
      if (const int n = seen_[static_cast<size_t>(id)].in_reply; n > 0)
        *logit -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(n);
    }
    for (const auto& [token, bias] : options_.logit_bias)
      if (float* logit = logit_of(token)) *logit += bias;
    logits = changed_;
  }
  size_t best = 0;
  float top = kForbidden;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > top) {
      top = logits[i];
      best = i;
    }
  }
  if (top == kForbidden) return -1;
  if (options_.temperature <= 0) return ids[best];

  const auto better = [&](uint32_t a, uint32_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  };
  // An infinite logit leaves no room for another, and no difference to compute.
  if (top == std::numeric_limits<float>::infinity()) return ids[best];
  const float least = top - kNegligible * options_.temperature;
  places_.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] >= least) places_.push_back(static_cast<uint32_t>(i));
  size_t n = places_.size();
  if (options_.top_k > 0 && static_cast<size_t>(options_.top_k) < n) {
    n = static_cast<size_t>(options_.top_k);
    std::nth_element(places_.begin(), places_.begin() + static_cast<ptrdiff_t>(n) - 1,
                     places_.end(), better);
    places_.resize(n);
  }
  weights_.resize(n);
  double total = 0;
  const auto weigh = [&](size_t i) {
    const float difference = logits[places_[i]] - top;
    return weights_[i] = std::exp(static_cast<double>(difference / options_.temperature));
  };
  for (size_t i = 0; i < n; ++i) total += weigh(i);

  // Best first, as far as needed.
  const double wanted = options_.top_p < 1 ? static_cast<double>(options_.top_p) * total
                                           : std::numeric_limits<double>::infinity();
  double sum = 0;
  size_t kept = 0, sorted = 0;
  while (kept < n) {
    if (kept == sorted) {
      const size_t end = std::min(n, std::max<size_t>(256, 2 * sorted));
      const auto from = places_.begin() + static_cast<ptrdiff_t>(sorted);
      const auto to = places_.begin() + static_cast<ptrdiff_t>(end);
      if (end < n) std::nth_element(from, to, places_.end(), better);
      std::sort(from, to, better);
      for (size_t i = sorted; i < end; ++i) weigh(i);
      sorted = end;
    }
    // min-p keeps what is probable enough relative to the likeliest, whose weight is 1.
    if (kept > 0 && weights_[kept] < static_cast<double>(options_.min_p)) break;
    sum += weights_[kept++];
    if (sum >= wanted) break;
  }
  double pick = static_cast<double>(random_() >> 11) * 0x1p-53 * sum;
  for (size_t i = 0; i < kept; ++i) {
    pick -= weights_[i];
    if (pick < 0) return ids[places_[i]];
  }
  return ids[places_[kept - 1]];
}

}  // namespace model
