// The view tree: what a unit draws, with which channels, in which direction, and whether it stacks.
#include <algorithm>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/model.h"

namespace tools::vega {

const ChannelDef* Channel::scaled() const {
  if (main.scaled()) return &main;
  for (const Condition& condition : conditions)
    if (condition.then.scaled()) return &condition.then;
  return nullptr;
}

const ChannelDef* View::def(const std::string& channel) const {
  const auto found = encoding.find(channel);
  return found == encoding.end() ? nullptr : found->second.scaled();
}

void each_unit(View& view, const std::function<void(View&)>& visit) {
  if (view.kind == ViewKind::unit) visit(view);
  for (const auto& child : view.children) each_unit(*child, visit);
}

json resolve_params(const json& predicate, const Model& model, int depth) {
  if (depth > 32 || !predicate.is_object()) return predicate;
  if (predicate.contains("param")) {
    // Nothing is selected yet: an empty selection holds for everything unless it says otherwise.
    const std::string name = text(predicate, "param");
    if (get(model.parameters, name) == "variable")
      return json(to_boolean(get(model.names, name)) ? "true" : "false");
    return json(truth(predicate, "empty", true) ? "true" : "false");
  }
  json result = predicate;
  for (const char* key : {"and", "or"})
    if (get(predicate, key).is_array())
      for (json& one : result[key]) one = resolve_params(one, model, depth + 1);
  if (predicate.contains("not")) result["not"] = resolve_params(predicate["not"], model, depth + 1);
  return result;
}

std::optional<Predicate> make_predicate(const json& test, Model& model) {
  base::Result<Predicate> predicate =
      parse_predicate(resolve_params(test, model), model.transforms);
  if (predicate) return *predicate;
  model.failure.fail(predicate.error().code, predicate.error().message);
  return std::nullopt;
}

json resolve_expression(const json& value, Model& model, const Row* datum) {
  if (!value.is_object() || !value.contains("expr") || !value["expr"].is_string()) return value;
  base::Result<Expression> expression =
      Expression::parse(value["expr"].get_ref<const std::string&>());
  if (!expression) {
    model.failure.fail(expression.error().code, expression.error().message);
    return {};
  }
  Scope scope;
  const Row empty = Row::object();
  scope.datum = datum != nullptr ? datum : &empty;
  scope.names = &model.names;
  scope.random = &model.random;
  scope.budget = &model.budget;
  base::Result<Row> result = expression->evaluate(scope);
  if (result) return *result;
  model.failure.fail(result.error().code, result.error().message);
  return {};
}

namespace {

bool unbinned_number(const ChannelDef* def) {
  return def != nullptr && def->quantitative() && !def->bin && !def->binned && def->scaled();
}

bool continuous(const ChannelDef* def) {
  if (def == nullptr || !def->scaled()) return false;
  return (def->quantitative() && !def->bin) || (def->temporal() && !def->unit);
}

std::string find_orient(const View& view, const json& config) {
  const std::string& mark = view.mark;
  const ChannelDef *x = view.def("x"), *y = view.def("y");
  auto present = [&](const char* channel) { return view.encoding.contains(channel); };
  const bool x2 = present("x2"), y2 = present("y2");
  const json wish = mark_property(view.mark_def, mark, config, "orient");
  const std::string specified = wish.is_string() ? wish.get<std::string>() : "";
  static const std::set<std::string> without = {"point", "circle", "square", "image",   "rect",
                                                "text",  "trail",  "arc",    "geoshape"};
  if (mark == "trail") {
    if (x != nullptr && y != nullptr && y->temporal() && !x->temporal()) return "horizontal";
    return "vertical";
  }
  if (without.contains(mark)) return "";
  const bool x_binned = x != nullptr && x->binned, y_binned = y != nullptr && y->binned;
  if (mark == "bar") {
    if (x != nullptr && x->is_field() &&
        (x_binned ||
         (y != nullptr && y->is_field() && !y->aggregate.empty() && x->aggregate.empty())))
      return "vertical";
    if (y != nullptr && y->is_field() &&
        (y_binned ||
         (x != nullptr && x->is_field() && !x->aggregate.empty() && y->aggregate.empty())))
      return "horizontal";
    if (x2 || y2) {
      if (!specified.empty()) return specified;
      if (!x2) return "vertical";
      if (!y2) return "horizontal";
    }
  }
  if ((mark == "bar" || mark == "rule") && x2 && !x_binned && y2 && !y_binned) return "";
  if (mark == "bar" || mark == "rule" || mark == "area") {
    if (y2) return y_binned ? "horizontal" : "vertical";
    if (x2) return x_binned ? "vertical" : "horizontal";
    if (mark == "rule") {
      if (x != nullptr && y == nullptr) return "vertical";
      if (y != nullptr && x == nullptr) return "horizontal";
    }
  }
  const bool tick = mark == "tick";
  const std::string along = tick ? "vertical" : "horizontal",
                    across = tick ? "horizontal" : "vertical";
  if (!specified.empty()) return specified;
  const bool xm = continuous(x), ym = continuous(y);
  if (xm && !ym) return along;
  if (!xm && ym) return across;
  if (xm && ym) {
    if (x->temporal() && !y->temporal()) return across;
    if (!x->temporal() && y->temporal()) return along;
    if (x->aggregate.empty() && !y->aggregate.empty()) return across;
    if (!x->aggregate.empty() && y->aggregate.empty()) return along;
    return "vertical";
  }
  return "vertical";
}

std::string stackable_channel(const View& view, const std::string& a, const std::string& b) {
  const ChannelDef *x = view.def(a), *y = view.def(b);
  const bool bar = a == "x" && (view.mark == "bar" || view.mark == "area");
  auto asks = [](const ChannelDef* def) {
    const json& stack = get(def->def, "stack");
    return stack.is_string() || stack == true;
  };
  const bool xf = x != nullptr && x->is_field(), yf = y != nullptr && y->is_field();
  if (xf && yf) {
    const bool xq = unbinned_number(x), yq = unbinned_number(y);
    if (xq && yq) {
      if (asks(x)) return a;
      if (asks(y)) return b;
      if (x->aggregate.empty() != y->aggregate.empty()) return x->aggregate.empty() ? b : a;
      if (bar) return view.orient == "vertical" ? b : view.orient == "horizontal" ? a : "";
      return "";
    }
    if (xq) return a;
    if (yq) return b;
    return "";
  }
  if (xf && unbinned_number(x)) return bar && view.orient == "vertical" ? "" : a;
  if (yf && unbinned_number(y)) return bar && view.orient == "horizontal" ? "" : b;
  return "";
}

Stack find_stack(const View& view) {
  static const std::set<std::string> able = {"arc",    "bar",    "area", "rule", "point",
                                             "circle", "square", "line", "text", "tick"};
  if (!able.contains(view.mark)) return {};
  Stack stack;
  stack.channel = stackable_channel(view, "x", "y");
  std::string other = stack.channel == "x" ? "y" : "x";
  if (stack.channel.empty()) {
    stack.channel = stackable_channel(view, "theta", "radius");
    other = stack.channel == "theta" ? "radius" : "theta";
  }
  if (stack.channel.empty()) return {};
  const ChannelDef& field = *view.def(stack.channel);
  const ChannelDef* dimension = view.def(other);
  if (dimension != nullptr &&
      (!dimension->is_field() || dimension->column_name == field.column_name))
    dimension = nullptr;
  std::set<std::string> grouped;
  stack.dimension = other;
  if (dimension != nullptr) {
    stack.options.groupby.push_back(dimension->column_name);
    grouped.insert(dimension->raw_field);
  }
  if (const ChannelDef* offset = view.def(other + "Offset");
      offset != nullptr && offset->is_field()) {
    stack.options.groupby.push_back(offset->column_name);
    grouped.insert(offset->raw_field);
  }
  for (const auto& [channel, value] : view.encoding) {
    static const std::set<std::string> positions = {
        "x",      "y",       "x2",      "y2",       "xOffset",   "yOffset",   "theta",     "radius",
        "theta2", "radius2", "tooltip", "latitude", "longitude", "latitude2", "longitude2"};
    if (positions.contains(channel)) continue;
    std::vector<const ChannelDef*> defs;
    if (value.scaled() != nullptr) defs.push_back(value.scaled());
    for (const ChannelDef& one : value.list) defs.push_back(&one);
    for (const ChannelDef* def : defs)
      if (def->is_field() && def->aggregate.empty() && !grouped.contains(def->raw_field)) {
        stack.by.push_back(def->column_name);
        // A colour domain or a sort list orders the pieces.
        const json& domain = get(get(def->def, "scale"), "domain");
        const json& sort = get(def->def, "sort");
        if (sort.is_array())
          stack.ranks[def->column_name] = sort;
        else if (domain.is_array() && def->discrete_type())
          stack.ranks[def->column_name] = domain;
      }
  }
  const json& wish = get(field.def, "stack");
  std::string offset;
  if (has(field.def, "stack")) {
    if (wish == true) offset = "zero";
    if (wish.is_string()) offset = wish.get<std::string>();
  } else if (view.mark == "bar" || view.mark == "area" || view.mark == "arc") {
    offset = "zero";
  }
  if (offset != "zero" && offset != "center" && offset != "normalize") return {};
  if (view.aggregated && stack.by.empty()) return {};
  const std::string scale_type = text(get(field.def, "scale"), "type");
  if (!scale_type.empty() && scale_type != "linear" && stack.channel != "radius" &&
      stack.channel != "theta")
    return {};
  if (view.encoding.contains(second_channel(stack.channel))) return {};
  stack.options.field = field.column_name;
  stack.options.offset = offset == "zero"     ? StackOptions::Offset::zero
                         : offset == "center" ? StackOptions::Offset::center
                                              : StackOptions::Offset::normalize;
  stack.options.start_as = field.column_name + "_start";
  stack.options.end_as = field.column_name + "_end";
  bool by_order = false;
  if (const auto order = view.encoding.find("order"); order != view.encoding.end()) {
    std::vector<const ChannelDef*> defs;
    if (order->second.main.is_field()) defs.push_back(&order->second.main);
    for (const ChannelDef& def : order->second.list)
      if (def.is_field()) defs.push_back(&def);
    for (const ChannelDef* def : defs) {
      stack.options.sort.push_back({def->column, text(def->def, "sort") == "descending"});
      by_order = true;
    }
  }
  if (!by_order) {
    // The first piece ends up on top of upright stacks, and at the start of others.
    const bool upright = stack.channel == "y";
    for (const std::string& by : stack.by)
      stack.options.sort.push_back(
          {Field::key(stack.ranks.contains(by) ? by + "_sort_index" : by), upright});
  }
  return stack;
}

void build_unit(View& view, Model& model) {
  const json& spec = *view.spec;
  const json& mark = get(spec, "mark");
  view.mark = mark.is_string() ? mark.get<std::string>() : text(mark, "type");
  view.mark_def = mark.is_object() ? mark : json::object();
  static const std::set<std::string> marks = {"bar",  "line", "area", "point", "circle", "square",
                                              "tick", "rule", "text", "arc",   "rect",   "trail"};
  if (view.mark == "geoshape" || get(spec, "projection").is_object()) {
    model.failure.fail(base::Errc::unsupported, "geographic projections are not supported");
    return;
  }
  if (view.mark == "image") {
    model.failure.fail(base::Errc::unsupported, "the mark \"image\" is not supported");
    return;
  }
  if (!marks.contains(view.mark)) {
    model.failure.fail(base::Errc::usage, "there is no mark \"" + view.mark + "\"");
    return;
  }
  // Names inside of marks may be expressions; those that use no datum are settled here.
  for (auto& [key, value] : view.mark_def.items())
    if (value.is_object() && value.contains("expr") && value["expr"].is_string() &&
        value["expr"].get_ref<const std::string&>().find("datum") == std::string::npos)
      value = resolve_expression(value, model);
  if (has(spec, "encoding") && !get(spec, "encoding").is_object()) {
    model.failure.fail(base::Errc::usage, "encoding must be an object of channels");
    return;
  }
  static const std::set<std::string> known = {
      "x",           "y",          "x2",          "y2",
      "xOffset",     "yOffset",    "theta",       "theta2",
      "radius",      "radius2",    "color",       "fill",
      "stroke",      "opacity",    "fillOpacity", "strokeOpacity",
      "strokeWidth", "strokeDash", "size",        "angle",
      "shape",       "detail",     "key",         "text",
      "tooltip",     "href",       "url",         "description",
      "order",       "time"};
  for (const auto& [channel, def] : get(spec, "encoding").items()) {
    if (channel.starts_with("latitude") || channel.starts_with("longitude")) {
      model.failure.fail(base::Errc::unsupported, "geographic projections are not supported");
      return;
    }
    if (channel == "time") {
      model.failure.fail(base::Errc::unsupported,
                         "animation (the channel \"time\") is not supported");
      return;
    }
    if (!known.contains(channel)) continue;  // the reference ignores unknown channels too
    Channel parsed;
    if (def.is_array()) {
      for (const json& one : def) {
        ChannelDef member = parse_channel(channel, one, model.failure);
        if (member.kind != ChannelDef::Kind::none) parsed.list.push_back(std::move(member));
      }
      if (parsed.list.empty()) continue;
    } else {
      parsed.main = parse_channel(channel, def, model.failure);
      const json& condition = get(def, "condition");
      const json list = condition.is_array()    ? condition
                        : condition.is_object() ? json::array({condition})
                                                : json::array();
      for (const json& one : list) {
        Condition made;
        json test = get(one, "test");
        if (test.is_null() && has(one, "param"))
          test = {{"param", one["param"]}, {"empty", truth(one, "empty", true)}};
        if (test.is_null()) continue;
        std::optional<Predicate> predicate = make_predicate(test, model);
        if (!predicate) return;
        made.test = std::move(*predicate);
        made.then = parse_channel(channel, one, model.failure);
        parsed.conditions.push_back(std::move(made));
      }
      if (parsed.main.kind == ChannelDef::Kind::none && parsed.conditions.empty()) continue;
    }
    view.encoding[channel] = std::move(parsed);
    if (model.failure.failed()) return;
  }
  // A mark that draws between two ends takes the second's place from x2 only where x is there too.
  for (const char* channel : {"x", "y"}) {
    const std::string second = second_channel(channel);
    if (view.encoding.contains(second) && !view.encoding.contains(channel) &&
        view.encoding[second].main.scaled()) {
      Channel moved = view.encoding[second];
      const json def = moved.main.def;
      moved.main = parse_channel(channel, def, model.failure);
      if (!has(def, "type") && !moved.main.unit) moved.main.type = "quantitative";
      view.encoding[channel] = moved;
      view.encoding.erase(second);
    }
    // The second end has the type and unit of the first.
    if (auto it = view.encoding.find(second);
        it != view.encoding.end() && view.def(channel) != nullptr && it->second.main.is_field())
      it->second.main.type = view.def(channel)->type;
  }
  for (const auto& [channel, value] : view.encoding) {
    const ChannelDef* def = value.scaled();
    if (def != nullptr && def->is_field() && !def->aggregate.empty()) view.aggregated = true;
    for (const ChannelDef& one : value.list)
      if (!one.aggregate.empty()) view.aggregated = true;
  }
  view.orient = find_orient(view, model.config);
  view.stack = find_stack(view);
}

}  // namespace

std::unique_ptr<View> build_views(const json& spec, View* parent, Model& model) {
  auto view = std::make_unique<View>();
  view->spec = &spec;
  view->parent = parent;
  view->name = text(spec, "name");
  if (has(spec, "facet") && has(spec, "spec")) {
    view->kind = ViewKind::facet;
    const json& facet = spec["facet"];
    if (has(facet, "row") || has(facet, "column")) {
      for (const char* channel : {"row", "column"})
        if (has(facet, channel))
          view->facets[channel] = parse_channel(channel, facet[channel], model.failure);
    } else {
      view->facets["facet"] = parse_channel("facet", facet, model.failure);
    }
    for (const auto& [channel, def] : view->facets)
      if (!def.is_field() && !model.failure.failed())
        model.failure.fail(base::Errc::usage, "facet." + channel + " needs a field");
    view->children.push_back(build_views(spec["spec"], view.get(), model));
  } else if (has(spec, "concat")) {
    view->kind = ViewKind::concat;
    for (const json& child : spec["concat"])
      view->children.push_back(build_views(child, view.get(), model));
  } else if (has(spec, "layer")) {
    view->kind = ViewKind::layer;
    for (const json& child : spec["layer"])
      view->children.push_back(build_views(child, view.get(), model));
  } else {
    build_unit(*view, model);
  }
  return view;
}

}  // namespace tools::vega
