#pragma once

#include <pango/pango.h>

#include "tools/vega/scene.h"

namespace tools::vega {

/// Gives a layout the font of a style, the same for measuring and for painting.
void set_layout_font(PangoLayout* layout, const Style& style);

}  // namespace tools::vega
