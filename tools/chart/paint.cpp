// Painting order: grid, marks, rules, labels. Blankness is judged by comparing the plot before and
// after the marks.

#include "tools/chart/paint.h"

#include <cairo.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tools/chart/palette.h"
#include "tools/chart/text.h"

namespace tools::chart {
namespace {

constexpr double kPi = 3.14159265358979323846;

void set_color(cairo_t* cr, Color color, double opacity = 1) {
  cairo_set_source_rgba(cr, color.red / 255.0, color.green / 255.0, color.blue / 255.0, opacity);
}

void paint_rule(cairo_t* cr, const Rule& rule) {
  set_color(cr, rule.color);
  cairo_set_line_width(cr, rule.width);
  cairo_move_to(cr, rule.from.x, rule.from.y);
  cairo_line_to(cr, rule.to.x, rule.to.y);
  cairo_stroke(cr);
}

void add_box(cairo_t* cr, const Box& box) {
  cairo_rectangle(cr, box.x, box.y, box.width, box.height);
}

void add_shape(cairo_t* cr, Point at, double r, Shape shape) {
  switch (shape) {
    case Shape::circle:
      cairo_new_sub_path(cr);
      cairo_arc(cr, at.x, at.y, r, 0, 2 * kPi);
      break;
    case Shape::square:
      cairo_rectangle(cr, at.x - 0.9 * r, at.y - 0.9 * r, 1.8 * r, 1.8 * r);
      break;
    case Shape::triangle:
      cairo_move_to(cr, at.x, at.y - 1.2 * r);
      cairo_line_to(cr, at.x + 1.1 * r, at.y + 0.8 * r);
      cairo_line_to(cr, at.x - 1.1 * r, at.y + 0.8 * r);
      cairo_close_path(cr);
      break;
    case Shape::diamond:
      cairo_move_to(cr, at.x, at.y - 1.3 * r);
      cairo_line_to(cr, at.x + 1.3 * r, at.y);
      cairo_line_to(cr, at.x, at.y + 1.3 * r);
      cairo_line_to(cr, at.x - 1.3 * r, at.y);
      cairo_close_path(cr);
      break;
  }
}

struct MarkPainter {
  cairo_t* cr;
  Color color;

  void operator()(const Bar& bar) const {
    Box box = bar.box;
    // A bar of no height still shows that there is a value.
    double& length = bar.upright ? box.height : box.width;
    if (length < 0.75) {
      (bar.upright ? box.y : box.x) -= (0.75 - length) / 2;
      length = 0.75;
    }
    set_color(cr, color);
    add_box(cr, box);
    cairo_fill(cr);
  }

  void operator()(const Path& path) const {
    set_color(cr, color);
    cairo_set_line_width(cr, path.points.size() > 400 ? 1.3 : 2.2);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);  // a miter would overshoot a sharp peak
    cairo_set_dash(cr, path.dash.data(), static_cast<int>(path.dash.size()), 0);
    cairo_new_path(cr);
    for (const Point& point : path.points) cairo_line_to(cr, point.x, point.y);
    if (path.points.size() > 1) cairo_stroke(cr);
    cairo_set_dash(cr, nullptr, 0, 0);
    cairo_new_path(cr);
    const bool spot = std::all_of(path.points.begin(), path.points.end(), [&](const Point& point) {
      return std::abs(point.x - path.points[0].x) < 1 && std::abs(point.y - path.points[0].y) < 1;
    });
    if (path.dots || spot)
      for (const Point& point : path.points) {
        add_shape(cr, point, spot ? 5 : 3.2, Shape::circle);
        cairo_fill(cr);
      }
  }

  void operator()(const Dot& dot) const {
    add_shape(cr, dot.center, dot.radius, dot.shape);
    set_color(cr, color, dot.opacity);
    cairo_fill(cr);
  }

  void operator()(const Slice& slice) const {
    cairo_new_path(cr);
    if (slice.end - slice.start >= 2 * kPi - 1e-9) {
      cairo_arc(cr, slice.center.x, slice.center.y, slice.radius, 0, 2 * kPi);
    } else {
      cairo_move_to(cr, slice.center.x, slice.center.y);
      cairo_arc(cr, slice.center.x, slice.center.y, slice.radius, slice.start - kPi / 2,
                slice.end - kPi / 2);
      cairo_close_path(cr);
    }
    set_color(cr, color);
    cairo_fill_preserve(cr);
    set_color(cr, kPaper);
    cairo_set_line_width(cr, slice.end - slice.start > 0.03 ? 1.5 : 0.3);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(cr);
  }

  void operator()(const BoxMark& box) const {
    const auto at = [&](double along, double across) {
      return box.upright ? Point{across, along} : Point{along, across};
    };
    const auto line = [&](double along_from, double across_from, double along_to, double across_to,
                          double width, Color ink) {
      paint_rule(cr, {at(along_from, across_from), at(along_to, across_to), ink, width});
    };
    const double half = box.thickness / 2;
    const double cap = half / 2;
    const double m = box.middle;
    line(box.low, m, box.first_quartile, m, 1.5, color);
    line(box.third_quartile, m, box.high, m, 1.5, color);
    line(box.low, m - cap, box.low, m + cap, 1.5, color);
    line(box.high, m - cap, box.high, m + cap, 1.5, color);
    const Point a = at(box.first_quartile, m - half);
    const Point b = at(box.third_quartile, m + half);
    cairo_rectangle(cr, std::min(a.x, b.x), std::min(a.y, b.y), std::abs(b.x - a.x),
                    std::abs(b.y - a.y));
    set_color(cr, lightened(color, 0.68));
    cairo_fill_preserve(cr);
    set_color(cr, color);
    cairo_set_line_width(cr, 1.5);
    cairo_stroke(cr);
    line(box.median, m - half, box.median, m + half, 3, color);
    for (double outlier : box.outliers) {
      add_shape(cr, at(outlier, m), 3, Shape::circle);
      set_color(cr, color, 0.75);
      cairo_set_line_width(cr, 1.3);
      cairo_stroke(cr);
    }
  }

  void operator()(const Cell& cell) const {
    set_color(cr, color);
    add_box(cr, cell.box);
    cairo_fill(cr);
  }
};

void paint_label(cairo_t* cr, PangoContext* context, const Label& label) {
  set_color(cr, label.color);
  cairo_save(cr);
  // In the turned frame x runs along the text.
  double width = label.box.width;
  if (label.vertical) {
    cairo_translate(cr, label.box.x, label.box.bottom());
    cairo_rotate(cr, -kPi / 2);
    width = label.box.height;
  } else {
    cairo_translate(cr, label.box.x, label.box.y);
  }
  double baseline = kBaseline * label.font.size;
  for (size_t start = 0; start <= label.text.size();) {
    const size_t end = std::min(label.text.find('\n', start), label.text.size());
    PangoLayout* layout =
        make_layout(context, std::string_view(label.text).substr(start, end - start), label.font);
    int layout_width = 0;
    int layout_height = 0;
    pango_layout_get_size(layout, &layout_width, &layout_height);
    const double slack = width - static_cast<double>(layout_width) / PANGO_SCALE;
    const double x = label.align == Align::left    ? 0
                     : label.align == Align::right ? slack
                                                   : slack / 2;
    const double top =
        baseline - static_cast<double>(pango_layout_get_baseline(layout)) / PANGO_SCALE;
    if (label.halo) {
      cairo_move_to(cr, x, top);
      pango_cairo_layout_path(cr, layout);
      set_color(cr, kPaper);
      cairo_set_line_width(cr, 3);
      cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
      cairo_stroke(cr);
      set_color(cr, label.color);
    }
    cairo_move_to(cr, x, top);
    pango_cairo_show_layout(cr, layout);
    g_object_unref(layout);
    baseline += kLineHeight * label.font.size;
    start = end + 1;
  }
  cairo_restore(cr);
}

void paint_legend_swatch(cairo_t* cr, const LegendEntry& entry) {
  set_color(cr, entry.color);
  if (entry.line) {
    cairo_set_line_width(cr, 2.4);
    cairo_set_dash(cr, entry.dash.data(), static_cast<int>(entry.dash.size()), 0);
    cairo_move_to(cr, entry.at.x - 8, entry.at.y);
    cairo_line_to(cr, entry.at.x + 8, entry.at.y);
    cairo_stroke(cr);
    cairo_set_dash(cr, nullptr, 0, 0);
    return;
  }
  add_shape(cr, entry.at, entry.shape == Shape::square ? 6 : 5, entry.shape);
  cairo_fill(cr);
}

void paint_ramp(cairo_t* cr, const Ramp& ramp) {
  const double bottom = ramp.box.bottom();
  for (double y = 0; y < ramp.box.height; y += 1) {
    set_color(cr, ramp_color(1 - y / ramp.box.height));
    const double top = ramp.box.y + y;
    cairo_rectangle(cr, ramp.box.x, top, ramp.box.width, std::min(1.0, bottom - top));
    cairo_fill(cr);
  }
}

}  // namespace

base::Result<Painting> paint(const Scene& scene) {
  const int width = static_cast<int>(scene.width * kPixelsPerUnit);
  const int height = static_cast<int>(scene.height * kPixelsPerUnit);
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
  cairo_t* cr = cairo_create(surface);
  cairo_set_antialias(cr, CAIRO_ANTIALIAS_GRAY);
  set_color(cr, kPaper);
  cairo_paint(cr);
  cairo_scale(cr, kPixelsPerUnit, kPixelsPerUnit);
  PangoContext* context = make_context();

  for (const Rule& rule : scene.grid) paint_rule(cr, rule);
  cairo_surface_flush(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  const unsigned char* bytes = cairo_image_surface_get_data(surface);
  std::vector<unsigned char> before;
  if (bytes)
    before.assign(bytes, bytes + static_cast<size_t>(stride) * static_cast<size_t>(height));
  for (const MarkItem& mark : scene.marks) std::visit(MarkPainter{cr, mark.color}, mark.shape);
  cairo_surface_flush(surface);
  Painting painting;
  painting.blank = !bytes || std::memcmp(before.data(), bytes, before.size()) == 0;

  for (const Rule& rule : scene.rules) paint_rule(cr, rule);
  for (const LegendEntry& entry : scene.legend) paint_legend_swatch(cr, entry);
  for (const Ramp& ramp : scene.ramps) paint_ramp(cr, ramp);
  for (const Label& label : scene.labels) paint_label(cr, context, label);
  cairo_surface_flush(surface);

  const cairo_status_t status = cairo_status(cr);
  if (bytes && status == CAIRO_STATUS_SUCCESS) {
    painting.pixels.width = width;
    painting.pixels.height = height;
    painting.pixels.rgb.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    uint8_t* out = painting.pixels.rgb.data();
    for (int y = 0; y < height; ++y) {
      const auto* row = reinterpret_cast<const uint32_t*>(bytes + static_cast<size_t>(y) * stride);
      for (int x = 0; x < width; ++x) {
        *out++ = static_cast<uint8_t>(row[x] >> 16);
        *out++ = static_cast<uint8_t>(row[x] >> 8);
        *out++ = static_cast<uint8_t>(row[x]);
      }
    }
  }
  g_object_unref(context);
  cairo_destroy(cr);
  cairo_surface_destroy(surface);
  if (painting.pixels.rgb.empty())
    return base::Error{base::Errc::internal,
                       std::string("chart: cairo: ") + cairo_status_to_string(status)};
  return painting;
}

}  // namespace tools::chart
