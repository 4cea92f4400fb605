#pragma once

#include <cstdint>
#include <vector>

#include "media/image.h"

namespace media {

/// Resamples to width x height with the antialiased bicubic filter (a = -0.5), bit for bit as
/// torchvision does for uint8 on the CPU: rows first, then columns, 8 bits between, 16-bit weights.
/// A side that keeps its length is not touched. pixels: not empty; width, height: at least 1.
/// Source: docs of torchvision.transforms.v2.functional.resize(antialias=True); Pillow's
/// Resample.c, of which it is a descendant (with the passes always in this order).
Pixels resize_bicubic(const Pixels& pixels, int width, int height);

/// The weights of one pass, from `n` samples to `m`.
struct ResizePass {
  struct Output {
    int first = 0;       ///< the first input sample that counts
    int n_weights = 0;   ///< how many do
    size_t weights = 0;  ///< where its weights start in `weights`
  };
  int precision = 0;             ///< a weight of 1 is 2^precision; at most 22
  std::vector<Output> outputs;   ///< [m]
  std::vector<int16_t> weights;  ///< of all outputs, one after the other
};

/// Source: as resize_bicubic. n, m: at least 1.
ResizePass resize_pass(int n, int m);

}  // namespace media
