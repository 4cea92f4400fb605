#include "tools/vega/vega.h"

#include <cmath>

#include "tools/vega/bounds.h"
#include "tools/vega/config.h"
#include "tools/vega/layout.h"
#include "tools/vega/model.h"
#include "tools/vega/normalize.h"

namespace tools::vega {
namespace {

// Deeper than any chart; what comes later may then recurse over the specification.
constexpr int kMaxNesting = 100;

bool too_deep(const json& value, int depth) {
  if (depth > kMaxNesting) return true;
  if (value.is_structured())
    for (const json& member : value)
      if (member.is_structured() && too_deep(member, depth + 1)) return true;
  return false;
}

// The initial values of parameters; selections have none, so they select nothing.
void read_params(const json& spec, Model& model, int depth) {
  if (depth > kMaxNesting || !spec.is_object()) return;
  const json& params = get(spec, "params");
  if (params.is_array())
    for (const json& param : params) {
      const std::string name = text(param, "name");
      if (name.empty()) continue;
      if (has(param, "select")) {
        model.parameters[name] = "selection";
        model.names[name] = json::object();
        continue;
      }
      model.parameters[name] = "variable";
      json value = get(param, "value");
      if (has(param, "expr")) value = resolve_expression(json{{"expr", param["expr"]}}, model);
      if (value.is_null() && has(get(param, "bind"), "input") &&
          text(param["bind"], "input") == "range")
        value = number(param["bind"], "min", 0);
      model.names[name] = value;
    }
  for (const char* key : {"layer", "concat"})
    if (get(spec, key).is_array())
      for (const json& child : spec[key]) read_params(child, model, depth + 1);
  if (has(spec, "spec")) read_params(spec["spec"], model, depth + 1);
}

void scale_list(const View& view, Scene& scene) {
  for (const auto& [channel, entry] : view.own_scales)
    for (const ScaleInstance& instance : entry->instances) {
      if (!instance.ok) continue;
      json domain = json::array();
      for (const Row& value : instance.scale.domain()) domain.push_back(value);
      scene.scales.push_back({channel, std::string(scale_type_name(instance.scale.type())),
                              domain.dump(-1, ' ', false, json::error_handler_t::replace)});
    }
  for (const auto& child : view.children) scale_list(*child, scene);
}

json fit_type(const json& spec, const json& config) {
  json autosize = has(spec, "autosize") ? spec["autosize"] : get(config, "autosize");
  if (autosize.is_string()) autosize = json{{"type", autosize}};
  return autosize;
}

struct Padding {
  double left = 5, top = 5, right = 5, bottom = 5;
};

Padding read_padding(const json& value) {
  if (value.is_number()) {
    const double p = std::clamp(value.get<double>(), 0.0, 10000.0);
    return {p, p, p, p};
  }
  if (!value.is_object()) return {};
  return {number(value, "left", 0), number(value, "top", 0), number(value, "right", 0),
          number(value, "bottom", 0)};
}

// Errors that the steps collected, or libraries threw.
base::Result<Scene> compile_checked(const json& given, const Options& options) {
  if (!given.is_object())
    return base::Error{base::Errc::usage, "the specification must be a JSON object"};
  if (too_deep(given, 0))
    return base::Error{base::Errc::limit, "the specification is nested more than 100 deep"};
  Model model;
  model.budget = Budget(options.max_work);
  model.config = merged_config(get(given, "config"));
  json spec = given;
  const json none;
  model.names["width"] = number(spec, "width", 300);
  model.names["height"] = number(spec, "height", 300);
  const json normalized = normalize(spec, model.config, model.failure);
  if (model.failure.failed()) return model.failure.error();
  model.spec = &normalized;
  read_params(normalized, model, 0);
  LoadContext loading;
  loading.url = options.load;
  const json& datasets = get(given, "datasets");
  loading.datasets = &datasets;
  loading.names = &model.names;
  model.load = [&](const Row& data) {
    base::Result<Rows> rows = load_data(data, loading);
    if (rows && !model.budget.spend(3 * Budget::kRow * rows->size()))
      return base::Result<Rows>(Budget::error());
    return rows;
  };
  model.transforms.names = &model.names;
  model.transforms.random = &model.random;
  model.transforms.budget = &model.budget;
  model.transforms.load = model.load;
  model.root = build_views(normalized, nullptr, model);
  if (model.failure.failed()) return model.failure.error();
  run_data(*model.root, model);
  if (model.failure.failed()) return model.failure.error();
  build_scales(model);
  if (model.failure.failed()) return model.failure.error();
  size_views(model);
  finish_scales(model);
  if (model.failure.failed()) return model.failure.error();

  EstimatedText estimated;
  std::unique_ptr<TextMetrics> real = options.metrics == Metrics::real ? pango_metrics() : nullptr;
  const TextMetrics& metrics = real != nullptr ? *real : static_cast<const TextMetrics&>(estimated);
  Drawn drawn = draw_root(model, metrics);
  if (model.failure.failed()) return model.failure.error();

  const Padding padding =
      read_padding(has(given, "padding") ? given["padding"] : get(model.config, "padding"));
  const json autosize = fit_type(given, model.config);
  const std::string type = text(autosize, "type", "pad");
  const bool plot = model.root->kind == ViewKind::unit || model.root->kind == ViewKind::layer;
  const bool fills_x = get(given, "width") == "container",
             fills_y = get(given, "height") == "container";
  if (plot && (type.starts_with("fit") || fills_x || fills_y)) {
    const double inset_x =
        text(autosize, "contains") == "padding" ? padding.left + padding.right : 0;
    const double inset_y =
        text(autosize, "contains") == "padding" ? padding.top + padding.bottom : 0;
    const double outer_w = drawn.group.item.width - inset_x,
                 outer_h = drawn.group.item.height - inset_y;
    const bool fits = type.starts_with("fit");
    const bool fit_x = fills_x || (fits && type != "fit-y" && has(given, "width") &&
                                   !get(given, "width").is_object());
    const bool fit_y = fills_y || (fits && type != "fit-x" && has(given, "height") &&
                                   !get(given, "height").is_object());
    for (int round = 0; round < 2; ++round) {
      const Box& box = drawn.inner;
      const double w = drawn.group.item.width, h = drawn.group.item.height;
      const double left = std::max(0.0, std::ceil(-box.x1)),
                   right = std::max(0.0, std::ceil(box.x2 - w));
      const double top = std::max(0.0, std::ceil(-box.y1)),
                   bottom = std::max(0.0, std::ceil(box.y2 - h));
      auto resize = [&](auto&& self, View& view) -> void {
        for (Cell& cell : view.cells) {
          if (fit_x) cell.width = std::max(0.0, outer_w - left - right);
          if (fit_y) cell.height = std::max(0.0, outer_h - top - bottom);
        }
        for (const auto& child : view.children) self(self, *child);
      };
      resize(resize, *model.root);
      finish_scales(model);
      drawn = draw_root(model, metrics);
      if (model.failure.failed()) return model.failure.error();
    }
  }
  Scene scene;
  const Box& box = drawn.inner;
  // "none" gives what stands around the plot no room.
  const double around = type == "none" ? 0 : 1;
  const double left = around * std::max(0.0, std::ceil(-box.x1)),
               top = around * std::max(0.0, std::ceil(-box.y1));
  const double width = drawn.group.item.width, height = drawn.group.item.height;
  const double right = around * std::max(0.0, std::ceil(box.x2 - width)),
               bottom = around * std::max(0.0, std::ceil(box.y2 - height));
  scene.origin_x = left + padding.left;
  scene.origin_y = top + padding.top;
  scene.width = width + left + right + padding.left + padding.right;
  scene.height = height + top + bottom + padding.top + padding.bottom;
  const json& background =
      has(given, "background") ? given["background"] : get(model.config, "background");
  scene.background = background.is_string() ? background.get<std::string>() : "";
  scene.root = std::move(drawn.group);
  scale_list(*model.root, scene);
  return scene;
}

double rounded(double value) { return std::isfinite(value) ? std::round(value * 1000) / 1000 : 0; }

void mark_list(const Mark& mark, double dx, double dy, json& list) {
  if (mark.type == MarkType::group) {
    for (const Group& group : mark.groups)
      for (const Mark& child : group.marks)
        mark_list(child, dx + group.item.x, dy + group.item.y, list);
    return;
  }
  json items = json::array();
  for (const Item& item : mark.items) {
    json one = {{"x", rounded(item.x + dx)}, {"y", rounded(item.y + dy)}};
    const Style& style = mark.style_of(item);
    switch (mark.type) {
      case MarkType::rect:
        one["width"] = rounded(item.width), one["height"] = rounded(item.height),
        one["fill"] = item.fill;
        break;
      case MarkType::rule:
        one["x2"] = rounded(item.x2 + dx), one["y2"] = rounded(item.y2 + dy),
        one["stroke"] = item.stroke;
        break;
      case MarkType::symbol:
        one["size"] = rounded(item.size), one["fill"] = item.fill, one["stroke"] = item.stroke;
        break;
      case MarkType::text: {
        const double t = style.theta - M_PI / 2;
        one["x"] =
            rounded(item.x + dx + (style.radius != 0 ? style.radius * std::cos(t) : 0) + style.dx);
        one["y"] =
            rounded(item.y + dy + (style.radius != 0 ? style.radius * std::sin(t) : 0) + style.dy);
        one["text"] = item.text, one["angle"] = rounded(item.angle), one["align"] = style.align,
        one["baseline"] = style.baseline, one["opacity"] = item.opacity;
        break;
      }
      case MarkType::area:
        one["x2"] = rounded(item.x2 + dx), one["y2"] = rounded(item.y2 + dy),
        one["defined"] = item.defined;
        break;
      case MarkType::line:
        one["defined"] = item.defined, one["stroke"] = item.stroke;
        break;
      case MarkType::trail:
        one["size"] = rounded(item.size), one["defined"] = item.defined;
        break;
      case MarkType::arc:
        one["startAngle"] = rounded(style.start_angle), one["endAngle"] = rounded(style.end_angle),
        one["innerRadius"] = rounded(style.inner_radius),
        one["outerRadius"] = rounded(style.outer_radius), one["fill"] = item.fill;
        break;
      default:
        break;
    }
    items.push_back(std::move(one));
  }
  list.push_back({{"type", mark_type_name(mark.type)},
                  {"role", mark.role},
                  {"name", mark.name},
                  {"items", std::move(items)}});
}

}  // namespace

base::Result<Scene> compile(const json& spec, const Options& options) {
  try {
    return compile_checked(spec, options);
  } catch (const json::exception& error) {
    // The JSON library throws where a property has a type that nobody expected there.
    return base::Error{
        base::Errc::usage,
        std::string("the specification has a property of a wrong type (") + error.what() + ")"};
  }
}

json scene_json(const Scene& scene) {
  json marks = json::array();
  Mark root;
  root.type = MarkType::group;
  for (const Mark& mark : scene.root.marks) mark_list(mark, scene.origin_x, scene.origin_y, marks);
  json scales = json::array();
  for (const SceneScale& scale : scene.scales)
    scales.push_back(
        {{"name", scale.name}, {"type", scale.type}, {"domain", json::parse(scale.domain)}});
  return {{"width", scene.width},
          {"height", scene.height},
          {"origin", json::array({scene.origin_x, scene.origin_y})},
          {"scales", scales},
          {"marks", marks}};
}

}  // namespace tools::vega
