#pragma once

#include <array>
#include <string>
#include <vector>

namespace tools::vega {

/// What a mark draws. A group holds marks of its own.
enum class MarkType { group, rect, rule, symbol, text, line, area, arc, trail };

/// The name of a mark type, as in the reference's scene graph ("rect", "symbol"…).
const char* mark_type_name(MarkType type);

/// One drawn thing with resolved geometry and paint. Lengths are scene units (pixels at scale 1),
/// relative to the group around; angles of text and symbols are degrees, those of arcs radians from
/// twelve o'clock. A colour is CSS text; "" draws nothing; one that begins with '{' is a gradient.
struct Item {
  double x = 0, y = 0;
  double x2 = 0, y2 = 0;         ///< the other end of rules and areas
  double width = 0, height = 0;  ///< of rects and groups
  double size = 64;              ///< area of symbols; width of trails
  double angle = 0;              ///< of symbols and texts
  float opacity = 1, fill_opacity = 1, stroke_opacity = 1;
  float stroke_width = 1;
  std::string fill, stroke;
  std::string text;  ///< lines separated by '\n'
  std::string tooltip;
  int style = -1;       ///< index into Mark::styles of what few marks have; -1 for none
  bool defined = true;  ///< false breaks a line or area before this point
};

/// What few items differ in; kept once per mark.
struct Style {
  std::string shape = "circle";  ///< of symbols: a name or an SVG path
  std::string cap = "butt", join = "miter";
  std::vector<double> dash;
  double dash_offset = 0;
  std::array<double, 4> corner_radius = {0, 0, 0,
                                         0};  ///< top left, top right, bottom right, bottom left
  std::string font = "sans-serif", font_weight, font_style;
  double font_size = 11;
  std::string align = "left", baseline = "alphabetic";
  double dx = 0, dy = 0;
  double limit = 0;              ///< longest text, 0 for any
  double line_height = 0;        ///< 0 for the font size plus 2
  double radius = 0, theta = 0;  ///< of texts around a centre
  double inner_radius = 0, outer_radius = 0, start_angle = 0, end_angle = 0, pad_angle = 0;
  double arc_corner_radius = 0;
  std::string interpolate = "linear", orient;
  double tension = 0;
  bool operator==(const Style&) const = default;
};

struct Group;

struct Mark {
  MarkType type = MarkType::rect;
  std::string role = "mark";  ///< "mark", "axis-label", "legend-symbol"…
  std::string name;
  std::vector<Item> items;  ///< one per drawn thing; for lines and areas one per point
  std::vector<Style> styles;
  std::vector<Group> groups;  ///< of MarkType::group
  int zindex = 0;

  const Style& style_of(const Item& item) const;
};

/// A rectangle with marks in it; `item` is its place and background.
struct Group {
  Item item;
  Style style;
  bool clip = false;
  std::vector<Mark> marks;
};

/// A scale as the scene was drawn with it; numbers and times as numbers, in text of JSON.
struct SceneScale {
  std::string name;    ///< ends in the channel: "x", "child_color"
  std::string type;    ///< "linear", "band"…
  std::string domain;  ///< a JSON array
};

/// A compiled chart: everything that is drawn, in order.
struct Scene {
  double width = 0, height = 0;       ///< of the picture, in scene units
  double origin_x = 0, origin_y = 0;  ///< where the root group's (0, 0) lies in the picture
  std::string background;
  Group root;
  std::vector<SceneScale> scales;
};

}  // namespace tools::vega
