// Sizes of views and ranges of scales. A discrete position takes a step per value, a continuous one
// the view's size; what a scale leaves open (zero, nice, paddings, palettes, sizes of points)
// follows the mark that uses it.
#include <algorithm>
#include <cmath>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/model.h"

namespace tools::vega {
namespace {

double band_space(double count, double inner, double outer) {
  if (count <= 0) return 0;
  const double space = count - inner + outer * 2;
  return space > 0 ? space : 1;
}

class Ranges {
 public:
  explicit Ranges(Model& model)
      : model_(model), config_(model.config), scale_config_(get(model.config, "scale")) {}

  void sizes(View& view) {
    if (view.kind == ViewKind::facet || view.kind == ViewKind::concat) {
      for (const auto& child : view.children) sizes(*child);
      return;
    }
    for (size_t i = 0; i < view.cells.size(); ++i) {
      view.cells[i].width = size(view, static_cast<int>(i), "x");
      view.cells[i].height = size(view, static_cast<int>(i), "y");
    }
    hand_down(view);
  }

  void ranges(View& view) {
    for (auto& [channel, entry] : view.own_scales) {
      for (size_t i = 0; i < entry->instances.size(); ++i) {
        fill(*entry, static_cast<int>(i));
        if (model_.failure.failed()) return;
      }
    }
    for (const auto& child : view.children) ranges(*child);
  }

  // Offsets and sizes need the bands of the position scales, so positions go first.
  void all() {
    second_pass_ = false;
    ranges(*model_.root);
    second_pass_ = true;
    if (!model_.failure.failed()) ranges(*model_.root);
  }

 private:
  void hand_down(View& view) {
    for (const auto& child : view.children) {
      for (size_t i = 0; i < child->cells.size(); ++i) {
        child->cells[i].width = view.cells[i].width;
        child->cells[i].height = view.cells[i].height;
      }
      hand_down(*child);
    }
  }

  static const View* first_unit(const View& view) {
    const View* at = &view;
    while (!at->children.empty()) at = at->children[0].get();
    return at;
  }

  const json& size_spec(const View& view, const char* key) {
    static const json none;
    if (has(*view.spec, key) && (*view.spec)[key] != "container") return (*view.spec)[key];
    if (view.kind == ViewKind::layer)
      for (const auto& child : view.children)
        if (const json& found = size_spec(*child, key); !found.is_null()) return found;
    return none;
  }

  // The instance of a position scale for a unit or any unit below a layer.
  const ScaleInstance* position_scale(const View& view, int cell, const std::string& channel,
                                      const ScaleEntry** entry) {
    *entry = find_scale_entry(view, channel);
    if (*entry != nullptr) {
      // A scale of a concatenation above is another view's.
      const size_t at = static_cast<size_t>(cell_in(view, cell, *(*entry)->owner));
      return at < (*entry)->instances.size() ? &(*entry)->instances[at] : nullptr;
    }
    for (const auto& child : view.children)
      if (const ScaleInstance* found = position_scale(*child, cell, channel, entry)) return found;
    return nullptr;
  }

  static bool any_arc(const View& view) {
    if (view.kind == ViewKind::unit) return view.mark == "arc";
    return std::any_of(view.children.begin(), view.children.end(),
                       [](const auto& child) { return any_arc(*child); });
  }

  double size(const View& view, int cell, const std::string& channel) {
    const char* key = channel == "x" ? "width" : "height";
    const json& wish = size_spec(view, key);
    if (wish.is_number()) return std::clamp(wish.get<double>(), 0.0, 100000.0);
    const json& view_config = get(config_, "view");
    const json& old = get(view_config, key);
    const ScaleEntry* entry = nullptr;
    const ScaleInstance* instance = position_scale(view, cell, channel, &entry);
    json discrete_size = get(view_config, channel == "x" ? "discreteWidth" : "discreteHeight");
    if (discrete_size.is_null() && old.is_number()) discrete_size = old;
    const double default_step = has(discrete_size, "step") ? number(discrete_size, "step", 20)
                                                           : number(view_config, "step", 20);
    if (instance != nullptr) {
      const json& range_step = get(get(entry->properties, "range"), "step");
      if (is_discrete(entry->type)) {
        if (!wish.is_object() && !range_step.is_number() && discrete_size.is_number() &&
            !wish.is_string())
          return discrete_size.get<double>();
        double step =
            range_step.is_number() ? range_step.get<double>() : number(wish, "step", default_step);
        const std::string step_for = text(wish, "for", "offset");
        double inner = 0, outer = 0;
        paddings(*entry, inner, outer);
        const double count = static_cast<double>(instance->options.domain.size());
        const ScaleEntry* offset = nullptr;
        const ScaleInstance* nested = position_scale(view, cell, channel + "Offset", &offset);
        if (nested != nullptr && is_discrete(offset->type) && step_for == "offset" &&
            entry->type == ScaleType::band) {
          double offset_inner = 0, offset_outer = 0;
          paddings(*offset, offset_inner, offset_outer);
          const double offset_step = number(get(offset->properties, "range"), "step", step);
          step = offset_step *
                 band_space(static_cast<double>(nested->options.domain.size()), offset_inner,
                            offset_outer) /
                 (1 - std::min(inner, 0.99));
        }
        if (wish.is_string() ||
            (has(*first_unit(view)->spec, key) && (*first_unit(view)->spec)[key] == "container"))
          return number(view_config, channel == "x" ? "continuousWidth" : "continuousHeight", 300);
        return std::min(100000.0, band_space(count, inner, outer) * step);
      }
      if (old.is_number()) return old.get<double>();
      return number(view_config, channel == "x" ? "continuousWidth" : "continuousHeight", 300);
    }
    if (wish.is_object()) return number(wish, "step", 20);
    if (any_arc(view))
      return old.is_number() ? old.get<double>()
                             : number(view_config,
                                      channel == "x" ? "continuousWidth" : "continuousHeight", 300);
    if (has(*view.spec, key) && (*view.spec)[key] == "container") return 300;
    return discrete_size.is_number() ? discrete_size.get<double>() : default_step;
  }

  // The first user's explicit property, or null.
  const json& own(const ScaleEntry& entry, const char* key) { return get(entry.properties, key); }

  void paddings(const ScaleEntry& entry, double& inner, double& outer) {
    const auto& [view, def] = entry.users[0];
    const double padding = number(entry.properties, "padding", NAN);
    const bool offset = entry.channel == "xOffset" || entry.channel == "yOffset";
    if (entry.type == ScaleType::point) {
      // A point scale is a band scale without bands; its padding is half a step.
      inner = 1;
      outer = offset ? 0.5 : number(scale_config_, "pointPadding", 0.5);
      if (!std::isnan(padding)) outer = padding;
      outer = number(entry.properties, "paddingOuter", outer);
      return;
    }
    if (entry.type != ScaleType::band) return;
    bool nested = false;
    for (const auto& [user, channel] : entry.users)
      if (user->def(entry.channel + "Offset") != nullptr) nested = true;
    if (offset) {
      inner = number(scale_config_, "offsetBandPaddingInner", 0);
      outer = number(scale_config_, "offsetBandPaddingOuter", 0);
      if (!has(scale_config_, "offsetBandPaddingOuter")) outer = inner / 2;
    } else if (nested) {
      inner = number(scale_config_, "bandWithNestedOffsetPaddingInner", 0.2);
      outer = number(scale_config_, "bandWithNestedOffsetPaddingOuter", 0.2);
    } else {
      const char* key = view->mark == "bar"    ? "barBandPaddingInner"
                        : view->mark == "tick" ? "tickBandPaddingInner"
                                               : "rectBandPaddingInner";
      inner = number(scale_config_, "bandPaddingInner", number(scale_config_, key, 0));
      outer = number(scale_config_, "bandPaddingOuter", NAN);
      if (std::isnan(outer))
        outer = std::isnan(number(entry.properties, "paddingInner", NAN))
                    ? inner / 2
                    : number(entry.properties, "paddingInner", 0) / 2;
    }
    if (!std::isnan(padding)) inner = outer = padding;
    inner = std::clamp(number(entry.properties, "paddingInner", inner), 0.0, 1.0);
    outer = std::max(0.0, number(entry.properties, "paddingOuter", outer));
  }

  bool zero_of(const ScaleEntry& entry) {
    for (const auto& [view, def] : entry.users)
      if (get(get(def->def, "scale"), "zero").is_boolean())
        return def->def["scale"]["zero"].get<bool>();
    return zero_default(entry, *entry.users[0].first, *entry.users[0].second);
  }

  bool zero_default(const ScaleEntry& entry, const View& view, const ChannelDef& def) {
    const json& domain = get(get(def.def, "scale"), "domain");
    if (domain.is_array() && !domain.empty())
      return domain.front().is_number() && domain.back().is_number() &&
             domain.front().get<double>() <= 0 && domain.back().get<double>() >= 0;
    if (entry.channel == "size" && def.quantitative()) return true;
    const bool position = entry.channel == "x" || entry.channel == "y" ||
                          entry.channel == "theta" || entry.channel == "radius";
    if (def.bin || !position) return false;
    const std::string& mark = view.mark;
    if (mark == "bar" || mark == "area" || mark == "line" || mark == "trail")
      if ((view.orient == "horizontal" && entry.channel == "y") ||
          (view.orient == "vertical" && entry.channel == "x"))
        return false;
    if ((mark == "bar" || mark == "area") && !view.encoding.contains(second_channel(entry.channel)))
      return true;
    return truth(scale_config_, "zero", true);
  }

  void fill(ScaleEntry& entry, int i) {
    const bool position_first = entry.channel == "x" || entry.channel == "y";
    if (position_first == second_pass_) return;
    ScaleInstance& instance = entry.instances[static_cast<size_t>(i)];
    ScaleOptions& options = instance.options;
    const auto& [view, def] = entry.users[0];
    const std::string& channel = entry.channel;
    const bool position = channel == "x" || channel == "y";
    const ScaleType type = entry.type;
    // A cell of the user for its size.
    int cell = -1;
    for (size_t c = 0; c < view->cells.size() && cell < 0; ++c)
      if (cell_in(*view, static_cast<int>(c), *entry.owner) == i) cell = static_cast<int>(c);
    if (cell < 0) return;
    const double width = view->cells[static_cast<size_t>(cell)].width,
                 height = view->cells[static_cast<size_t>(cell)].height;

    const bool continuous_domain = !is_discrete(type) && type != ScaleType::quantile &&
                                   type != ScaleType::threshold && type != ScaleType::bin_ordinal;
    if (continuous_domain) {
      const bool can_zero = !is_timed(type) && type != ScaleType::log;
      options.zero = can_zero && zero_of(entry);
      if (instance.bins && position && !has(entry.properties, "zero")) options.zero = false;
      const json& nice = own(entry, "nice");
      bool explicit_domain = false;
      for (const auto& [user, one] : entry.users)
        explicit_domain |= get(get(one->def, "scale"), "domain").is_array() ||
                           has(get(one->def, "scale"), "domainMin") ||
                           has(get(one->def, "scale"), "domainMax");
      const json& first_scale = get(entry.users[0].second->def, "scale");
      if (nice.is_boolean()) {
        options.nice = nice.get<bool>();
      } else if (nice.is_number()) {
        options.nice = true;
        options.nice_count = nice.get<double>();
      } else if (nice.is_string() || nice.is_object()) {
        options.nice = true;
        const std::string unit =
            nice.is_string() ? nice.get<std::string>() : text(nice, "interval");
        if (const auto interval = parse_interval(unit))
          options.nice_interval =
              IntervalStep{*interval, static_cast<int>(number(nice, "step", 1))};
      } else {
        options.nice = (position || channel == "theta-") && !def->bin && !is_timed(type) &&
                       !get(first_scale, "domain").is_array() && !has(first_scale, "domainMin") &&
                       !has(first_scale, "domainMax");
      }
      (void)explicit_domain;
      for (const auto& [key, target] : {std::pair{"domainMin", &options.domain_min},
                                        {"domainMax", &options.domain_max},
                                        {"domainMid", &options.domain_mid}})
        if (has(entry.properties, key)) {
          const Row value =
              datum_value(resolve_expression(entry.properties[key], model_), model_.failure);
          if (value.is_number()) *target = value.get<double>();
        }
      options.clamp = truth(entry.properties, "clamp", false);
      options.exponent = number(entry.properties, "exponent", 1);
      options.base = number(entry.properties, "base", 10);
      options.constant = number(entry.properties, "constant", 1);
      const double padding = number(entry.properties, "padding", NAN);
      if (!std::isnan(padding)) {
        if (position) options.padding = padding;
      } else if (position) {
        for (const auto& [user, one] : entry.users) {
          const bool across = (user->orient == "vertical" && channel == "x") ||
                              (user->orient == "horizontal" && channel == "y");
          if (user->mark == "bar" && across && !one->bin && !one->unit && !one->binned) {
            const json size = mark_property(user->mark_def, "bar", config_, "continuousBandSize");
            if (size.is_number()) options.padding = size.get<double>();
            break;
          }
          if (user == entry.users[0].first && has(scale_config_, "continuousPadding"))
            options.padding = number(scale_config_, "continuousPadding", 0);
        }
        if (options.padding && options.domain.size() > 0 &&
            get(get(def->def, "scale"), "domain").is_array())
          options.padding.reset();
      }
      if (options.domain.size() == 1) options.domain.push_back(options.domain[0]);
      if (options.domain.empty()) {
        // Without data an axis shows [0, 1]; without zero there is nothing to show.
        options.domain = {0, options.zero || !is_timed(type) ? 1 : 1};
      }
    } else if (type == ScaleType::band || type == ScaleType::point) {
      double inner = 0, outer = 0;
      paddings(entry, inner, outer);
      if (type == ScaleType::band) options.padding_inner = inner;
      if (type == ScaleType::band)
        options.padding_outer = outer;
      else
        options.padding = outer;
      options.align = number(entry.properties, "align", 0.5);
    }
    options.round = truth(entry.properties, "round", false);
    options.reverse = truth(entry.properties, "reverse", false);
    if (!is_discrete(type) && def->is_field() && get(def->def, "sort") == "descending" &&
        !has(entry.properties, "reverse"))
      options.reverse = true;

    range(entry, i, instance, width, height, cell);
    if (model_.failure.failed()) return;
    base::Result<Scale> scale = Scale::make(options);
    if (!scale) {
      model_.failure.fail(scale.error().code,
                          "the scale of " + channel + ": " + scale.error().message);
      return;
    }
    instance.scale = std::move(*scale);
    instance.ok = true;
  }

  void use_scheme(ScaleOptions& options, const json& scheme) {
    const std::string name = scheme.is_string() ? scheme.get<std::string>() : text(scheme, "name");
    if (scheme.is_array()) {
      for (const json& color : scheme) options.range.push_back(color);
      return;
    }
    options.scheme = find_scheme(name);
    if (!options.scheme) {
      model_.failure.fail(base::Errc::usage, "there is no color scheme \"" + name + "\"");
      return;
    }
    const json& extent = get(scheme, "extent");
    if (extent.is_array() && extent.size() == 2 && extent[0].is_number() && extent[1].is_number()) {
      options.scheme_begin = extent[0].get<double>();
      options.scheme_end = extent[1].get<double>();
    }
    options.scheme_count = static_cast<int>(std::clamp(number(scheme, "count", 0), 0.0, 1000.0));
    if (options.type == ScaleType::linear)
      options.type = options.domain_mid ? ScaleType::diverging : ScaleType::sequential;
  }

  void named_range(ScaleOptions& options, const std::string& name) {
    const json& range = get(get(config_, "range"), name);
    if (range.is_array()) {
      for (const json& value : range) options.range.push_back(value);
      if (options.type == ScaleType::linear && range.size() > 2 && false)
        options.type = ScaleType::sequential;
      return;
    }
    if (range.is_object()) {
      use_scheme(options, get(range, "scheme").is_object() || get(range, "scheme").is_array()
                              ? range["scheme"]
                          : range.contains("scheme") ? json{{"name", range["scheme"]},
                                                            {"extent", get(range, "extent")},
                                                            {"count", get(range, "count")}}
                                                     : range);
      return;
    }
    model_.failure.fail(base::Errc::usage, "config.range has no \"" + name + "\"");
  }

  void range(ScaleEntry& entry, int i, ScaleInstance& instance, double width, double height,
             int cell) {
    ScaleOptions& options = instance.options;
    const auto& [view, def] = entry.users[0];
    const std::string& channel = entry.channel;
    const bool color = channel == "color" || channel == "fill" || channel == "stroke";
    options.range.clear();
    options.scheme.reset();
    const json& range = own(entry, "range");
    if (has(entry.properties, "scheme")) {
      use_scheme(options, resolve_expression(entry.properties["scheme"], model_));
      interpolation(entry, options);
      return;
    }
    if (range.is_array()) {
      for (const json& value : range) {
        if (value == "width") {
          options.range.push_back(width);
        } else if (value == "height") {
          options.range.push_back(height);
        } else if (has(value, "expr")) {
          options.range.push_back(resolve_expression(value, model_));
        } else {
          options.range.push_back(value);
        }
      }
      if (color) interpolation(entry, options);
      return;
    }
    if (range.is_string()) {
      const std::string name = range.get<std::string>();
      named_range(options, name);
      if (color) interpolation(entry, options);
      return;
    }
    if (range.is_object() && has(range, "field")) {
      range_from_field(entry, i, options, text(range, "field"));
      return;
    }
    if (channel == "x" || channel == "y") {
      const bool up = channel == "y" && !is_discrete(entry.type);
      const double size = channel == "x" ? width : height;
      options.range = {up ? size : 0.0, up ? 0.0 : size};
      if (options.domain.empty() && is_discrete(entry.type)) options.domain = {};
      range_ends(entry, options);
      return;
    }
    if (channel == "xOffset" || channel == "yOffset") {
      const ScaleInstance* outer = find_scale(*view, cell, channel.substr(0, 1));
      double band = outer != nullptr ? outer->scale.bandwidth() : 0;
      if (outer != nullptr && outer->scale.bandwidth() == 0 && outer->scale.step() > 0) {
        // Around a point: half a step to each side.
        const double step = outer->scale.step();
        options.range = {-step * 0.5, step * 0.5};
        return;
      }
      const ChannelDef* main = view->def(channel.substr(0, 1));
      if (band == 0 && main != nullptr && main->ranged()) {
        band = channel == "xOffset" ? width : height;
        if (instance.bins) band = 0;
      }
      options.range = {0.0, band};
      return;
    }
    if (channel == "theta") {
      options.range = {0.0, 2 * M_PI};
      range_ends(entry, options);
      return;
    }
    if (channel == "radius") {
      const json inner = mark_property(view->mark_def, view->mark, config_, "innerRadius");
      options.range = {0.0, std::min(width, height) / 2};
      (void)inner;
      range_ends(entry, options);
      return;
    }
    if (color) {
      if (is_discrete(entry.type)) {
        named_range(options, def->type == "nominal" ? "category" : "ordinal");
      } else if (entry.type == ScaleType::bin_ordinal || entry.type == ScaleType::quantile ||
                 entry.type == ScaleType::quantize || entry.type == ScaleType::threshold) {
        named_range(options, options.domain_mid ? "diverging" : "ordinal");
        if (entry.type == ScaleType::quantile || entry.type == ScaleType::quantize)
          options.scheme_count = 4;
        if (entry.type == ScaleType::threshold)
          options.scheme_count = static_cast<int>(options.domain.size()) + 1;
        if (entry.type == ScaleType::bin_ordinal)
          options.scheme_count = std::max(1, static_cast<int>(options.domain.size()) - 1);
      } else {
        named_range(options, has(entry.properties, "domainMid")                 ? "diverging"
                             : view->mark == "rect" || view->mark == "geoshape" ? "heatmap"
                                                                                : "ramp");
        interpolation(entry, options);
      }
      return;
    }
    if (channel == "shape") return named_range(options, "symbol");
    if (channel == "strokeDash") {
      options.range = {json::array({1, 0}), json::array({4, 2}), json::array({2, 1}),
                       json::array({1, 1}), json::array({1, 2, 4, 2})};
      return;
    }
    if (channel == "angle") {
      options.range = {0, 360};
      return;
    }
    double low = 0, high = 1;
    if (channel == "size") {
      sizes_of(*view, cell, low, high, options.zero);
    } else if (channel == "strokeWidth") {
      low = number(scale_config_, "minStrokeWidth", 1),
      high = number(scale_config_, "maxStrokeWidth", 4);
    } else {
      low = number(scale_config_, "minOpacity", 0.3),
      high = number(scale_config_, "maxOpacity", 0.8);
    }
    low = number(entry.properties, "rangeMin", low);
    high = number(entry.properties, "rangeMax", high);
    if (is_discrete(entry.type) || entry.type == ScaleType::bin_ordinal ||
        entry.type == ScaleType::quantile || entry.type == ScaleType::quantize ||
        entry.type == ScaleType::threshold) {
      // One value per domain value, from low to high.
      size_t count = options.domain.size();
      if (entry.type == ScaleType::quantile || entry.type == ScaleType::quantize) count = 4;
      if (entry.type == ScaleType::threshold) count = options.domain.size() + 1;
      count = std::max<size_t>(count, 1);
      for (size_t k = 0; k < count; ++k)
        options.range.push_back(number_row(count == 1
                                               ? (low + high) / 2
                                               : low + (high - low) * static_cast<double>(k) /
                                                           static_cast<double>(count - 1)));
      if (count == 1) options.range = {number_row(low)};
      return;
    }
    options.range = {number_row(low), number_row(high)};
  }

  void range_ends(const ScaleEntry& entry, ScaleOptions& options) {
    auto end = [&](const char* key, double fallback) {
      if (!has(entry.properties, key)) return fallback;
      const json value = resolve_expression(entry.properties[key], model_);
      return value.is_number() ? value.get<double>() : fallback;
    };
    options.range[0] = end("rangeMin", options.range[0].get<double>());
    options.range[1] = end("rangeMax", options.range[1].get<double>());
  }

  void interpolation(const ScaleEntry& entry, ScaleOptions& options) {
    const json& wish = own(entry, "interpolate");
    std::string name = wish.is_string() ? wish.get<std::string>() : text(wish, "type");
    if (name.empty()) {
      if (options.scheme || is_discrete(entry.type)) return;
      name = "hcl";
    }
    if (const auto space = parse_color_space(name)) options.interpolate = *space;
    options.gamma = number(wish, "gamma", 1);
  }

  void sizes_of(const View& view, int cell, double& low, double& high, bool zero) {
    const std::string& mark = view.mark;
    auto step_of = [&](const char* channel) {
      const ScaleEntry* entry = find_scale_entry(view, channel);
      const ScaleInstance* instance = find_scale(view, cell, channel);
      if (entry == nullptr || instance == nullptr) return number(get(config_, "view"), "step", 20);
      if (is_discrete(entry->type)) return instance->scale.step();
      if (instance->bins) {
        const double size = channel[0] == 'x' ? view.cells[static_cast<size_t>(cell)].width
                                              : view.cells[static_cast<size_t>(cell)].height;
        const double n = (instance->bins->stop - instance->bins->start) / instance->bins->step;
        return n > 0 ? size / n : 20;
      }
      return number(get(config_, "view"), "step", 20);
    };
    if (mark == "bar" || mark == "tick") {
      low = number(scale_config_, "minBandSize", 2);
      high = number(scale_config_, "maxBandSize", NAN);
      if (std::isnan(high)) {
        const char* channel = view.orient == "horizontal" ? "y" : "x";
        high = step_of(channel) - 1;
        if (mark == "tick") high = step_of(view.orient == "horizontal" ? "x" : "y") - 1;
      }
    } else if (mark == "line" || mark == "trail" || mark == "rule") {
      low = number(scale_config_, "minStrokeWidth", 1);
      high = number(scale_config_, "maxStrokeWidth", 4);
    } else if (mark == "text") {
      low = number(scale_config_, "minFontSize", 8);
      high = number(scale_config_, "maxFontSize", 40);
    } else {
      (void)zero;
      low = number(scale_config_, "minSize", 4);
      high = number(scale_config_, "maxSize", NAN);
      if (std::isnan(high)) {
        const double step = 0.95 * std::min(step_of("x"), step_of("y"));
        high = step * step;
      }
    }
  }

  void range_from_field(const ScaleEntry& entry, int, ScaleOptions& options,
                        const std::string& field) {
    base::Result<Field> from = Field::parse(field);
    if (!from) return model_.failure.fail(from.error().code, from.error().message);
    std::map<std::string, Row> by;
    for (const auto& [view, def] : entry.users)
      for (const Cell& cell : view->cells)
        for (const Row& row : *cell.source) {
          std::string key;
          append_key(key, def->column.of(row));
          by.emplace(key, from->of(row));
        }
    for (const Row& value : options.domain) {
      std::string key;
      append_key(key, value);
      options.range.push_back(by[key]);
    }
  }

  Model& model_;
  const json& config_;
  const json& scale_config_;
  bool second_pass_ = false;
};

}  // namespace

void size_views(Model& model) { Ranges(model).sizes(*model.root); }
void finish_scales(Model& model) { Ranges(model).all(); }

}  // namespace tools::vega
