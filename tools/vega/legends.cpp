// Legends as Vega draws them: symbols with labels, or a ramp of colour with ticks. Channels that
// show the same domain share one.
#include <algorithm>
#include <cmath>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/field_text.h"
#include "tools/vega/format.h"
#include "tools/vega/grid.h"
#include "tools/vega/guides.h"

namespace tools::vega {
namespace {

double num(const json& value, double fallback) {
  return value.is_number() ? value.get<double>() : fallback;
}
std::string str(const json& value, const std::string& fallback) {
  return value.is_string() ? value.get<std::string>() : fallback;
}
bool color_channel(const std::string& channel) {
  return channel == "color" || channel == "fill" || channel == "stroke";
}

// One legend: the scales that it shows, by channel.
struct LegendSpec {
  std::vector<std::pair<std::string, const ScaleEntry*>> scales;
  json def = json::object();
  std::string title;
  const View* unit = nullptr;
  const ChannelDef* field = nullptr;
};

class LegendMaker {
 public:
  LegendMaker(View& view, int cell, Model& model, const TextMetrics& metrics)
      : view_(view), cell_(cell), model_(model), metrics_(metrics) {}

  std::vector<DrawnLegend> make() {
    std::vector<LegendSpec> specs;
    for (const char* channel : {"color", "fill", "stroke", "strokeWidth", "size", "shape",
                                "strokeDash", "opacity", "fillOpacity", "strokeOpacity", "angle"}) {
      const auto found = view_.own_scales.find(channel);
      if (found == view_.own_scales.end()) continue;
      add(*found->second, channel, specs);
    }
    std::vector<DrawnLegend> drawn;
    for (const LegendSpec& spec : specs) drawn.push_back(draw(spec));
    return drawn;
  }

 private:
  void add(const ScaleEntry& entry, const std::string& channel, std::vector<LegendSpec>& specs) {
    LegendSpec spec;
    spec.scales.push_back({channel, &entry});
    bool first = true, explicit_title = false;
    for (const auto& [unit, def] : entry.users) {
      const json& legend = get(def->def, "legend");
      if (has(def->def, "legend") && (legend.is_null() || legend == false)) continue;
      if (!has(def->def, "legend") && truth(get(model_.config, "legend"), "disable", false))
        continue;
      if (channel == "angle" && !has(def->def, "legend")) continue;
      std::string title;
      bool own = true;
      if (has(legend, "title"))
        title = lines_of(legend["title"]);
      else if (has(def->def, "title"))
        title = lines_of(def->def["title"]);
      else
        title = field_title(*def, model_.config), own = false;
      if (first) {
        spec.unit = unit, spec.field = def, spec.title = title, explicit_title = own;
        if (legend.is_object()) spec.def = legend;
        first = false;
        continue;
      }
      if (legend.is_object())
        for (const auto& [key, value] : legend.items())
          if (!spec.def.contains(key)) spec.def[key] = value;
      if (own && !explicit_title)
        spec.title = title, explicit_title = true;
      else if (own == explicit_title && !title.empty() &&
               ("," + spec.title + ",").find(title) == std::string::npos)
        spec.title += (spec.title.empty() ? "" : ", ") + title;
    }
    if (first) return;
    const ScaleInstance& instance = entry.instances[static_cast<size_t>(cell_)];
    if (!instance.ok) return;
    for (LegendSpec& other : specs) {
      const ScaleEntry& theirs = *other.scales[0].second;
      const bool same_kind = is_gradient(theirs, other) == is_gradient(entry, spec) ||
                             (!is_gradient(theirs, other) && !is_gradient(entry, spec));
      if (theirs.instances[static_cast<size_t>(cell_)].options.domain == instance.options.domain &&
          other.title == spec.title && same_kind && !is_gradient(entry, spec)) {
        other.scales.push_back({channel, &entry});
        for (const auto& [key, value] : spec.def.items())
          if (!other.def.contains(key)) other.def[key] = value;
        return;
      }
    }
    specs.push_back(std::move(spec));
  }

  static bool is_gradient(const ScaleEntry& entry, const LegendSpec& spec) {
    const std::string type = text(spec.def, "type");
    if (!color_channel(entry.channel)) return false;
    if (type == "symbol") return false;
    return !is_discrete(entry.type);
  }

  json property(const LegendSpec& spec, const std::string& name) const {
    if (has(spec.def, name)) return resolve_expression(spec.def[name], model_);
    return get(get(model_.config, "legend"), name);
  }

  Style style(const char* base, const LegendSpec& spec, const std::string& prefix) const {
    Style result;
    auto words = [&](const char* name, std::string& target) {
      json value = property(spec, prefix + name);
      if (value.is_null()) {
        std::string lower = name;
        lower[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lower[0])));
        value = style_property(model_.config, base, lower);
      }
      if (value.is_string()) target = value.get<std::string>();
      if (value.is_number()) target = number_text(value.get<double>());
    };
    words("Font", result.font);
    words("FontWeight", result.font_weight);
    words("FontStyle", result.font_style);
    result.font_size = num(property(spec, prefix + "FontSize"),
                           num(style_property(model_.config, base, "fontSize"), 10));
    result.limit = num(property(spec, prefix + "Limit"), 0);
    return result;
  }

  std::string label_of(const LegendSpec& spec, const Row& value) const {
    const ChannelDef& def = *spec.field;
    if (def.bin && def.discrete_type() && value.is_string()) return value.get<std::string>();
    return format_field(def, value, str(get(spec.def, "format"), ""),
                        str(get(spec.def, "formatType"), ""), model_);
  }

  std::vector<std::string> labels(const LegendSpec& spec, const ScaleInstance& scale,
                                  const std::vector<Row>& values, double count) {
    std::vector<std::string> texts;
    const ScaleType type = scale.options.type;
    const std::string format = str(get(spec.def, "format"), "");
    if (is_discrete(type) || spec.field->temporal() || spec.field->unit) {
      for (const Row& value : values) {
        if (!format.empty() || spec.field->unit || !spec.field->temporal() || is_discrete(type))
          texts.push_back(label_of(spec, value));
        else
          texts.push_back(format_time_multi(to_number(value), Zone::local));
      }
    } else {
      base::Result<std::vector<std::string>> made = scale.scale.labels(
          values, count, format.empty() ? text(model_.config, "numberFormat") : format);
      if (made) texts = std::move(*made);
    }
    apply_label_expression(property(spec, "labelExpr"), values, false, texts, model_);
    return texts;
  }

  DrawnLegend draw(const LegendSpec& spec) {
    DrawnLegend drawn;
    drawn.orient = str(property(spec, "orient"), "right");
    drawn.offset = num(property(spec, "offset"), 18);
    Group& group = drawn.group;
    const double padding = num(property(spec, "padding"), 0);
    Group entries;
    Box inside;
    if (is_gradient(*spec.scales[0].second, spec))
      gradient(spec, drawn.orient, entries, inside);
    else
      symbols(spec, drawn.orient, entries, inside);
    Mark title;
    double top = padding;
    Box all;
    if (!spec.title.empty()) {
      title.type = MarkType::text;
      title.role = "legend-title";
      Style look = style("guide-title", spec, "title");
      look.align = str(property(spec, "titleAlign"), "left");
      look.baseline = str(property(spec, "titleBaseline"), "top");
      Item item;
      item.style = 0;
      item.text = spec.title;
      item.x = padding, item.y = padding;
      item.fill = str(property(spec, "titleColor"),
                      str(style_property(model_.config, "guide-title", "fill"), "#000"));
      title.styles.push_back(look);
      title.items.push_back(item);
      const Box box = item_bounds(title, title.items[0], metrics_);
      const std::string orient = str(property(spec, "titleOrient"), "top");
      const double gap = num(property(spec, "titlePadding"), 5);
      if (orient == "left") {
        entries.item.x = padding + std::ceil(box.width()) + gap;
        entries.item.y = padding;
        if (look.baseline == "middle") title.items[0].y = padding + std::ceil(inside.height()) / 2;
      } else {
        top = padding + std::ceil(box.height()) + gap;
      }
      if (orient != "left") entries.item.x = padding, entries.item.y = top;
      all.unite(item_bounds(title, title.items[0], metrics_));
    } else {
      entries.item.x = padding, entries.item.y = padding;
    }
    all.unite(inside.moved(entries.item.x, entries.item.y));
    all.add(0, 0);
    group.item.width = std::ceil(all.x2 + padding);
    group.item.height = std::ceil(all.y2 + padding);
    group.item.fill = str(property(spec, "fillColor"), "");
    group.item.stroke = str(property(spec, "strokeColor"), "");
    Mark entry_mark;
    entry_mark.type = MarkType::group;
    entry_mark.role = "legend-entry";
    entry_mark.groups.push_back(std::move(entries));
    group.marks.push_back(std::move(entry_mark));
    if (!title.items.empty()) group.marks.push_back(std::move(title));
    return drawn;
  }

  // --- symbols

  void symbols(const LegendSpec& spec, const std::string& orient, Group& entries, Box& inside) {
    const ScaleEntry& main = *spec.scales[0].second;
    const ScaleInstance& scale = main.instances[static_cast<size_t>(cell_)];
    const ScaleType type = main.type;
    std::vector<Row> values;
    double count = num(property(spec, "tickCount"), 5);
    const json given = property(spec, "values");
    if (given.size() > kMaxGuideValues) {
      model_.failure.fail(base::Errc::limit, "legend.values has more than 10000 values");
      return;
    }
    if (given.is_array()) {
      for (const json& value : given) values.push_back(datum_value(value, model_.failure));
    } else if (is_discrete(type)) {
      values = scale.scale.domain();
    } else if (is_discretizing(type)) {
      values = {};
    } else if (scale.bins) {
      const Bins& bins = *scale.bins;
      for (int k = 0; k < 1000 && bins.start + k * bins.step <= bins.stop + 1e-9; ++k)
        values.push_back(number_row(bins.start + k * bins.step));
    } else {
      values = scale.scale.ticks(count);
    }
    std::vector<std::string> texts;
    if (is_discretizing(type) && !given.is_array()) {
      const std::vector<double> cuts = scale.scale.thresholds();
      base::Result<NumberFormat> format = NumberFormat::parse(str(get(spec.def, "format"), ""));
      auto show = [&](double cut) { return format ? (*format)(cut) : number_text(cut); };
      for (size_t i = 0; i <= cuts.size(); ++i) {
        values.push_back(i == 0 ? number_row(cuts.empty() ? 0 : cuts[0] - 1)
                                : number_row(cuts[i - 1]));
        texts.push_back(i == 0             ? (cuts.empty() ? "" : "< " + show(cuts[0]))
                        : i == cuts.size() ? "≥ " + show(cuts[i - 1])
                                           : show(cuts[i - 1]) + " – " + show(cuts[i]));
      }
    } else if (scale.bins && !is_discrete(type)) {
      // Sizes of bins: one entry per bin.
      std::vector<Row> starts;
      for (size_t i = 0; i + 1 < values.size(); ++i) {
        starts.push_back(number_row((values[i].get<double>() + values[i + 1].get<double>()) / 2));
        texts.push_back(number_text(values[i].get<double>()) + " – " +
                        number_text(values[i + 1].get<double>()));
      }
      values = starts;
    } else {
      texts = labels(spec, scale, values, count);
    }
    const double limit = num(property(spec, "symbolLimit"), 30);
    if (limit > 0 && static_cast<double>(values.size()) > limit) {
      const size_t keep = static_cast<size_t>(limit) - 1, rest = values.size() - keep;
      values.resize(keep);
      texts.resize(keep);
      values.push_back(Row());
      texts.push_back("…" + std::to_string(rest) + " entries");
    }
    const View& unit = *spec.unit;
    const json& mark_def = unit.mark_def;
    auto mark_prop = [&](const char* name) {
      return mark_property(mark_def, unit.mark, model_.config, name);
    };
    const json filled_prop = mark_prop("filled");
    const bool filled = filled_prop.is_boolean() ? filled_prop.get<bool>()
                                                 : unit.mark != "point" && unit.mark != "line" &&
                                                       unit.mark != "rule" && unit.mark != "trail-";
    std::string shape;
    if (const json given_shape = property(spec, "symbolType");
        has(spec.def, "symbolType") && given_shape.is_string())
      shape = given_shape.get<std::string>();
    bool overlaid = false;  // lines with filled points: the symbol shows both
    if (shape.empty()) {
      for (const auto& [user, def] : main.users) {
        const json own = mark_property(user->mark_def, user->mark, model_.config, "shape");
        const std::string& m = user->mark;
        const std::string mine = own.is_string() ? own.get<std::string>()
                                 : m == "bar" || m == "rect" || m == "image" || m == "square"
                                     ? "square"
                                 : m == "line" || m == "trail" || m == "rule" ? "stroke"
                                                                              : "circle";
        if (shape == "stroke" && mine == "circle") {
          const json points_filled =
              mark_property(user->mark_def, user->mark, model_.config, "filled");
          overlaid = points_filled.is_boolean() ? points_filled.get<bool>() : m != "point";
        }
        // A circle is kept, anything else gives way to what comes later.
        if (shape != "circle") shape = mine;
      }
    }
    const std::string base_color = str(mark_prop("color"), "#4c78a8");
    std::vector<Group> cells;
    std::vector<double> sizes, widths;
    struct Look {
      Item item;
      Style style;
    };
    std::vector<Look> looks;
    bool color_shown = false;
    for (const auto& [channel, entry] : spec.scales) color_shown |= color_channel(channel);
    for (const Row& value : values) {
      Look look;
      look.item.size = num(property(spec, "symbolSize"), 100);
      look.item.stroke_width = static_cast<float>(num(property(spec, "symbolStrokeWidth"), 1.5));
      if (shape == "stroke" && mark_prop("strokeWidth").is_number() && false)
        look.item.stroke_width = static_cast<float>(num(mark_prop("strokeWidth"), 2));
      look.style.shape = shape;
      const json opacity = mark_prop("opacity");
      float alpha = opacity.is_number() ? static_cast<float>(opacity.get<double>())
                    : (unit.mark == "point" || unit.mark == "tick" || unit.mark == "circle" ||
                       unit.mark == "square") &&
                            !unit.aggregated
                        ? 0.7F
                        : 1;
      if (const auto enc = unit.encoding.find("opacity");
          enc != unit.encoding.end() && enc->second.main.kind == ChannelDef::Kind::value &&
          enc->second.main.value.is_number())
        alpha = static_cast<float>(enc->second.main.value.get<double>());
      look.item.opacity = static_cast<float>(num(property(spec, "symbolOpacity"), alpha));
      const std::string fill_default = filled ? base_color : "transparent",
                        stroke_default = filled ? "" : base_color;
      std::string plain = base_color;
      if (!color_shown)
        if (const auto enc = unit.encoding.find("color");
            enc != unit.encoding.end() && enc->second.main.kind == ChannelDef::Kind::value)
          plain = str(enc->second.main.value, plain);
      if (!color_shown && unit.def("color") != nullptr) plain = "black";
      look.item.fill = shape == "stroke" ? "transparent" : filled ? plain : "transparent";
      look.item.stroke = filled && shape != "stroke" ? "" : plain;
      // Without a colour to show, the symbol keeps the room of its outline.
      if (filled && shape != "stroke" && !color_shown) look.item.stroke = "transparent";
      if (filled && shape != "stroke" && mark_def.contains("fill") && mark_def["fill"].is_string())
        look.item.fill = mark_def["fill"].get<std::string>();
      for (const auto& [channel, entry] : spec.scales) {
        const ScaleInstance& instance = entry->instances[static_cast<size_t>(cell_)];
        const Row shown =
            value.is_null() && !is_discrete(entry->type) ? Row() : instance.scale.at(value);
        if (channel == "color") {
          const std::string paint = shown.is_string() ? shown.get<std::string>() : "";
          if (filled && shape != "stroke")
            look.item.fill = paint;
          else
            look.item.stroke = paint;
          if (overlaid) look.item.fill = paint;
        } else if (channel == "fill") {
          look.item.fill = shown.is_string() ? shown.get<std::string>() : "";
        } else if (channel == "stroke") {
          look.item.stroke = shown.is_string() ? shown.get<std::string>() : "";
        } else if (channel == "size") {
          if (unit.mark == "line" || unit.mark == "rule" || unit.mark == "trail")
            look.item.stroke_width = static_cast<float>(num(shown, 1));
          else
            look.item.size = num(shown, 100);
        } else if (channel == "shape") {
          look.style.shape = str(shown, "circle");
        } else if (channel == "strokeDash") {
          if (shown.is_array())
            for (const json& part : shown)
              if (part.is_number()) look.style.dash.push_back(part.get<double>());
          if (look.style.dash.size() == 2 && look.style.dash[1] == 0) look.style.dash.clear();
        } else if (channel == "strokeWidth") {
          look.item.stroke_width = static_cast<float>(num(shown, 1));
        } else if (channel.find("pacity") != std::string::npos) {
          look.item.opacity = static_cast<float>(num(shown, 1));
        } else if (channel == "angle") {
          look.item.angle = num(shown, 0);
        }
      }
      if (const json fill = property(spec, "symbolFillColor");
          has(spec.def, "symbolFillColor") && fill.is_string())
        look.item.fill = fill.get<std::string>();
      if (const json stroke = property(spec, "symbolStrokeColor");
          has(spec.def, "symbolStrokeColor") && stroke.is_string())
        look.item.stroke = stroke.get<std::string>();
      looks.push_back(std::move(look));
    }
    double offset = 0;
    for (const Look& look : looks)
      offset = std::max(offset, std::ceil(std::sqrt(look.item.size) + look.item.stroke_width));
    Style label_style = style("guide-label", spec, "label");
    label_style.align = str(property(spec, "labelAlign"), "left");
    label_style.baseline = str(property(spec, "labelBaseline"), "middle");
    const double label_offset = num(property(spec, "labelOffset"), 4),
                 symbol_offset = num(property(spec, "symbolOffset"), 0);
    const std::string label_color =
        str(property(spec, "labelColor"),
            str(style_property(model_.config, "guide-label", "fill"), "#000"));
    std::vector<Box> boxes;
    for (size_t i = 0; i < looks.size(); ++i) {
      Group cell;
      const double height =
          std::max(std::ceil(std::sqrt(looks[i].item.size) + looks[i].item.stroke_width),
                   label_style.font_size);
      Mark symbol, label;
      symbol.type = MarkType::symbol;
      symbol.role = "legend-symbol";
      symbol.styles.push_back(looks[i].style);
      symbol.items.push_back(looks[i].item);
      symbol.items[0].style = 0;
      symbol.items[0].x = symbol_offset + offset / 2;
      symbol.items[0].y = height / 2;
      label.type = MarkType::text;
      label.role = "legend-label";
      label.styles.push_back(label_style);
      Item item;
      item.style = 0;
      item.text = texts[i];
      item.fill = label_color;
      item.x = offset + label_offset;
      item.y = height / 2;
      label.items.push_back(std::move(item));
      Box box;
      box.unite(mark_bounds(symbol, metrics_));
      box.unite(mark_bounds(label, metrics_));
      boxes.push_back(box);
      cell.marks.push_back(std::move(symbol));
      cell.marks.push_back(std::move(label));
      cells.push_back(std::move(cell));
    }
    GridOptions grid;
    const bool row = orient == "top" || orient == "bottom";
    const std::string direction = str(property(spec, "direction"), row ? "horizontal" : "vertical");
    grid.columns =
        static_cast<int>(num(property(spec, "columns"), direction == "horizontal" ? 0 : 1));
    grid.row_padding = num(property(spec, "rowPadding"), 2);
    grid.column_padding = num(property(spec, "columnPadding"), 10);
    const std::vector<Place> places = grid_places(boxes, grid);
    Mark scope;
    scope.type = MarkType::group;
    scope.role = "scope";
    for (size_t i = 0; i < cells.size(); ++i) {
      cells[i].item.x = places[i].x, cells[i].item.y = places[i].y;
      inside.unite(boxes[i].moved(places[i].x, places[i].y));
      scope.groups.push_back(std::move(cells[i]));
    }
    entries.marks.push_back(std::move(scope));
  }

  // --- ramps

  void gradient(const LegendSpec& spec, const std::string& orient, Group& entries, Box& inside) {
    const ScaleEntry& main = *spec.scales[0].second;
    const ScaleInstance& scale = main.instances[static_cast<size_t>(cell_)];
    const bool row = orient == "top" || orient == "bottom";
    const std::string direction = str(property(spec, "direction"), row ? "horizontal" : "vertical");
    const bool vertical = direction != "horizontal";
    double length = num(get(spec.def, "gradientLength"), NAN);
    if (std::isnan(length)) {
      // As long as the plot, within bounds.
      const View* unit = spec.unit;
      double size = 200;
      if (!unit->cells.empty() && vertical) size = unit->cells[0].height;
      if (!unit->cells.empty() && !vertical) size = unit->cells[0].width;
      length = vertical ? std::clamp(size, 64.0, 200.0) : std::clamp(size, 100.0, 200.0);
      if (view_.kind == ViewKind::concat && view_.children.size() > 1)
        length = vertical ? 200 : 200;
    }
    const double thickness = num(property(spec, "gradientThickness"), 16),
                 label_offset = num(property(spec, "gradientLabelOffset"), 2);
    // A short ramp shows its ends only.
    double count = num(property(spec, "tickCount"), std::max(2.0, 2 * std::floor(length / 100)));
    const json given = property(spec, "values");
    if (given.size() > kMaxGuideValues) {
      model_.failure.fail(base::Errc::limit, "legend.values has more than 10000 values");
      return;
    }
    std::vector<Row> values;
    Mark ramp;
    ramp.type = MarkType::rect;
    std::vector<double> at;
    std::vector<std::string> texts;
    const float alpha = 1;
    if (is_discretizing(main.type)) {
      ramp.role = "legend-band";
      std::vector<double> cuts = scale.scale.thresholds();
      const size_t n = cuts.size() + 1;
      for (size_t i = 0; i < n; ++i) {
        Item band;
        const double from = length * static_cast<double>(i) / static_cast<double>(n),
                     to = length * static_cast<double>(i + 1) / static_cast<double>(n);
        if (vertical)
          band.x = 0, band.width = thickness, band.y = length - to, band.height = to - from;
        else
          band.y = 0, band.height = thickness, band.x = from, band.width = to - from;
        const double probe = cuts.empty() ? 0 : i == 0 ? cuts[0] - 1 : cuts[i - 1];
        const Row color = scale.scale.at(number_row(probe));
        band.fill = color.is_string() ? color.get<std::string>() : "";
        band.opacity = alpha;
        ramp.items.push_back(std::move(band));
        at.push_back(static_cast<double>(i) / static_cast<double>(n));
        values.push_back(i == 0 ? Row() : number_row(cuts[i - 1]));
      }
      base::Result<NumberFormat> format = NumberFormat::parse(str(get(spec.def, "format"), ""));
      for (const Row& value : values)
        texts.push_back(value.is_null() ? ""
                        : format        ? (*format)(value.get<double>())
                                        : to_text(value));
    } else {
      ramp.role = "legend-gradient";
      if (given.is_array())
        for (const json& value : given) values.push_back(datum_value(value, model_.failure));
      else if (count == 2 && scale.scale.domain_numbers().size() >= 2)
        values = {number_row(scale.scale.domain_numbers().front()),
                  number_row(scale.scale.domain_numbers().back())};
      else
        values = scale.scale.ticks(count);
      texts = labels(spec, scale, values, count);
      Item bar;
      bar.width = vertical ? thickness : length, bar.height = vertical ? length : thickness;
      json stops = json::array();
      const auto& domain = scale.scale.domain_numbers();
      const double low = domain.empty() ? 0 : domain.front(),
                   high = domain.empty() ? 1 : domain.back();
      for (int i = 0; i <= 16; ++i) {
        const double t = i / 16.0;
        const Row color = scale.scale.at(number_row(low + (high - low) * t));
        stops.push_back({{"offset", t}, {"color", color.is_string() ? color : json("#000")}});
      }
      json paint = {{"gradient", "linear"},   {"x1", 0}, {"y1", vertical ? 1 : 0},
                    {"x2", vertical ? 0 : 1}, {"y2", 0}, {"stops", stops}};
      bar.fill = paint.dump();
      ramp.items.push_back(std::move(bar));
      for (const Row& value : values)
        at.push_back(high != low ? (to_number(value) - low) / (high - low) : 0.5);
    }
    Mark label;
    label.type = MarkType::text;
    label.role = "legend-label";
    Style base = style("guide-label", spec, "label");
    const std::string label_color =
        str(property(spec, "labelColor"),
            str(style_property(model_.config, "guide-label", "fill"), "#000"));
    for (size_t i = 0; i < at.size() && i < texts.size(); ++i) {
      if (at[i] < -1e-9 || at[i] > 1 + 1e-9) continue;
      Style look = base;
      Item item;
      item.text = texts[i];
      item.fill = label_color;
      if (vertical) {
        look.align = "left";
        look.baseline = at[i] <= 0 ? "bottom" : at[i] >= 1 ? "top" : "middle";
        item.x = thickness + label_offset;
        item.y = length * (1 - at[i]);
      } else {
        look.align = at[i] <= 0 ? "left" : at[i] >= 1 ? "right" : "center";
        look.baseline = "top";
        item.x = length * at[i];
        item.y = thickness + label_offset;
      }
      item.style = static_cast<int>(label.styles.size());
      label.styles.push_back(look);
      label.items.push_back(std::move(item));
    }
    if (!label.items.empty())
      hide_overlaps(label, false, num(property(spec, "labelSeparation"), 0), metrics_);
    inside.unite(mark_bounds(ramp, metrics_));
    inside.unite(mark_bounds(label, metrics_));
    entries.marks.push_back(std::move(ramp));
    if (!label.items.empty()) entries.marks.push_back(std::move(label));
  }

  View& view_;
  int cell_;
  Model& model_;
  const TextMetrics& metrics_;
};

}  // namespace

std::vector<DrawnLegend> make_legends(View& view, int cell, Model& model,
                                      const TextMetrics& metrics) {
  return LegendMaker(view, cell, model, metrics).make();
}

}  // namespace tools::vega
