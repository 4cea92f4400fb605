#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// A chart, resolved to positions: what the painter draws and the checks and tests look at. Units
/// are nominal pixels (half a pixel of the file's width), y grows downward.
namespace tools::chart {

struct Size {
  double width = 0, height = 0;
};

struct Point {
  double x = 0, y = 0;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
};

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

struct Font {
  double size = 12;
  bool bold = false;
};

/// Height of a line over its font size, and where in it the baseline lies.
inline constexpr double kLineHeight = 1.25;
inline constexpr double kBaseline = 0.97;

enum class Role { title, x_title, y_title, x_tick, y_tick, legend_title, legend, value, slice };
enum class Align { left, center, right };

/// Text in its measured box; lines are separated by '\n'.
struct Label {
  Role role = Role::title;
  std::string text{};
  Box box{};
  Font font{};
  Color color{};
  Align align = Align::left;
  bool vertical = false;   ///< turned a quarter to the left; the box is that of the turned text
  bool halo = false;       ///< a rim of paper keeps grid lines away from the letters
  bool shortened = false;  ///< ends in "…" because it did not fit
};

/// A straight line: grid, axis, tick, leader line, whisker of a legend.
struct Rule {
  Point from{}, to{};
  Color color{};
  double width = 1;
};

enum class Shape { circle, square, triangle, diamond };

struct Bar {
  Box box{};
  bool upright = true;  ///< grows vertically: a zero-height bar still shows as a line
};
struct Path {
  std::vector<Point> points{};
  std::vector<double> dash{};  ///< empty: solid
  bool dots = false;           ///< a dot on every point
};
struct Dot {
  Point center{};
  double radius = 4;
  Shape shape = Shape::circle;
  double opacity = 1;
};
struct Slice {
  Point center{};
  double radius = 0;
  double start = 0, end = 0;  ///< radians, clockwise from 12 o'clock
};
/// A box plot's box: five numbers as positions along the value axis.
struct BoxMark {
  bool upright = true;
  double middle = 0;     ///< position across
  double thickness = 0;  ///< of the box, across
  double low = 0, first_quartile = 0, median = 0, third_quartile = 0, high = 0;
  std::vector<double> outliers{};
  double value_median = 0;  ///< in data units
};
struct Cell {
  Box box{};
};

/// A mark stands for `rows` rows of the data.
struct MarkItem {
  std::variant<Bar, Path, Dot, Slice, BoxMark, Cell> shape{};
  Color color{};
  int rows = 1;
  double value = 0;  ///< what it shows, in data units (height of a bar, size of a slice)
};

enum class ScaleKind { linear, time, band };

/// Maps data to [0, 1].
struct Scale {
  ScaleKind kind = ScaleKind::linear;
  double lo = 0, hi = 1;  ///< domain of linear and time
  int bands = 0;          ///< of band: value i lies at (i + 0.5) / bands
  double at(double value) const {
    return kind == ScaleKind::band ? (value + 0.5) / bands : (value - lo) / (hi - lo);
  }
};

struct Tick {
  double value = 0;
  std::string text{};
};

struct Axis {
  Scale scale{};
  std::string title{};
  std::vector<Tick> ticks{};  ///< those that are drawn
};

struct LegendEntry {
  std::string text{};
  Color color{};
  std::vector<double> dash{};
  Shape shape = Shape::square;
  bool line = false;
  Point at{};  ///< middle of its swatch
};

/// A colour ramp with its ends and ticks, for a number as colour.
struct Ramp {
  Box box{};
  double lo = 0, hi = 0;
};

struct Scene {
  double width = 800, height = 500;
  Box plot{};
  Axis bottom{}, left{};     ///< unused for a pie
  bool horizontal = false;   ///< bars and boxes lie down; `left` is the axis of names
  std::vector<Rule> grid{};  ///< under the marks
  std::vector<MarkItem> marks{};
  std::vector<Rule> rules{};  ///< over the marks
  std::vector<LegendEntry> legend{};
  std::vector<Ramp> ramps{};
  std::vector<Label> labels{};
  std::vector<std::string> warnings{};
};

}  // namespace tools::chart
