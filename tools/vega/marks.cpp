// The items of a unit's marks: a position, the paint that channels, the mark, its styles and the
// configuration give it, in that order, and text where the mark is one.
#include "tools/vega/marks.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "tools/vega/config.h"
#include "tools/vega/encoder.h"
#include "tools/vega/field_text.h"
#include "tools/vega/mark_paint.h"
#include "tools/vega/positions.h"

namespace tools::vega {

namespace {

class MarkMaker {
 public:
  MarkMaker(const View& view, int cell, Model& model)
      : view_(view),
        cell_(cell),
        model_(model),
        config_(model.config),
        positions_(view, cell, model),
        color_(view, cell, "color"),
        fill_(view, cell, "fill"),
        stroke_(view, cell, "stroke"),
        opacity_(view, cell, "opacity"),
        fill_opacity_(view, cell, "fillOpacity"),
        stroke_opacity_(view, cell, "strokeOpacity"),
        stroke_width_(view, cell, "strokeWidth"),
        stroke_dash_(view, cell, "strokeDash"),
        size_(view, cell, "size"),
        angle_(view, cell, "angle"),
        shape_(view, cell, "shape") {}

  std::vector<Mark> make() {
    const Cell& cell = view_.cells[static_cast<size_t>(cell_)];
    paint_ = read_mark_paint(view_, config_);
    const Rows* rows = cell.rows.get();
    if (view_.is_path()) return paths(*rows);
    Mark mark;
    mark.name = "marks";
    mark.type = type();
    mark.styles.push_back(paint_.style);
    mark.items.reserve(rows->size());
    std::vector<Mark> marks;
    if (view_.mark == "bar" && !view_.stack.channel.empty() &&
        paint_.style.corner_radius != std::array<double, 4>{0, 0, 0, 0})
      return rounded_stacks(*rows, mark);
    for (const Row& row : *rows) {
      add(mark, row);
      if (model_.failure.failed()) break;
    }
    marks.push_back(std::move(mark));
    return marks;
  }

 private:
  // Bars with round corners: one mark per stack, and only the stack's own corners are round.
  std::vector<Mark> rounded_stacks(const Rows& rows, const Mark& empty) {
    std::vector<Mark> marks;
    std::unordered_map<std::string, size_t> index;
    std::vector<Field> fields;
    for (const std::string& name : view_.stack.options.groupby) fields.push_back(Field::key(name));
    for (const Row& row : rows) {
      std::string key;
      for (const Field& field : fields) append_key(key, field.of(row));
      const auto [at, fresh] = index.emplace(std::move(key), marks.size());
      if (fresh) marks.push_back(empty);
      add(marks[at->second], row);
    }
    const bool x = view_.stack.channel == "x";
    for (Mark& mark : marks) {
      double low = INFINITY, high = -INFINITY;
      for (const Item& item : mark.items) {
        low = std::min(low, x ? item.x : item.y);
        high = std::max(high, x ? item.x + item.width : item.y + item.height);
      }
      for (Item& item : mark.items) {
        Style style = mark.style_of(item);
        auto& r = style.corner_radius;  // top left, top right, bottom right, bottom left
        if ((x ? item.x : item.y) > low + 0.01) r[0] = 0, r[x ? 3 : 1] = 0;
        if ((x ? item.x + item.width : item.y + item.height) < high - 0.01)
          r[2] = 0, r[x ? 1 : 3] = 0;
        item.style = style_index(mark, style);
      }
    }
    return marks;
  }

  json property(const std::string& name) const {
    return mark_property(view_.mark_def, view_.mark, config_, name);
  }

  MarkType type() const {
    const std::string& mark = view_.mark;
    if (mark == "point" || mark == "circle" || mark == "square") return MarkType::symbol;
    if (mark == "rule") return MarkType::rule;
    if (mark == "text") return MarkType::text;
    if (mark == "line") return MarkType::line;
    if (mark == "area") return MarkType::area;
    if (mark == "arc") return MarkType::arc;
    if (mark == "trail") return MarkType::trail;
    return MarkType::rect;
  }

  int style_index(Mark& mark, const Style& style) const {
    // Newest first: neighbours in the data often look the same.
    const size_t n = mark.styles.size();
    for (size_t i = n; i-- > (n > 16 ? n - 16 : 0);)
      if (mark.styles[i] == style) return static_cast<int>(i);
    mark.styles.push_back(style);
    return static_cast<int>(mark.styles.size()) - 1;
  }

  // The paint of one row on top of the mark's own.
  Item painted(Mark& mark, const Row& row) {
    Item item = paint_.base;
    item.style = 0;
    if (color_) {
      if (const Row* value = color_.at(row)) {
        if (paint_.filled || view_.mark == "text") {
          if (!paint_.own_fill) item.fill = as_paint(*value);
        } else if (!paint_.own_stroke) {
          item.stroke = as_paint(*value);
        }
      }
    }
    if (fill_)
      if (const Row* value = fill_.at(row)) item.fill = as_paint(*value);
    if (stroke_)
      if (const Row* value = stroke_.at(row)) item.stroke = as_paint(*value);
    if (opacity_)
      if (const Row* value = opacity_.at(row)) item.opacity = as_float(*value, item.opacity);
    if (fill_opacity_)
      if (const Row* value = fill_opacity_.at(row))
        item.fill_opacity = as_float(*value, item.fill_opacity);
    if (stroke_opacity_)
      if (const Row* value = stroke_opacity_.at(row))
        item.stroke_opacity = as_float(*value, item.stroke_opacity);
    if (size_) {
      if (const Row* value = size_.at(row)) {
        if (view_.mark == "line" || view_.mark == "rule")
          item.stroke_width = as_float(*value, item.stroke_width);
        else if (value->is_number())
          item.size = value->get<double>();
      }
    }
    if (stroke_width_)
      if (const Row* value = stroke_width_.at(row))
        item.stroke_width = as_float(*value, item.stroke_width);
    if (angle_)
      if (const Row* value = angle_.at(row)) item.angle = as_float(*value, 0);
    if (shape_ || stroke_dash_) {
      Style style = paint_.style;
      if (shape_)
        if (const Row* value = shape_.at(row); value != nullptr && value->is_string())
          style.shape = value->get<std::string>();
      if (stroke_dash_)
        if (const Row* value = stroke_dash_.at(row)) style.dash.clear(), set_dash(style, *value);
      item.style = style_index(mark, style);
    }
    return item;
  }

  void tooltip(Item& item, const Row& row) const {
    const auto found = view_.encoding.find("tooltip");
    if (found == view_.encoding.end()) return;
    std::vector<const ChannelDef*> defs;
    if (found->second.main.is_field()) defs.push_back(&found->second.main);
    for (const ChannelDef& def : found->second.list) defs.push_back(&def);
    for (const ChannelDef* def : defs) {
      if (!def->is_field()) continue;
      const Row& value = def->column.of(row);
      const std::string title =
          has(def->def, "title") ? lines_of(def->def["title"]) : field_title(*def, config_);
      item.tooltip +=
          (item.tooltip.empty() ? "" : "; ") + title + ": " +
          format_field(*def, value, text(def->def, "format"), text(def->def, "formatType"), model_);
    }
  }

  std::string row_text(const Row& row) {
    const auto found = view_.encoding.find("text");
    if (found == view_.encoding.end()) {
      const json& own = get(view_.mark_def, "text");
      return lines_of(resolve_expression(own, model_, &row));
    }
    const ChannelDef* def = &found->second.main;
    for (const Condition& condition : found->second.conditions) {
      const base::Result<bool> holds = condition.test(row);
      if (holds && *holds) {
        def = &condition.then;
        break;
      }
    }
    if (def->kind == ChannelDef::Kind::value)
      return lines_of(resolve_expression(def->value, model_, &row));
    if (def->kind == ChannelDef::Kind::none) return "";
    const Row* value = def->is_datum() ? &def->datum : def->column.find(row);
    if (value == nullptr || value->is_null()) return def->quantitative() ? "0" : "null";
    std::string label;
    if (def->bin && def->quantitative()) {
      const std::string format = text(def->def, "format");
      label = format_field(*def, *value, format, "", model_) + " – " +
              format_field(*def, def->end_column.of(row), format, "", model_);
    } else {
      label = format_field(*def, *value, text(def->def, "format"), text(def->def, "formatType"),
                           model_);
    }
    if (!paint_.line_break.empty()) {
      for (size_t at = label.find(paint_.line_break); at != std::string::npos;
           at = label.find(paint_.line_break, at + 1))
        label.replace(at, paint_.line_break.size(), "\n");
    }
    return label;
  }

  void add(Mark& mark, const Row& row) {
    using Default = Positions::Default;
    Item item = painted(mark, row);
    switch (mark.type) {
      case MarkType::rect: {
        const auto [x, x2] = positions_.rect("x", row);
        const auto [y, y2] = positions_.rect("y", row);
        item.x = std::min(x, x2), item.width = std::abs(x2 - x);
        item.y = std::min(y, y2), item.height = std::abs(y2 - y);
        break;
      }
      case MarkType::symbol:
        item.x = positions_.point("x", row, Default::mid);
        item.y = positions_.point("y", row, Default::mid);
        break;
      case MarkType::rule:
        for (const char* channel : {"x", "y"}) {
          const bool x = channel[0] == 'x';
          const bool along = x ? view_.orient != "vertical" : view_.orient != "horizontal";
          double& from = x ? item.x : item.y;
          double& to = x ? item.x2 : item.y2;
          from = positions_.point(channel, row,
                                  (x ? view_.orient == "horizontal" : view_.orient == "vertical")
                                      ? Default::zero_or_max
                                      : Default::mid);
          to = along ? positions_.second(channel, row, Default::zero_or_min) : from;
        }
        break;
      case MarkType::text: {
        item.x = positions_.point("x", row, Default::mid);
        item.y = positions_.point("y", row, Default::mid);
        item.text = row_text(row);
        Style style = mark.styles[static_cast<size_t>(item.style)];
        if (size_) style.font_size = item.size;
        for (const std::string& name : paint_.per_row) {
          const json value = resolve_expression(view_.mark_def[name], model_, &row);
          if (name == "dx") style.dx = as_float(value, 0);
          if (name == "dy") style.dy = as_float(value, 0);
          if (name == "angle") item.angle = as_float(value, 0);
          if (name == "fontSize") style.font_size = as_float(value, 11);
          if (name == "align" && value.is_string()) style.align = value.get<std::string>();
          if (name == "baseline" && value.is_string()) style.baseline = value.get<std::string>();
        }
        if (view_.encoding.contains("theta") || view_.encoding.contains("radius") ||
            view_.mark_def.contains("radius")) {
          style.radius = positions_.point("radius", row, Default::zero_or_max);
          if (view_.mark_def.contains("radius") && view_.mark_def["radius"].is_number())
            style.radius = view_.mark_def["radius"].get<double>();
          style.radius += number(view_.mark_def, "radiusOffset", 0);
          style.theta = positions_.point("theta", row, Default::zero_or_min);
          style.theta += number(view_.mark_def, "thetaOffset", 0);
        }
        item.style = style_index(mark, style);
        break;
      }
      case MarkType::arc:
        arc(mark, item, row);
        break;
      default:
        break;
    }
    tooltip(item, row);
    mark.items.push_back(std::move(item));
  }

  void arc(Mark& mark, Item& item, const Row& row) {
    using Default = Positions::Default;
    item.x = positions_.point("x", row, Default::mid);
    item.y = positions_.point("y", row, Default::mid);
    Style style = mark.styles[static_cast<size_t>(item.style)];
    ends("theta", row, style.start_angle, style.end_angle);
    const json theta = property("theta"), theta2 = property("theta2");
    if (!view_.encoding.contains("theta") && theta.is_number())
      style.start_angle = theta.get<double>();
    if (!view_.encoding.contains("theta") && theta2.is_number())
      style.end_angle = theta2.get<double>();
    if (!view_.encoding.contains("theta") && !theta.is_number())
      style.start_angle = 0, style.end_angle = 2 * M_PI;
    if (view_.encoding.contains("radius")) {
      ends("radius", row, style.inner_radius, style.outer_radius);
      if (property("innerRadius").is_number() && view_.stack.channel != "radius")
        style.inner_radius = property("innerRadius").get<double>();
    } else {
      json outer = property("outerRadius"), inner = property("innerRadius");
      if (outer.is_null()) outer = property("radius");
      if (inner.is_null()) inner = property("radius2");
      style.outer_radius = outer.is_number()
                               ? outer.get<double>()
                               : std::min(positions_.width(), positions_.height()) / 2;
      style.inner_radius = inner.is_number() ? inner.get<double>() : 0;
    }
    style.outer_radius += number(view_.mark_def, "radiusOffset", 0);
    style.inner_radius += number(view_.mark_def, "radius2Offset", 0);
    item.style = static_cast<int>(mark.styles.size());
    mark.styles.push_back(std::move(style));
  }

  // Both ends of an arc's angle or radius.
  void ends(const std::string& channel, const Row& row, double& low, double& high) {
    const auto found = view_.encoding.find(channel);
    const ScaleInstance* scale = find_scale(view_, cell_, channel);
    if (found == view_.encoding.end()) return;
    const ChannelDef& def = found->second.main;
    if (def.kind == ChannelDef::Kind::value) {
      const double first = def.value.is_number() ? def.value.get<double>() : 0;
      double other = 0;
      if (const auto second = view_.encoding.find(second_channel(channel));
          second != view_.encoding.end() && second->second.main.value.is_number())
        other = second->second.main.value.get<double>();
      low = channel == "theta" ? first : other;
      high = channel == "theta" ? (view_.encoding.contains("theta2") ? other : 2 * M_PI) : first;
      if (channel == "theta" && !view_.encoding.contains("theta2")) low = 0, high = first;
      return;
    }
    if (scale == nullptr) return;
    if (view_.stack.channel == channel) {
      const double start =
          scale->scale.position(Field::key(view_.stack.options.start_as).number(row));
      const double end = scale->scale.position(Field::key(view_.stack.options.end_as).number(row));
      if (channel == "theta")
        low = end, high = start;
      else
        low = start, high = end;
      return;
    }
    if (scale->options.type == ScaleType::band) {
      low = scale->scale.position(def.is_datum() ? def.datum : def.column.of(row));
      high = low + scale->scale.bandwidth();
      return;
    }
    if (def.bin || (def.unit && !def.end_name.empty())) {
      const double a = scale->scale.position(def.column.number(row)),
                   b = scale->scale.position(def.end_column.number(row));
      low = channel == "theta" ? b : a, high = channel == "theta" ? a : b;
      return;
    }
    const double at =
        scale->scale.position(def.is_datum() ? to_number(def.datum) : def.column.number(row));
    if (channel == "theta") {
      low = at;
      high = scale->scale.position(0.0);
      if (view_.encoding.contains("theta2")) {
        const ChannelDef& other = view_.encoding.at("theta2").main;
        high = scale->scale.position(other.is_datum() ? to_number(other.datum)
                                                      : other.column.number(row));
      }
    } else {
      high = at;
      low = view_.encoding.contains("radius2") && view_.encoding.at("radius2").main.is_field()
                ? scale->scale.position(view_.encoding.at("radius2").main.column.number(row))
                : 0;
    }
  }

  // --- lines and areas: one mark per series, its points in order

  std::vector<Mark> paths(const Rows& rows) {
    std::vector<std::string> by;
    static const std::set<std::string> detail = {
        "color",      "fill", "stroke", "opacity", "fillOpacity", "strokeOpacity", "strokeWidth",
        "strokeDash", "size", "detail", "key",     "href",        "order-",        "shape"};
    for (const auto& [channel, value] : view_.encoding) {
      if (!detail.contains(channel)) continue;
      if (view_.mark == "trail" && channel == "size") continue;
      std::vector<const ChannelDef*> defs;
      if (value.main.is_field()) defs.push_back(&value.main);
      for (const Condition& condition : value.conditions)
        if (condition.then.is_field()) defs.push_back(&condition.then);
      for (const ChannelDef& one : value.list) defs.push_back(&one);
      for (const ChannelDef* def : defs)
        if (def->is_field() && def->aggregate.empty()) by.push_back(def->column_name);
    }
    std::vector<std::vector<const Row*>> series;
    std::vector<Field> fields;
    for (const std::string& name : by) {
      const base::Result<Field> field = Field::parse(name);
      fields.push_back(Field::key(name));
      (void)field;
    }
    std::unordered_map<std::string, size_t> index;
    // Fields with paths are read by path.
    std::vector<Field> paths;
    for (const auto& [channel, value] : view_.encoding) (void)channel, (void)value;
    for (const Row& row : rows) {
      std::string key;
      for (const Field& field : fields) append_key(key, field.of(row));
      const auto [at, fresh] = index.emplace(std::move(key), series.size());
      if (fresh) series.emplace_back();
      series[at->second].push_back(&row);
    }
    std::vector<Mark> marks;
    for (const auto& points : series) marks.push_back(path(points));
    return marks;
  }

  Mark path(const std::vector<const Row*>& rows) {
    using Default = Positions::Default;
    Mark mark;
    mark.name = "marks";
    mark.type = type();
    mark.styles.push_back(paint_.style);
    std::vector<std::pair<Item, const Row*>> points;
    const bool across = view_.orient == "horizontal";
    for (const Row* row : rows) {
      Item item = painted(mark, *row);
      item.defined = valid(*row);
      item.x =
          positions_.point("x", *row, view_.mark == "area" ? Default::zero_or_min : Default::mid);
      item.y =
          positions_.point("y", *row, view_.mark == "area" ? Default::zero_or_min : Default::mid);
      item.x2 = item.x, item.y2 = item.y;
      if (view_.mark == "area") {
        if (across)
          item.x2 = positions_.second("x", *row, Default::zero_or_min);
        else
          item.y2 = positions_.second("y", *row, Default::zero_or_min);
      }
      tooltip(item, *row);
      points.emplace_back(std::move(item), row);
    }
    sort(points, across);
    for (auto& [item, row] : points) mark.items.push_back(std::move(item));
    return mark;
  }

  bool valid(const Row& row) const {
    const json invalid = property("invalid");
    if (invalid == "show") return true;
    for (const char* channel : {"x", "y"}) {
      const ChannelDef* def = view_.def(channel);
      if (def == nullptr || !def->is_field() || def->discrete_type()) continue;
      const Row* value = def->column.find(row);
      if (value == nullptr || value->is_null() || !std::isfinite(to_number(*value))) return false;
    }
    return true;
  }

  void sort(std::vector<std::pair<Item, const Row*>>& points, bool across) {
    if (const auto order = view_.encoding.find("order"); order != view_.encoding.end()) {
      std::vector<SortField> fields;
      if (order->second.main.is_field())
        fields.push_back(
            {order->second.main.column, text(order->second.main.def, "sort") == "descending"});
      for (const ChannelDef& def : order->second.list)
        fields.push_back({def.column, text(def.def, "sort") == "descending"});
      std::stable_sort(points.begin(), points.end(), [&](const auto& a, const auto& b) {
        for (const SortField& field : fields)
          if (const int c = compare(field.field.of(*a.second), field.field.of(*b.second)); c != 0)
            return field.descending ? c > 0 : c < 0;
        return false;
      });
      return;
    }
    const ChannelDef* dimension = view_.def(across ? "y" : "x");
    if (dimension == nullptr) return;
    if (has(dimension->def, "sort") && dimension->def["sort"].is_null()) return;
    std::stable_sort(points.begin(), points.end(), [&](const auto& a, const auto& b) {
      const double p = across ? a.first.y : a.first.x, q = across ? b.first.y : b.first.x;
      if (std::isnan(p) || std::isnan(q)) return std::isnan(p) && !std::isnan(q);
      return p < q;
    });
  }

  const View& view_;
  int cell_;
  Model& model_;
  const json& config_;
  Positions positions_;
  Encoder color_, fill_, stroke_, opacity_, fill_opacity_, stroke_opacity_, stroke_width_,
      stroke_dash_, size_, angle_, shape_;
  MarkPaint paint_;
};

}  // namespace

std::vector<Mark> make_marks(const View& view, int cell, Model& model) {
  const uint64_t cost = view.mark == "text" ? Budget::kText : Budget::kMark;
  if (!model.budget.spend(cost * view.cells[static_cast<size_t>(cell)].rows->size())) {
    model.failure.fail(Budget::error().code, Budget::error().message);
    return {};
  }
  return MarkMaker(view, cell, model).make();
}

}  // namespace tools::vega
