// Some columns of a vocabulary are many times larger than others, and so are some values of x. A
// row w is divided, and x multiplied, by a factor for each column, the root of the column's size:
// then one scale does for a row. With v and z for the two, v is coarse + r, z is rounded + e, and
// w x = v z = coarse rounded + r z + coarse e. The first is a sum of integers. The other two are at
// most |r| |z| and |v| |e| by Cauchy-Schwarz, but for that all that rounding left of a row would
// have to point along z. It points anywhere: the product is then as large as a deviation of
// 1 / sqrt(width) of that, and eight of them are allowed for, which in narrow rows is all of it.
// What they are on a real model: bench/speed/screen.cpp, docs/benchmarks.md. What is bounded is a
// product with x rounded to words by groups, summed in f32: less than 1e-4 |v| |z| off.
#include "model/vocabulary_screen.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "model/clones.h"
#include "model/huge_pages.h"
#include "model/integer/kernel.h"

namespace model {
namespace {

constexpr int kHalf = kNibbleColumns / 2;
constexpr float kMiddle = 7.5F;   // of 0..15
constexpr float kReached = 0.8F;  // of a row's largest: beyond it is cut off, the others get finer
constexpr float kWords = 1e-4F;

size_t bytes_of(const Matrix& m) {
  return m.out == 0 ? 0
                    : static_cast<size_t>(m.out) * row_bytes(m.type, static_cast<uint64_t>(m.in));
}

/// By the bits without the sign, which are in the order of the sizes: a maximum of integers becomes
/// vectors.
TESSERA_CLONES float largest_of(const float* x, int n) {
  int32_t most = 0;
  for (int i = 0; i < n; ++i)
    most = std::max(most, std::bit_cast<int32_t>(x[i]) & std::numeric_limits<int32_t>::max());
  return std::bit_cast<float>(most);
}

TESSERA_CLONES void multiply_by(const float* factors, int n, float* x) {
  for (int i = 0; i < n; ++i) x[i] *= factors[i];
}

TESSERA_CLONES float length_of(const float* x, int n) {
  constexpr int kLanes = 64;  // so many that they stay a loop, which becomes vectors
  float squares[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) squares[lane] += x[i + lane] * x[i + lane];
  for (; i < n; ++i) squares[0] += x[i] * x[i];
  double sum = 0;
  for (const float v : squares) sum += static_cast<double>(v);
  return static_cast<float>(std::sqrt(sum));
}

/// The nearest of scale * (-7.5, -6.5 … 7.5), as 0..15; what is left is written over v.
TESSERA_CLONES void squeeze(float* v, int n, float scale, uint8_t* u) {
  const float by = scale > 1e-30F ? 1 / scale : 0;
  for (int j = 0; j < n; ++j) {
    const float place = v[j] * by + kMiddle;
    const int nearest = static_cast<int>((place < 0 ? 0 : place > 15 ? 15 : place) + 0.5F);
    u[j] = static_cast<uint8_t>(nearest);
    v[j] -= scale * (static_cast<float>(nearest) - kMiddle);
  }
}

TESSERA_CLONES void pair_up(const uint8_t* u, int width, uint8_t* to) {
  for (int j = 0; j < width; j += kNibbleColumns, u += kNibbleColumns, to += kHalf)
    for (int k = 0; k < kHalf; ++k) to[k] = static_cast<uint8_t>(u[k] | u[kHalf + k] << 4);
}

/// z = scale * (256 * high + low) + what is left, which is written over z. Returns the scale.
float round_to_words(float* z, int n, int8_t* high, int8_t* low) {
  constexpr float kMost = 127 * 256;
  const float most = largest_of(z, n), scale = most / kMost, by = most > 1e-30F ? kMost / most : 0;
  for (int i = 0; i < n; ++i) {
    const int word = static_cast<int>(std::clamp(std::nearbyint(z[i] * by), -kMost, kMost));
    const int upper = (word + 128) >> 8;
    high[i] = static_cast<int8_t>(upper);
    low[i] = static_cast<int8_t>(word - 256 * upper);
    z[i] -= scale * static_cast<float>(word);
  }
  return scale;
}

/// Roots of the columns' sizes, from some thousand rows; 1 where nothing can be said.
std::vector<float> factors_of(const Matrix& vocabulary) {
  const auto width = static_cast<size_t>(vocabulary.in);
  std::vector<float> row(width), factors(width);
  std::vector<double> squares(width);
  const int step = std::max(1, vocabulary.out / 4096);
  int n = 0;
  for (int i = 0; i < vocabulary.out; i += step, ++n) {
    vocabulary.dequantize(i, 1, row.data());
    for (size_t j = 0; j < width; ++j)
      squares[j] += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  }
  for (size_t j = 0; j < width; ++j) {
    const double factor = std::pow(squares[j] / n, 0.25);
    factors[j] = factor > 1e-6 && factor < 1e6 ? static_cast<float>(factor) : 1.0F;
  }
  return factors;
}

/// z in words of two bytes, high and low, and what leaves room for error.
struct RoundedRow {
  std::vector<int8_t> high, low;
  float scale, middle, length, lost;
};

/// upper: what n rows are at most, given their sums with r. Returns the largest.
TESSERA_CLONES float bounds_of(const VocabularyScreen::Rows& rows, const int32_t* sums, int n,
                               const RoundedRow& r, float* upper) {
  constexpr float kUnknown = std::numeric_limits<float>::infinity();
  for (int i = 0; i < n; ++i) {
    const float product = static_cast<float>(sums[i]) - r.middle;
    const float bound =
        rows.scale[i] * r.scale * product + rows.rest[i] * r.length + rows.length[i] * r.lost;
    upper[i] = bound == bound ? bound : kUnknown;
  }
  constexpr int kBlock = VocabularyScreen::kBlock;
  if (n < kBlock) return *std::max_element(upper, upper + n);
  // By halves, in loops that become vectors.
  float most[kBlock / 2];
  for (int i = 0; i < kBlock / 2; ++i) most[i] = std::max(upper[i], upper[i + kBlock / 2]);
  for (int half = kBlock / 4; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) most[i] = std::max(most[i], most[i + half]);
  return most[0];
}

}  // namespace

bool VocabularyScreen::worthwhile(const Weights& weights) {
  const Matrix& vocabulary = weights.embedding;
  if (vocabulary.type != TensorType::q8_0 || vocabulary.in > kMostNibbleColumns) return false;
  size_t others = 0;
  for (const LayerWeights& layer : weights.layers)
    for (const Matrix& m : layer.projections) others += bytes_of(m);
  return 3 * bytes_of(vocabulary) >= others;
}

VocabularyScreen::VocabularyScreen(const Matrix& vocabulary, ThreadPool& pool)
    : hidden_(vocabulary.in),
      width_((vocabulary.in + kNibbleColumns - 1) / kNibbleColumns * kNibbleColumns),
      vocab_(vocabulary.out) {
  const size_t stride = static_cast<size_t>(width_ / 2);
  coarse_.reset(
      reinterpret_cast<uint8_t*>(huge_pages(static_cast<size_t>(vocabulary.out) * stride)));
  rows_.resize(static_cast<size_t>(blocks(vocab_)));
  columns_ = factors_of(vocabulary);
  std::vector<float> inverse;
  for (const float factor : columns_) inverse.push_back(1 / factor);
  const float share = std::min(1.0F, static_cast<float>(kDeviations / std::sqrt(hidden_)));
  pool.parallel_for(vocabulary.out, 256, [&](int, int begin, int end) {
    std::vector<float> w(static_cast<size_t>(width_));
    std::vector<uint8_t> u(w.size());
    for (int i = begin; i < end; ++i) {
      vocabulary.dequantize(i, 1, w.data());
      multiply_by(inverse.data(), hidden_, w.data());
      Rows& rows = rows_[static_cast<size_t>(i / kBlock)];
      float &scale = rows.scale[i % kBlock], &rest = rows.rest[i % kBlock],
            &length = rows.length[i % kBlock];
      length = share * length_of(w.data(), hidden_);
      if (!std::isfinite(length)) {
        scale = 0;
        rest = length = std::numeric_limits<float>::infinity();
        std::fill_n(coarse_.get() + static_cast<size_t>(i) * stride, stride, uint8_t{0});
        continue;
      }
      scale = kReached * largest_of(w.data(), hidden_) / kMiddle;
      squeeze(w.data(), hidden_, scale, u.data());
      rest = share * length_of(w.data(), hidden_);
      pair_up(u.data(), width_, coarse_.get() + static_cast<size_t>(i) * stride);
    }
  });
}

void VocabularyScreen::bound(const float* x, int m, float* upper, float* most,
                             ThreadPool& pool) const {
  std::vector<RoundedRow> rounded(static_cast<size_t>(m));
  std::vector<float> z(static_cast<size_t>(hidden_));
  for (int t = 0; t < m; ++t) {
    const float* row = x + static_cast<size_t>(t) * z.size();
    std::copy_n(row, z.size(), z.data());
    multiply_by(columns_.data(), hidden_, z.data());
    RoundedRow& r = rounded[static_cast<size_t>(t)];
    r.length = length_of(z.data(), hidden_);
    r.high.resize(static_cast<size_t>(width_));
    r.low.resize(r.high.size());
    r.scale = std::isfinite(r.length)
                  ? round_to_words(z.data(), hidden_, r.high.data(), r.low.data())
                  : 0;
    r.lost = length_of(z.data(), hidden_) + kWords * r.length;
    int sum = 0;
    for (size_t j = 0; j < r.high.size(); ++j) sum += 256 * r.high[j] + r.low[j];
    r.middle = kMiddle * static_cast<float>(sum);
  }
  const auto vocab = static_cast<size_t>(vocab_);
  const size_t n_blocks = rows_.size();
  const IntegerKernel& kernel = best_integer_kernel();
  constexpr int kTogether = 8;  // rows for all of x, so that memory is never waited for
  pool.parallel_for(vocab_, 8 * kBlock, [&](int, int begin, int end) {
    int32_t sums[kMostRows][kBlock];
    for (int from = begin; from < end; from += kBlock) {
      const int until = std::min(end, from + kBlock);
      for (int some = from; some < until; some += kTogether)
        for (size_t t = 0; t < rounded.size(); ++t)
          kernel.nibble_sums(coarse_.get(), width_, some, std::min(until, some + kTogether),
                             rounded[t].high.data(), rounded[t].low.data(), sums[t] + some - from);
      for (size_t t = 0; t < rounded.size(); ++t)
        most[t * n_blocks + static_cast<size_t>(from / kBlock)] =
            bounds_of(rows_[static_cast<size_t>(from / kBlock)], sums[t], until - from, rounded[t],
                      upper + t * vocab + static_cast<size_t>(from));
    }
  });
}

}  // namespace model
