// Scenes as SVG, written by hand so that the bytes are the same every time and text stays text.
#include <algorithm>
#include <cmath>

#include "tools/vega/bounds.h"
#include "tools/vega/color.h"
#include "tools/vega/datum.h"
#include "tools/vega/paint.h"
#include "tools/vega/vega.h"

namespace tools::vega {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
      out += ' ';
    else
      out += c;
  }
  return out;
}

std::string num(double value) {
  if (!std::isfinite(value)) return "0";
  return number_text(std::round(value * 1000) / 1000 + 0.0);
}

class Writer {
 public:
  std::string write(const Scene& scene) {
    body_ +=
        "<g transform=\"translate(" + num(scene.origin_x) + "," + num(scene.origin_y) + ")\">\n";
    group(scene.root, 0);
    body_ += "</g>\n";
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + num(scene.width) +
                      "\" height=\"" + num(scene.height) + "\" viewBox=\"0 0 " + num(scene.width) +
                      " " + num(scene.height) + "\">\n";
    if (!definitions_.empty()) out += "<defs>\n" + definitions_ + "</defs>\n";
    if (parse_color(scene.background))
      out += "<rect width=\"100%\" height=\"100%\"" + paint("fill", scene.background, 1) + "/>\n";
    return out + body_ + "</svg>\n";
  }

 private:
  // A fill or stroke attribute, opacity included.
  std::string paint(const char* name, const std::string& value, double alpha) {
    const std::string attribute = std::string(" ") + name + "=\"";
    if (value.empty() || value == "transparent") return attribute + "none\"";
    if (value[0] == '{')
      return attribute + "url(#" + gradient(value) + ")\"" +
             (alpha < 1 ? std::string(" ") + name + "-opacity=\"" + num(alpha) + "\"" : "");
    const auto color = parse_color(value);
    if (!color) return attribute + "none\"";
    const double a = alpha * color->opacity;
    return attribute + hex_text(*color) + "\"" +
           (a < 1 ? std::string(" ") + name + "-opacity=\"" + num(a) + "\"" : "");
  }

  std::string gradient(const std::string& value) {
    const Gradient g = read_gradient(value);
    const std::string id = "g" + std::to_string(++gradients_);
    const char* tag = g.radial ? "radialGradient" : "linearGradient";
    definitions_ += std::string("<") + tag + " id=\"" + id + "\"";
    if (g.radial)
      definitions_ += " fx=\"" + num(g.x1) + "\" fy=\"" + num(g.y1) + "\" cx=\"" + num(g.x2) +
                      "\" cy=\"" + num(g.y2) + "\" r=\"" + num(g.r2) + "\"";
    else
      definitions_ += " x1=\"" + num(g.x1) + "\" y1=\"" + num(g.y1) + "\" x2=\"" + num(g.x2) +
                      "\" y2=\"" + num(g.y2) + "\"";
    definitions_ += ">";
    for (const auto& [offset, color] : g.stops) {
      const auto c = parse_color(color);
      definitions_ +=
          "<stop offset=\"" + num(offset) + "\" stop-color=\"" + (c ? hex_text(*c) : "#000000") +
          "\"" + (c && c->opacity < 1 ? " stop-opacity=\"" + num(c->opacity) + "\"" : "") + "/>";
    }
    definitions_ += std::string("</") + tag + ">\n";
    return id;
  }

  std::string look(const Item& item, const Style& style) {
    std::string out =
        paint("fill", style.shape == "stroke" ? "" : item.fill, item.opacity * item.fill_opacity);
    if (!item.stroke.empty() && item.stroke != "transparent" && item.stroke_width > 0) {
      out += paint("stroke", item.stroke, item.opacity * item.stroke_opacity);
      if (item.stroke_width != 1) out += " stroke-width=\"" + num(item.stroke_width) + "\"";
      if (style.cap == "round" || style.cap == "square")
        out += " stroke-linecap=\"" + style.cap + "\"";
      if (style.join == "round" || style.join == "bevel")
        out += " stroke-linejoin=\"" + style.join + "\"";
      if (!style.dash.empty()) {
        out += " stroke-dasharray=\"";
        for (size_t i = 0; i < style.dash.size(); ++i)
          out += (i == 0 ? "" : ",") + num(style.dash[i]);
        out += "\"";
      }
    }
    return out;
  }

  static std::string outline(const Path& path) {
    std::string d;
    for (const Path::Command& c : path.commands) {
      d += c.kind;
      if (c.kind == 'C') d += num(c.x1) + "," + num(c.y1) + "," + num(c.x2) + "," + num(c.y2) + ",";
      if (c.kind != 'Z') d += num(c.x) + "," + num(c.y);
    }
    return d;
  }

  void element(const std::string& start, const Item& item) {
    body_ += start;
    if (item.tooltip.empty()) {
      body_ += "/>\n";
    } else {
      const std::string tag = start.substr(1, start.find(' ') - 1);
      body_ += "><title>" + escaped(item.tooltip) + "</title></" + tag + ">\n";
    }
  }

  void group(const Group& group, int depth) {
    if (depth > 64) return;
    body_ += "<g";
    if (group.item.x != 0 || group.item.y != 0)
      body_ += " transform=\"translate(" + num(group.item.x) + "," + num(group.item.y) + ")\"";
    if (group.clip) {
      const std::string id = "c" + std::to_string(++clips_);
      definitions_ += "<clipPath id=\"" + id + "\"><rect width=\"" + num(group.item.width) +
                      "\" height=\"" + num(group.item.height) + "\"/></clipPath>\n";
      body_ += " clip-path=\"url(#" + id + ")\"";
    }
    body_ += ">\n";
    Item frame = group.item;
    frame.x = frame.y = 0.5;
    if (frame.width > 0 && frame.height > 0 &&
        ((!frame.fill.empty() && frame.fill != "transparent") ||
         (!frame.stroke.empty() && frame.stroke != "transparent")))
      body_ += "<path d=\"" + outline(rect_path(frame, group.style)) + "\"" +
               look(frame, group.style) + "/>\n";
    for (const Mark* mark : drawing_order(group.marks)) this->mark(*mark, depth);
    body_ += "</g>\n";
  }

  void mark(const Mark& mark, int depth) {
    if (mark.type == MarkType::group) {
      for (const Group& one : mark.groups) group(one, depth + 1);
      return;
    }
    if (mark.items.empty()) return;
    if (mark.type == MarkType::line || mark.type == MarkType::area ||
        mark.type == MarkType::trail) {
      std::vector<Item> points = mark.items;
      for (Item& point : points)
        point.defined = point.defined && std::isfinite(point.x) && std::isfinite(point.y) &&
                        std::isfinite(point.x2) && std::isfinite(point.y2);
      const Style& style = mark.style_of(mark.items[0]);
      const Path path = mark.type == MarkType::line   ? line_path(points, style)
                        : mark.type == MarkType::area ? area_path(points, style)
                                                      : trail_path(points);
      if (!path.commands.empty())
        body_ += "<path d=\"" + outline(path) + "\"" + look(mark.items[0], style) + "/>\n";
      return;
    }
    for (const Item& item : mark.items) {
      if (item.opacity <= 0 || !std::isfinite(item.x) || !std::isfinite(item.y)) continue;
      const Style& style = mark.style_of(item);
      switch (mark.type) {
        case MarkType::rect:
          element("<path d=\"" + outline(rect_path(item, style)) + "\"" + look(item, style), item);
          break;
        case MarkType::rule:
          element("<line x1=\"" + num(item.x) + "\" y1=\"" + num(item.y) + "\" x2=\"" +
                      num(item.x2) + "\" y2=\"" + num(item.y2) + "\"" + look(item, style),
                  item);
          break;
        case MarkType::symbol:
          element("<path transform=\"translate(" + num(item.x) + "," + num(item.y) + ")" +
                      (item.angle != 0 ? " rotate(" + num(item.angle) + ")" : "") + "\" d=\"" +
                      outline(symbol_path(style.shape, item.size)) + "\"" + look(item, style),
                  item);
          break;
        case MarkType::arc:
          element("<path transform=\"translate(" + num(item.x) + "," + num(item.y) + ")\" d=\"" +
                      outline(arc_path(style)) + "\"" + look(item, style),
                  item);
          break;
        case MarkType::text:
          words(item, style);
          break;
        default:
          break;
      }
    }
  }

  void words(const Item& item, const Style& style) {
    if (item.text.empty()) return;
    double x = item.x, y = item.y;
    if (style.radius != 0)
      x += style.radius * std::cos(style.theta - M_PI / 2),
          y += style.radius * std::sin(style.theta - M_PI / 2);
    if (metrics_ == nullptr && style.limit > 0) metrics_ = pango_metrics();
    double dy = style.dy + baseline_offset(style);
    const double line_height = style.line_height > 0 ? style.line_height : style.font_size + 2;
    size_t start = 0;
    while (true) {
      const size_t end = item.text.find('\n', start);
      std::string line = item.text.substr(start, end == std::string::npos ? end : end - start);
      if (style.limit > 0) line = truncated(line, style.limit, style, *metrics_);
      body_ += "<text transform=\"translate(" + num(x) + "," + num(y) + ")" +
               (item.angle != 0 ? " rotate(" + num(item.angle) + ")" : "") + "\"";
      if (style.dx != 0) body_ += " x=\"" + num(style.dx) + "\"";
      if (dy != 0) body_ += " y=\"" + num(dy) + "\"";
      if (style.align == "center") body_ += " text-anchor=\"middle\"";
      if (style.align == "right") body_ += " text-anchor=\"end\"";
      body_ += " font-family=\"" + escaped(style.font) + "\" font-size=\"" + num(style.font_size) +
               "px\"";
      if (!style.font_weight.empty())
        body_ += " font-weight=\"" + escaped(style.font_weight) + "\"";
      if (!style.font_style.empty()) body_ += " font-style=\"" + escaped(style.font_style) + "\"";
      body_ += paint("fill", item.fill, item.opacity * item.fill_opacity) + ">" + escaped(line) +
               "</text>\n";
      if (end == std::string::npos) break;
      start = end + 1;
      dy += line_height;
    }
  }

  std::string body_, definitions_;
  int gradients_ = 0, clips_ = 0;
  std::unique_ptr<TextMetrics> metrics_;
};

}  // namespace

base::Result<std::string> svg(const Scene& scene) {
  if (!(scene.width > 0 && scene.height > 0))
    return base::Error{base::Errc::usage, "the chart is empty: its size is 0"};
  return Writer().write(scene);
}

}  // namespace tools::vega
