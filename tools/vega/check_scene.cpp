// The scene is laid flat first: every text as a turned box, every filled shape in the order of
// painting, every mark. Then texts are compared with the picture's edge, with each other and with
// what was painted below them.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/vega/check.h"
#include "tools/vega/color.h"
#include "tools/vega/paint.h"

namespace tools::vega {
namespace {

// More texts or shapes than these are looked at in samples, so that a chart of 100,000 points is
// checked as quickly as it is drawn.
constexpr size_t kMaxTexts = 5000;
constexpr size_t kMaxShapes = 20000;
constexpr size_t kMaxJudged = 1000;  // items of a mark whose colours are compared

// Below it, text cannot be read (WCAG 2 asks for 3:1 of large text) or marks cannot be seen.
constexpr double kTextContrast = 3;
constexpr double kMarkContrast = 1.2;

constexpr size_t kMaxSlices = 20;

struct Point {
  double x = 0, y = 0;
};

struct FlatText {
  std::array<Point, 4> corners;
  Box box;
  const Item* item = nullptr;
  const Style* style = nullptr;
  size_t order = 0;
  bool clipped = false;  // by a group
};

struct FlatMark {
  const Mark* mark = nullptr;
  double dx = 0, dy = 0;
  size_t order = 0;  // of its first item
};

// Something that may lie under a text or a mark.
struct Shape {
  Box box;
  const Mark* mark = nullptr;  // nullptr: the background of a group
  const Style* arc = nullptr;
  Point center;
  std::string fill;
  double opacity = 1;
  bool symbol = false;
  size_t order = 0;
};

bool shows(const std::string& paint, double opacity) {
  if (paint.empty() || opacity <= 0) return false;
  if (paint[0] == '{') return true;
  const std::optional<Color> color = parse_color(paint);
  return color && color->opacity > 0;
}

class Flat {
 public:
  Flat(const Scene& scene, const TextMetrics& metrics) : metrics_(metrics) {
    picture = {0, 0, scene.width, scene.height};
    group(scene.root, scene.origin_x, scene.origin_y, nullptr, 0);
  }

  Box picture;
  std::vector<FlatText> texts;
  std::vector<FlatMark> marks;
  std::vector<Shape> shapes;

 private:
  // Views nest 32 deep at most, and their scopes twice that.
  static constexpr int kMaxDepth = 200;

  void group(const Group& g, double dx, double dy, const Box* clip, int depth) {
    if (depth > kMaxDepth) return;
    Box own{dx, dy, dx + g.item.width, dy + g.item.height};
    shape(nullptr, own, g.item);
    if (g.clip) clip = &own;
    for (const Mark* mark : drawing_order(g.marks)) {
      marks.push_back({mark, dx, dy, order_});
      if (mark->type == MarkType::group) {
        for (const Group& child : mark->groups)
          group(child, dx + child.item.x, dy + child.item.y, clip, depth + 1);
        continue;
      }
      for (const Item& item : mark->items) {
        ++order_;
        if (mark->type == MarkType::text)
          text(*mark, item, dx, dy, clip);
        else if (mark->type == MarkType::rect || mark->type == MarkType::arc ||
                 mark->type == MarkType::symbol)
          shape(mark, item_bounds(*mark, item, metrics_).moved(dx, dy), item,
                {item.x + dx, item.y + dy});
      }
    }
  }

  void shape(const Mark* mark, const Box& box, const Item& item, Point center = {}) {
    const double opacity = static_cast<double>(item.opacity) * item.fill_opacity;
    if (shapes.size() >= kMaxShapes || !shows(item.fill, opacity)) return;
    if (box.width() <= 0 || box.height() <= 0) return;
    Shape s{.box = box,
            .mark = mark,
            .arc = nullptr,
            .center = center,
            .fill = item.fill,
            .opacity = opacity,
            .symbol = false,
            .order = order_};
    if (mark != nullptr && mark->type == MarkType::arc) s.arc = &mark->style_of(item);
    s.symbol = mark != nullptr && mark->type == MarkType::symbol;
    shapes.push_back(std::move(s));
  }

  void text(const Mark& mark, const Item& item, double dx, double dy, const Box* clip) {
    if (item.text.find_first_not_of(" \n") == item.text.npos || texts.size() >= kMaxTexts) return;
    if (!shows(item.fill, static_cast<double>(item.opacity) * item.fill_opacity) ||
        !std::isfinite(item.x) || !std::isfinite(item.y))
      return;
    const Style& style = mark.style_of(item);
    Item flat = item;
    flat.angle = 0;
    const Box box = text_bounds(flat, style, metrics_);
    double ax = item.x, ay = item.y;
    if (style.radius != 0) {
      ax += style.radius * std::cos(style.theta - M_PI / 2);
      ay += style.radius * std::sin(style.theta - M_PI / 2);
    }
    const double a = item.angle * M_PI / 180, c = std::cos(a), s = std::sin(a);
    FlatText t{.corners = {}, .box = {}, .item = &item, .style = &style, .order = order_};
    const Point corners[] = {
        {box.x1, box.y1}, {box.x2, box.y1}, {box.x2, box.y2}, {box.x1, box.y2}};
    for (size_t i = 0; i < 4; ++i) {
      const double px = corners[i].x - ax, py = corners[i].y - ay;
      t.corners[i] = {dx + ax + px * c - py * s, dy + ay + px * s + py * c};
      t.box.add(t.corners[i].x, t.corners[i].y);
    }
    t.clipped = clip != nullptr && (t.box.x1 < clip->x1 - 1 || t.box.x2 > clip->x2 + 1 ||
                                    t.box.y1 < clip->y1 - 1 || t.box.y2 > clip->y2 + 1);
    texts.push_back(t);
  }

  const TextMetrics& metrics_;
  size_t order_ = 0;
};

std::string excerpt(const std::string& text) {
  std::string line = utf16_length(text) > 60 ? utf16_substring(text, 0, 60) + "…" : text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  return "\"" + line + "\"";
}

void report_labels(std::vector<Finding>& findings, const char* code, size_t count,
                   const FlatText* first, const char* what) {
  if (count == 0) return;
  findings.push_back({code,
                      std::to_string(count) + (count == 1 ? " label " : " labels ") + what +
                          ", such as " + excerpt(first->item->text),
                      "", first->box});
}

// Separating axes: two turned boxes overlap unless they are apart along a side of one of them.
bool overlap(const FlatText& a, const FlatText& b) {
  constexpr double kSlack = 1;  // the box of a line is a little higher than its letters
  for (const FlatText* t : {&a, &b})
    for (const size_t side : {size_t{1}, size_t{3}}) {
      double ux = t->corners[side].x - t->corners[0].x, uy = t->corners[side].y - t->corners[0].y;
      const double length = std::hypot(ux, uy);
      if (length <= 0) return false;
      ux /= length, uy /= length;
      double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
      for (int k = 0; k < 2; ++k)
        for (const Point& p : (k == 0 ? a : b).corners) {
          lo[k] = std::min(lo[k], p.x * ux + p.y * uy);
          hi[k] = std::max(hi[k], p.x * ux + p.y * uy);
        }
      if (lo[0] + kSlack >= hi[1] || lo[1] + kSlack >= hi[0]) return false;
    }
  return true;
}

void check_labels(const Flat& flat, const TextMetrics& metrics, std::vector<Finding>& findings) {
  size_t clipped = 0, shortened = 0, overlapping = 0;
  const FlatText *first_clipped = nullptr, *first_shortened = nullptr, *first_overlapping = nullptr;
  std::vector<const FlatText*> sorted;
  for (const FlatText& t : flat.texts) {
    constexpr double kSlack = 1;
    const Box& p = flat.picture;
    if (t.clipped || t.box.x1 < p.x1 - kSlack || t.box.y1 < p.y1 - kSlack ||
        t.box.x2 > p.x2 + kSlack || t.box.y2 > p.y2 + kSlack) {
      if (clipped++ == 0) first_clipped = &t;
    }
    if (t.style->limit > 0 &&
        truncated(t.item->text, t.style->limit, *t.style, metrics) != t.item->text)
      if (shortened++ == 0) first_shortened = &t;
    sorted.push_back(&t);
  }
  // Sorted by their top, only neighbours can overlap.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const FlatText* a, const FlatText* b) { return a->box.y1 < b->box.y1; });
  for (size_t i = 0; i < sorted.size(); ++i)
    for (size_t j = i + 1; j < sorted.size() && sorted[j]->box.y1 < sorted[i]->box.y2; ++j) {
      const FlatText &a = *sorted[i], &b = *sorted[j];
      // The same words at the same place are one label, drawn twice (a rim around its letters).
      if (a.item->text == b.item->text && std::abs(a.box.x1 - b.box.x1) < 1 &&
          std::abs(a.box.y1 - b.box.y1) < 1)
        continue;
      if (overlap(a, b) && overlapping++ == 0) first_overlapping = &b;
    }
  report_labels(findings, "clipped_label", clipped, first_clipped, "outside the picture");
  report_labels(findings, "overlapping_labels", overlapping, first_overlapping,
                "overlapping another");
  report_labels(findings, "shortened_label", shortened, first_shortened, "shortened");
}

// ---- contrast

Color over(const Color& below, const Color& above, double opacity) {
  const double a = std::clamp(above.opacity * opacity, 0.0, 1.0);
  return {below.r + (above.r - below.r) * a, below.g + (above.g - below.g) * a,
          below.b + (above.b - below.b) * a, 1};
}

double luminance(const Color& color) {
  const auto linear = [](double channel) {
    const double c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
}

double contrast(const Color& a, const Color& b) {
  const double la = luminance(a), lb = luminance(b);
  return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

bool covers(const Shape& shape, const Point& p) {
  if (p.x < shape.box.x1 || p.x > shape.box.x2 || p.y < shape.box.y1 || p.y > shape.box.y2)
    return false;
  const double dx = p.x - shape.center.x, dy = p.y - shape.center.y;
  if (shape.symbol) return std::hypot(dx, dy) <= shape.box.width() / 2;
  if (shape.arc == nullptr) return true;
  const double radius = std::hypot(dx, dy);
  if (radius < std::min(shape.arc->inner_radius, shape.arc->outer_radius) ||
      radius > std::max(shape.arc->inner_radius, shape.arc->outer_radius))
    return false;
  const double turn = 2 * M_PI;
  const double lo = std::min(shape.arc->start_angle, shape.arc->end_angle);
  const double hi = std::max(shape.arc->start_angle, shape.arc->end_angle);
  const double angle = std::fmod(std::fmod(std::atan2(dx, -dy) - lo, turn) + turn, turn);
  return angle <= hi - lo;
}

// The colour at `p` before what is painted at `order`. A mark is not seen against its own items,
// nor against points. nullopt where a gradient lies there.
std::optional<Color> color_below(const Flat& flat, const Color& page, const Point& p, size_t order,
                                 const Mark* self) {
  std::vector<const Shape*> seen;
  const auto end = std::partition_point(flat.shapes.begin(), flat.shapes.end(),
                                        [&](const Shape& s) { return s.order < order; });
  for (auto it = end; it != flat.shapes.begin();) {
    --it;
    if (self != nullptr && (it->mark == self || it->symbol)) continue;
    if (!covers(*it, p)) continue;
    if (it->fill[0] == '{') return std::nullopt;
    seen.push_back(&*it);
    const std::optional<Color> color = parse_color(it->fill);
    if (color && color->opacity * it->opacity >= 0.99) break;
  }
  Color color = page;
  for (auto it = seen.rbegin(); it != seen.rend(); ++it)
    if (const std::optional<Color> above = parse_color((*it)->fill))
      color = over(color, *above, (*it)->opacity);
  return color;
}

// How much an item stands out; the better of its fill and its stroke.
double item_contrast(const Item& item, const Color& below) {
  double best = 1;
  const auto paint = [&](const std::string& text, double opacity) {
    if (!shows(text, opacity)) return;
    if (text[0] == '{') {
      best = INFINITY;
      return;
    }
    best = std::max(best, contrast(over(below, *parse_color(text), opacity), below));
  };
  paint(item.fill, static_cast<double>(item.opacity) * item.fill_opacity);
  if (item.stroke_width > 0)
    paint(item.stroke, static_cast<double>(item.opacity) * item.stroke_opacity);
  return best;
}

bool item_shows(const Mark& mark, const Item& item) {
  if (!std::isfinite(item.x) || !std::isfinite(item.y)) return false;
  const bool filled = shows(item.fill, static_cast<double>(item.opacity) * item.fill_opacity);
  const bool stroked = item.stroke_width > 0 &&
                       shows(item.stroke, static_cast<double>(item.opacity) * item.stroke_opacity);
  switch (mark.type) {
    case MarkType::rect:
      return (filled && item.width > 0 && item.height > 0) ||
             (stroked && item.width + item.height > 0);
    case MarkType::symbol:
      return item.size > 0 && (filled || stroked);
    case MarkType::text:
      return !item.text.empty() && filled;
    case MarkType::arc: {
      const Style& style = mark.style_of(item);
      return style.start_angle != style.end_angle && style.outer_radius > 0 && (filled || stroked);
    }
    case MarkType::rule:
      return stroked && (item.x != item.x2 || item.y != item.y2);
    default:
      return filled || stroked;
  }
}

void check_contrast(const Flat& flat, const Scene& scene, std::vector<Finding>& findings) {
  Color page{255, 255, 255, 1};
  if (const std::optional<Color> color = parse_color(scene.background))
    page = over(page, *color, 1);
  size_t faint = 0;
  const FlatText* first = nullptr;
  double worst = INFINITY;
  for (const FlatText& t : flat.texts) {
    const Point middle{(t.box.x1 + t.box.x2) / 2, (t.box.y1 + t.box.y2) / 2};
    const std::optional<Color> below = color_below(flat, page, middle, t.order, nullptr);
    if (!below) continue;
    const double ratio = item_contrast(*t.item, *below);
    if (ratio >= kTextContrast) continue;
    if (faint++ == 0) first = &t;
    worst = std::min(worst, ratio);
  }
  char number[32];
  if (faint > 0) {
    std::snprintf(number, sizeof number, "%.1f", worst);
    report_labels(findings, "low_contrast", faint, first,
                  (std::string("hardly readable against the background (contrast ") + number +
                   ":1, wanted 3:1)")
                      .c_str());
  }

  // The pale end of a ramp is a value, not a mistake, unless all of the marks are pale.
  bool ramp = false;
  for (const SceneScale& scale : scene.scales)
    ramp |= (scale.name == "color" || scale.name == "fill" || scale.name == "opacity" ||
             scale.name == "fillOpacity") &&
            scale.type != "ordinal" && scale.type != "band" && scale.type != "point";
  size_t pale = 0, judged = 0;
  std::optional<Box> where;
  worst = INFINITY;
  for (const FlatMark& m : flat.marks) {
    const Mark& mark = *m.mark;
    if (mark.role != "mark" || mark.type == MarkType::text || mark.type == MarkType::group)
      continue;
    const bool path =
        mark.type == MarkType::line || mark.type == MarkType::area || mark.type == MarkType::trail;
    const size_t step = std::max<size_t>(mark.items.size() / kMaxJudged, 1);
    double along = 1;  // the best contrast of a path, which is one thing
    for (size_t i = 0; i < mark.items.size(); i += step) {
      const Item& item = mark.items[i];
      if (!item_shows(mark, item)) continue;
      Point p{item.x + m.dx, item.y + m.dy};
      if (mark.type == MarkType::rect) p.x += item.width / 2, p.y += item.height / 2;
      if (mark.type == MarkType::rule) p.x += (item.x2 - item.x) / 2, p.y += (item.y2 - item.y) / 2;
      const std::optional<Color> below = color_below(flat, page, p, m.order + i + 1, &mark);
      if (!below) continue;
      double ratio = item_contrast(item, *below);
      if (path) {
        ratio = along = std::max(along, ratio);
        if (along < kMarkContrast && i + step < mark.items.size()) continue;
      }
      ++judged;
      if (ratio < kMarkContrast) {
        worst = std::min(worst, ratio);
        if (pale++ == 0) where = Box{p.x, p.y, p.x, p.y};
      }
      if (path) break;
    }
  }
  if (pale > 0 && (!ramp || pale == judged)) {
    std::snprintf(number, sizeof number, "%.2f", worst);
    findings.push_back({"low_contrast",
                        std::to_string(pale) +
                            (pale == 1 ? " mark hardly stands" : " marks hardly stand") +
                            " out from the background (contrast " + number + ":1)",
                        "", where});
  }
}

// ---- blank, slices

void check_blank(const Flat& flat, std::vector<Finding>& findings) {
  size_t items = 0, shown = 0, inside = 0;
  for (const FlatMark& m : flat.marks) {
    const Mark& mark = *m.mark;
    if (mark.role != "mark" || mark.type == MarkType::group) continue;
    items += mark.items.size();
    const bool path =
        mark.type == MarkType::line || mark.type == MarkType::area || mark.type == MarkType::trail;
    size_t visible = 0;
    bool in = false;
    for (const Item& item : mark.items) {
      if (!item_shows(mark, item) || !item.defined) continue;
      ++visible;
      const double x = item.x + m.dx, y = item.y + m.dy;
      in |= x <= flat.picture.x2 && y <= flat.picture.y2 && x + std::max(item.width, 0.0) >= 0 &&
            y + std::max(item.height, 0.0) >= 0;
    }
    // A path needs two points to be seen.
    if (path && visible < 2) continue;
    shown += visible;
    inside += in;
  }
  if (inside > 0) return;
  const std::string why = items == 0   ? "there is nothing to draw in its data"
                          : shown == 0 ? "what it draws has no size or no colour"
                                       : "what it draws lies outside the picture";
  findings.push_back({"blank", "the chart is blank: " + why, "", flat.picture});
}

void check_slices(const Flat& flat, std::vector<Finding>& findings) {
  for (const FlatMark& m : flat.marks) {
    if (m.mark->type != MarkType::arc || m.mark->role != "mark") continue;
    if (m.mark->items.size() <= kMaxSlices) continue;
    Box box;
    EstimatedText metrics;  // arcs have no text
    box = mark_bounds(*m.mark, metrics).moved(m.dx, m.dy);
    findings.push_back({"too_many_slices",
                        std::to_string(m.mark->items.size()) +
                            " slices are hard to tell apart; a bar chart shows them better",
                        "", box});
    return;
  }
}

}  // namespace

std::vector<Finding> check_scene(const Scene& scene) {
  const std::unique_ptr<TextMetrics> metrics = pango_metrics();
  const Flat flat(scene, *metrics);
  std::vector<Finding> findings;
  check_blank(flat, findings);
  check_labels(flat, *metrics, findings);
  check_contrast(flat, scene, findings);
  check_slices(flat, findings);
  return findings;
}

}  // namespace tools::vega
