// Scenes on a Cairo surface: outlines filled and stroked, text laid out by Pango. Colours are
// parsed once per run of equal items.
#include "tools/vega/paint.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>

#include "tools/vega/bounds.h"
#include "tools/vega/color.h"
#include "tools/vega/font.h"
#include "tools/vega/read.h"
#include "tools/vega/vega.h"

namespace tools::vega {

Gradient read_gradient(const std::string& source) {
  Gradient gradient;
  const json value = json::parse(source, nullptr, false);
  if (!value.is_object()) return gradient;
  gradient.radial = text(value, "gradient") == "radial";
  gradient.x1 = number(value, "x1", gradient.radial ? 0.5 : 0),
  gradient.y1 = number(value, "y1", gradient.radial ? 0.5 : 0);
  gradient.x2 = number(value, "x2", gradient.radial ? 0.5 : 1),
  gradient.y2 = number(value, "y2", gradient.radial ? 0.5 : 0);
  gradient.r1 = number(value, "r1", 0), gradient.r2 = number(value, "r2", 0.5);
  const json& stops = get(value, "stops");
  if (stops.is_array())
    for (const json& stop : stops)
      gradient.stops.emplace_back(std::clamp(number(stop, "offset", 0), 0.0, 1.0),
                                  text(stop, "color", "black"));
  return gradient;
}

std::vector<const Mark*> drawing_order(const std::vector<Mark>& marks) {
  std::vector<const Mark*> order;
  for (const Mark& mark : marks) order.push_back(&mark);
  std::stable_sort(order.begin(), order.end(),
                   [](const Mark* a, const Mark* b) { return a->zindex < b->zindex; });
  return order;
}

namespace {

class Painter {
 public:
  explicit Painter(cairo_t* cairo) : cairo_(cairo) {
    layout_ = pango_cairo_create_layout(cairo);
    PangoContext* context = pango_layout_get_context(layout_);
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(context, options);
    cairo_font_options_destroy(options);
  }
  ~Painter() { g_object_unref(layout_); }
  Painter(const Painter&) = delete;
  Painter& operator=(const Painter&) = delete;

  void group(const Group& group, int depth) {
    if (depth > 64) return;
    cairo_save(cairo_);
    cairo_translate(cairo_, group.item.x, group.item.y);
    Item frame = group.item;
    frame.x = frame.y = 0;
    if (frame.width > 0 && frame.height > 0 && (!frame.fill.empty() || !frame.stroke.empty())) {
      // Half a unit off, so that a frame of one unit is sharp, as axes are.
      cairo_save(cairo_);
      cairo_translate(cairo_, 0.5, 0.5);
      fill_and_stroke(rect_path(frame, group.style), frame, group.style, frame.width, frame.height,
                      0, 0);
      cairo_restore(cairo_);
    }
    if (group.clip) {
      cairo_rectangle(cairo_, 0, 0, group.item.width, group.item.height);
      cairo_clip(cairo_);
    }
    for (const Mark* mark : drawing_order(group.marks)) this->mark(*mark, depth);
    cairo_restore(cairo_);
  }

 private:
  void mark(const Mark& mark, int depth) {
    switch (mark.type) {
      case MarkType::group:
        for (const Group& group : mark.groups) this->group(group, depth + 1);
        return;
      case MarkType::line:
      case MarkType::area:
      case MarkType::trail:
        series(mark);
        return;
      default:
        for (const Item& item : mark.items)
          if (item.opacity > 0 && std::isfinite(item.x) && std::isfinite(item.y)) one(mark, item);
    }
  }

  void one(const Mark& mark, const Item& item) {
    const Style& style = mark.style_of(item);
    switch (mark.type) {
      case MarkType::rect:
        if (!std::isfinite(item.width) || !std::isfinite(item.height)) return;
        fill_and_stroke(rect_path(item, style), item, style, item.width, item.height, item.x,
                        item.y);
        return;
      case MarkType::rule: {
        Path path;
        path.move(item.x, item.y);
        path.line(item.x2, item.y2);
        fill_and_stroke(path, item, style, 1, 1, item.x, item.y);
        return;
      }
      case MarkType::symbol: {
        if (style.shape != shape_ || item.size != size_) {
          symbol_ = symbol_path(style.shape, item.size);
          shape_ = style.shape, size_ = item.size;
        }
        cairo_save(cairo_);
        cairo_translate(cairo_, item.x, item.y);
        if (item.angle != 0) cairo_rotate(cairo_, item.angle * M_PI / 180);
        const double r = std::sqrt(std::max(0.0, item.size));
        fill_and_stroke(symbol_, item, style, r, r, -r / 2, -r / 2);
        cairo_restore(cairo_);
        return;
      }
      case MarkType::arc: {
        cairo_save(cairo_);
        cairo_translate(cairo_, item.x, item.y);
        const double r = style.outer_radius;
        fill_and_stroke(arc_path(style), item, style, 2 * r, 2 * r, -r, -r);
        cairo_restore(cairo_);
        return;
      }
      case MarkType::text:
        words(item, style);
        return;
      default:
        return;
    }
  }

  void series(const Mark& mark) {
    const Item* first = nullptr;
    for (const Item& item : mark.items)
      if (item.defined && first == nullptr) first = &item;
    if (first == nullptr) first = mark.items.empty() ? nullptr : &mark.items[0];
    if (first == nullptr || first->opacity <= 0) return;
    const Style& style = mark.style_of(*first);
    std::vector<Item> finite;
    finite.reserve(mark.items.size());
    for (const Item& item : mark.items) {
      finite.push_back(Item());
      Item& copy = finite.back();
      copy.x = item.x, copy.y = item.y, copy.x2 = item.x2, copy.y2 = item.y2, copy.size = item.size;
      copy.defined = item.defined && std::isfinite(item.x) && std::isfinite(item.y) &&
                     std::isfinite(item.x2) && std::isfinite(item.y2);
    }
    const Path path = mark.type == MarkType::line   ? line_path(finite, style)
                      : mark.type == MarkType::area ? area_path(finite, style)
                                                    : trail_path(finite);
    double x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;
    for (const Path::Command& c : path.commands)
      if (c.kind != 'Z')
        x1 = std::min(x1, c.x), x2 = std::max(x2, c.x), y1 = std::min(y1, c.y),
        y2 = std::max(y2, c.y);
    if (mark.type == MarkType::trail) cairo_set_fill_rule(cairo_, CAIRO_FILL_RULE_WINDING);
    fill_and_stroke(path, *first, style, x2 - x1, y2 - y1, x1, y1);
  }

  void trace(const Path& path) {
    cairo_new_path(cairo_);
    for (const Path::Command& c : path.commands) {
      if (c.kind == 'M') cairo_move_to(cairo_, c.x, c.y);
      if (c.kind == 'L') cairo_line_to(cairo_, c.x, c.y);
      if (c.kind == 'C') cairo_curve_to(cairo_, c.x1, c.y1, c.x2, c.y2, c.x, c.y);
      if (c.kind == 'Z') cairo_close_path(cairo_);
    }
  }

  // False where the paint is none.
  bool source(const std::string& paint, double alpha, double width, double height, double x,
              double y) {
    if (paint.empty() || paint == "transparent" || paint == "none" || alpha <= 0) return false;
    if (paint[0] == '{') {
      const Gradient gradient = read_gradient(paint);
      if (gradient.stops.empty()) return false;
      const double size = std::max(width, height);
      cairo_pattern_t* pattern =
          gradient.radial
              ? cairo_pattern_create_radial(x + gradient.x1 * width, y + gradient.y1 * height,
                                            gradient.r1 * size, x + gradient.x2 * width,
                                            y + gradient.y2 * height, gradient.r2 * size)
              : cairo_pattern_create_linear(x + gradient.x1 * width, y + gradient.y1 * height,
                                            x + gradient.x2 * width, y + gradient.y2 * height);
      for (const auto& [offset, color] : gradient.stops)
        if (const auto c = parse_color(color))
          cairo_pattern_add_color_stop_rgba(pattern, offset, c->r / 255, c->g / 255, c->b / 255,
                                            c->opacity * alpha);
      cairo_set_source(cairo_, pattern);
      cairo_pattern_destroy(pattern);
      return true;
    }
    if (paint != color_text_) {
      color_ = parse_color(paint);
      color_text_ = paint;
    }
    if (!color_) return false;
    cairo_set_source_rgba(cairo_, color_->r / 255, color_->g / 255, color_->b / 255,
                          color_->opacity * alpha);
    return true;
  }

  void fill_and_stroke(const Path& path, const Item& item, const Style& style, double width,
                       double height, double x, double y) {
    if (path.commands.empty()) return;
    trace(path);
    const bool line = style.shape == "stroke";
    if (!line && source(item.fill, item.opacity * item.fill_opacity, width, height, x, y))
      cairo_fill_preserve(cairo_);
    if (item.stroke_width > 0 &&
        source(item.stroke, item.opacity * item.stroke_opacity, width, height, x, y)) {
      cairo_set_line_width(cairo_, item.stroke_width);
      cairo_set_line_cap(cairo_, style.cap == "round"    ? CAIRO_LINE_CAP_ROUND
                                 : style.cap == "square" ? CAIRO_LINE_CAP_SQUARE
                                                         : CAIRO_LINE_CAP_BUTT);
      cairo_set_line_join(cairo_, style.join == "round"   ? CAIRO_LINE_JOIN_ROUND
                                  : style.join == "bevel" ? CAIRO_LINE_JOIN_BEVEL
                                                          : CAIRO_LINE_JOIN_MITER);
      cairo_set_miter_limit(cairo_, 4);
      if (!style.dash.empty())
        cairo_set_dash(cairo_, style.dash.data(), static_cast<int>(style.dash.size()),
                       style.dash_offset);
      cairo_stroke_preserve(cairo_);
      if (!style.dash.empty()) cairo_set_dash(cairo_, nullptr, 0, 0);
    }
    cairo_new_path(cairo_);
  }

  void words(const Item& item, const Style& style) {
    if (item.text.empty() || style.font_size <= 0) return;
    if (!source(item.fill, item.opacity * item.fill_opacity, 1, 1, 0, 0)) return;
    set_font(layout_, style);
    double ax = item.x, ay = item.y;
    if (style.radius != 0) {
      ax += style.radius * std::cos(style.theta - M_PI / 2);
      ay += style.radius * std::sin(style.theta - M_PI / 2);
    }
    cairo_save(cairo_);
    cairo_translate(cairo_, ax, ay);
    if (item.angle != 0) cairo_rotate(cairo_, item.angle * M_PI / 180);
    const double line_height = style.line_height > 0 ? style.line_height : style.font_size + 2;
    double y = style.dy + baseline_offset(style);
    size_t start = 0;
    while (true) {
      const size_t end = item.text.find('\n', start);
      std::string line = item.text.substr(start, end == std::string::npos ? end : end - start);
      pango_layout_set_text(layout_, line.c_str(), static_cast<int>(line.size()));
      int width = 0, height = 0;
      pango_layout_get_size(layout_, &width, &height);
      if (style.limit > 0 && width > style.limit * PANGO_SCALE) {
        pango_layout_set_width(layout_, static_cast<int>(style.limit * PANGO_SCALE));
        pango_layout_set_ellipsize(layout_, PANGO_ELLIPSIZE_END);
        pango_layout_get_size(layout_, &width, &height);
      }
      const double w = static_cast<double>(width) / PANGO_SCALE;
      const double x = style.dx - (style.align == "center"  ? w / 2
                                   : style.align == "right" ? w
                                                            : 0);
      cairo_move_to(cairo_, x,
                    y - static_cast<double>(pango_layout_get_baseline(layout_)) / PANGO_SCALE);
      pango_cairo_show_layout(cairo_, layout_);
      pango_layout_set_width(layout_, -1);
      pango_layout_set_ellipsize(layout_, PANGO_ELLIPSIZE_NONE);
      if (end == std::string::npos) break;
      start = end + 1;
      y += line_height;
    }
    cairo_new_path(cairo_);
    cairo_restore(cairo_);
  }

  void set_font(PangoLayout* layout, const Style& style) {
    if (style.font == font_ && style.font_size == font_size_ && style.font_weight == weight_ &&
        style.font_style == slant_)
      return;
    font_ = style.font, font_size_ = style.font_size, weight_ = style.font_weight,
    slant_ = style.font_style;
    set_layout_font(layout, style);
  }

  cairo_t* cairo_;
  PangoLayout* layout_;
  std::string color_text_ = "\1";
  std::optional<Color> color_;
  std::string shape_ = "\1";
  double size_ = -1;
  Path symbol_;
  std::string font_ = "\1", weight_, slant_;
  double font_size_ = -1;
};

}  // namespace

void paint(cairo_t* cairo, const Scene& scene) {
  if (const auto background = parse_color(scene.background)) {
    cairo_set_source_rgba(cairo, background->r / 255, background->g / 255, background->b / 255,
                          background->opacity);
    cairo_paint(cairo);
  }
  cairo_save(cairo);
  cairo_translate(cairo, scene.origin_x, scene.origin_y);
  Painter(cairo).group(scene.root, 0);
  cairo_restore(cairo);
}

base::Result<std::string> png(const Scene& scene, double scale) {
  const double w = std::ceil(scene.width * scale), h = std::ceil(scene.height * scale);
  if (!(w >= 1 && h >= 1))
    return base::Error{base::Errc::usage, "the chart is empty: its size is 0"};
  if (w > 32000 || h > 32000 || w * h > 1e8)
    return base::Error{base::Errc::limit, "the picture would be larger than 100 million pixels"};
  cairo_surface_t* surface =
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(w), static_cast<int>(h));
  if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
    cairo_surface_destroy(surface);
    return base::Error{base::Errc::internal, "no memory for the picture"};
  }
  cairo_t* cairo = cairo_create(surface);
  // Without a background the picture is white: PNGs here have no transparency.
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  cairo_scale(cairo, scale, scale);
  paint(cairo, scene);
  const bool good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy(cairo);
  cairo_surface_flush(surface);
  std::string bytes;
  if (good)
    bytes = encode_rgb_png(cairo_image_surface_get_data(surface), static_cast<int>(w),
                           static_cast<int>(h), cairo_image_surface_get_stride(surface));
  cairo_surface_destroy(surface);
  if (bytes.empty()) return base::Error{base::Errc::internal, "the picture could not be painted"};
  return bytes;
}

static cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

base::Result<std::string> pdf(const Scene& scene) {
  if (!(scene.width > 0 && scene.height > 0))
    return base::Error{base::Errc::usage, "the chart is empty: its size is 0"};
  std::string bytes;
  // A scene unit is a CSS pixel: 1/96 inch, where PDF counts in 1/72.
  cairo_surface_t* surface =
      cairo_pdf_surface_create_for_stream(append, &bytes, scene.width * 0.75, scene.height * 0.75);
  // A fixed date keeps the bytes the same every time.
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
  cairo_t* cairo = cairo_create(surface);
  cairo_scale(cairo, 0.75, 0.75);
  paint(cairo, scene);
  cairo_show_page(cairo);
  const bool good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  cairo_surface_destroy(surface);
  if (!good) return base::Error{base::Errc::internal, "the picture could not be painted"};
  return bytes;
}

}  // namespace tools::vega
