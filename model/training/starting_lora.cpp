#include "model/training/starting_lora.h"

#include <cmath>

#include "model/training/random.h"

namespace model::training {

using base::Errc;
using base::Error;

base::Result<std::array<bool, kProjections>> projections_named(std::string_view list) {
  constexpr std::string_view kNames[] = {"q", "k", "v", "o", "gate", "up", "down"};
  std::array<bool, kProjections> chosen{};
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view word = list.substr(begin, end - begin);
    begin = end + 1;
    bool known = false;
    for (size_t p = 0; p < kProjections; ++p) {
      const bool attention = p <= static_cast<size_t>(Projection::o);
      if (word != kNames[p] && word != "all" && word != (attention ? "attention" : "mlp")) continue;
      chosen[p] = true;
      known = true;
    }
    if (!known)
      return Error{Errc::usage, "projection \"" + std::string(word) +
                                    "\": expected q, k, v, o, gate, up, down, attention, mlp or "
                                    "all, separated by commas"};
  }
  return chosen;
}

Lora starting_lora(const Architecture& architecture, const LoraOptions& options) {
  Random random(options.seed);
  Lora lora;
  lora.layers.resize(static_cast<size_t>(architecture.n_layers));
  const float rank = static_cast<float>(options.rank);
  for (int i = 0; i < architecture.n_layers; ++i)
    for (int p = 0; p < kProjections; ++p) {
      const Projection projection = static_cast<Projection>(p);
      if (!options.projections[static_cast<size_t>(p)]) continue;
      if (projection == Projection::v && architecture.layers[static_cast<size_t>(i)].value_from_key)
        continue;
      LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      low.rank = options.rank;
      low.in = projection_in(architecture, i, projection);
      low.out = projection_out(architecture, i, projection);
      low.scale = options.alpha / (options.rank_stabilized ? std::sqrt(rank) : rank);
      low.a.resize(static_cast<size_t>(options.rank) * static_cast<size_t>(low.in));
      low.b.resize(static_cast<size_t>(options.rank) * static_cast<size_t>(low.out), 0.0f);
      const float bound = 1.0f / std::sqrt(static_cast<float>(low.in));
      for (float& v : low.a) v = random.between(-bound, bound);
    }
  return lora;
}

}  // namespace model::training
