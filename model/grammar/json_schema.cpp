// The grammar engine knows JSON Schema; here its options are set and what it would pass over in
// silence is refused.
#include "model/grammar/json_schema.h"

#include <algorithm>
#include "base/json.h"

namespace model {

namespace {

using json = nlohmann::ordered_json;  // members are written in the order of the schema

constexpr int kMaxDepth = 64;
constexpr size_t kMaxBytes = 1 << 20;

// Options of the engine, which a schema from outside must not set.
constexpr std::string_view kOptions = "x-guidance";

bool has_options(const json& value, int depth) {
  if (depth > kMaxDepth) return true;
  if (!value.is_structured()) return false;
  if (value.is_object() && value.contains(kOptions)) return true;
  return std::any_of(value.begin(), value.end(),
                     [&](const json& item) { return has_options(item, depth + 1); });
}

}  // namespace

base::Result<std::string> grammar_of_schema(std::string_view schema,
                                            const std::vector<int32_t>& ends) {
  using base::Errc;
  using base::Error;
  if (schema.size() > kMaxBytes)
    return Error{Errc::usage, "schema: " + std::to_string(schema.size()) + " bytes, at most " +
                                  std::to_string(kMaxBytes)};
  json value = json::parse(schema, nullptr, false);
  if (value.is_discarded()) return Error{Errc::usage, "schema: not JSON"};
  if (value.is_boolean())
    value = value.get<bool>() ? json::object() : json{{"not", json::object()}};
  if (!value.is_object()) return Error{Errc::usage, "schema: neither an object nor true or false"};
  if (has_options(value, 0)) return Error{Errc::usage, "schema: x-guidance, or nested too deeply"};
  value[kOptions] = {
      {"item_separator", ", "}, {"key_separator", ": "}, {"whitespace_flexible", false}};
  std::string grammar = "start: value";
  if (!ends.empty()) {
    grammar += " <[";
    for (size_t i = 0; i < ends.size(); ++i)
      grammar += (i > 0 ? "," : "") + std::to_string(ends[i]);
    grammar += "]>";
  }
  return grammar + "\nvalue: %json " + value.dump(-1, ' ', true, json::error_handler_t::replace) +
         "\n";
}

}  // namespace model
