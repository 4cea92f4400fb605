#include "server/loosen_schema.h"

#include <array>
#include <cmath>
#include <string_view>

#include "base/json.h"

namespace server {

namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr double kMostBound = 1e15;  // beyond it bounds are no bounds but somebody's largest number

bool is_one_of(std::string_view key, const auto& list) {
  for (const std::string_view one : list)
    if (key == one) return true;
  return false;
}

json loosened_at(const json& schema, int depth) {
  if (!schema.is_object() || depth > kMaxDepth) return json::object();
  static constexpr std::array<std::string_view, 5> kCounts = {"minItems", "maxItems", "minLength",
                                                              "maxLength", "nullable"};
  static constexpr std::array<std::string_view, 4> kBounds = {
      "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
  static constexpr std::array<std::string_view, 3> kMaps = {"properties", "$defs", "definitions"};
  static constexpr std::array<std::string_view, 4> kLists = {"anyOf", "oneOf", "allOf",
                                                             "prefixItems"};
  json out = json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "type" && (value.is_string() || value.is_array())) out[key] = value;
    if (key == "$ref" && value.is_string()) out[key] = value;
    if (key == "const" || (key == "enum" && value.is_array() && !value.empty())) out[key] = value;
    if (is_one_of(key, kCounts) && (value.is_number_unsigned() || value.is_boolean()))
      out[key] = value;
    if (is_one_of(key, kBounds) && value.is_number() && std::abs(value.get<double>()) < kMostBound)
      out[key] = value;
    if (is_one_of(key, kMaps) && value.is_object()) {
      out[key] = json::object();
      for (const auto& [name, inner] : value.items())
        out[key][name] = loosened_at(inner, depth + 1);
    }
    if (is_one_of(key, kLists) && value.is_array() && !value.empty()) {
      json list = json::array();
      for (const json& inner : value) list.push_back(loosened_at(inner, depth + 1));
      out[key == "oneOf" ? "anyOf" : key] = std::move(list);
    }
    if (key == "required" && value.is_array()) {
      out[key] = json::array();
      for (const json& name : value)
        if (name.is_string()) out[key].push_back(name);
    }
    if ((key == "items" || key == "additionalProperties") && value.is_object())
      out[key] = loosened_at(value, depth + 1);
    if (key == "additionalProperties" && value.is_boolean()) out[key] = value;
  }
  // A closed object whose members are named elsewhere would fit nothing.
  if (out.contains("$ref") || out.contains("allOf") || out.contains("anyOf"))
    if (out.value("additionalProperties", json(nullptr)) == false)
      out.erase("additionalProperties");
  return out;
}

}  // namespace

json loosened(const json& schema) { return loosened_at(schema, 0); }

}  // namespace server
