#include "model/training/adamw.h"

#include <cmath>
#include <random>

namespace model::training {
namespace {

template <class Visit>
void for_each_matrix(const Lora& shape, Visit&& visit) {
  for (size_t i = 0; i < shape.layers.size(); ++i)
    for (size_t p = 0; p < kProjections; ++p)
      if (shape.layers[i][p].rank > 0) visit(i, p);
}

void zero(Lora& lora) {
  for (auto& layer : lora.layers)
    for (LowRank& low : layer) {
      std::fill(low.a.begin(), low.a.end(), 0.0f);
      std::fill(low.b.begin(), low.b.end(), 0.0f);
    }
}

}  // namespace

AdamW::AdamW(const Lora& parameters) : first(parameters), second(parameters) {
  zero(first);
  zero(second);
}

void AdamW::step(Lora& parameters, const Lora& gradient, float learning_rate) {
  ++steps;
  const float correction1 =
      static_cast<float>(1 - std::pow(static_cast<double>(beta1), static_cast<double>(steps)));
  const float correction2 =
      static_cast<float>(1 - std::pow(static_cast<double>(beta2), static_cast<double>(steps)));
  auto update = [&](std::vector<float>& x, const std::vector<float>& g, std::vector<float>& m,
                    std::vector<float>& v) {
    for (size_t i = 0; i < x.size(); ++i) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      x[i] -= learning_rate * weight_decay * x[i];
      x[i] -= learning_rate * (m[i] / correction1) / (std::sqrt(v[i] / correction2) + eps);
    }
  };
  for_each_matrix(parameters, [&](size_t i, size_t p) {
    LowRank& x = parameters.layers[i][p];
    const LowRank& g = gradient.layers[i][p];
    update(x.a, g.a, first.layers[i][p].a, second.layers[i][p].a);
    update(x.b, g.b, first.layers[i][p].b, second.layers[i][p].b);
  });
}

double norm(const Lora& gradient) {
  double sum = 0;
  for_each_matrix(gradient, [&](size_t i, size_t p) {
    for (const float v : gradient.layers[i][p].a)
      sum += static_cast<double>(v) * static_cast<double>(v);
    for (const float v : gradient.layers[i][p].b)
      sum += static_cast<double>(v) * static_cast<double>(v);
  });
  return std::sqrt(sum);
}

Lora starting_lora(const Architecture& architecture, int rank, float alpha, uint64_t seed) {
  std::mt19937_64 random(seed);
  Lora lora;
  lora.layers.resize(static_cast<size_t>(architecture.n_layers));
  for (int i = 0; i < architecture.n_layers; ++i)
    for (int p = 0; p < kProjections; ++p) {
      const Projection projection = static_cast<Projection>(p);
      if (projection == Projection::v && architecture.layers[static_cast<size_t>(i)].value_from_key)
        continue;
      LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      low.rank = rank;
      low.in = projection_in(architecture, i, projection);
      low.out = projection_out(architecture, i, projection);
      low.scale = alpha / static_cast<float>(rank);
      low.a.resize(static_cast<size_t>(rank) * static_cast<size_t>(low.in));
      low.b.resize(static_cast<size_t>(rank) * static_cast<size_t>(low.out), 0.0f);
      const float bound = 1.0f / std::sqrt(static_cast<float>(low.in));
      // Not std::uniform_real_distribution: its sequence differs between standard libraries.
      for (float& v : low.a)
        v = (static_cast<float>(random() >> 40) / static_cast<float>(1 << 24) * 2 - 1) * bound;
    }
  return lora;
}

}  // namespace model::training
