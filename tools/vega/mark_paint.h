#pragma once

#include <string>
#include <vector>

#include "tools/vega/model.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// What all items of a unit have in common: the paint and form that the mark's definition, its
/// styles and the configuration give them, in that order.
struct MarkPaint {
  Item base;
  Style style;
  bool filled = true;                         ///< the channel "color" fills
  bool own_fill = false, own_stroke = false;  ///< the definition's own are stronger than "color"
  std::string line_break;                     ///< of texts
  std::vector<std::string> per_row;  ///< properties of texts that are expressions over the row
};
MarkPaint read_mark_paint(const View& view, const json& config);

/// Sets the dashes of a style; nothing where `dash` is no list of lengths.
void set_dash(Style& style, const json& dash);

}  // namespace tools::vega
