#include "model/grammar/json_schema.h"

#include "base/json.h"
#include "model/grammar/schema_rules.h"

namespace model {

namespace {

constexpr size_t kMaxBytes = 1 << 20;

}  // namespace

base::Result<std::string> grammar_of_schema(std::string_view schema,
                                            const std::vector<int32_t>& ends) {
  using base::Errc;
  using base::Error;
  if (schema.size() > kMaxBytes)
    return Error{Errc::usage, "schema: " + std::to_string(schema.size()) + " bytes, at most " +
                                  std::to_string(kMaxBytes)};
  const nlohmann::ordered_json document = nlohmann::ordered_json::parse(schema, nullptr, false);
  if (document.is_discarded()) return Error{Errc::usage, "schema: not JSON"};
  SchemaRules rules({.spelling = Spelling::json}, 'v');
  const base::Result<std::string> value = rules.add(document);
  if (!value) return value.error();
  if (value->empty()) return Error{Errc::usage, "schema: nothing fits it"};
  return "start: " + *value + (ends.empty() ? "" : " " + token_set(ends)) + "\n" + rules.rules();
}

}  // namespace model
