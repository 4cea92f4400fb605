// How far the fast arithmetic is from the reference: a text is read in pieces by both, and the
// predictions after each token are compared.
//
//   speed-agreement MODEL TEXT [positions] [int8|int16|bf16|fast]
//
// Prints how many positions have the same most likely token, the mean Kullback-Leibler divergence
// of the fast predictions from the reference's in nats, and the largest one.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "model/model.h"

using namespace model;

namespace {

/// log of the sum of exp of all.
double log_sum(std::span<const float> logits) {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float v : logits) sum += std::exp(static_cast<double>(v - top));
  return top + std::log(sum);
}

double divergence(std::span<const float> p, std::span<const float> q) {
  const double p_sum = log_sum(p), q_sum = log_sum(q);
  double kl = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double log_p = p[i] - p_sum;
    if (log_p > -30) kl += std::exp(log_p) * (log_p - (q[i] - q_sum));
  }
  return kl;
}

size_t top(std::span<const float> logits) {
  return static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "speed-agreement MODEL TEXT [positions] [int8|int16|bf16|fast]\n");
    return 2;
  }
  const size_t most = argc > 3 ? static_cast<size_t>(std::atol(argv[3])) : 2000;
  const base::Result<Engine> reference = Engine::load(argv[1], {.precision = Precision::f32});
  const base::Result<Engine> fast =
      Engine::load(argv[1], {.precision = precision_named(argc > 4 ? argv[4] : "int8")});
  const base::Result<std::string> text = base::read_file(argv[2], size_t{1} << 24);
  if (!reference || !fast || !text) {
    std::fprintf(stderr, "cannot read the model or the text\n");
    return 1;
  }
  const std::vector<TokenId> tokens = reference->tokenizer().encode(*text);
  constexpr size_t kPiece = 250;  // each piece is read from an empty context
  const size_t vocabulary = static_cast<size_t>(reference->architecture().vocab_size);
  size_t positions = 0, same = 0;
  double sum = 0, largest = 0;
  for (size_t at = 0; at + kPiece <= tokens.size() && positions < most; at += kPiece) {
    std::vector<Position> prompt;
    for (size_t i = 0; i < kPiece; ++i) prompt.push_back({.id = tokens[at + i]});
    Session exact(*reference, kPiece + 1), rounded(*fast, kPiece + 1);
    const auto p = exact.all_logits(prompt), q = rounded.all_logits(prompt);
    if (!p || !q) return 1;
    for (size_t i = 0; i < kPiece; ++i, ++positions) {
      const std::span<const float> a(p->data() + i * vocabulary, vocabulary);
      const std::span<const float> b(q->data() + i * vocabulary, vocabulary);
      const double kl = divergence(a, b);
      same += top(a) == top(b);
      sum += kl;
      largest = std::max(largest, kl);
    }
  }
  if (positions == 0) {
    std::fprintf(stderr, "the text has less than %zu tokens\n", kPiece);
    return 1;
  }
  std::printf("%zu positions: %.2f %% the same most likely token, KL mean %.5f, largest %.3f\n",
              positions, 100.0 * static_cast<double>(same) / static_cast<double>(positions),
              sum / static_cast<double>(positions), largest);
  return 0;
}
