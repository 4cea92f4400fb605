// From the specification as people write it to units, layers, facets and concatenations, in one
// walk from the outside in. What a layer says for all its members (encoding, projection) is handed
// down on the way.
#include "tools/vega/normalize.h"

#include <array>

#include "tools/vega/read.h"

namespace tools::vega {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxPanels = 10000;

struct Inherited {
  json encoding = json::object();
  json repeater = json::object();
  int depth = 0;
};

std::string mark_type(const json& mark) {
  return mark.is_string() ? mark.get<std::string>() : text(mark, "type");
}

// A channel definition with every {"repeat": "row"} replaced by the field it stands for now.
json replace_repeat(const json& value, const json& repeater, int depth) {
  if (depth > 64) return value;
  if (value.is_object()) {
    if (value.contains("repeat") && value["repeat"].is_string() && value.size() == 1)
      return get(repeater, value["repeat"].get_ref<const std::string&>());
    json result = json::object();
    for (const auto& [key, member] : value.items()) {
      json replaced = replace_repeat(member, repeater, depth + 1);
      // A layer's {"datum": {"repeat": "layer"}} becomes the name itself.
      result[key] = std::move(replaced);
    }
    return result;
  }
  if (value.is_array()) {
    json result = json::array();
    for (const json& member : value) result.push_back(replace_repeat(member, repeater, depth + 1));
    return result;
  }
  return value;
}

// The members of `outer` that hold for the view as a whole, put on the view that takes its place.
void keep_outer(json& target, const json& spec, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (spec.contains(key)) target[key] = spec[key];
}

json merge_encoding(const json& outer, const json& inner) {
  json result = outer.is_object() ? outer : json::object();
  if (!inner.is_object()) return result;
  for (const auto& [channel, def] : inner.items()) {
    if (def.is_object() && result.contains(channel) && result[channel].is_object()) {
      json merged = result[channel];
      // A value or datum of the inner view replaces the field of the outer one.
      if (def.contains("value") || def.contains("datum") || def.contains("field"))
        for (const char* key : {"value", "datum", "field"}) merged.erase(key);
      merged.update(def);
      result[channel] = std::move(merged);
    } else if (def.is_null()) {
      result.erase(channel);
    } else {
      result[channel] = def;
    }
  }
  return result;
}

class Normalizer {
 public:
  Normalizer(const json& config, Failure& failure) : config_(config), failure_(failure) {}

  json view(const json& spec, const Inherited& outer) {
    if (failure_.failed()) return json::object();
    if (!spec.is_object()) {
      failure_.fail(base::Errc::usage, "the specification must be a JSON object");
      return json::object();
    }
    if (outer.depth > kMaxDepth) {
      failure_.fail(base::Errc::limit, "views are nested more than 32 deep");
      return json::object();
    }
    Inherited inner = outer;
    ++inner.depth;
    if (spec.contains("repeat")) return repeat(spec, inner);
    if (spec.contains("facet") && spec.contains("spec")) return facet(spec, inner);
    for (const char* kind : {"concat", "hconcat", "vconcat"})
      if (spec.contains(kind)) return concat(spec, kind, inner);
    if (spec.contains("layer")) return layer(spec, inner);
    if (spec.contains("mark")) return unit(spec, inner);
    failure_.fail(base::Errc::usage,
                  "a view needs one of mark, layer, facet, repeat, concat, hconcat or vconcat");
    return json::object();
  }

 private:
  bool add_panel() {
    if (++panels_ > kMaxPanels)
      failure_.fail(base::Errc::limit, "the chart has more than 10000 views");
    return !failure_.failed();
  }

  json unit(const json& spec, const Inherited& inherited) {
    if (!add_panel()) return json::object();
    json result = spec;
    result["encoding"] = replace_repeat(merge_encoding(inherited.encoding, get(spec, "encoding")),
                                        inherited.repeater, 0);
    if (spec.contains("transform") && !inherited.repeater.empty())
      result["transform"] = replace_repeat(spec["transform"], inherited.repeater, 0);
    json& encoding = result["encoding"];
    if (encoding.contains("row") || encoding.contains("column") || encoding.contains("facet"))
      return facet_of_unit(result, inherited);
    Inherited plain = inherited;
    plain.encoding = json::object();
    plain.repeater = json::object();
    if (is_composite_mark(result["mark"])) {
      const json layered = expand_composite(result, config_, failure_);
      if (failure_.failed()) return json::object();
      return view(layered, plain);
    }
    const std::string type = mark_type(result["mark"]);
    if ((type == "line" || type == "trail") && encoding.contains("x2") != encoding.contains("y2") &&
        (encoding.contains("x2") || encoding.contains("y2"))) {
      if (result["mark"].is_object())
        result["mark"]["type"] = "rule";
      else
        result["mark"] = "rule";
      return result;
    }
    return overlay(result, type);
  }

  // The facet channels of a unit or layer leave the encoding and become a facet around it.
  json facet_of_unit(const json& spec, const Inherited& inherited) {
    json outer = json::object();
    json inner = spec;
    json& encoding = inner["encoding"];
    keep_outer(
        outer, spec,
        {"name", "data", "title", "transform", "resolve", "autosize", "background", "padding"});
    for (const char* key :
         {"name", "data", "title", "transform", "resolve", "autosize", "background", "padding"})
      inner.erase(key);
    auto layout = [&](json& def, const char* channel) {
      for (const char* key : {"align", "center", "spacing", "columns", "bounds"}) {
        if (!def.is_object() || !def.contains(key)) continue;
        if (channel == nullptr || std::string_view(key) == "columns") {
          outer[key] = def[key];
        } else {
          if (!outer.contains(key) || !outer[key].is_object()) outer[key] = json::object();
          outer[key][channel] = def[key];
        }
        def.erase(key);
      }
    };
    if (encoding.contains("row") || encoding.contains("column")) {
      json mapping = json::object();
      for (const char* channel : {"row", "column"}) {
        if (!encoding.contains(channel)) continue;
        mapping[channel] = encoding[channel];
        layout(mapping[channel], channel);
      }
      outer["facet"] = std::move(mapping);
    } else {
      outer["facet"] = encoding["facet"];
      layout(outer["facet"], nullptr);
    }
    for (const char* channel : {"row", "column", "facet"}) encoding.erase(channel);
    outer["spec"] = std::move(inner);
    Inherited plain = inherited;
    plain.encoding = json::object();
    plain.repeater = json::object();
    return facet(outer, plain);
  }

  json facet(const json& spec, const Inherited& inherited) {
    json result = spec;
    result["facet"] = replace_repeat(spec["facet"], inherited.repeater, 0);
    result["spec"] = view(spec["spec"], inherited);
    return result;
  }

  json concat(const json& spec, const char* kind, const Inherited& inherited) {
    json result = spec;
    result.erase(kind);
    json members = json::array();
    if (!spec[kind].is_array() || spec[kind].empty()) {
      failure_.fail(base::Errc::usage, std::string(kind) + " must be a list of views");
      return result;
    }
    for (const json& member : spec[kind]) {
      members.push_back(view(member, inherited));
      if (failure_.failed()) return result;
    }
    result["concat"] = std::move(members);
    if (std::string_view(kind) == "vconcat") result["columns"] = 1;
    if (std::string_view(kind) == "hconcat") result.erase("columns");
    return result;
  }

  json layer(const json& spec, const Inherited& inherited) {
    if (!spec["layer"].is_array() || spec["layer"].empty()) {
      failure_.fail(base::Errc::usage, "layer must be a list of views");
      return json::object();
    }
    Inherited down = inherited;
    down.encoding = merge_encoding(inherited.encoding, get(spec, "encoding"));
    if (down.encoding.contains("row") || down.encoding.contains("column") ||
        down.encoding.contains("facet")) {
      json faceted = spec;
      faceted["encoding"] = replace_repeat(down.encoding, inherited.repeater, 0);
      Inherited plain = inherited;
      plain.encoding = json::object();
      return facet_of_unit(faceted, plain);
    }
    json result = spec;
    result.erase("encoding");
    json members = json::array();
    for (const json& member : spec["layer"]) {
      json child = member;
      if (spec.contains("projection") && child.is_object() && !child.contains("projection"))
        child["projection"] = spec["projection"];
      if (child.is_object() && (child.contains("facet") || child.contains("concat") ||
                                child.contains("hconcat") || child.contains("vconcat"))) {
        failure_.fail(base::Errc::usage, "a layer may hold marks and layers only");
        return result;
      }
      members.push_back(view(child, down));
      if (failure_.failed()) return result;
    }
    if (spec.contains("transform") && !inherited.repeater.empty())
      result["transform"] = replace_repeat(spec["transform"], inherited.repeater, 0);
    result["layer"] = std::move(members);
    return result;
  }

  json repeat(const json& spec, const Inherited& inherited) {
    const json& repeat = spec["repeat"];
    json result = spec;
    result.erase("repeat");
    result.erase("spec");
    result.erase("columns");
    json members = json::array();
    auto add = [&](const json& repeater, const std::string& suffix) {
      Inherited down = inherited;
      down.repeater = inherited.repeater;
      down.repeater.update(repeater);
      json child = get(spec, "spec");
      if (child.is_object())
        child["name"] = text(child, "name", text(spec, "name")) + "__" + suffix;
      members.push_back(view(child, down));
      return !failure_.failed();
    };
    if (has(repeat, "layer")) {
      // Each layer of the repeat is a layer; what the repeat adds (rows, columns) goes around it.
      if (has(repeat, "row") || has(repeat, "column")) {
        json outer = spec;
        json layered = json::object();
        layered["repeat"] = {{"layer", repeat["layer"]}};
        layered["spec"] = get(spec, "spec");
        outer["repeat"].erase("layer");
        outer["spec"] = std::move(layered);
        return this->repeat(outer, inherited);
      }
      if (!repeat["layer"].is_array())
        failure_.fail(base::Errc::usage, "repeat.layer must be a list");
      for (const json& field : repeat["layer"])
        if (!add({{"layer", field}}, "layer")) return result;
      result["layer"] = std::move(members);
      for (const char* key : {"width", "height"})
        if (has(get(spec, "spec"), key)) result[key] = spec["spec"][key];
      return result;
    }
    if (repeat.is_array()) {
      for (const json& field : repeat)
        if (!add({{"repeat", field}}, "repeat")) return result;
      if (spec.contains("columns")) result["columns"] = spec["columns"];
    } else if (repeat.is_object()) {
      const json one = json::array({nullptr});
      const json& rows = has(repeat, "row") ? repeat["row"] : one;
      const json& columns = has(repeat, "column") ? repeat["column"] : one;
      if (!rows.is_array() || !columns.is_array()) {
        failure_.fail(base::Errc::usage, "repeat.row and repeat.column must be lists");
        return result;
      }
      for (const json& row : rows)
        for (const json& column : columns) {
          json repeater = json::object();
          if (!row.is_null()) repeater["row"] = row;
          if (!column.is_null()) repeater["column"] = column;
          if (!add(repeater, "row_column")) return result;
        }
      if (has(repeat, "column"))
        result["columns"] = columns.size();
      else
        result["columns"] = 1;
    } else {
      failure_.fail(base::Errc::usage, "repeat must be a list of fields or an object of lists");
    }
    result["concat"] = std::move(members);
    result["repeated"] = true;
    return result;
  }

  // Points on lines and areas, lines on areas: the mark's own option, or the configuration's.
  json overlay(const json& spec, const std::string& type) {
    if (type != "line" && type != "area" && type != "trail") return spec;
    if (type == "trail") return spec;
    const json& mark = spec["mark"];
    auto option = [&](const char* key) -> json {
      if (has(mark, key)) return mark[key];
      const json& style = get(mark, "style");
      if (style.is_string()) {
        const json& set = get(get(config_, "style"), style.get_ref<const std::string&>());
        if (has(set, key)) return set[key];
      }
      return get(get(config_, type), key);
    };
    json point = option("point");
    json line = type == "area" ? option("line") : json();
    auto active = [](const json& value) {
      return value.is_object() || (value.is_boolean() && value.get<bool>()) ||
             (value.is_string() && value == "transparent");
    };
    if (!active(point) && !active(line)) {
      json result = spec;
      if (result["mark"].is_object()) result["mark"].erase("point"), result["mark"].erase("line");
      return result;
    }
    json result = spec;
    for (const char* key : {"mark", "encoding", "params", "projection"}) result.erase(key);
    json base_mark = mark.is_object() ? mark : json{{"type", mark}};
    base_mark.erase("point");
    base_mark.erase("line");
    if (type == "area" && active(line) && !base_mark.contains("opacity") &&
        !base_mark.contains("fillOpacity"))
      base_mark["opacity"] = 0.7;
    json encoding = spec["encoding"];
    json base_encoding = encoding;
    base_encoding.erase("shape");
    json members = json::array();
    members.push_back({{"mark", base_mark}, {"encoding", base_encoding}});
    // The overlays follow the area's stack, which a line or point of its own would not have.
    json on_top = encoding;
    if (type == "area" && !encoding.contains("x2") && !encoding.contains("y2")) {
      const std::string orient = text(base_mark, "orient");
      const bool x_is_number = text(get(encoding, "x"), "type") == "quantitative" ||
                               has(get(encoding, "x"), "aggregate");
      const bool y_is_number = text(get(encoding, "y"), "type") == "quantitative" ||
                               has(get(encoding, "y"), "aggregate");
      const bool along_x =
          orient == "horizontal" || (orient.empty() && x_is_number && !y_is_number);
      const char* channel = along_x ? "x" : "y";
      if (has(on_top, channel) && on_top[channel].is_object() && !on_top[channel].contains("stack"))
        on_top[channel]["stack"] = "zero";
    }
    on_top.erase("x2");
    on_top.erase("y2");
    if (active(line)) {
      json over = json{{"type", "line"}};
      for (const char* key : {"clip", "interpolate", "tension", "tooltip"})
        if (base_mark.contains(key)) over[key] = base_mark[key];
      if (line.is_object()) over.update(line);
      json line_encoding = on_top;
      line_encoding.erase("shape");
      members.push_back({{"mark", over}, {"encoding", line_encoding}});
    }
    if (active(point)) {
      json over = json{{"type", "point"}, {"opacity", 1}, {"filled", true}};
      for (const char* key : {"clip", "tooltip"})
        if (base_mark.contains(key)) over[key] = base_mark[key];
      if (point.is_string()) over["opacity"] = 0;
      if (point.is_object()) over.update(point);
      members.push_back({{"mark", over}, {"encoding", on_top}});
    }
    if (spec.contains("projection"))
      for (json& member : members) member["projection"] = spec["projection"];
    result["layer"] = std::move(members);
    return result;
  }

  const json& config_;
  Failure& failure_;
  size_t panels_ = 0;
};

}  // namespace

json normalize(const json& spec, const json& config, Failure& failure) {
  return Normalizer(config, failure).view(spec, Inherited{});
}

}  // namespace tools::vega
