// Scenes on a Cairo surface: outlines filled and stroked, text laid out by Pango. Colours are
// parsed once per run of equal items. Marks of many symbols are copied from sprites where the
// surface is one of pixels.
#include "tools/vega/paint.h"

#include <cairo.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>

#include "tools/vega/bounds.h"
#include "tools/vega/color.h"
#include "tools/vega/font.h"
#include "tools/vega/outline.h"
#include "tools/vega/read.h"
#include "tools/vega/sprites.h"

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
  Painter(cairo_t* cairo, Painting how) : cairo_(cairo), how_(how) {
    cairo_surface_t* surface = cairo_get_target(cairo);
    on_pixels_ = cairo_surface_get_type(surface) == CAIRO_SURFACE_TYPE_IMAGE &&
                 cairo_image_surface_get_format(surface) == CAIRO_FORMAT_RGB24;
    if (on_pixels_) {
      canvas_.first = reinterpret_cast<uint32_t*>(cairo_image_surface_get_data(surface));
      canvas_.stride = static_cast<size_t>(cairo_image_surface_get_stride(surface)) / 4;
      canvas_.x2 = cairo_image_surface_get_width(surface);
      canvas_.y2 = cairo_image_surface_get_height(surface);
    }
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
    const Canvas around = canvas_;
    if (group.clip) {
      clip_canvas(group.item.width, group.item.height);
      cairo_rectangle(cairo_, 0, 0, group.item.width, group.item.height);
      cairo_clip(cairo_);
    }
    for (const Mark* mark : drawing_order(group.marks)) this->mark(*mark, depth);
    canvas_ = around;
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
      case MarkType::symbol:
        if (on_pixels_ && mark.items.size() >= kManySymbols) return many_symbols(mark);
        [[fallthrough]];
      default:
        for (const Item& item : mark.items)
          if (visible(item)) one(mark, item);
    }
  }

  static bool visible(const Item& item) {
    return item.opacity > 0 && std::isfinite(item.x) && std::isfinite(item.y);
  }

  // Only whole pixels inside of the clip count.
  void clip_canvas(double width, double height) {
    double x1 = 0, y1 = 0, x2 = width, y2 = height;
    cairo_user_to_device(cairo_, &x1, &y1);
    cairo_user_to_device(cairo_, &x2, &y2);
    const auto pixel = [](double value, int low, int high) {
      return static_cast<int>(
          std::clamp(value, static_cast<double>(low), static_cast<double>(high)));
    };
    canvas_.x1 = pixel(std::ceil(x1), canvas_.x1, canvas_.x2);
    canvas_.y1 = pixel(std::ceil(y1), canvas_.y1, canvas_.y2);
    canvas_.x2 = pixel(std::floor(x2), canvas_.x1, canvas_.x2);
    canvas_.y2 = pixel(std::floor(y2), canvas_.y1, canvas_.y2);
  }

  // Symbols of which there are so many that their centres are moved to eighths of a pixel.
  void many_symbols(const Mark& mark) {
    cairo_matrix_t matrix;
    cairo_get_matrix(cairo_, &matrix);
    Sprites sprites(matrix.xx);
    cairo_surface_t* surface = cairo_get_target(cairo_);
    cairo_surface_flush(surface);
    const auto paint = [&](const std::string& text, double alpha) -> std::optional<uint32_t> {
      if (!plain_color(text, alpha)) return std::nullopt;
      return premultiplied(color_->r / 255, color_->g / 255, color_->b / 255,
                           color_->opacity * alpha);
    };
    for (const Item& item : mark.items) {
      if (!visible(item)) continue;
      const Style& style = mark.style_of(item);
      const double x = std::round((item.x * matrix.xx + matrix.x0) * kSubPixels) / kSubPixels;
      const double y = std::round((item.y * matrix.yy + matrix.y0) * kSubPixels) / kSubPixels;
      const bool gradient = (!item.fill.empty() && item.fill[0] == '{') ||
                            (!item.stroke.empty() && item.stroke[0] == '{');
      if (how_ == Painting::quick && !gradient) {
        const auto fill = style.shape == "stroke"
                              ? std::nullopt
                              : paint(item.fill, item.opacity * item.fill_opacity);
        const auto stroke = item.stroke_width > 0
                                ? paint(item.stroke, item.opacity * item.stroke_opacity)
                                : std::nullopt;
        if (sprites.draw(canvas_, item, style, x, y, fill, stroke)) continue;
      }
      cairo_matrix_t moved = matrix;
      moved.x0 = x, moved.y0 = y;
      cairo_surface_mark_dirty(surface);
      cairo_set_matrix(cairo_, &moved);
      symbol(item, style);
      cairo_surface_flush(surface);
    }
    cairo_set_matrix(cairo_, &matrix);
    cairo_surface_mark_dirty(surface);
  }

  // A symbol with its centre at (0, 0).
  void symbol(const Item& item, const Style& style) {
    if (style.shape != shape_ || item.size != size_) {
      symbol_ = symbol_path(style.shape, item.size);
      shape_ = style.shape, size_ = item.size;
    }
    if (item.angle != 0) cairo_rotate(cairo_, item.angle * M_PI / 180);
    const double r = std::sqrt(std::max(0.0, item.size));
    fill_and_stroke(symbol_, item, style, r, r, -r / 2, -r / 2);
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
        cairo_save(cairo_);
        cairo_translate(cairo_, item.x, item.y);
        symbol(item, style);
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

  // Parses a colour into color_; false where nothing is drawn.
  bool plain_color(const std::string& paint, double alpha) {
    if (paint.empty() || paint == "transparent" || paint == "none" || alpha <= 0) return false;
    if (paint != color_text_) {
      color_ = parse_color(paint);
      color_text_ = paint;
    }
    return color_.has_value();
  }

  // False where the paint is none.
  bool source(const std::string& paint, double alpha, double width, double height, double x,
              double y) {
    if (!paint.empty() && paint[0] == '{' && alpha > 0) {
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
    if (!plain_color(paint, alpha)) return false;
    cairo_set_source_rgba(cairo_, color_->r / 255, color_->g / 255, color_->b / 255,
                          color_->opacity * alpha);
    return true;
  }

  void fill_and_stroke(const Path& path, const Item& item, const Style& style, double width,
                       double height, double x, double y) {
    if (path.commands.empty()) return;
    trace(cairo_, path);
    const bool line = style.shape == "stroke";
    if (!line && source(item.fill, item.opacity * item.fill_opacity, width, height, x, y))
      cairo_fill_preserve(cairo_);
    if (item.stroke_width > 0 &&
        source(item.stroke, item.opacity * item.stroke_opacity, width, height, x, y)) {
      set_line(cairo_, style, item.stroke_width);
      cairo_stroke_preserve(cairo_);
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
      const std::string line(drawable(
          std::string_view(item.text).substr(start, end == std::string::npos ? end : end - start)));
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
  Painting how_;
  bool on_pixels_ = false;
  Canvas canvas_;
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

void paint(cairo_t* cairo, const Scene& scene, Painting how) {
  if (const auto background = parse_color(scene.background)) {
    cairo_set_source_rgba(cairo, background->r / 255, background->g / 255, background->b / 255,
                          background->opacity);
    cairo_paint(cairo);
  }
  cairo_save(cairo);
  cairo_translate(cairo, scene.origin_x, scene.origin_y);
  Painter(cairo, how).group(scene.root, 0);
  cairo_restore(cairo);
}

}  // namespace tools::vega
