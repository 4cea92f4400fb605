#include "tools/vega/read.h"

#include <cmath>

namespace tools::vega {

static const json kNull;

const json& get(const json& object, std::string_view key) {
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

bool has(const json& object, std::string_view key) {
  return object.is_object() && object.contains(key);
}

std::string text(const json& object, std::string_view key, std::string_view fallback) {
  const json& value = get(object, key);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string(fallback);
}

double number(const json& object, std::string_view key, double fallback) {
  const json& value = get(object, key);
  if (!value.is_number()) return fallback;
  const double result = value.get<double>();
  return std::isfinite(result) ? result : fallback;
}

bool truth(const json& object, std::string_view key, bool fallback) {
  const json& value = get(object, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace tools::vega
