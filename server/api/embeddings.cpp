// /v1/embeddings.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/base64.h"
#include "base/json.h"
#include "server/api/fields.h"
#include "server/api/reply.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

constexpr size_t kMaxInputs = 256;
constexpr size_t kMaxTokens = 262'144;  // of one input

static_assert(std::endian::native == std::endian::little, "embeddings are sent as they lie here");

// A list of token ids.
std::vector<model::TokenId> read_tokens(const json& list, const std::string& path,
                                        Problem& problem) {
  std::vector<model::TokenId> tokens;
  if (list.empty() || list.size() > kMaxTokens) {
    problem.say(path, path + (list.empty() ? " is empty" : " has too many tokens"));
    return tokens;
  }
  for (const json& id : list) {
    if (!id.is_number_unsigned() ||
        id.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
      problem.say(path, path + " holds something that is no token id", "invalid_type");
      return tokens;
    }
    tokens.push_back(static_cast<model::TokenId>(id.get<uint64_t>()));
  }
  return tokens;
}

void read_input(Fields& fields, EmbeddingsRequest& request) {
  fields.require("input");
  const json* input = fields.any("input");
  if (input == nullptr) return;
  Problem& problem = fields.problem();
  if (input->is_string()) {
    request.inputs.push_back(input->get<std::string>());
  } else if (input->is_array() && !input->empty() && (*input)[0].is_number()) {
    request.token_inputs.push_back(read_tokens(*input, "input", problem));
  } else if (const json* list = fields.list("input", kMaxInputs)) {
    if (list->empty()) fields.wrong("input", "is empty");
    for (size_t i = 0; i < list->size() && !problem; ++i) {
      const json& one = (*list)[i];
      const std::string path = at_index("input", i);
      if (one.is_string()) {
        request.inputs.push_back(one.get<std::string>());
      } else if (one.is_array()) {
        request.token_inputs.push_back(read_tokens(one, path, problem));
      } else {
        problem.say(path, path + " is neither a string nor a list of token ids", "invalid_type");
      }
    }
    if (!request.inputs.empty() && !request.token_inputs.empty())
      fields.wrong("input", "holds both strings and lists of token ids");
  }
  for (const std::string& text : request.inputs)
    if (text.empty()) fields.wrong("input", "holds an empty string");
}

// The first `dimensions` of a vector, at length 1 again.
std::vector<float> shortened(std::vector<float> vector, int dimensions) {
  if (dimensions <= 0 || static_cast<size_t>(dimensions) >= vector.size()) return vector;
  vector.resize(static_cast<size_t>(dimensions));
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  if (squares > 0)
    for (float& x : vector) x = static_cast<float>(x / std::sqrt(squares));
  return vector;
}

}  // namespace

Parsed<EmbeddingsRequest> parse_embeddings(std::string_view body) {
  Problem problem;
  const json value = parse_body(body, problem);
  if (problem) return problem.error();
  EmbeddingsRequest request;
  Fields fields(value, "", problem);
  read_input(fields, request);
  request.model = fields.text("model").value_or("");
  request.base64 = fields.choice("encoding_format", {"float", "base64"}) == "base64";
  request.dimensions = static_cast<int>(fields.integer("dimensions", 1, 1 << 20).value_or(0));
  fields.ignore({"user"});
  fields.finish();
  if (problem) return problem.error();
  return request;
}

std::string embeddings_json(const EmbeddingsRequest& request, const std::string& model,
                            const std::vector<std::vector<float>>& vectors, int prompt_tokens) {
  json data = json::array();
  for (size_t i = 0; i < vectors.size(); ++i) {
    const std::vector<float> vector = shortened(vectors[i], request.dimensions);
    json embedding = vector;
    if (request.base64)
      embedding = base::base64_encoded(std::string_view(
          reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)));
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::move(embedding)}});
  }
  return dumped({{"object", "list"},
                 {"model", model},
                 {"data", std::move(data)},
                 {"usage", {{"prompt_tokens", prompt_tokens}, {"total_tokens", prompt_tokens}}}});
}

}  // namespace server
