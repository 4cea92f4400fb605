#include "model/training/adamw.h"

#include <algorithm>
#include <cmath>

#include "model/clones.h"

// Compiled with the other loops over floats (model/meson.build): a full tuning changes hundreds of
// millions of values a step.

namespace model::training {
namespace {

constexpr int64_t kBlock = 65536;  // values a worker takes at a time

struct Rates {
  float learning, decay, beta1, beta2, eps, correction1, correction2;
};

TESSERA_CLONES void update(float* x, const float* g, float* m, float* v, int64_t begin, int64_t end,
                           const Rates& r) {
  const float rest1 = 1 - r.beta1, rest2 = 1 - r.beta2;
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) {
    m[i] = r.beta1 * m[i] + rest1 * g[i];
    v[i] = r.beta2 * v[i] + rest2 * g[i] * g[i];
    const float kept = x[i] - r.decay * x[i];
    x[i] = kept - r.learning * (m[i] / r.correction1) / (std::sqrt(v[i] / r.correction2) + r.eps);
  }
}

TESSERA_CLONES double sum_of_squares(const float* x, int64_t begin, int64_t end) {
  double partial[8] = {};
  int64_t i = begin;
  for (; i + 8 <= end; i += 8)
    for (int j = 0; j < 8; ++j)
      partial[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  double sum = 0;
  for (; i < end; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (const double p : partial) sum += p;
  return sum;
}

/// task(block, begin, end) for each block of [0, n); parallel_for counts in int.
template <class Task>
void for_blocks(size_t n, ThreadPool& pool, Task&& task) {
  const int64_t size = static_cast<int64_t>(n);
  pool.parallel_for(static_cast<int>((size + kBlock - 1) / kBlock), 1,
                    [&](int, int begin, int end) {
                      for (int b = begin; b < end; ++b)
                        task(b, b * kBlock, std::min(size, (b + int64_t{1}) * kBlock));
                    });
}

}  // namespace

void clear_gradients(const Parameters& parameters) {
  for (const Parameter& p : parameters) std::fill(p.gradient->begin(), p.gradient->end(), 0.0f);
}

AdamW::AdamW(const Parameters& parameters) {
  for (const Parameter& p : parameters) {
    first.emplace_back(p.value->size(), 0.0f);
    second.emplace_back(p.value->size(), 0.0f);
  }
}

void AdamW::step(const Parameters& parameters, float learning_rate, ThreadPool& pool) {
  ++steps;
  const double t = static_cast<double>(steps);
  Rates rates{.learning = 0,
              .decay = 0,
              .beta1 = beta1,
              .beta2 = beta2,
              .eps = eps,
              .correction1 = static_cast<float>(1 - std::pow(static_cast<double>(beta1), t)),
              .correction2 = static_cast<float>(1 - std::pow(static_cast<double>(beta2), t))};
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    rates.learning = learning_rate * (p.embedder ? embedder_rate : 1.0f);
    rates.decay = p.shape.size() >= 2 ? rates.learning * weight_decay : 0.0f;
    for_blocks(p.value->size(), pool, [&](int, int64_t begin, int64_t end) {
      update(p.value->data(), p.gradient->data(), first[i].data(), second[i].data(), begin, end,
             rates);
    });
  }
}

double gradient_norm(const Parameters& parameters, ThreadPool& pool) {
  double sum = 0;
  std::vector<double> parts;
  for (const Parameter& p : parameters) {
    parts.assign((p.gradient->size() + kBlock - 1) / kBlock, 0.0);
    for_blocks(p.gradient->size(), pool, [&](int block, int64_t begin, int64_t end) {
      parts[static_cast<size_t>(block)] = sum_of_squares(p.gradient->data(), begin, end);
    });
    for (const double part : parts) sum += part;  // in order, whoever computed them
  }
  return std::sqrt(sum);
}

void scale_gradients(const Parameters& parameters, float factor, ThreadPool& pool) {
  for (const Parameter& p : parameters)
    for_blocks(p.gradient->size(), pool, [&](int, int64_t begin, int64_t end) {
      float* g = p.gradient->data();
      for (int64_t i = begin; i < end; ++i) g[i] *= factor;
    });
}

}  // namespace model::training
