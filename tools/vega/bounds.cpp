// How much room things take. The rules are those that Vega lays charts out by: text is as high as
// its font size, strokes with corners count with the miter limit of 4.
#include "tools/vega/bounds.h"

#include <array>
#include <vector>

#include "base/utf8.h"
#include "tools/vega/datum.h"
#include "tools/vega/path.h"

namespace tools::vega {

double EstimatedText::width(std::string_view line, const Style& style) const {
  return std::floor(0.8 * utf16_length(line) * style.font_size);
}

static std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', start)) {
    lines.push_back(text.substr(start, at - start));
    start = at + 1;
  }
  lines.push_back(text.substr(start));
  return lines;
}

std::string_view drawable(std::string_view line) {
  constexpr size_t kMaxBytes = 10000;
  return base::utf8_cut(line, kMaxBytes);
}

std::string truncated(const std::string& whole, double limit, const Style& style,
                      const TextMetrics& metrics) {
  const std::string line(drawable(whole));
  if (limit <= 0 || metrics.width(line, style) <= limit) return line;
  const double room = limit - metrics.width("…", style);
  int low = 0, high = utf16_length(line);
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (metrics.width(utf16_substring(line, 0, middle), style) <= room)
      low = middle;
    else
      high = middle - 1;
  }
  return utf16_substring(line, 0, low) + "…";
}

double baseline_offset(const Style& style) {
  const double size = style.font_size, line = style.line_height > 0 ? style.line_height : size + 2;
  const std::string& b = style.baseline;
  double offset = 0;
  if (b == "top")
    offset = 0.79 * size;
  else if (b == "middle")
    offset = 0.30 * size;
  else if (b == "bottom")
    offset = -0.21 * size;
  else if (b == "line-top")
    offset = 0.29 * size + 0.5 * line;
  else if (b == "line-bottom")
    offset = 0.29 * size - 0.5 * line;
  return std::floor(offset + 0.5);
}

Box text_bounds(const Item& item, const Style& style, const TextMetrics& metrics) {
  if (item.text.empty()) return {};
  const std::vector<std::string> lines = split(item.text);
  double width = 0;
  for (const std::string& line : lines)
    width = std::max(width, metrics.width(truncated(line, style.limit, style, metrics), style));
  const double line_height = style.line_height > 0 ? style.line_height : style.font_size + 2;
  const double height = style.font_size + line_height * static_cast<double>(lines.size() - 1);
  double ax = item.x, ay = item.y;
  if (style.radius != 0) {
    ax += style.radius * std::cos(style.theta - M_PI / 2);
    ay += style.radius * std::sin(style.theta - M_PI / 2);
  }
  double x = ax + style.dx,
         y = ay + style.dy + baseline_offset(style) - std::floor(0.8 * style.font_size + 0.5);
  if (style.align == "center") x -= width / 2;
  if (style.align == "right") x -= width;
  Box box{x, y, x + width, y + height};
  if (item.angle != 0) {
    const double a = item.angle * M_PI / 180, c = std::cos(a), s = std::sin(a);
    Box turned;
    for (const auto& [px, py] :
         {std::pair{box.x1, box.y1}, {box.x2, box.y1}, {box.x1, box.y2}, {box.x2, box.y2}})
      turned.add(ax + (px - ax) * c - (py - ay) * s, ay + (px - ax) * s + (py - ay) * c);
    return turned;
  }
  return box;
}

static Box path_box(const Path& path) {
  Box box;
  for (const Path::Command& c : path.commands)
    if (c.kind != 'Z') box.add(c.x, c.y);
  return box;
}

Box item_bounds(const Mark& mark, const Item& item, const TextMetrics& metrics) {
  const bool stroked = !item.stroke.empty() && item.opacity != 0 && item.stroke_opacity != 0;
  const double half = stroked ? item.stroke_width / 2.0 : 0,
               miter = stroked ? item.stroke_width * 2.0 : 0;
  Box box;
  switch (mark.type) {
    case MarkType::rect:
    case MarkType::group:
      box.add(item.x, item.y);
      box.add(item.x + item.width, item.y + item.height);
      return box.grown(half);
    case MarkType::rule:
      box.add(item.x, item.y);
      box.add(item.x2, item.y2);
      return box.grown(half);
    case MarkType::symbol: {
      const Style& style = mark.style_of(item);
      const double r = std::sqrt(std::max(0.0, item.size)) / 2;
      if (style.shape == "circle" || style.shape == "square" || style.shape == "cross" ||
          style.shape == "diamond") {
        box.add(item.x - r, item.y - r);
        box.add(item.x + r, item.y + r);
      } else {
        box = path_box(symbol_path(style.shape, item.size)).moved(item.x, item.y);
      }
      return box.grown(miter);
    }
    case MarkType::text:
      return text_bounds(item, mark.style_of(item), metrics);
    case MarkType::line:
    case MarkType::area:
      box.add(item.x, item.y);
      if (mark.type == MarkType::area) box.add(item.x2, item.y2);
      return box.grown(miter);
    case MarkType::trail:
      box.add(item.x - item.size / 2, item.y - item.size / 2);
      box.add(item.x + item.size / 2, item.y + item.size / 2);
      return box;
    case MarkType::arc:
      box = path_box(arc_path(mark.style_of(item))).moved(item.x, item.y);
      return box.grown(miter);
  }
  return box;
}

Box mark_bounds(const Mark& mark, const TextMetrics& metrics) {
  Box box;
  for (const Item& item : mark.items) {
    if (!std::isfinite(item.x) || !std::isfinite(item.y)) continue;
    if (mark.type == MarkType::text && item.opacity == 0) continue;
    const Box one = item_bounds(mark, item, metrics);
    if (std::isfinite(one.x1) && std::isfinite(one.x2) && std::isfinite(one.y1) &&
        std::isfinite(one.y2))
      box.unite(one);
  }
  return box;
}

const Style& Mark::style_of(const Item& item) const {
  static const Style plain;
  return item.style >= 0 && static_cast<size_t>(item.style) < styles.size()
             ? styles[static_cast<size_t>(item.style)]
             : plain;
}

const char* mark_type_name(MarkType type) {
  static const char* names[] = {"group", "rect", "rule", "symbol", "text",
                                "line",  "area", "arc",  "trail"};
  return names[static_cast<int>(type)];
}

}  // namespace tools::vega
