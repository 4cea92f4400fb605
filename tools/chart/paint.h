#pragma once

#include "base/result.h"
#include "media/image.h"
#include "tools/chart/scene.h"

namespace tools::chart {

/// Pixels of the file per unit of the scene.
inline constexpr int kPixelsPerUnit = 2;

struct Painting {
  media::Pixels pixels;
  bool blank = false;  ///< the marks and their value labels changed no pixel
};

/// Paints a scene on white.
/// Errors: internal (Cairo could not allocate).
base::Result<Painting> paint(const Scene& scene);

}  // namespace tools::chart
