#include "model/training/trainable_embedders.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "model/elementwise.h"
#include "model/gemm/gemm.h"
#include "model/training/buffers.h"
#include "model/training/random.h"

// Forward as in vision.cpp and audio.cpp.
//   normed = LayerNorm1(patch); e = LayerNorm2(normed dense^T + bias) + column[x] + row[y]
//   summed = LayerNorm3(e); scaled = RMSNorm(summed); soft = scaled projection^T

namespace model::training {
namespace {

constexpr float kRmsNormEps = 1e-6f;

std::vector<float> zeros(const std::vector<float>& like) {
  return std::vector<float>(like.size(), 0.0f);
}

std::vector<float> normal(size_t n, float deviation, Random& random) {
  std::vector<float> values(n);
  for (float& v : values) v = random.normal(deviation);
  return values;
}

/// Rows that look at a patch with pixels of several sizes: half of them at squares of 4x4, a
/// quarter at 12x12, the rest at single ones. What fills a patch is seen from the first step on;
/// rows of single pixels alone see mostly noise.
std::vector<float> patch_features(int width, int side, Random& random) {
  constexpr int kSquares[] = {4, 1, 4, 12};
  const float deviation = 1.0f / std::sqrt(3.0f * static_cast<float>(side * side));
  std::vector<float> rows(area(width, 3 * side * side));
  float* value = rows.data();
  for (int row = 0; row < width; ++row) {
    const int square = kSquares[row % 4], across = (side + square - 1) / square;
    for (int channel = 0; channel < 3; ++channel) {
      const std::vector<float> cells = normal(area(across, across), deviation, random);
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          *value++ = cells[area(y / square, across) + static_cast<size_t>(x / square)];
    }
  }
  return rows;
}

/// Places as waves of `width` lengths (2 to 64 places), half as large as what a patch says: near
/// places look alike, and where a patch stands is known before any place was trained.
void waves(std::span<float> table, int places, int width, Random& random) {
  constexpr float kTurn = 6.2831853f;
  for (int k = 0; k < width; ++k) {
    const float length = std::pow(2.0f, random.between(1, 6)), shift = random.between(0, kTurn);
    for (int p = 0; p < places; ++p)
      table[area(p, width) + static_cast<size_t>(k)] =
          0.7f * std::cos(kTurn * static_cast<float>(p) / length + shift);
  }
}

uint64_t u64(int n) { return static_cast<uint64_t>(n); }

}  // namespace

TrainableVision::TrainableVision(VisionWeights weights, Precision precision)
    : products_(products(precision)),
      shape_(std::move(weights)),
      norm1_(std::move(shape_.norm1), std::move(shape_.norm1_bias)),
      norm2_(std::move(shape_.norm2), std::move(shape_.norm2_bias)),
      norm3_(std::move(shape_.norm3), std::move(shape_.norm3_bias)),
      dense_gradient_(zeros(shape_.dense)),
      dense_bias_gradient_(zeros(shape_.dense_bias)),
      table_gradient_(zeros(shape_.table)),
      projection_gradient_(zeros(shape_.projection)) {}

void TrainableVision::add(const std::vector<float>& patches, PatchGrid grid) {
  patches_.insert(patches_.end(), patches.begin(), patches.end());
  grids_.push_back(grid);
  n_ += grid.tokens();
}

std::vector<float> TrainableVision::forward(ThreadPool& pool) {
  const int in = shape_.patch_values(), width = shape_.width;
  normed_ = patches_;
  channels_first(normed_, n_, shape_.side, pool);
  norm1_.forward(normed_.data(), n_, pool);
  summed_.resize(area(n_, width));
  products_.forward(normed_.data(), n_, in, shape_.dense.data(), width, in, in, summed_.data(),
                    width, false, pool);
  for (size_t i = 0; i < summed_.size(); ++i)
    summed_[i] += shape_.dense_bias[i % static_cast<size_t>(width)];
  norm2_.forward(summed_.data(), n_, pool);
  float* e = summed_.data();
  for (const PatchGrid& grid : grids_)
    for (int i = 0; i < grid.tokens(); ++i, e += width) {
      const float* x = shape_.table.data() + area(i % grid.columns, width);
      const float* y = shape_.table.data() + area(shape_.places + i / grid.columns, width);
      for (int k = 0; k < width; ++k) e[k] += x[k] + y[k];
    }
  norm3_.forward(summed_.data(), n_, pool);
  scaled_.resize(summed_.size());
  inverse_.resize(static_cast<size_t>(n_));
  rms_norm(summed_.data(), n_, width, nullptr, kRmsNormEps, scaled_.data(), inverse_.data(), pool);
  std::vector<float> soft(area(n_, shape_.hidden));
  products_.forward(scaled_.data(), n_, width, shape_.projection.data(), shape_.hidden, width,
                    width, soft.data(), shape_.hidden, false, pool);
  return soft;
}

void TrainableVision::backward(const float* d_soft, ThreadPool& pool) {
  const int in = shape_.patch_values(), width = shape_.width, hidden = shape_.hidden;
  products_.gradient(d_soft, hidden, hidden, scaled_.data(), width, width, n_,
                     projection_gradient_.data(), width, pool);
  std::vector<float> d_scaled(area(n_, width)), d(area(n_, width));
  products_.transposed(d_soft, n_, hidden, shape_.projection.data(), width, hidden, width,
                       d_scaled.data(), width, false, pool);
  rms_norm_backward(summed_.data(), inverse_.data(), d_scaled.data(), n_, width, nullptr, d.data(),
                    false, pool);
  norm3_.backward(d.data(), n_, pool);
  const float* de = d.data();
  for (const PatchGrid& grid : grids_)
    for (int i = 0; i < grid.tokens(); ++i, de += width) {
      float* x = table_gradient_.data() + area(i % grid.columns, width);
      float* y = table_gradient_.data() + area(shape_.places + i / grid.columns, width);
      for (int k = 0; k < width; ++k) {
        x[k] += de[k];
        y[k] += de[k];
      }
    }
  norm2_.backward(d.data(), n_, pool);
  for (size_t i = 0; i < d.size(); ++i)
    dense_bias_gradient_[i % static_cast<size_t>(width)] += d[i];
  products_.gradient(d.data(), width, width, normed_.data(), in, in, n_, dense_gradient_.data(), in,
                     pool);
  std::vector<float> d_normed(area(n_, in));
  products_.transposed(d.data(), n_, width, shape_.dense.data(), in, width, in, d_normed.data(), in,
                       false, pool);
  norm1_.backward(d_normed.data(), n_, pool);
}

Parameters TrainableVision::parameters() {
  const uint64_t in = u64(shape_.patch_values()), width = u64(shape_.width);
  Parameters list;
  auto add = [&](const char* name, std::vector<uint64_t> shape, std::vector<float>& value,
                 std::vector<float>& gradient) {
    list.push_back({name, std::move(shape), &value, &gradient, true});
  };
  add("v.patch_norm.1.weight", {in}, norm1_.weight, norm1_.weight_gradient);
  add("v.patch_norm.1.bias", {in}, norm1_.bias, norm1_.bias_gradient);
  add("v.patch_embd.weight", {in, width}, shape_.dense, dense_gradient_);
  add("v.patch_embd.bias", {width}, shape_.dense_bias, dense_bias_gradient_);
  add("v.patch_norm.2.weight", {width}, norm2_.weight, norm2_.weight_gradient);
  add("v.patch_norm.2.bias", {width}, norm2_.bias, norm2_.bias_gradient);
  add("v.position_embd.weight", {width, u64(shape_.places), 2}, shape_.table, table_gradient_);
  add("v.patch_norm.3.weight", {width}, norm3_.weight, norm3_.weight_gradient);
  add("v.patch_norm.3.bias", {width}, norm3_.bias, norm3_.bias_gradient);
  add("mm.input_projection.weight", {width, u64(shape_.hidden)}, shape_.projection,
      projection_gradient_);
  return list;
}

VisionWeights TrainableVision::weights() const {
  VisionWeights w = shape_;
  w.norm1 = norm1_.weight, w.norm1_bias = norm1_.bias;
  w.norm2 = norm2_.weight, w.norm2_bias = norm2_.bias;
  w.norm3 = norm3_.weight, w.norm3_bias = norm3_.bias;
  return w;
}

TrainableAudio::TrainableAudio(AudioWeights weights, Precision precision)
    : products_(products(precision)),
      weights_(std::move(weights)),
      gradient_(zeros(weights_.projection)) {}

void TrainableAudio::add(std::span<const float> samples) {
  const size_t frame = static_cast<size_t>(weights_.frame);
  const size_t n = (samples.size() + frame - 1) / frame;
  frames_.insert(frames_.end(), samples.begin(), samples.end());
  n_ += static_cast<int>(n);
  frames_.resize(static_cast<size_t>(n_) * frame, 0.0f);
}

std::vector<float> TrainableAudio::forward(ThreadPool& pool) {
  normed_.resize(frames_.size());
  inverse_.resize(static_cast<size_t>(n_));
  rms_norm(frames_.data(), n_, weights_.frame, nullptr, kRmsNormEps, normed_.data(),
           inverse_.data(), pool);
  std::vector<float> soft(area(n_, weights_.hidden));
  products_.forward(normed_.data(), n_, weights_.frame, weights_.projection.data(), weights_.hidden,
                    weights_.frame, weights_.frame, soft.data(), weights_.hidden, false, pool);
  return soft;
}

void TrainableAudio::backward(const float* d_soft, ThreadPool& pool) {
  products_.gradient(d_soft, weights_.hidden, weights_.hidden, normed_.data(), weights_.frame,
                     weights_.frame, n_, gradient_.data(), weights_.frame, pool);
}

Parameters TrainableAudio::parameters() {
  return {{"mm.a.input_projection.weight",
           {u64(weights_.frame), u64(weights_.hidden)},
           &weights_.projection,
           &gradient_,
           true}};
}

VisionWeights fresh_vision(int hidden, float row_size, uint64_t seed) {
  constexpr int kSide = 48, kPlaces = 1120;
  Random random(seed);
  VisionWeights w{.side = kSide, .width = hidden, .hidden = hidden, .places = kPlaces};
  const size_t in = static_cast<size_t>(w.patch_values()), width = static_cast<size_t>(hidden);
  w.norm1.assign(in, 1.0f), w.norm1_bias.assign(in, 0.0f);
  w.norm2.assign(width, 1.0f), w.norm2_bias.assign(width, 0.0f);
  w.norm3.assign(width, 1.0f), w.norm3_bias.assign(width, 0.0f);
  w.dense_bias.assign(width, 0.0f);
  // Each product keeps the size of its input; the norms around the table set the rest.
  w.dense = patch_features(hidden, kSide, random);
  w.table.resize(2 * kPlaces * width);
  const std::span<float> table = w.table;
  waves(table.first(kPlaces * width), kPlaces, hidden, random);
  waves(table.last(kPlaces * width), kPlaces, hidden, random);
  w.projection = normal(width * width, row_size / std::sqrt(static_cast<float>(hidden)), random);
  return w;
}

AudioWeights fresh_audio(int hidden, float row_size, uint64_t seed) {
  constexpr int kFrame = 640;
  Random random(seed + 1);
  AudioWeights w{.frame = kFrame, .hidden = hidden, .projection = {}};
  w.projection = normal(static_cast<size_t>(hidden) * kFrame,
                        row_size / std::sqrt(static_cast<float>(kFrame)), random);
  // Each row looks at the changes from sample to sample: most of the power of speech lies below 1 kHz,
  // and most of what tells its sounds apart above.
  constexpr float kEmphasis = 0.95f;
  for (size_t row = 0; row < w.projection.size(); row += kFrame)
    for (size_t i = row; i + 1 < row + kFrame; ++i) w.projection[i] -= kEmphasis * w.projection[i + 1];
  return w;
}

}  // namespace model::training
