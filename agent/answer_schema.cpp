#include "agent/answer_schema.h"

#include "agent/endpoint/wire.h"
#include "base/json.h"
#include "model/grammar/schema.h"

namespace agent {

using base::Errc;
using base::Error;
using nlohmann::ordered_json;

namespace {

constexpr size_t kMaxBytes = 1 << 20;

base::Result<ordered_json> parse(std::string_view text, const char* what) {
  if (text.size() > kMaxBytes)
    return Error{Errc::usage, std::string(what) + " is longer than 1 MiB"};
  if (is_too_deep(text))
    return Error{Errc::usage, std::string(what) + " is nested more than 64 levels deep"};
  ordered_json value = ordered_json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) return Error{Errc::usage, std::string(what) + " is no JSON"};
  return value;
}

}  // namespace

base::Status check_schema(const std::string& text) {
  const base::Result<ordered_json> schema = parse(text, "the schema");
  if (!schema) return schema.error();
  model::SchemaReader reader(*schema);
  if (base::Status ok = reader.check(); !ok) return ok;
  const base::Result<const std::vector<model::Shape>*> shapes = reader.checked_shapes({&*schema});
  if (!shapes) return shapes.error();
  if ((*shapes)->empty()) return Error{Errc::usage, "schema: no value fits it"};
  return base::Ok{};
}

base::Result<std::string> json_answer(const std::string& answer, const std::string& text) {
  std::string_view inner = answer;
  if (const size_t fence = inner.find("```"); fence != inner.npos) {
    const size_t line = inner.find('\n', fence), end = inner.rfind("```");
    if (line != inner.npos && end > line) inner = inner.substr(line + 1, end - line - 1);
  }
  const base::Result<ordered_json> value = parse(inner, "the answer");
  if (!value) return value.error();
  const base::Result<ordered_json> schema = parse(text, "the schema");
  if (!schema) return schema.error();
  model::SchemaReader reader(*schema);
  const base::Result<bool> fits = reader.fits(*value, model::Schemas{&*schema});
  if (!fits) return fits.error();
  if (!*fits) return Error{Errc::usage, "the answer does not fit the schema"};
  return value->dump();
}

}  // namespace agent
