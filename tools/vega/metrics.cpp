// Widths of text in the installed fonts.
#include <pango/pangocairo.h>

#include <unordered_map>

#include "tools/vega/bounds.h"
#include "tools/vega/font.h"

namespace tools::vega {
namespace {

class PangoText : public TextMetrics {
 public:
  PangoText() {
    PangoFontMap* fonts = pango_cairo_font_map_get_default();
    context_ = pango_font_map_create_context(fonts);
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context_, options);
    cairo_font_options_destroy(options);
    layout_ = pango_layout_new(context_);
  }
  ~PangoText() override {
    g_object_unref(layout_);
    g_object_unref(context_);
  }
  PangoText(const PangoText&) = delete;
  PangoText& operator=(const PangoText&) = delete;

  double width(std::string_view whole, const Style& style) const override {
    const std::string_view line = drawable(whole);
    std::string key(line);
    key += '\n';
    key += style.font + '\n' + style.font_weight + '\n' + style.font_style + '\n' +
           std::to_string(style.font_size);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    set_layout_font(layout_, style);
    pango_layout_set_text(layout_, line.data(), static_cast<int>(line.size()));
    int w = 0, h = 0;
    pango_layout_get_size(layout_, &w, &h);
    const double result = static_cast<double>(w) / PANGO_SCALE;
    if (known_.size() < 100000 && line.size() < 200) known_.emplace(std::move(key), result);
    return result;
  }

 private:
  PangoContext* context_;
  PangoLayout* layout_;
  mutable std::unordered_map<std::string, double> known_;
};

}  // namespace

std::unique_ptr<TextMetrics> pango_metrics() { return std::make_unique<PangoText>(); }

}  // namespace tools::vega
