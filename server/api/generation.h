#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "server/api/fields.h"
#include "server/api/request.h"

namespace server {

inline constexpr size_t kMaxTools = 256;

/// Letters, digits, `_`, `-`, `.` and what `more` holds, 1 to 128 of them: what a call can spell.
bool is_function_name(std::string_view name, std::string_view more = {});

/// The fields of each protocol, for parse_request(). body: as it was sent.
void read_chat(Fields& fields, std::string_view body, Request& request);
void read_completions(Fields& fields, std::string_view body, Request& request);
void read_responses(Fields& fields, std::string_view body, Request& request);
void read_messages(Fields& fields, std::string_view body, Request& request);

/// What all of them have: model, stream, the sampler's fields (read_sampler) and our own:
/// image_budget (70, 140, 280, 560 or 1120 tokens of each picture; it wins over `detail`) and
/// include_reasoning.
void read_common(Fields& fields, Request& request);

/// Fields of the sampler that are the same in every protocol: temperature, top_p, top_k, min_p, the
/// penalties, seed, logit_bias. What a request leaves out is what Gemma 4 is recommended with:
/// temperature 1, top_k 64, top_p 0.95.
void read_sampler(Fields& fields, Request& request);

/// `name`: a string or a list of up to 16, of at most 256 bytes each.
void read_stop(Fields& fields, std::string_view name, Request& request);

/// A bound for the reply's tokens; the smaller one where a request has two.
void read_max_tokens(Fields& fields, std::string_view name, Request& request);

/// stream_options: include_usage.
void read_stream_options(Fields& fields, Request& request);
/// Fields that change nothing about a reply: metadata, user, store: false, service_tier, …; the
/// conversation is known by prompt_cache_key or else user.
void read_identity(Fields& fields, Request& request);

/// Whether and how long to think, from wherever a request says it.
class Thinking {
 public:
  explicit Thinking(Request& request) : request_(request) {}

  /// `reasoning_effort` and the like: none: off; minimal, low, medium, high: on, with at most 256,
  /// 1,024, 4,096, 16,384 tokens of thought; xhigh and max: on, without a bound.
  void effort(Fields& fields, std::string_view name);
  /// enable_thinking, thinking_budget, chat_template_kwargs {enable_thinking, thinking_budget}.
  void switches(Fields& fields);
  /// `thinking` {type: enabled | disabled | adaptive, budget_tokens, display}.
  void config(Fields& fields, std::string_view name);

 private:
  void set(Fields& fields, std::string_view name, bool on);
  void budget(Fields& fields, std::string_view name, int64_t low);
  void at_most(int tokens);
  Request& request_;
};

/// A function that the model may call; `fields` are those of the innermost object. Names must be
/// fit for a call and differ. group: what the function is declared in, if anything.
void add_tool(Fields& fields, std::string_view schema_name, Request& request,
              const std::string& group = {});
/// What the model calls the function of a group, "GROUP__NAME": it knows no groups. An empty group
/// is none.
std::string flat_name(std::string_view group, std::string_view name);

/// "auto", "none", or "required" and "any".
void set_tool_choice(const std::optional<std::string>& choice, Request& request);
/// The reply has to be a call of this function; a name that is not declared is a problem.
void name_tool(Fields& fields, std::string_view field, const std::string& name, Request& request);
/// Leaves only these of the declared functions.
void allow_tools(Fields& fields, std::string_view field, const std::vector<std::string>& names,
                 Request& request);
/// What is said of calls must be possible with the functions that are there.
void check_tools(Fields& fields, Request& request);

/// {type: text | json_object | json_schema}; schema: JSON text, empty where there is none.
void set_format(Fields& fields, std::string_view field, std::string_view type,
                std::string_view schema, Request& request);

}  // namespace server
