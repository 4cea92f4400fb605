// Axes as Vega draws them: ticks, labels (with the overlapping ones hidden), the domain line and a
// title beyond the labels; the grid is an axis of its own beneath the marks.
#include <algorithm>
#include <cmath>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/field_text.h"
#include "tools/vega/format.h"
#include "tools/vega/guides.h"
#include "tools/vega/ticks.h"

namespace tools::vega {
namespace {

// A number out of a property.
double num(const json& value, double fallback) {
  return value.is_number() ? value.get<double>() : fallback;
}
std::string str(const json& value, const std::string& fallback) {
  return value.is_string()   ? value.get<std::string>()
         : value.is_number() ? number_text(value.get<double>())
                             : fallback;
}
bool yes(const json& value, bool fallback) {
  return value.is_boolean() ? value.get<bool>() : fallback;
}
// JavaScript's Math.round.
double round_half_up(double v) { return std::floor(v + 0.5); }

std::string opposite(const std::string& orient) {
  if (orient == "bottom") return "top";
  if (orient == "top") return "bottom";
  if (orient == "left") return "right";
  return "left";
}

Style text_style(const json& config, const std::string& style) {
  Style result;
  result.font = str(style_property(config, style, "font"), "sans-serif");
  result.font_size = num(style_property(config, style, "fontSize"), 10);
  result.font_weight = str(style_property(config, style, "fontWeight"), "");
  result.font_style = str(style_property(config, style, "fontStyle"), "");
  return result;
}

}  // namespace

void hide_overlaps(Mark& labels, bool greedy, double separation, const TextMetrics& metrics) {
  std::vector<size_t> shown;
  std::vector<Box> boxes(labels.items.size());
  for (size_t i = 0; i < labels.items.size(); ++i) {
    boxes[i] = item_bounds(labels, labels.items[i], metrics);
    if (boxes[i].width() > 1 && boxes[i].height() > 1) shown.push_back(i);
  }
  auto intersect = [&](const Box& a, const Box& b) {
    return separation > std::max({b.x1 - a.x2, a.x1 - b.x2, b.y1 - a.y2, a.y1 - b.y2});
  };
  auto overlaps = [&] {
    for (size_t i = 1; i < shown.size(); ++i)
      if (intersect(boxes[shown[i - 1]], boxes[shown[i]])) return true;
    return false;
  };
  const size_t last = labels.items.size() - 1;
  if (shown.size() < 3 || !overlaps()) return;
  do {
    std::vector<size_t> kept;
    for (size_t i = 0; i < shown.size(); ++i) {
      const bool keep =
          greedy ? kept.empty() || !intersect(boxes[kept.back()], boxes[shown[i]]) : i % 2 == 0;
      if (keep)
        kept.push_back(shown[i]);
      else
        labels.items[shown[i]].opacity = 0;
    }
    const bool stuck = kept.size() == shown.size();
    shown = std::move(kept);
    if (stuck) break;
  } while (shown.size() >= 3 && overlaps());
  if (shown.size() < 3 && labels.items[last].opacity == 0) {
    if (shown.size() > 1) labels.items[shown.back()].opacity = 0;
    labels.items[last].opacity = 1;
  }
}

json AxisMaker::property(const AxisSpec& spec, const ScaleType type,
                         const std::string& name) const {
  if (has(spec.def, name)) return resolve_expression(spec.def[name], model_);
  const json& style = get(spec.def, "style");
  if (style.is_string())
    if (const json& value =
            get(get(get(model_.config, "style"), style.get_ref<const std::string&>()), name);
        !value.is_null())
      return value;
  std::vector<std::string> kinds;
  const std::string axis = spec.channel == "x" ? "axisX" : "axisY";
  std::string orient = "axis" + spec.orient;
  orient[4] = static_cast<char>(std::toupper(static_cast<unsigned char>(orient[4])));
  std::vector<std::string> suffixes;
  if (type == ScaleType::band)
    suffixes = {"Band", "Discrete"};
  else if (type == ScaleType::point)
    suffixes = {"Point", "Discrete"};
  else if (is_timed(type))
    suffixes = {"Temporal"};
  else if (!is_discrete(type))
    suffixes = {"Quantitative"};
  for (const std::string& suffix : suffixes) kinds.push_back(axis + suffix);
  for (const std::string& suffix : suffixes) kinds.push_back("axis" + suffix);
  kinds.push_back(axis);
  kinds.push_back(orient);
  kinds.push_back("axis");
  for (const std::string& kind : kinds) {
    const json& set = get(model_.config, kind);
    if (has(set, name)) return set[name];
    if (const json& named = get(set, "style"); named.is_string())
      if (const json& value =
              get(get(get(model_.config, "style"), named.get_ref<const std::string&>()), name);
          !value.is_null())
        return value;
  }
  return {};
}

std::vector<AxisSpec> AxisMaker::specs(View& view) {
  std::vector<AxisSpec> result;
  each_unit(view, [&](View& unit) {
    for (const char* channel : {"x", "y"}) {
      const ChannelDef* def = unit.def(channel);
      if (def == nullptr) continue;
      if (find_scale_entry(unit, channel) == nullptr) continue;
      const json& axis = get(def->def, "axis");
      const bool none = has(def->def, "axis") && (axis.is_null() || axis == false);
      AxisSpec spec;
      spec.channel = channel;
      spec.field = def;
      spec.view = &unit;
      if (axis.is_object()) spec.def = axis;
      const ScaleEntry* entry = find_scale_entry(unit, channel);
      const ScaleType type = entry->type;
      spec.orient = str(get(spec.def, "orient"), "");
      if (spec.orient.empty())
        spec.orient = str(get(get(model_.config, channel[0] == 'x' ? "axisX" : "axisY"), "orient"),
                          channel[0] == 'x' ? "bottom" : "left");
      if (channel[0] == 'x' ? spec.orient != "top" && spec.orient != "bottom"
                            : spec.orient != "left" && spec.orient != "right")
        spec.orient = channel[0] == 'x' ? "bottom" : "left";
      const bool default_grid = !is_discrete(type) && def->is_field() && !def->bin && !def->binned;
      const json grid = property(spec, type, "grid");
      spec.grid = yes(grid, default_grid);
      spec.zindex = static_cast<int>(num(property(spec, type, "zindex"), 0));
      // The title: said by the axis or channel, or made of the fields of both ends.
      const json configured = property(spec, type, "title");
      if (has(spec.def, "title") || (!configured.is_null() && !has(def->def, "title"))) {
        spec.title = lines_of(configured);
        spec.has_title = true;
      } else if (has(def->def, "title")) {
        spec.title = lines_of(def->def["title"]);
        spec.has_title = true;
      } else {
        spec.title = field_title(*def, model_.config);
        const auto second = unit.encoding.find(second_channel(channel));
        if (second != unit.encoding.end() && second->second.main.is_field()) {
          const ChannelDef& other = second->second.main;
          std::string more = has(other.def, "title") ? lines_of(other.def["title"])
                                                     : field_title(other, model_.config);
          if (has(other.def, "title") && !more.empty())
            spec.title = more, spec.has_title = true;
          else if (!more.empty() && more != spec.title)
            spec.title = spec.title.empty() ? more : spec.title + ", " + more;
        }
      }
      // One axis per scale, unless axes are told apart or stand on different sides.
      AxisSpec* same = nullptr;
      for (AxisSpec& other : result)
        if (find_scale_entry(*other.view, channel) == entry && other.channel == channel) {
          bool independent = false;
          for (const View* at = &unit; at != nullptr; at = at->parent)
            if (text(get(get(*at->spec, "resolve"), "axis"), channel) == "independent")
              independent = true;
          if (!independent) same = &other;
        }
      if (same != nullptr) {
        if (none && get(same->def, "__none").is_null()) continue;
        if (!none && get(same->def, "__none") == true) {
          *same = std::move(spec);
          continue;
        }
        if (spec.has_title && !same->has_title) {
          same->title = spec.title, same->has_title = true;
        } else if (spec.has_title == same->has_title && !spec.title.empty()) {
          // "A, B" where the layers show different things.
          std::vector<std::string> parts;
          std::string rest = same->title + (same->title.empty() ? "" : ", ") + spec.title;
          size_t start = 0;
          while (start <= rest.size()) {
            size_t end = rest.find(", ", start);
            if (end == std::string::npos) end = rest.size();
            const std::string part = rest.substr(start, end - start);
            if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
            start = end + 2;
          }
          std::string merged;
          for (const std::string& part : parts) merged += (merged.empty() ? "" : ", ") + part;
          same->title = merged;
        }
        for (const auto& [key, value] : spec.def.items())
          if (!same->def.contains(key)) same->def[key] = value;
        if (has(spec.def, "orient")) same->orient = spec.orient;
        if (has(spec.def, "grid")) same->grid = spec.grid;
        same->zindex = std::max(same->zindex, spec.zindex);
        continue;
      }
      if (none) spec.def["__none"] = true;
      // A second y axis goes to the other side.
      for (const AxisSpec& other : result)
        if (other.channel == channel && other.orient == spec.orient && !has(spec.def, "orient"))
          spec.orient = opposite(spec.orient);
      result.push_back(std::move(spec));
    }
  });
  result.erase(std::remove_if(result.begin(), result.end(),
                              [](const AxisSpec& spec) { return get(spec.def, "__none") == true; }),
               result.end());
  std::stable_sort(result.begin(), result.end(),
                   [](const AxisSpec& a, const AxisSpec& b) { return a.channel < b.channel; });
  return result;
}

std::vector<Row> AxisMaker::values(const AxisSpec& spec, const ScaleInstance& scale, double size,
                                   double& count) {
  const ScaleType type = scale.options.type;
  const json given = property(spec, type, "values");
  const bool has_values = given.is_array();
  std::vector<Row> result;
  json tick_count = property(spec, type, "tickCount");
  const ChannelDef& def = *spec.field;
  if (has_values) {
    if (given.size() > kMaxGuideValues) {
      model_.failure.fail(base::Errc::limit, "axis.values has more than 10000 values");
      return result;
    }
    for (const json& value : given) {
      Row one = datum_value(value, model_.failure);
      if (is_timed(type) && one.is_string())
        one = number_row(parse_date(one.get_ref<const std::string&>()));
      result.push_back(std::move(one));
    }
    count = tick_count.is_number() ? tick_count.get<double>() : 10;
    return result;
  }
  if (is_discrete(type)) return scale.scale.ticks();
  if (!tick_count.is_number() && !tick_count.is_string() && !tick_count.is_object()) {
    count = 10;
    if (type != ScaleType::log) {
      if (def.bin) {
        count = std::ceil(size / 10);
      } else {
        const bool cyclic =
            def.unit && def.unit->parts.size() == 1 &&
            (def.unit->parts[0] == TimePart::month || def.unit->parts[0] == TimePart::hours ||
             def.unit->parts[0] == TimePart::day || def.unit->parts[0] == TimePart::quarter);
        if (!cyclic) count = std::ceil(size / 40);
      }
    }
  } else if (tick_count.is_number()) {
    count = std::clamp(tick_count.get<double>(), 0.0, 1000.0);
  } else {
    const std::string name =
        tick_count.is_string() ? tick_count.get<std::string>() : text(tick_count, "interval");
    count = 10;
    if (is_timed(type))
      if (const auto interval = parse_interval(name))
        return scale.scale.ticks(IntervalStep{
            *interval, static_cast<int>(std::max(1.0, number(tick_count, "step", 1)))});
  }
  // No ticks closer than the unit of the data.
  double least = num(property(spec, type, "tickMinStep"), 0);
  if (least <= 0 && def.unit && !def.unit->parts.empty() && is_timed(type)) {
    const double start = time_unit_floor(978307200000.0, *def.unit);
    const TimeUnit& unit = *def.unit;
    least = unit.parts.size() == 1 && unit.parts[0] == TimePart::day
                ? 86400000.0
                : time_unit_next(start, unit) - start;
  }
  if (least <= 0 && str(get(spec.def, "format"), "") == "d") least = 1;
  if (scale.bins)
    count = std::max(
        count, std::floor((scale.bins->stop - scale.bins->start) / scale.bins->step + 0.5) + 1);
  const auto& domain = scale.scale.domain_numbers();
  if (least > 0 && domain.size() >= 2)
    count = std::min(count, std::floor(std::abs(domain.back() - domain.front()) / least) + 1);
  if (scale.bins) {
    const Bins& bins = *scale.bins;
    std::vector<double> edges;
    for (int k = 0; k < 1000; ++k) {
      const double edge = bins.start + k * bins.step;
      if (edge > bins.stop + bins.step * 1e-6) break;
      edges.push_back(edge);
    }
    const double low = std::min(domain.front(), domain.back()),
                 high = std::max(domain.front(), domain.back());
    std::vector<double> inside;
    for (const double edge : edges)
      if (edge >= low - 1e-9 && edge <= high + 1e-9) inside.push_back(edge);
    while (static_cast<double>(inside.size()) > count && inside.size() > 2) {
      std::vector<double> half;
      for (size_t i = 0; i < inside.size(); i += 2) half.push_back(inside[i]);
      inside = std::move(half);
    }
    for (const double edge : inside) result.push_back(number_row(edge));
    return result;
  }
  return scale.scale.ticks(count);
}

std::vector<std::string> AxisMaker::labels(const AxisSpec& spec, const ScaleInstance& scale,
                                           const std::vector<Row>& values, double count) {
  const ScaleType type = scale.options.type;
  const ChannelDef& def = *spec.field;
  std::string format = str(property(spec, type, "format"), "");
  if (!has(spec.def, "format") && get(spec.def, "format").is_null())
    format = str(get(spec.def, "format"), "");
  const std::string format_type = str(get(spec.def, "formatType"), "");
  std::vector<std::string> result;
  const bool normalized = spec.view->stack.channel == spec.channel &&
                          spec.view->stack.options.offset == StackOptions::Offset::normalize;
  if (format.empty() && normalized) format = text(model_.config, "normalizedNumberFormat", ".0%");
  if (is_timed(type) || (is_discrete(type) && (def.temporal() || def.unit)) ||
      format_type == "time") {
    std::string pattern = format;
    if (pattern.empty() && def.unit) pattern = time_unit_format(*def.unit);
    if (pattern.empty() && is_discrete(type))
      pattern = text(model_.config, "timeFormat", "%b %d, %Y");
    if (pattern.empty() && has(model_.config, "timeFormat") &&
        text(model_.config, "timeFormat") != "%b %d, %Y")
      pattern = text(model_.config, "timeFormat");
    const Zone zone =
        type == ScaleType::utc || (def.unit && def.unit->utc) ? Zone::utc : Zone::local;
    for (const Row& value : values) {
      const double ms = to_number(value);
      if (value.is_null())
        result.push_back("null");
      else
        result.push_back(pattern.empty() ? format_time_multi(ms, zone)
                                         : format_time(ms, pattern, zone));
    }
  } else if (is_discrete(type)) {
    for (const Row& value : values) {
      if (def.bin && !def.end_name.empty() && value.is_string())
        result.push_back(value.get<std::string>());
      else
        result.push_back(value.is_null() ? "null"
                                         : format_field(def, value, format, format_type, model_));
    }
  } else {
    if (format.empty() && has(model_.config, "numberFormat"))
      format = text(model_.config, "numberFormat");
    base::Result<std::vector<std::string>> made = scale.scale.labels(values, count, format);
    if (!made) {
      model_.failure.fail(made.error().code, made.error().message);
      return {};
    }
    result = std::move(*made);
  }
  const json expression = get(spec.def, "labelExpr").is_null() ? property(spec, type, "labelExpr")
                                                               : spec.def["labelExpr"];
  apply_label_expression(expression, values, true, result, model_);
  return result;
}

std::optional<DrawnAxis> AxisMaker::grid(const AxisSpec& spec, int cell, double width,
                                         double height) {
  if (!spec.grid) return std::nullopt;
  const ScaleInstance* scale = find_scale(*spec.view, cell, spec.channel);
  if (scale == nullptr) return std::nullopt;
  const ScaleType type = scale->options.type;
  const bool x = spec.channel == "x";
  double count = 10;
  const std::vector<Row> ticks = values(spec, *scale, x ? width : height, count);
  DrawnAxis drawn;
  Group group;
  group.item.x = 0.5, group.item.y = 0.5;
  Mark lines;
  lines.type = MarkType::rule;
  lines.role = "axis-grid";
  Style style;
  const json dash = property(spec, type, "gridDash");
  if (dash.is_array())
    for (const json& part : dash)
      if (part.is_number()) style.dash.push_back(part.get<double>());
  lines.styles.push_back(style);
  const json color = property(spec, type, "gridColor");
  const double shift = is_discrete(type) ? scale->scale.bandwidth() * 0.5 : 0;
  const bool edges = str(property(spec, type, "tickBand"), "") == "extent";
  for (const Row& value : ticks) {
    Item line;
    line.style = 0;
    line.stroke = str(conditional(color, value), "#ddd");
    line.stroke_width =
        static_cast<float>(num(conditional(property(spec, type, "gridWidth"), value), 1));
    line.stroke_opacity =
        static_cast<float>(num(conditional(property(spec, type, "gridOpacity"), value), 1));
    double at = scale->scale.position(value);
    if (!std::isfinite(at)) continue;
    at = round_half_up(edges ? at : at + shift + (type == ScaleType::band ? -0.5 : 0));
    if (x) {
      line.x = line.x2 = at;
      line.y = 0, line.y2 = height;
    } else {
      line.y = line.y2 = at;
      line.x = 0, line.x2 = width;
    }
    const json condition = get(spec.def, "gridDash");
    if (has(condition, "condition")) {
      Style own = style;
      const json value_dash = conditional(condition, value);
      own.dash.clear();
      if (value_dash.is_array())
        for (const json& part : value_dash)
          if (part.is_number()) own.dash.push_back(part.get<double>());
      lines.styles.push_back(own);
      line.style = static_cast<int>(lines.styles.size()) - 1;
    }
    lines.items.push_back(std::move(line));
  }
  group.marks.push_back(std::move(lines));
  drawn.mark.type = MarkType::group;
  drawn.mark.role = "axis";
  drawn.mark.groups.push_back(std::move(group));
  // A grid takes no room of its own.
  drawn.box = x ? Box{0, height, width, height} : Box{0, 0, 0, height};
  return drawn;
}

json AxisMaker::conditional(const json& value, const Row& tick) const {
  if (!value.is_object() || !value.contains("condition")) return value;
  const json& condition = value["condition"];
  const json list = condition.is_array() ? condition : json::array({condition});
  for (const json& one : list) {
    std::optional<Predicate> test = make_predicate(get(one, "test"), model_);
    if (!test) return {};
    const Row datum = {{"value", tick}};
    const base::Result<bool> holds = (*test)(datum);
    if (holds && *holds) return get(one, "value");
  }
  return get(value, "value");
}

std::optional<DrawnAxis> AxisMaker::axis(const AxisSpec& spec, int cell, double width,
                                         double height) {
  const ScaleInstance* scale = find_scale(*spec.view, cell, spec.channel);
  if (scale == nullptr) return std::nullopt;
  const ScaleType type = scale->options.type;
  const bool x = spec.channel == "x";
  const double size = x ? width : height;
  double count = 10;
  const std::vector<Row> ticks = values(spec, *scale, size, count);
  const std::vector<std::string> texts = labels(spec, *scale, ticks, count);
  const bool far = spec.orient == "bottom" || spec.orient == "right";  // grows with the coordinate
  const double sign = far ? 1 : -1;
  const double shift =
      is_discrete(type) ? scale->scale.bandwidth() * num(property(spec, type, "bandPosition"), 0.5)
                        : 0;
  const bool edges =
      str(property(spec, type, "tickBand"), "") == "extent" && type == ScaleType::band;
  double tick_offset = num(property(spec, type, "tickOffset"), 0);
  if (type == ScaleType::band && !has(spec.def, "tickOffset")) tick_offset += -0.5;
  const bool show_ticks = yes(property(spec, type, "ticks"), true),
             show_labels = yes(property(spec, type, "labels"), true),
             show_domain = yes(property(spec, type, "domain"), true);
  const double tick_size = num(property(spec, type, "tickSize"), 5);
  const bool tick_round = yes(property(spec, type, "tickRound"), true);

  Group group;
  Mark tick_mark, label_mark, domain_mark, title_mark;
  Box box;
  if (show_ticks) {
    tick_mark.type = MarkType::rule;
    tick_mark.role = "axis-tick";
    Style style;
    const json dash = property(spec, type, "tickDash");
    if (dash.is_array())
      for (const json& part : dash)
        if (part.is_number()) style.dash.push_back(part.get<double>());
    tick_mark.styles.push_back(style);
    auto add_tick = [&](double at, const Row& value) {
      Item tick;
      tick.style = 0;
      tick.stroke = str(conditional(property(spec, type, "tickColor"), value), "#888");
      tick.stroke_width =
          static_cast<float>(num(conditional(property(spec, type, "tickWidth"), value), 1));
      tick.stroke_opacity =
          static_cast<float>(num(conditional(property(spec, type, "tickOpacity"), value), 1));
      if (tick_round) at = round_half_up(at);
      const double length =
          num(conditional(json(property(spec, type, "tickSize")), value), tick_size);
      if (x)
        tick.x = tick.x2 = at, tick.y2 = sign * length;
      else
        tick.y = tick.y2 = at, tick.x2 = sign * length;
      tick_mark.items.push_back(std::move(tick));
    };
    for (const Row& value : ticks) {
      const double at = scale->scale.position(value);
      if (std::isfinite(at))
        add_tick(edges ? at - 0.5 - (scale->scale.step() - scale->scale.bandwidth()) / 2
                       : at + shift + tick_offset,
                 value);
    }
    if (edges && !ticks.empty()) {
      const double at = scale->scale.position(ticks.back());
      if (std::isfinite(at))
        add_tick(at + scale->scale.bandwidth() +
                     (scale->scale.step() - scale->scale.bandwidth()) / 2 - 0.5,
                 ticks.back());
    }
    box.unite(mark_bounds(tick_mark, metrics_));
  }
  if (show_labels) {
    label_mark.type = MarkType::text;
    label_mark.role = "axis-label";
    Style style = text_style(model_.config, "guide-label");
    auto words = [&](const char* name, std::string& target) {
      target = str(property(spec, type, name), target);
    };
    words("labelFont", style.font);
    words("labelFontWeight", style.font_weight);
    words("labelFontStyle", style.font_style);
    style.font_size = num(property(spec, type, "labelFontSize"), style.font_size);
    style.limit = num(property(spec, type, "labelLimit"), 180);
    style.line_height = num(property(spec, type, "labelLineHeight"), 0);
    double angle = num(property(spec, type, "labelAngle"), NAN);
    if (std::isnan(angle))
      angle = x && spec.field->discrete_type() && is_discrete(type) && !spec.field->unit ? 270 : 0;
    angle = std::fmod(std::fmod(angle, 360) + 360, 360);
    if (x) {
      style.baseline = (angle <= 45 || angle >= 315 || (angle >= 135 && angle <= 225))
                           ? (spec.orient == "bottom" ? "top" : "bottom")
                           : "middle";
      if (std::fmod(angle, 180) == 0)
        style.align = "center";
      else
        style.align = (angle < 180) == (spec.orient == "bottom") ? "left" : "right";
    } else {
      style.align = spec.orient == "left" ? "right" : "left";
      style.baseline = "middle";
      if (angle != 0) {
        if (std::fmod(angle + 90, 180) == 0)
          style.align = "center";
        else
          style.align = (angle < 90 || angle > 270) == (spec.orient == "left") ? "right" : "left";
        const bool steep = (angle >= 45 && angle <= 135) || (angle >= 225 && angle <= 315);
        if (steep) style.baseline = (angle <= 180) == (spec.orient == "left") ? "top" : "bottom";
        if (angle >= 45 && angle <= 135) style.baseline = spec.orient == "left" ? "top" : "bottom";
        if (angle >= 225 && angle <= 315) style.baseline = spec.orient == "left" ? "bottom" : "top";
      }
    }
    words("labelAlign", style.align);
    words("labelBaseline", style.baseline);
    const std::string color =
        str(property(spec, type, "labelColor"),
            str(style_property(model_.config, "guide-label", "fill"), "#000"));
    const double padding = num(property(spec, type, "labelPadding"), 2),
                 away = (show_ticks ? tick_size : 0) + padding;
    const double label_offset = num(property(spec, type, "labelOffset"), 0);
    const json flush = property(spec, type, "labelFlush");
    const bool continuous_type = spec.field->quantitative() || spec.field->temporal();
    const bool flushes = flush.is_boolean()  ? flush.get<bool>()
                         : flush.is_number() ? true
                                             : x && continuous_type;
    const double flush_within = flush.is_number() ? flush.get<double>() : 1;
    const auto& range = scale->scale.range();
    label_mark.styles.push_back(style);
    for (size_t i = 0; i < ticks.size() && i < texts.size(); ++i) {
      double at = scale->scale.position(ticks[i]);
      if (!std::isfinite(at)) continue;
      at += shift + (is_discrete(type) ? tick_offset : num(get(spec.def, "tickOffset"), 0)) +
            label_offset;
      Item label;
      label.style = 0;
      label.text = texts[i];
      label.fill = str(conditional(property(spec, type, "labelColor"), ticks[i]), color);
      label.opacity =
          static_cast<float>(num(conditional(property(spec, type, "labelOpacity"), ticks[i]), 1));
      label.angle = angle > 180 ? angle - 360 : angle;
      (x ? label.x : label.y) = at;
      (x ? label.y : label.x) = sign * away;
      if (flushes && angle == 0 && x && range.size() >= 2 && !is_discrete(type)) {
        const double a = to_number(range.front()), b = to_number(range.back());
        const double low = std::min(a, b), high = std::max(a, b);
        Style own = style;
        if (std::abs(at - low) <= flush_within)
          own.align = "left";
        else if (std::abs(at - high) <= flush_within)
          own.align = "right";
        if (!(own == style)) {
          label_mark.styles.push_back(own);
          label.style = static_cast<int>(label_mark.styles.size()) - 1;
        }
      }
      label_mark.items.push_back(std::move(label));
    }
    const json overlap = property(spec, type, "labelOverlap");
    const bool continuous = spec.field->type != "nominal" && spec.field->type != "ordinal";
    const bool by_default =
        (spec.field->unit && !get(spec.field->def, "sort").is_object()) || continuous;
    const bool hide = overlap.is_boolean()  ? overlap.get<bool>()
                      : overlap.is_string() ? true
                                            : by_default;
    const bool greedy =
        overlap == "greedy" ||
        (!overlap.is_string() && (type == ScaleType::log || type == ScaleType::symlog));
    if (hide && !label_mark.items.empty())
      hide_overlaps(label_mark, greedy, num(property(spec, type, "labelSeparation"), 0), metrics_);
    box.unite(mark_bounds(label_mark, metrics_));
    // The extra tick at the edge of the bands has an empty label, which the reference gives room.
    if (edges && !x && !box.empty()) box.add(box.x1, -std::floor(style.font_size / 2));
  }
  const json offset_value = property(spec, type, "offset");
  const double offset = num(offset_value, 0);
  const double position = num(property(spec, type, "position"), 0);
  const double least = num(property(spec, type, "minExtent"), 0),
               most = num(property(spec, type, "maxExtent"), 200);
  double extent = 0;
  if (!box.empty())
    extent = spec.orient == "bottom" ? box.y2
             : spec.orient == "top"  ? -box.y1
             : spec.orient == "left" ? -box.x1
                                     : box.x2;
  extent = std::max(least, std::min(most, extent));
  if (x)
    box.add(0, sign * extent), box.add(size, 0);
  else
    box.add(sign * extent, 0), box.add(0, size);
  if (show_domain) {
    domain_mark.type = MarkType::rule;
    domain_mark.role = "axis-domain";
    Style style;
    const json dash = property(spec, type, "domainDash");
    if (dash.is_array())
      for (const json& part : dash)
        if (part.is_number()) style.dash.push_back(part.get<double>());
    domain_mark.styles.push_back(style);
    Item line;
    line.style = 0;
    line.stroke = str(property(spec, type, "domainColor"), "#888");
    line.stroke_width = static_cast<float>(num(property(spec, type, "domainWidth"), 1));
    line.stroke_opacity = static_cast<float>(num(property(spec, type, "domainOpacity"), 1));
    const auto& range = scale->scale.range();
    const double a = range.size() >= 2 ? to_number(range.front()) : 0,
                 b = range.size() >= 2 ? to_number(range.back()) : size;
    if (x)
      line.x = a, line.x2 = b;
    else
      line.y = a, line.y2 = b;
    domain_mark.items.push_back(std::move(line));
  }
  if (!spec.title.empty()) {
    title_mark.type = MarkType::text;
    title_mark.role = "axis-title";
    Style style = text_style(model_.config, "guide-title");
    style.font = str(property(spec, type, "titleFont"), style.font);
    style.font_weight = str(property(spec, type, "titleFontWeight"), style.font_weight);
    style.font_style = str(property(spec, type, "titleFontStyle"), style.font_style);
    style.font_size = num(property(spec, type, "titleFontSize"), style.font_size);
    style.limit = num(property(spec, type, "titleLimit"), 0);
    style.align = "center";
    style.baseline = far ? "top" : "bottom";
    if (!x && !far) style.baseline = "bottom";
    if (!x && far) style.baseline = "bottom";
    Item title;
    title.style = 0;
    title.text = spec.title;
    title.fill = str(property(spec, type, "titleColor"),
                     str(style_property(model_.config, "guide-title", "fill"), "#000"));
    title.angle = x ? 0 : spec.orient == "left" ? -90 : 90;
    title.angle = num(property(spec, type, "titleAngle"), title.angle);
    const std::string anchor = str(property(spec, type, "titleAnchor"), "middle");
    double along = size / 2;
    if (anchor == "start") along = x ? 0 : size, style.align = "left";
    if (anchor == "end") along = x ? size : 0, style.align = "right";
    style.align = str(property(spec, type, "titleAlign"), style.align);
    style.baseline = str(property(spec, type, "titleBaseline"), style.baseline);
    const double padding = num(property(spec, type, "titlePadding"), 4);
    (x ? title.x : title.y) = along;
    (x ? title.y : title.x) = sign * (extent + padding);
    // Several lines grow away from the axis.
    const size_t lines =
        static_cast<size_t>(std::count(spec.title.begin(), spec.title.end(), '\n'));
    if (lines > 0 && !far) {
      const double more = static_cast<double>(lines) * (style.font_size + 2);
      (x ? title.y : title.x) -= more;
    }
    if (const json tx = property(spec, type, "titleX"); tx.is_number()) title.x = tx.get<double>();
    if (const json ty = property(spec, type, "titleY"); ty.is_number()) title.y = ty.get<double>();
    title_mark.styles.push_back(style);
    title_mark.items.push_back(std::move(title));
    box.unite(mark_bounds(title_mark, metrics_));
  }
  DrawnAxis drawn;
  const double delta = num(property(spec, type, "translate"), 0.5);
  double gx = 0, gy = 0;
  if (x)
    gx = position, gy = spec.orient == "bottom" ? height + offset : -offset;
  else
    gy = position, gx = spec.orient == "right" ? width + offset : -offset;
  group.item.x = gx + delta, group.item.y = gy + delta;
  for (Mark* mark : {&tick_mark, &label_mark, &domain_mark, &title_mark})
    if (!mark->items.empty()) group.marks.push_back(std::move(*mark));
  drawn.mark.type = MarkType::group;
  drawn.mark.role = "axis";
  drawn.mark.zindex = spec.zindex;
  drawn.mark.groups.push_back(std::move(group));
  drawn.box = box.moved(gx, gy);
  return drawn;
}

}  // namespace tools::vega
