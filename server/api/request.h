#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "model/chat.h"
#include "model/generate.h"

/// server: an OpenAI-compatible API over one model. `api/` turns JSON into values and replies into
/// JSON, without sockets; `http/` is the transport; `service.h` joins them with a model.
namespace server {

/// What a client is told when its request can't be served. Sent as {"error": {message, type, param,
/// code}}.
struct ApiError {
  int status = 400;  ///< HTTP
  std::string message = {};
  std::string type = "invalid_request_error";  ///< or "server_error", "authentication_error", …
  std::string param = {};                      ///< the field, empty: null
  std::string code = {};                       ///< such as "context_length_exceeded"; empty: null
  int retry_after_s = 0;                       ///< 0: no such header
};
template <class T>
using Parsed = std::variant<T, ApiError>;

enum class ToolChoice : uint8_t { automatic, none, required, named };

struct AnswerFormat {
  enum class Kind : uint8_t { text, json_object, json_schema };
  Kind kind = Kind::text;
  std::string schema = {};  ///< JSON text
};

/// A function that a client declared in a group (Codex's namespaces: one for each MCP server).
struct GroupedTool {
  std::string group = {}, name = {};
};

/// Which protocol a request came by; the reply is written in the same.
enum class Protocol : uint8_t { chat, completions, responses, messages };

/// A request for generated text, whatever protocol it came by: every field of the client's JSON is
/// in here, or was refused.
struct Request {
  Protocol protocol = Protocol::chat;
  std::string model = {};                      ///< as asked for; empty: the served one
  std::vector<model::Message> messages = {};   ///< media hold the decoded file
  std::optional<std::string> raw_prompt = {};  ///< completions: continued as it is, no chat
  bool echo = false;                           ///< completions: the prompt stands before the reply
  std::vector<model::ToolDeclaration> tools = {};
  std::vector<std::string> strict_tools = {};  ///< whose schemas must be enforced as a whole
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string named_tool = {};
  bool parallel_tool_calls = true;
  AnswerFormat format = {};
  /// Sampler, stop, max_tokens (0: as many as fit), thinking, thinking_budget, logprobs; the rest
  /// is set by the service.
  model::GenerateOptions generate = {};
  bool thinking_given = false;  ///< else whether to think is the server's choice
  bool seed_given = false;
  std::vector<std::pair<std::string, float>> logit_bias = {};  ///< token id as the client wrote it
  int n = 1;                                                   ///< replies, 1 to 8
  int image_budget = 0;           ///< tokens of each picture; 0: the server's own
  std::string conversation = {};  ///< slot hint: prompt_cache_key, user, x-session-id
  bool stream = false;
  bool include_usage = false;  ///< chat, completions: a usage chunk at the end of the stream
  bool include_reasoning = true;
  /// responses: functions of groups, by the names that the model knows them by (flat_name()).
  std::map<std::string, GroupedTool> grouped_tools = {};
  std::vector<std::string> skipped_tools = {};  ///< responses: tools of kinds nobody here knows
  std::string echo_fields = {};  ///< responses: JSON of request fields that the reply repeats
};

}  // namespace server
