#pragma once

#include <string_view>

#include "media/image.h"

namespace media {

/// The EXIF orientation (1 to 8) that a PNG, JPEG or WebP file carries; 1, upright, if it has none
/// or one that cannot be read. Looks only at `bytes`, allocates nothing.
/// Source: EXIF 2.32, tag 0x0112.
int orientation_of(std::string_view bytes);

/// Turns a stored picture upright.
/// orientation: 1 as it is, 2 mirrored, 3 upside down, 4 flipped, 5 transposed, 6 to be turned
/// right, 7 transposed about the other diagonal, 8 to be turned left. 5 to 8 swap the sides.
Pixels oriented(Pixels pixels, int orientation);

}  // namespace media
