#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/vega/scene.h"

namespace tools::vega {

/// An outline of straight lines and cubic curves.
struct Path {
  struct Command {
    char kind;                    ///< 'M' move, 'L' line, 'C' cubic curve, 'Z' close
    double x1, y1, x2, y2, x, y;  ///< control points of 'C'; the end
  };
  std::vector<Command> commands;

  void move(double x, double y);
  void line(double x, double y);
  void curve(double x1, double y1, double x2, double y2, double x, double y);
  void close();
  /// A circular arc from angle `a0` to `a1` (radians, 0 to the right, clockwise on screen), joined
  /// to what is there by a line.
  void arc(double cx, double cy, double r, double a0, double a1);
};

/// The outline of a symbol around (0, 0). size: area in square units.
Path symbol_path(std::string_view shape, double size);
/// A rectangle, with rounded corners where `style` asks for them.
Path rect_path(const Item& item, const Style& style);
/// A pie or ring sector around (0, 0).
Path arc_path(const Style& style);
/// The points of a line mark, joined as style.interpolate says.
Path line_path(const std::vector<Item>& items, const Style& style);
/// The area between (x, y) and (x2, y2) of the points.
Path area_path(const std::vector<Item>& items, const Style& style);
/// A line whose width follows the size of its points.
Path trail_path(const std::vector<Item>& items);
/// An SVG path in the square from -1 to 1, scaled to `size` like a named symbol. Empty if
/// malformed or longer than 4000 bytes.
Path parse_svg_path(std::string_view text, double scale);

}  // namespace tools::vega
