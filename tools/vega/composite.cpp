// Composite marks as layers of plain ones. A boxplot is whiskers (rules, and perhaps ticks),
// outliers (points), a box (a bar) and a median (a tick) over aggregates of its continuous axis; an
// error bar is a rule between two aggregates, an error band an area between them.
#include <set>

#include "tools/vega/normalize.h"
#include "tools/vega/read.h"

namespace tools::vega {
namespace {

std::string mark_name(const json& mark) {
  return mark.is_string() ? mark.get<std::string>() : text(mark, "type");
}

std::string datum_of(const std::string& field) {
  std::string plain;
  for (size_t i = 0; i < field.size(); ++i)
    if (field[i] != '\\') plain += field[i];
  return "datum[" + json(plain).dump(-1, ' ', false, json::error_handler_t::replace) + "]";
}

bool is_continuous(const json& def) {
  if (!def.is_object() ||
      (!def.contains("field") && !def.contains("aggregate") && !def.contains("datum")))
    return false;
  const std::string type = text(def, "type");
  if (type == "nominal" || type == "ordinal") return false;
  if (has(def, "bin") && !get(def, "bin").is_null() && get(def, "bin") != false &&
      get(def, "bin") != "binned")
    return false;
  if (type == "quantitative" || type == "temporal") return true;
  return has(def, "aggregate") || has(def, "timeUnit");
}

// One composite mark being written out.
class Composite {
 public:
  Composite(const json& spec, const json& config, Failure& failure)
      : spec_(spec), config_(config), failure_(failure), encoding_(get(spec, "encoding")) {
    mark_ = spec["mark"].is_object() ? spec["mark"] : json{{"type", spec["mark"]}};
    name_ = mark_name(mark_);
    defaults_ = get(config, name_);
  }

  json expand() {
    if (!find_axis()) {
      failure_.fail(base::Errc::usage, name_ + " needs a quantitative field on x or y");
      return json::object();
    }
    split_encoding();
    return name_ == "boxplot" ? boxplot() : error_mark();
  }

 private:
  bool find_axis() {
    const bool x = is_continuous(get(encoding_, "x")), y = is_continuous(get(encoding_, "y"));
    if (!x && !y) return false;
    bool vertical = y;
    if (x && y) {
      const bool x_number =
          text(encoding_["x"], "type") == "quantitative" && !has(encoding_["x"], "timeUnit");
      const bool y_number =
          text(encoding_["y"], "type") == "quantitative" && !has(encoding_["y"], "timeUnit");
      const std::string orient = text(mark_, "orient");
      if (text(encoding_["x"], "type") == "temporal" && y_number)
        vertical = true;
      else if (text(encoding_["y"], "type") == "temporal" && x_number)
        vertical = false;
      else
        vertical = orient.empty() ? true : orient == "vertical";
    }
    axis_ = vertical ? "y" : "x";
    continuous_ = encoding_[axis_];
    field_ = text(continuous_, "field");
    return true;
  }

  // The other channels: what they bin, cut or aggregate becomes a transform, the rest is grouped
  // by.
  void split_encoding() {
    const std::set<std::string> own = {axis_, axis_ + "2", axis_ + "Error", axis_ + "Error2"};
    std::set<std::string> grouped;
    auto group = [&](const std::string& by) {
      if (!by.empty() && grouped.insert(by).second) groupby_.push_back(by);
    };
    for (const auto& [channel, def] : encoding_.items()) {
      if (own.contains(channel)) continue;
      json list = def.is_array() ? def : json::array({def});
      json replaced = json::array();
      for (json one : list) {
        if (one.is_object() && (one.contains("field") || one.contains("aggregate"))) {
          const std::string field = text(one, "field");
          const std::string aggregate = text(one, "aggregate");
          const json& bin = get(one, "bin");
          if (!aggregate.empty()) {
            const std::string as = field.empty() ? "__" + aggregate : aggregate + "_" + field;
            json op = {{"op", aggregate}, {"as", as}};
            if (!field.empty()) op["field"] = field;
            extra_aggregates_.push_back(op);
            if (!one.contains("title"))
              one["title"] = field.empty() ? std::string("Count of Records")
                                           : capital(aggregate) + " of " + field;
            one.erase("aggregate");
            one["field"] = as;
            one["type"] = "quantitative";
          } else if (has(one, "timeUnit")) {
            const std::string unit = one["timeUnit"].is_string()
                                         ? one["timeUnit"].get<std::string>()
                                         : text(one["timeUnit"], "unit");
            const std::string as = unit + "_" + field;
            before_.push_back({{"timeUnit", one["timeUnit"]}, {"field", field}, {"as", as}});
            if (!one.contains("title")) one["title"] = field + " (" + unit + ")";
            one["type"] = text(one, "type", "temporal");
            one.erase("timeUnit");
            one["field"] = as;
            group(as);
          } else if (bin.is_object() || bin == true) {
            const std::string as = "bin_" + field;
            before_.push_back(
                {{"bin", bin}, {"field", field}, {"as", json::array({as, as + "_end"})}});
            if (!one.contains("title")) one["title"] = field + " (binned)";
            one["bin"] = "binned";
            one["field"] = as;
            group(as), group(as + "_end");
            if (channel == "x" || channel == "y") rest_[channel + "2"] = {{"field", as + "_end"}};
          } else {
            group(field);
          }
        } else if (one.is_object() && one.contains("condition") && has(one["condition"], "field")) {
          group(text(one["condition"], "field"));
        }
        replaced.push_back(std::move(one));
      }
      rest_[channel] = def.is_array() ? replaced : replaced[0];
    }
  }

  static std::string capital(std::string word) {
    if (!word.empty())
      word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    return word;
  }

  json option(const char* key) const { return has(mark_, key) ? mark_[key] : get(defaults_, key); }

  bool shows(const char* part) const {
    const json value = option(part);
    return value.is_object() || (value.is_boolean() && value.get<bool>());
  }

  json position(const std::string& prefix) const {
    json def = {{"field", prefix + "_" + field_},
                {"type", text(continuous_, "type", "quantitative")}};
    def["title"] = has(continuous_, "title") ? continuous_["title"] : json(field_);
    for (const char* key : {"scale", "axis", "impute", "stack"})
      if (has(continuous_, key) && std::string_view(key) != "stack") def[key] = continuous_[key];
    return def;
  }

  // One part: `mark` with what the composite's own options say about it, over the aggregates `from`
  // (to `to`).
  void add_part(json& layers, const char* part, json mark, const std::string& from,
                const std::string& to, json encoding) const {
    if (!shows(part)) return;
    json full = json::object();
    if (get(defaults_, part).is_object()) full = get(defaults_, part);
    for (const char* key : {"color", "opacity", "clip"})
      if (has(mark_, key)) full[key] = mark_[key];
    full.update(mark);
    full["style"] = name_ + "-" + part;
    if (get(mark_, part).is_object()) full.update(mark_[part]);
    encoding[axis_] = position(from);
    if (!to.empty()) encoding[axis_ + "2"] = {{"field", to + "_" + field_}};
    json unit = {{"mark", std::move(full)}, {"encoding", std::move(encoding)}};
    layers.push_back(std::move(unit));
  }

  json aggregates(std::initializer_list<std::pair<const char*, const char*>> list) const {
    json result = extra_aggregates_;
    for (const auto& [op, prefix] : list)
      result.push_back({{"op", op}, {"field", field_}, {"as", std::string(prefix) + "_" + field_}});
    return result;
  }

  json outer() const {
    json result = spec_;
    for (const char* key : {"mark", "encoding", "projection", "params"}) result.erase(key);
    if (!result.contains("transform") || !result["transform"].is_array())
      result["transform"] = json::array();
    for (const json& transform : before_) result["transform"].push_back(transform);
    return result;
  }

  json boxplot() {
    const bool vertical = axis_ == "y";
    const std::string tick_orient = vertical ? "horizontal" : "vertical";
    const json extent = option("extent");
    const bool min_max = extent == "min-max";
    const double factor = extent.is_number() ? extent.get<double>() : 1.5;
    json plain = rest_, no_size = rest_;
    no_size.erase("size");
    plain.erase("size");
    for (const char* key : {"color", "fill", "stroke"})
      if (std::string_view(key) == "color") plain.erase(key);
    const json size = has(mark_, "size") ? mark_["size"] : get(defaults_, "size");
    json box = {{"type", "bar"}, {"orient", vertical ? "vertical" : "horizontal"}};
    json median = {{"type", "tick"}, {"orient", tick_orient}};
    json tick = {{"type", "tick"}, {"color", "black"}, {"opacity", 1}, {"orient", tick_orient}};
    if (!size.is_null()) box["size"] = size, median["size"] = size;
    if (has(mark_, "size")) tick["size"] = size;

    json whiskers = json::array(), body = json::array();
    const std::string near_whisker = "lower_whisker", far_whisker = "upper_whisker";
    add_part(whiskers, "rule", {{"type", "rule"}}, near_whisker, "lower_box", plain);
    add_part(whiskers, "rule", {{"type", "rule"}}, "upper_box", far_whisker, plain);
    add_part(whiskers, "ticks", tick, near_whisker, "", plain);
    add_part(whiskers, "ticks", tick, far_whisker, "", plain);
    add_part(body, "box", box, "lower_box", "upper_box", rest_);
    json median_encoding = rest_;
    json color = {
        {"test", datum_of("lower_box_" + field_) + " >= " + datum_of("upper_box_" + field_)}};
    if (rest_.contains("color") && rest_["color"].is_object())
      color.update(rest_["color"]);
    else
      color["value"] = get(get(config_, "mark"), "color").is_string()
                           ? get(get(config_, "mark"), "color")
                           : json("#4c78a8");
    median_encoding["color"] = {{"condition", color}};
    add_part(body, "median", median, "mid_box", "", median_encoding);

    json result = outer();
    if (min_max) {
      result["transform"].push_back({{"aggregate", aggregates({{"q1", "lower_box"},
                                                               {"q3", "upper_box"},
                                                               {"median", "mid_box"},
                                                               {"min", "lower_whisker"},
                                                               {"max", "upper_whisker"}})},
                                     {"groupby", groupby_}});
      json layers = whiskers;
      for (json& part : body) layers.push_back(std::move(part));
      result["layer"] = std::move(layers);
      return result;
    }
    const std::string value = datum_of(field_), low = datum_of("lower_box_" + field_),
                      high = datum_of("upper_box_" + field_);
    const std::string reach = json(factor).dump() + " * (" + high + " - " + low + ")";
    json joined = {
        {"transform",
         json::array(
             {{{"joinaggregate",
                json::array({{{"op", "q1"}, {"field", field_}, {"as", "lower_box_" + field_}},
                             {{"op", "q3"}, {"field", field_}, {"as", "upper_box_" + field_}}})},
               {"groupby", groupby_}}})}};
    json parts = json::array();
    json outliers = json::array();
    json points = no_size;
    if (shows("outliers")) {
      json full =
          get(defaults_, "outliers").is_object() ? get(defaults_, "outliers") : json::object();
      for (const char* key : {"color", "opacity"})
        if (has(mark_, key)) full[key] = mark_[key];
      full["type"] = "point";
      full["style"] = "boxplot-outliers";
      if (get(mark_, "outliers").is_object()) full.update(mark_["outliers"]);
      json def = position("");
      def["field"] = field_;
      points[axis_] = def;
      parts.push_back(
          {{"transform",
            json::array({{{"filter", "(" + value + " < " + low + " - " + reach + ") || (" + value +
                                         " > " + high + " + " + reach + ")"}}})},
           {"mark", full},
           {"encoding", points}});
    }
    json whisker_ops = json::array();
    whisker_ops.push_back({{"op", "min"}, {"field", field_}, {"as", "lower_whisker_" + field_}});
    whisker_ops.push_back({{"op", "max"}, {"field", field_}, {"as", "upper_whisker_" + field_}});
    whisker_ops.push_back(
        {{"op", "min"}, {"field", "lower_box_" + field_}, {"as", "lower_box_" + field_}});
    whisker_ops.push_back(
        {{"op", "max"}, {"field", "upper_box_" + field_}, {"as", "upper_box_" + field_}});
    for (const json& extra : extra_aggregates_) whisker_ops.push_back(extra);
    if (!whiskers.empty())
      parts.push_back(
          {{"transform",
            json::array({{{"filter", "(" + low + " - " + reach + " <= " + value + ") && (" + value +
                                         " <= " + high + " + " + reach + ")"}},
                         {{"aggregate", whisker_ops}, {"groupby", groupby_}}})},
           {"layer", whiskers}});
    json layers = json::array();
    if (!parts.empty()) {
      joined["layer"] = parts;
      layers.push_back(joined);
    }
    if (!body.empty())
      layers.push_back({{"transform", json::array({{{"aggregate", aggregates({{"q1", "lower_box"},
                                                                              {"q3", "upper_box"},
                                                                              {"median", "mid_box"},
                                                                              {"min", "min"},
                                                                              {"max", "max"}})},
                                                    {"groupby", groupby_}}})},
                        {"layer", body}});
    if (layers.empty())
      failure_.fail(base::Errc::usage, "every part of the boxplot is switched off");
    result["layer"] = std::move(layers);
    return result;
  }

  json error_mark() {
    const bool vertical = axis_ == "y";
    json result = outer();
    json& transform = result["transform"];
    const std::string lower = "lower_" + field_, upper = "upper_" + field_;
    if (has(encoding_, axis_ + "2")) {
      const json& second = encoding_[axis_ + "2"];
      transform.push_back({{"calculate", datum_of(text(second, "field"))}, {"as", upper}});
      transform.push_back({{"calculate", datum_of(field_)}, {"as", lower}});
    } else if (has(encoding_, axis_ + "Error")) {
      const std::string error = text(encoding_[axis_ + "Error"], "field");
      transform.push_back(
          {{"calculate", datum_of(field_) + " + " + datum_of(error)}, {"as", upper}});
      const std::string below = has(encoding_, axis_ + "Error2")
                                    ? " + " + datum_of(text(encoding_[axis_ + "Error2"], "field"))
                                    : " - " + datum_of(error);
      transform.push_back({{"calculate", datum_of(field_) + below}, {"as", lower}});
    } else {
      const json center_option = option("center"), extent_option = option("extent");
      std::string center = center_option.is_string() ? center_option.get<std::string>() : "";
      std::string extent = extent_option.is_string() ? extent_option.get<std::string>() : "";
      if (extent.empty()) extent = center == "median" ? "iqr" : "stderr";
      if (center.empty()) center = extent == "iqr" ? "median" : "mean";
      if ((center == "median") != (extent == "iqr")) center = extent == "iqr" ? "median" : "mean";
      if (extent == "stderr" || extent == "stdev") {
        transform.push_back(
            {{"aggregate", aggregates({{extent.c_str(), "extent"}, {center.c_str(), "center"}})},
             {"groupby", groupby_}});
        const std::string c = datum_of("center_" + field_), e = datum_of("extent_" + field_);
        transform.push_back({{"calculate", c + " + " + e}, {"as", upper}});
        transform.push_back({{"calculate", c + " - " + e}, {"as", lower}});
      } else if (extent == "ci" || extent == "iqr") {
        const bool ci = extent == "ci";
        transform.push_back({{"aggregate", aggregates({{ci ? "ci0" : "q1", "lower"},
                                                       {ci ? "ci1" : "q3", "upper"},
                                                       {ci ? "mean" : "median", "center"}})},
                             {"groupby", groupby_}});
      } else {
        failure_.fail(base::Errc::usage,
                      name_ + ": extent must be ci, stderr, stdev or iqr, not \"" + extent + "\"");
      }
    }
    json layers = json::array();
    if (name_ == "errorbar") {
      json tick = {{"type", "tick"}, {"orient", vertical ? "horizontal" : "vertical"}};
      for (const char* key : {"thickness", "size"})
        if (has(mark_, key)) tick[key] = mark_[key];
      add_part(layers, "ticks", tick, "lower", "", rest_);
      add_part(layers, "ticks", tick, "upper", "", rest_);
      json rule = {{"type", "rule"}};
      if (has(mark_, "thickness")) rule["size"] = mark_["thickness"];
      add_part(layers, "rule", rule, "lower", "upper", rest_);
    } else {
      const bool flat = has(encoding_, "x") && has(encoding_, "y");
      json band = {{"type", flat ? "area" : "rect"}}, border = {{"type", flat ? "line" : "rule"}};
      for (const char* key : {"interpolate", "tension"})
        if (flat && has(mark_, key)) band[key] = mark_[key], border[key] = mark_[key];
      add_part(layers, "band", band, "lower", "upper", rest_);
      add_part(layers, "borders", border, "lower", "", rest_);
      add_part(layers, "borders", border, "upper", "", rest_);
    }
    if (layers.empty())
      failure_.fail(base::Errc::usage, "every part of the " + name_ + " is switched off");
    result["layer"] = std::move(layers);
    return result;
  }

  const json& spec_;
  const json& config_;
  Failure& failure_;
  const json& encoding_;
  json mark_, defaults_, continuous_;
  std::string name_, axis_, field_;
  json rest_ = json::object(), groupby_ = json::array(), before_ = json::array(),
       extra_aggregates_ = json::array();
};

}  // namespace

bool is_composite_mark(const json& mark) {
  const std::string name = mark_name(mark);
  return name == "boxplot" || name == "errorbar" || name == "errorband";
}

json expand_composite(const json& spec, const json& config, Failure& failure) {
  return Composite(spec, config, failure).expand();
}

}  // namespace tools::vega
