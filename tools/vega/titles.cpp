#include <cmath>

#include "tools/vega/config.h"
#include "tools/vega/field_text.h"
#include "tools/vega/guides.h"

namespace tools::vega {

std::optional<TitleSpec> read_title(const json& title, const Model& model) {
  TitleSpec spec;
  if (title.is_string() || title.is_array()) {
    spec.text = lines_of(title);
  } else if (title.is_object()) {
    const json& text_value = get(title, "text");
    spec.text = lines_of(text_value.is_object() ? json() : text_value);
    if (has(title, "subtitle")) spec.subtitle = lines_of(title["subtitle"]);
  }
  if (spec.text.empty()) return std::nullopt;
  const json& config = get(model.config, "title");
  const std::string style_name = text(title, "style", "group-title");
  auto property = [&](const std::string& name) -> json {
    if (has(title, name)) return title[name];
    if (has(config, name)) return config[name];
    const json value = style_property(model.config, style_name, name);
    if (!value.is_null()) return value;
    return style_property(model.config, "group-title", name);
  };
  auto words = [&](const char* name, std::string& target) {
    const json value = property(name);
    if (value.is_string()) target = value.get<std::string>();
    if (value.is_number()) target = std::to_string(static_cast<int>(value.get<double>()));
  };
  auto numbers = [&](const char* name, double& target) {
    const json value = property(name);
    if (value.is_number()) target = value.get<double>();
  };
  words("anchor", spec.anchor);
  words("frame", spec.frame);
  words("orient", spec.orient);
  numbers("offset", spec.offset);
  numbers("subtitlePadding", spec.subtitle_padding);
  spec.style.font_size = 13;
  numbers("fontSize", spec.style.font_size);
  words("font", spec.style.font);
  words("fontWeight", spec.style.font_weight);
  words("fontStyle", spec.style.font_style);
  numbers("limit", spec.style.limit);
  numbers("lineHeight", spec.style.line_height);
  numbers("dx", spec.style.dx);
  numbers("dy", spec.style.dy);
  spec.color = "#000";
  words("color", spec.color);
  const json fill = style_property(model.config, style_name, "fill");
  if (!has(title, "color") && !has(config, "color") && fill.is_string())
    spec.color = fill.get<std::string>();
  spec.style.align = spec.anchor == "start" ? "left" : spec.anchor == "end" ? "right" : "center";
  words("align", spec.style.align);
  spec.style.baseline =
      spec.orient == "top" || spec.orient == "left" || spec.orient == "right" ? "top" : "top";
  words("baseline", spec.style.baseline);
  spec.angle = spec.orient == "left" ? -90 : spec.orient == "right" ? 90 : 0;
  numbers("angle", spec.angle);
  spec.subtitle_style = spec.style;
  auto sub = [&](const char* name, const char* plain) {
    if (has(title, name)) return title[name];
    if (has(config, name)) return config[name];
    return style_property(model.config, "group-subtitle", plain);
  };
  if (const json v = sub("subtitleFontSize", "fontSize"); v.is_number())
    spec.subtitle_style.font_size = v.get<double>();
  spec.subtitle_style.font_weight = "";
  if (const json v = sub("subtitleFontWeight", "fontWeight"); v.is_string())
    spec.subtitle_style.font_weight = v.get<std::string>();
  if (const json v = sub("subtitleFont", "font"); v.is_string())
    spec.subtitle_style.font = v.get<std::string>();
  if (const json v = sub("subtitleFontStyle", "fontStyle"); v.is_string())
    spec.subtitle_style.font_style = v.get<std::string>();
  spec.subtitle_color = "#000";
  if (const json v = sub("subtitleColor", "fill"); v.is_string())
    spec.subtitle_color = v.get<std::string>();
  return spec;
}

Mark place_title(const TitleSpec& title, double width, double height, Box& inside,
                 const TextMetrics& metrics) {
  Mark outer;
  outer.type = MarkType::group;
  outer.role = "title";
  Group group;
  Mark words;
  words.type = MarkType::text;
  words.role = "title-text";
  words.styles.push_back(title.style);
  Item item;
  item.style = 0;
  item.text = title.text;
  item.fill = title.color;
  item.angle = title.angle;
  words.items.push_back(item);
  Box box = item_bounds(words, words.items[0], metrics);
  Mark more;
  if (!title.subtitle.empty()) {
    more.type = MarkType::text;
    more.role = "title-subtitle";
    more.styles.push_back(title.subtitle_style);
    Item below;
    below.style = 0;
    below.text = title.subtitle;
    below.fill = title.subtitle_color;
    below.angle = title.angle;
    if (title.orient == "left")
      below.x = box.width() + title.subtitle_padding;
    else if (title.orient == "right")
      below.x = -(box.width() + title.subtitle_padding);
    else
      below.y = box.height() + title.subtitle_padding;
    more.items.push_back(below);
    box.unite(item_bounds(more, more.items[0], metrics));
  }
  const bool side = title.orient == "left" || title.orient == "right";
  double start = 0, end = side ? height : width;
  if (title.frame != "group") {
    start = side ? inside.y1 : inside.x1;
    end = side ? inside.y2 : inside.x2;
  }
  if (title.orient == "left") std::swap(start, end);
  const double along = title.anchor == "start" ? start
                       : title.anchor == "end" ? end
                                               : (start + end) / 2;
  double x = along, y = along;
  if (title.orient == "left")
    x = inside.x1 - box.width() - title.offset;
  else if (title.orient == "right")
    x = inside.x2 + box.width() + title.offset;
  else if (title.orient == "bottom")
    y = inside.y2 + title.offset;
  else
    y = inside.y1 - box.height() - title.offset;
  // The baseline may put the text off its corner.
  if (title.orient == "left") x -= box.x1;
  if (title.orient == "right") x -= box.x2;
  if (title.orient == "top" || title.orient == "bottom") y -= box.y1;
  group.item.x = x, group.item.y = y;
  group.marks.push_back(std::move(words));
  if (!more.items.empty()) group.marks.push_back(std::move(more));
  inside.unite(box.moved(x, y));
  outer.groups.push_back(std::move(group));
  return outer;
}

}  // namespace tools::vega
