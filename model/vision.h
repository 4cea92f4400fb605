#pragma once

#include <vector>

#include "base/result.h"
#include "media/image.h"
#include "model/tensor.h"
#include "model/thread_pool.h"
#include "model/weights.h"

namespace model {

/// How a picture is divided: columns * rows patches, one soft token each.
struct PatchGrid {
  int columns = 0;
  int rows = 0;
  int tokens() const { return columns * rows; }
};

/// The soft tokens a picture may take; others are an error.
inline constexpr int kImageBudgets[] = {70, 140, 280, 560, 1120};
inline constexpr int kDefaultImageBudget = 280;
inline constexpr int kVideoFrameBudget = 70;

/// The grid that a picture of width x height pixels is scaled to fill: the largest that keeps its
/// proportions within `budget` patches of side `patch`. Small pictures are enlarged.
/// Errors: usage (an unknown budget, a picture without pixels or of proportions that leave no
/// patch). Source: docs/model.md, "Pictures".
base::Result<PatchGrid> patch_grid(int width, int height, int budget, int patch = 48);

/// Soft tokens in reading order, [n, hidden] f32, to stand unscaled where the placeholders are.
struct SoftTokens {
  int n = 0;
  std::vector<float> values;
};

/// How bytes become numbers in [0, 1]: pictures are multiplied by f32(1/255), video frames divided
/// by 255, as the reference does (they differ in the last bit).
enum class PixelScale : uint8_t { multiply, divide };

/// The pixels of a picture that was scaled to `grid`, as numbers: [n, side * side * 3] f32, patch
/// by patch row by row of the grid; inside a patch [row, column, channel].
std::vector<float> cut_patches(const media::Pixels& picture, PatchGrid grid, int side,
                               PixelScale scale);

/// Puts the values of each of n patches in the order [channel, row, column], in place.
void channels_first(std::vector<float>& patches, int n, int side, ThreadPool& pool);

/// The numbers of a patch embedder in f32, in the order of GGUF files: columns of `dense` and the
/// first norm as [channel, row, column].
struct VisionWeights {
  int side = 0;                                    ///< pixels of a patch
  int width = 0;                                   ///< between the two matrices
  int hidden = 0;                                  ///< of the decoder
  int places = 0;                                  ///< of either axis
  std::vector<float> norm1 = {}, norm1_bias = {};  ///< [side * side * 3]
  std::vector<float> dense = {}, dense_bias = {};  ///< [width, side * side * 3], [width]
  std::vector<float> norm2 = {}, norm2_bias = {};  ///< [width]
  std::vector<float> table = {};                   ///< [2, places, width]: columns, then rows
  std::vector<float> norm3 = {}, norm3_bias = {};  ///< [width]
  std::vector<float> projection = {};              ///< [hidden, width]

  int patch_values() const { return side * side * 3; }
};

/// Gemma 4's patch embedder: each 48x48 patch becomes one soft token by norms and two matrices; no
/// attention. Matrices stay in the checkpoint, which outlives the embedder.
class VisionEmbedder {
 public:
  /// hidden: width of the decoder. Errors: corrupt, naming the tensor that is missing or does not
  /// fit (also when the file belongs to a model of another width).
  static base::Result<VisionEmbedder> bind(const TensorSource& tensors, int hidden);
  /// Whether `tensors` has one.
  static bool present(const TensorSource& tensors);

  /// Scales the picture to its grid, cuts it into patches and embeds them. Errors: as patch_grid.
  base::Result<SoftTokens> embed(const media::Pixels& picture, int budget, PixelScale scale,
                                 ThreadPool& pool) const;

  /// grid.tokens() patches, [n, side * side * 3] f32, row by row of the grid; inside a patch
  /// [row, column, channel]. Overwrites `patches`. Returns [n, hidden].
  std::vector<float> embed_patches(std::vector<float>& patches, PatchGrid grid,
                                   ThreadPool& pool) const;

  int side() const { return side_; }      ///< pixels of a patch
  int places() const { return places_; }  ///< most columns and rows of a grid
  VisionWeights weights() const;

 private:
  VisionEmbedder() = default;
  int side_ = 0, width_ = 0, hidden_ = 0, places_ = 0;
  bool channels_first_ = false;  // order of the first norm and of the columns of dense_
  std::vector<float> norm1_, norm1_bias_, norm2_, norm2_bias_, norm3_, norm3_bias_, dense_bias_;
  std::vector<float> column_places_, row_places_;  // [places, width]
  Matrix dense_, projection_;
};

}  // namespace model
