#include "tools/vega/mark_paint.h"

#include "tools/vega/config.h"
#include "tools/vega/encoder.h"

namespace tools::vega {

void set_dash(Style& style, const json& dash) {
  if (!dash.is_array() || dash.size() > 32) return;
  style.dash.clear();
  double sum = 0;
  for (const json& part : dash)
    if (part.is_number() && part.get<double>() >= 0)
      style.dash.push_back(part.get<double>()), sum += part.get<double>();
  if (sum <= 0 || (style.dash.size() == 2 && style.dash[1] == 0)) style.dash.clear();
}

template <class Property>
static void read_corners(const View& view, const Property& property, Style& style) {
  const double all = as_float(property("cornerRadius"), 0);
  style.corner_radius = {all, all, all, all};
  const double end = as_float(property("cornerRadiusEnd"), 0);
  if (end > 0) {
    if (view.orient == "horizontal")
      style.corner_radius[1] = style.corner_radius[2] = end;
    else
      style.corner_radius[0] = style.corner_radius[1] = end;
  }
  const char* names[] = {"cornerRadiusTopLeft", "cornerRadiusTopRight", "cornerRadiusBottomRight",
                         "cornerRadiusBottomLeft"};
  for (size_t i = 0; i < 4; ++i) {
    const json value = property(names[i]);
    if (value.is_number()) style.corner_radius[i] = value.get<double>();
  }
}

MarkPaint read_mark_paint(const View& view, const json& config) {
  MarkPaint paint;
  Style& style = paint.style;
  const auto property = [&](const char* name) {
    return mark_property(view.mark_def, view.mark, config, name);
  };
  const std::string& mark = view.mark;
  const json filled = property("filled");
  paint.filled = filled.is_boolean() ? filled.get<bool>()
                                     : mark != "point" && mark != "line" && mark != "rule";
  const json color = property("color");
  json fill = view.mark_def.contains("fill") ? view.mark_def["fill"] : json();
  json stroke = view.mark_def.contains("stroke") ? view.mark_def["stroke"] : json();
  // A mark's own colour is stronger than a configured fill or stroke.
  const bool own_color = view.mark_def.contains("color");
  if (fill.is_null() && !view.mark_def.contains("fill") && !(own_color && paint.filled))
    fill = property("fill");
  if (stroke.is_null() && !view.mark_def.contains("stroke") && !(own_color && !paint.filled))
    stroke = property("stroke");
  paint.own_fill = view.mark_def.contains("fill");
  paint.own_stroke = view.mark_def.contains("stroke");
  if (fill.is_null() && paint.filled && !view.mark_def.contains("fill")) fill = color;
  if (stroke.is_null() && !paint.filled && !view.mark_def.contains("stroke")) stroke = color;
  if (mark == "text" && fill.is_null()) fill = color;
  paint.base.fill = as_paint(fill);
  paint.base.stroke = as_paint(stroke);
  if (paint.base.fill.empty() && !paint.filled && (mark == "point"))
    paint.base.fill = "transparent";
  const json opacity = property("opacity");
  if (opacity.is_number())
    paint.base.opacity = as_float(opacity, 1);
  else if ((mark == "point" || mark == "tick" || mark == "circle" || mark == "square") &&
           !view.aggregated)
    paint.base.opacity = 0.7F;
  paint.base.fill_opacity = as_float(property("fillOpacity"), 1);
  paint.base.stroke_opacity = as_float(property("strokeOpacity"), 1);
  const float width = mark == "line"                                            ? 2
                      : mark == "point" || mark == "circle" || mark == "square" ? 2
                                                                                : 1;
  paint.base.stroke_width = as_float(property("strokeWidth"), width);
  if (mark == "line" || mark == "rule")
    paint.base.stroke_width = as_float(property("size"), paint.base.stroke_width);
  paint.base.size = mark == "trail" ? 2 : 30;
  if (mark == "point" || mark == "circle" || mark == "square" || mark == "trail")
    paint.base.size = as_float(property("size"), static_cast<float>(paint.base.size));
  paint.base.angle = as_float(property("angle"), 0);
  const json shape = property("shape");
  style.shape = mark == "square"    ? "square"
                : mark == "circle"  ? "circle"
                : shape.is_string() ? shape.get<std::string>()
                                    : "circle";
  const json cap = property("strokeCap"), join = property("strokeJoin"),
             dash = property("strokeDash");
  if (cap.is_string()) style.cap = cap.get<std::string>();
  if (join.is_string()) style.join = join.get<std::string>();
  set_dash(style, dash);
  style.dash_offset = as_float(property("strokeDashOffset"), 0);
  read_corners(view, property, style);
  const json interpolate = property("interpolate");
  if (interpolate.is_string()) style.interpolate = interpolate.get<std::string>();
  style.tension = as_float(property("tension"), 0);
  style.orient = view.orient;
  if (mark == "text") {
    style.align = "center", style.baseline = "middle";
    auto words = [&](const char* name, std::string& target) {
      const json value = property(name);
      if (value.is_string()) target = value.get<std::string>();
      if (value.is_number()) target = number_text(value.get<double>());
    };
    words("align", style.align);
    words("baseline", style.baseline);
    words("font", style.font);
    words("fontWeight", style.font_weight);
    words("fontStyle", style.font_style);
    style.font_size = as_float(property("fontSize"), as_float(property("size"), 11));
    style.dx = as_float(property("dx"), 0);
    style.dy = as_float(property("dy"), 0);
    style.limit = as_float(property("limit"), 0);
    style.line_height = as_float(property("lineHeight"), 0);
    const json line_break = property("lineBreak");
    if (line_break.is_string()) paint.line_break = line_break.get<std::string>();
    for (const char* name : {"dx", "dy", "align", "baseline", "angle", "fontSize"})
      if (has(get(view.mark_def, name), "expr")) paint.per_row.push_back(name);
  }
  if (mark == "arc") {
    style.pad_angle = as_float(property("padAngle"), 0);
    style.arc_corner_radius = as_float(property("cornerRadius"), 0);
  }
  return paint;
}

}  // namespace tools::vega
