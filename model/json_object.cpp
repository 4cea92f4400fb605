#include "model/json_object.h"

namespace model {

base::Result<nlohmann::json> parse_json_object(std::string_view text, const std::string& name) {
  using nlohmann::json;
  bool deep = false;
  json object = json::parse(
      text.begin(), text.end(),
      [&deep](int depth, json::parse_event_t, json&) {
        if (depth > 32) deep = true;
        return !deep;
      },
      false);
  if (deep || !object.is_object())
    return base::Error{base::Errc::corrupt, name + ": not a JSON object"};
  return object;
}

}  // namespace model
