// /tokenize, with llama.cpp's fields.
#include "base/json.h"
#include "server/api/fields.h"
#include "server/api/reply.h"

namespace server {

Parsed<TokenizeRequest> parse_tokenize(std::string_view body) {
  Problem problem;
  const nlohmann::json value = parse_body(body, problem);
  if (problem) return problem.error();
  TokenizeRequest request;
  Fields fields(value, "", problem);
  fields.require("content");
  request.text = fields.text("content").value_or("");
  request.special = fields.flag("parse_special").value_or(false);
  request.add_special = fields.flag("add_special").value_or(false);
  request.with_pieces = fields.flag("with_pieces").value_or(false);
  fields.ignore({"model"});
  fields.finish();
  if (problem) return problem.error();
  return request;
}

}  // namespace server
