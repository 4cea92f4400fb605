#include "model/vision.h"

#include <algorithm>
#include <cmath>

#include "media/resize.h"
#include "model/bind.h"
#include "model/elementwise.h"
#include "model/stored_matmul.h"

// For each patch u of side * side * 3 numbers in [0, 1]:
//   e = LayerNorm(LayerNorm(u) dense^T + bias) + column_place[x] + row_place[y]
//   soft = RMSNorm(LayerNorm(e)) projection^T
// GGUF keeps the first norm and the columns of `dense` in the order [channel, row, column], because
// its peer cuts patches that way; so the numbers of a patch are put in that order before them.

namespace model {

using base::Errc;
using base::Error;

static constexpr float kLayerNormEps = 1e-5f;
static constexpr float kRmsNormEps = 1e-6f;

base::Result<PatchGrid> patch_grid(int width, int height, int budget, int patch) {
  if (std::find(std::begin(kImageBudgets), std::end(kImageBudgets), budget) ==
      std::end(kImageBudgets))
    return Error{Errc::usage, "image budget " + std::to_string(budget) +
                                  ": it can be 70, 140, 280, 560 or 1120 tokens"};
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width < 1 || height < 1) return Error{Errc::usage, "a picture of " + size + " pixels"};
  const double area = static_cast<double>(budget) * patch * patch;
  const double factor = std::sqrt(area / (static_cast<double>(height) * width));
  PatchGrid grid{.columns = static_cast<int>(factor * width / patch),
                 .rows = static_cast<int>(factor * height / patch)};
  if (grid.columns == 0 && grid.rows == 0)
    return Error{Errc::usage, "a picture of " + size + " pixels leaves no patch"};
  if (grid.rows == 0) {
    grid.rows = 1;
    grid.columns = std::min(width / height, budget);
  } else if (grid.columns == 0) {
    grid.columns = 1;
    grid.rows = std::min(height / width, budget);
  }
  if (grid.tokens() > budget || grid.tokens() < 1)
    return Error{Errc::usage, "a picture of " + size + " pixels does not fit " +
                                  std::to_string(budget) + " tokens"};
  return grid;
}

bool VisionEmbedder::present(const TensorSource& tensors) {
  return tensors.find("v.patch_embd.weight") != nullptr;
}

base::Result<VisionEmbedder> VisionEmbedder::bind(const TensorSource& tensors, int hidden) {
  VisionEmbedder v;
  const StoredTensor* dense = tensors.find("v.patch_embd.weight");
  if (dense == nullptr)
    return Error{Errc::corrupt,
                 "v.patch_embd.weight: this tensor is missing; the file holds no vision embedder"};
  if (dense->shape.size() != 2 || dense->shape[0] > 3 * 256 * 256 || dense->shape[1] > 65536)
    return Error{Errc::corrupt,
                 "v.patch_embd.weight: " + dense->describe() + ", expected a matrix"};
  const int in = static_cast<int>(dense->shape[0]);
  v.width_ = static_cast<int>(dense->shape[1]);
  v.side_ = static_cast<int>(std::lround(std::sqrt(in / 3.0)));
  v.hidden_ = hidden;
  v.channels_first_ = tensors.convention == Convention::gguf;
  if (v.side_ * v.side_ * 3 != in)
    return Error{Errc::corrupt, "v.patch_embd.weight: " + dense->describe() + ", rows of " +
                                    std::to_string(in) +
                                    " values are not square patches of three channels"};
  Binder bind(tensors);
  v.dense_ = bind.matrix("v.patch_embd.weight", v.width_, in);
  v.dense_bias_ = bind.vector("v.patch_embd.bias", v.width_);
  v.norm1_ = bind.vector("v.patch_norm.1.weight", in);
  v.norm1_bias_ = bind.vector("v.patch_norm.1.bias", in);
  v.norm2_ = bind.vector("v.patch_norm.2.weight", v.width_);
  v.norm2_bias_ = bind.vector("v.patch_norm.2.bias", v.width_);
  v.norm3_ = bind.vector("v.patch_norm.3.weight", v.width_);
  v.norm3_bias_ = bind.vector("v.patch_norm.3.bias", v.width_);
  v.projection_ = bind.matrix("mm.input_projection.weight", hidden, v.width_);
  // The table: [axis, place, width] in GGUF, [place, axis, width] in the hub's files.
  const StoredTensor* table = tensors.find("v.position_embd.weight");
  if (table == nullptr || table->shape.size() != 3 ||
      table->shape[0] != static_cast<uint64_t>(v.width_) ||
      table->shape[v.channels_first_ ? 2 : 1] != 2 ||
      table->shape[v.channels_first_ ? 1 : 2] > 65536)
    return Error{Errc::corrupt,
                 "v.position_embd.weight: " +
                     (table == nullptr ? "this tensor is missing"
                                       : table->describe() + ", expected width " +
                                             std::to_string(v.width_) + " for two axes")};
  if (bind.failed()) return *bind.failed();
  v.places_ = static_cast<int>(table->shape[v.channels_first_ ? 1 : 2]);
  const size_t width = static_cast<size_t>(v.width_), places = static_cast<size_t>(v.places_);
  std::vector<float> all(2 * places * width);
  dequantize_row(table->type, table->data.data(), all);
  for (size_t p = 0; p < places; ++p)
    for (size_t axis = 0; axis < 2; ++axis) {
      const auto from =
          all.begin() +
          static_cast<int64_t>((v.channels_first_ ? axis * places + p : p * 2 + axis) * width);
      std::vector<float>& to = axis == 0 ? v.column_places_ : v.row_places_;
      to.insert(to.end(), from, from + static_cast<int64_t>(width));
    }
  return v;
}

std::vector<float> cut_patches(const media::Pixels& picture, PatchGrid grid, int side,
                               PixelScale scale) {
  const media::Pixels scaled =
      media::resize_bicubic(picture, grid.columns * side, grid.rows * side);
  const size_t in = static_cast<size_t>(side) * static_cast<size_t>(side) * 3;
  std::vector<float> patches(static_cast<size_t>(grid.tokens()) * in);
  float value[256];
  for (int i = 0; i < 256; ++i)
    value[i] = scale == PixelScale::multiply ? static_cast<float>(i) * 0.003921569f
                                             : static_cast<float>(i) / 255.0f;
  for (int i = 0; i < grid.tokens(); ++i) {
    float* to = patches.data() + static_cast<size_t>(i) * in;
    for (int r = 0; r < side; ++r) {
      const uint8_t* from = scaled.at(i % grid.columns * side, i / grid.columns * side + r);
      for (int k = 0; k < side * 3; ++k) *to++ = value[from[k]];
    }
  }
  return patches;
}

void channels_first(std::vector<float>& patches, int n, int side, ThreadPool& pool) {
  const int plane = side * side, in = plane * 3;
  pool.parallel_for(n, 1, [&](int worker, int begin, int end) {
    float* copy =
        reinterpret_cast<float*>(pool.scratch(worker, static_cast<size_t>(in) * sizeof(float)));
    for (int i = begin; i < end; ++i) {
      float* patch = patches.data() + static_cast<ptrdiff_t>(i) * in;
      std::copy_n(patch, in, copy);
      for (int at = 0; at < plane; ++at)
        for (int c = 0; c < 3; ++c) patch[c * plane + at] = copy[at * 3 + c];
    }
  });
}

VisionWeights VisionEmbedder::weights() const {
  VisionWeights w{.side = side_,
                  .width = width_,
                  .hidden = hidden_,
                  .places = places_,
                  .norm1 = norm1_,
                  .norm1_bias = norm1_bias_,
                  .dense = {},
                  .dense_bias = dense_bias_,
                  .norm2 = norm2_,
                  .norm2_bias = norm2_bias_,
                  .table = column_places_,
                  .norm3 = norm3_,
                  .norm3_bias = norm3_bias_,
                  .projection = {}};
  w.table.insert(w.table.end(), row_places_.begin(), row_places_.end());
  w.dense.resize(static_cast<size_t>(width_) * static_cast<size_t>(w.patch_values()));
  dense_.dequantize(0, width_, w.dense.data());
  w.projection.resize(static_cast<size_t>(hidden_) * static_cast<size_t>(width_));
  projection_.dequantize(0, hidden_, w.projection.data());
  if (channels_first_) return w;
  ThreadPool one(1);
  channels_first(w.norm1, 1, side_, one);
  channels_first(w.norm1_bias, 1, side_, one);
  channels_first(w.dense, width_, side_, one);
  return w;
}

std::vector<float> VisionEmbedder::embed_patches(std::vector<float>& patches, PatchGrid grid,
                                                 ThreadPool& pool) const {
  const int n = grid.tokens(), in = side_ * side_ * 3;
  const size_t width = static_cast<size_t>(width_);
  if (channels_first_) channels_first(patches, n, side_, pool);
  layer_norm(patches.data(), n, in, norm1_.data(), norm1_bias_.data(), kLayerNormEps, pool);
  std::vector<float> e(static_cast<size_t>(n) * width);
  multiply_f32(dense_, patches.data(), 0, n, e.data(), pool);
  for (size_t i = 0; i < e.size(); ++i) e[i] += dense_bias_[i % width];
  layer_norm(e.data(), n, width_, norm2_.data(), norm2_bias_.data(), kLayerNormEps, pool);
  for (int i = 0; i < n; ++i) {
    const float* x = column_places_.data() + static_cast<size_t>(i % grid.columns) * width;
    const float* y = row_places_.data() + static_cast<size_t>(i / grid.columns) * width;
    float* row = e.data() + static_cast<size_t>(i) * width;
    for (size_t k = 0; k < width; ++k) row[k] += x[k] + y[k];
  }
  layer_norm(e.data(), n, width_, norm3_.data(), norm3_bias_.data(), kLayerNormEps, pool);
  std::vector<float> inverse(static_cast<size_t>(n));
  rms_norm(e.data(), n, width_, nullptr, kRmsNormEps, e.data(), inverse.data(), pool);
  std::vector<float> soft(static_cast<size_t>(n) * static_cast<size_t>(hidden_));
  multiply_f32(projection_, e.data(), 0, n, soft.data(), pool);
  return soft;
}

base::Result<SoftTokens> VisionEmbedder::embed(const media::Pixels& picture, int budget,
                                               PixelScale scale, ThreadPool& pool) const {
  base::Result<PatchGrid> grid = patch_grid(picture.width, picture.height, budget, side_);
  if (!grid) return grid.error();
  if (grid->columns > places_ || grid->rows > places_)
    return Error{Errc::usage, "a picture of " + std::to_string(grid->columns) + "x" +
                                  std::to_string(grid->rows) + " patches; the position table has " +
                                  std::to_string(places_) + " places"};
  std::vector<float> patches = cut_patches(picture, *grid, side_, scale);
  SoftTokens soft{.n = grid->tokens(), .values = {}};
  soft.values = embed_patches(patches, *grid, pool);
  return soft;
}

}  // namespace model
