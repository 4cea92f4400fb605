// What the screen of the vocabulary does on real text: a text goes through the model token by
// token, and after each the likeliest token is found by the screen and by all logits.
//
//   speed-screen MODEL TEXT [positions]
//
// Prints how often the two differ, how far logits were above their coarse values in deviations
// (eight are allowed for, model/vocabulary_screen.cpp), and how many tokens were computed exactly.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "model/model.h"
#include "model/vocabulary_screen.h"

using namespace model;

static constexpr size_t kBlock = VocabularyScreen::kBlock;

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "speed-screen MODEL TEXT [positions]\n");
    return 2;
  }
  const size_t most = argc > 3 ? static_cast<size_t>(std::atol(argv[3])) : 2000;
  const base::Result<Engine> engine = Engine::load(argv[1], {});
  const base::Result<std::string> text = base::read_file(argv[2], size_t{1} << 24);
  if (!engine || !text) {
    std::fprintf(stderr, "cannot read the model or the text\n");
    return 1;
  }
  const base::Result<Weights> weights =
      Weights::bind(engine->checkpoint().tensors(), engine->architecture());
  if (!weights || !VocabularyScreen::worthwhile(*weights)) {
    std::fprintf(stderr, "this model has no screen\n");
    return 1;
  }
  ThreadPool pool(0);
  const Matrix& vocabulary = weights->embedding;
  const VocabularyScreen screen(vocabulary, pool);
  const auto vocab = static_cast<size_t>(vocabulary.out);
  std::vector<float> upper(vocab);
  std::vector<float> blocks(static_cast<size_t>(VocabularyScreen::blocks(static_cast<int>(vocab))));
  const std::vector<TokenId> tokens = engine->tokenizer().encode(*text);
  constexpr int kPiece = 250;  // from an empty context
  std::vector<size_t> computed;
  size_t different = 0, above = 0;
  double furthest = 0;
  std::optional<Session> session;
  for (size_t at = 0; at < tokens.size() && computed.size() < most; ++at) {
    if (at % kPiece == 0) session.emplace(*engine, kPiece);
    if (!session->decode(tokens[at])) return 1;
    const int32_t found = session->next().likeliest();
    const std::span<const float> all = session->logits();
    different += found != std::max_element(all.begin(), all.end()) - all.begin();
    const std::span<const float> x = session->hidden();
    double squares = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto v = static_cast<double>(x[i] * screen.columns()[i]);
      squares += v * v;
    }
    const float norm = static_cast<float>(std::sqrt(squares));
    screen.bound(x.data(), 1, upper.data(), blocks.data(), pool);
    const float best = *std::max_element(all.begin(), all.end());
    size_t n = 0;
    for (size_t i = 0; i < vocab; ++i) {
      n += upper[i] >= best;
      above += all[i] > upper[i];
      // Of what is allowed for, all but the part for x, which is small, is the row's.
      const double allowed = static_cast<double>(screen.rows()[i / kBlock].rest[i % kBlock] * norm);
      const double off = static_cast<double>(upper[i] - all[i]) / allowed - 1;
      furthest = std::max(furthest, -VocabularyScreen::kDeviations * off);
    }
    computed.push_back(n);
  }
  if (computed.empty()) return 1;
  std::sort(computed.begin(), computed.end());
  std::printf(
      "%zu positions: %zu times another token, %zu of %zu logits above their bounds, the furthest "
      "%.2f deviations off; computed exactly: median %zu, 90 %% %zu, most %zu of %zu\n",
      computed.size(), different, above, computed.size() * vocab, furthest,
      computed[computed.size() / 2], computed[computed.size() * 9 / 10], computed.back(), vocab);
  return 0;
}
