#include "tools/vega/font.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace tools::vega {

void set_layout_font(PangoLayout* layout, const Style& style) {
  PangoFontDescription* description = pango_font_description_new();
  pango_font_description_set_family(description,
                                    style.font.empty() ? "sans-serif" : style.font.c_str());
  pango_font_description_set_absolute_size(description,
                                           std::clamp(style.font_size, 0.1, 1000.0) * PANGO_SCALE);
  if (style.font_weight == "bold" || style.font_weight == "bolder")
    pango_font_description_set_weight(description, PANGO_WEIGHT_BOLD);
  else if (!style.font_weight.empty() &&
           std::isdigit(static_cast<unsigned char>(style.font_weight[0])))
    pango_font_description_set_weight(
        description,
        static_cast<PangoWeight>(std::clamp(std::atoi(style.font_weight.c_str()), 100, 1000)));
  if (style.font_style == "italic" || style.font_style == "oblique")
    pango_font_description_set_style(description, PANGO_STYLE_ITALIC);
  pango_layout_set_font_description(layout, description);
  pango_font_description_free(description);
}

}  // namespace tools::vega
