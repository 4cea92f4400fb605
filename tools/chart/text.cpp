// Text is measured and painted with the same options: DejaVu Sans, no hinting, fractional glyph
// positions, gray antialiasing, one unit per pixel. So a width measured here is the width painted
// at any scale. Characters that DejaVu lacks come from whatever font fontconfig offers.

#include "tools/chart/text.h"

#include <pango/pangocairo.h>

#include "tools/chart/words.h"

namespace tools::chart {

PangoContext* make_context() {
  PangoFontMap* fonts = pango_cairo_font_map_get_default();  // one per thread, Pango's own
  PangoContext* context = pango_font_map_create_context(fonts);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(context, options);
  cairo_font_options_destroy(options);
  pango_cairo_context_set_resolution(context, 72);
  pango_context_set_round_glyph_positions(context, FALSE);
  pango_context_set_language(context, pango_language_from_string("en"));
  return context;
}

bool has_fonts() {
  PangoFontFamily** families = nullptr;
  int count = 0;
  pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
  g_free(families);
  return count > 0;
}

PangoLayout* make_layout(PangoContext* context, std::string_view text, const Font& font) {
  PangoLayout* layout = pango_layout_new(context);
  PangoFontDescription* description = pango_font_description_new();
  pango_font_description_set_family_static(description, "DejaVu Sans");
  pango_font_description_set_absolute_size(description, font.size * PANGO_SCALE);
  pango_font_description_set_weight(description,
                                    font.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description(layout, description);
  pango_font_description_free(description);
  pango_layout_set_single_paragraph_mode(layout, TRUE);
  pango_layout_set_text(layout, text.data(), static_cast<int>(text.size()));
  return layout;
}

TextRuler::TextRuler() : context_(make_context()) {}
TextRuler::~TextRuler() { g_object_unref(context_); }

double TextRuler::width(std::string_view line, const Font& font) {
  std::string key = std::to_string(font.size) + (font.bold ? "b" : "n");
  key += line;
  const auto known = widths_.find(key);
  if (known != widths_.end()) return known->second;
  PangoLayout* layout = make_layout(context_, line, font);
  int width = 0;
  int height = 0;
  pango_layout_get_size(layout, &width, &height);
  lacks_glyphs_ |= pango_layout_get_unknown_glyphs_count(layout) > 0;
  g_object_unref(layout);
  const double units = static_cast<double>(width) / PANGO_SCALE;
  widths_.emplace(std::move(key), units);
  return units;
}

Size TextRuler::size(std::string_view text, const Font& font) {
  Size size;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    size.width = std::max(size.width, width(text.substr(start, end - start), font));
    size.height += font.size * kLineHeight;
    start = end + 1;
  }
  return size;
}

std::string TextRuler::shorten(std::string_view line, const Font& font, double max_width) {
  if (width(line, font) <= max_width) return std::string(line);
  std::vector<size_t> starts;
  for (size_t i = 0; i < line.size(); i += point_bytes(line, i)) starts.push_back(i);
  // The longest prefix that fits: widths grow with the prefix, so halve.
  size_t low = 0;
  size_t high = starts.size();
  while (low + 1 < high) {
    const size_t middle = (low + high) / 2;
    const std::string candidate = std::string(line.substr(0, starts[middle])) + "…";
    (width(candidate, font) <= max_width ? low : high) = middle;
  }
  std::string prefix(line.substr(0, low == 0 ? 0 : starts[low]));
  while (!prefix.empty() && prefix.back() == ' ') prefix.pop_back();
  return prefix + "…";
}

std::string TextRuler::wrap(std::string_view line, const Font& font, double max_width,
                            int max_lines) {
  std::string out;
  std::string current;
  int lines = 1;
  for (size_t start = 0; start < line.size();) {
    // A piece ends after a space, '/' or '-'.
    size_t end = line.find_first_of(" /-", start);
    end = end == std::string_view::npos ? line.size() : end + 1;
    const std::string_view piece = line.substr(start, end - start);
    std::string joined = current + std::string(piece);
    const bool trailing_space = joined.back() == ' ';
    if (current.empty() || lines == max_lines ||
        width(std::string_view(joined).substr(0, joined.size() - (trailing_space ? 1 : 0)), font) <=
            max_width) {
      current = std::move(joined);
    } else {
      if (current.back() == ' ') current.pop_back();
      out += shorten(current, font, max_width) + "\n";
      ++lines;
      current = piece;
    }
    start = end;
  }
  if (!current.empty() && current.back() == ' ') current.pop_back();
  return out + shorten(current, font, max_width);
}

bool TextRuler::wraps(std::string_view line, const Font& font, double max_width, int max_lines) {
  // The source may itself hold an ellipsis, so compare the number of them.
  const auto count = [](std::string_view text) {
    int n = 0;
    for (size_t at = text.find("…"); at != std::string_view::npos; at = text.find("…", at + 1)) ++n;
    return n;
  };
  return count(wrap(line, font, max_width, max_lines)) == count(line);
}

}  // namespace tools::chart
