#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>

#include "tools/vega/scene.h"

namespace tools::vega {

/// A box; empty while x1 > x2.
struct Box {
  double x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;

  bool empty() const { return x1 > x2; }
  void add(double x, double y) {
    x1 = std::min(x1, x), y1 = std::min(y1, y), x2 = std::max(x2, x), y2 = std::max(y2, y);
  }
  void unite(const Box& other) {
    if (!other.empty()) add(other.x1, other.y1), add(other.x2, other.y2);
  }
  Box moved(double dx, double dy) const {
    return empty() ? *this : Box{x1 + dx, y1 + dy, x2 + dx, y2 + dy};
  }
  Box grown(double d) const { return empty() ? *this : Box{x1 - d, y1 - d, x2 + d, y2 + d}; }
  double width() const { return empty() ? 0 : x2 - x1; }
  double height() const { return empty() ? 0 : y2 - y1; }
};

/// Widths of lines of text.
class TextMetrics {
 public:
  virtual ~TextMetrics() = default;
  /// Width in scene units of one line in this style's font.
  virtual double width(std::string_view line, const Style& style) const = 0;
};

/// Vega's estimate where there is no canvas: 0.8 of the font size per character, rounded down.
class EstimatedText : public TextMetrics {
 public:
  double width(std::string_view line, const Style& style) const override;
};

/// Real widths of the fonts that are installed, by Pango. One thread.
std::unique_ptr<TextMetrics> pango_metrics();

/// As much of a line as anyone measures or draws: 10,000 bytes, whole characters.
std::string_view drawable(std::string_view line);
/// `line`, or as much of it as fits into `limit` with an ellipsis.
std::string truncated(const std::string& line, double limit, const Style& style,
                      const TextMetrics& metrics);
/// The extent of text around its anchor, turned by its angle, in the coordinates of the item.
Box text_bounds(const Item& item, const Style& style, const TextMetrics& metrics);
/// How far below the anchor the base line of the first line lies.
double baseline_offset(const Style& style);
/// What an item of a mark covers, strokes included. Lines and areas: one point of them.
Box item_bounds(const Mark& mark, const Item& item, const TextMetrics& metrics);
/// What a mark covers, in the coordinates of its group.
Box mark_bounds(const Mark& mark, const TextMetrics& metrics);

}  // namespace tools::vega
