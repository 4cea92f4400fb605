#include "server/api/generation.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/json.h"
#include "server/api/reply.h"

namespace server {

using nlohmann::json;

namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 256;
constexpr size_t kMaxBiases = 4096;
constexpr size_t kMaxDescriptionBytes = 64 * 1024;
constexpr int kImageBudgets[] = {70, 140, 280, 560, 1120};

}  // namespace

bool is_function_name(std::string_view name, std::string_view more) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || more.find(c) != std::string_view::npos;
  });
}

void read_sampler(Fields& fields, Request& request) {
  model::SamplerOptions& sampler = request.generate.sampler;
  sampler.temperature = static_cast<float>(fields.number("temperature", 0, 2).value_or(1));
  // The sampler wants more than nothing; OpenAI allows 0, which leaves the likeliest token.
  sampler.top_p = static_cast<float>(std::max(fields.number("top_p", 0, 1).value_or(0.95), 1e-6));
  // -1 is how vLLM says all.
  sampler.top_k =
      static_cast<int>(std::max<int64_t>(0, fields.integer("top_k", -1, 1'000'000).value_or(64)));
  sampler.min_p = static_cast<float>(fields.number("min_p", 0, 1).value_or(0));
  sampler.presence_penalty =
      static_cast<float>(fields.number("presence_penalty", -2, 2).value_or(0));
  sampler.frequency_penalty =
      static_cast<float>(fields.number("frequency_penalty", -2, 2).value_or(0));
  sampler.repetition_penalty =
      static_cast<float>(fields.number("repetition_penalty", 0.001, 1000).value_or(1));
  if (const auto seed = fields.integer("seed", std::numeric_limits<int64_t>::min(),
                                       std::numeric_limits<int64_t>::max())) {
    sampler.seed = static_cast<uint64_t>(*seed);
    request.seed_given = true;
  }
  if (const json* biases = fields.object("logit_bias")) {
    if (biases->size() > kMaxBiases) {
      fields.wrong("logit_bias", "has more than " + std::to_string(kMaxBiases) + " entries");
      return;
    }
    Fields entries(*biases, fields.path("logit_bias"), fields.problem());
    for (const auto& [token, bias] : biases->items()) {
      int32_t id = 0;
      const auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), id);
      if (failure != std::errc() || end != token.data() + token.size() || id < 0) {
        fields.wrong("logit_bias", "has the key " + in_quotes(token) + ", which is no token id");
        return;
      }
      if (const auto value = entries.number(token, -100, 100))
        request.logit_bias.emplace_back(token, static_cast<float>(*value));
    }
  }
}

void read_stop(Fields& fields, std::string_view name, Request& request) {
  const json* value = fields.any(name);
  if (value == nullptr) return;
  if (!value->is_string() && !value->is_array()) {
    fields.wrong(name, "is neither a string nor a list of strings", "invalid_type");
    return;
  }
  const json list = value->is_string() ? json::array({*value}) : *value;
  if (list.size() > kMaxStops) {
    fields.wrong(name, "has " + std::to_string(list.size()) + " entries, at most " +
                           std::to_string(kMaxStops) + " are possible");
    return;
  }
  for (const json& stop : list) {
    const std::string* text = stop.is_string() ? &stop.get_ref<const std::string&>() : nullptr;
    if (text == nullptr || text->empty() || text->size() > kMaxStopBytes) {
      fields.wrong(name, text == nullptr ? "holds something that is not a string"
                         : text->empty() ? "holds an empty string"
                                         : "holds a string of more than 256 bytes");
      return;
    }
    request.generate.stop.push_back(*text);
  }
}

void read_max_tokens(Fields& fields, std::string_view name, Request& request) {
  const auto bound = fields.integer(name, -1, std::numeric_limits<int32_t>::max());
  if (!bound || bound == -1) return;  // -1 is how LM Studio says no bound
  if (bound == 0) {
    fields.wrong(name, "is 0, expected 1 or more");
    return;
  }
  int& most = request.generate.max_tokens;
  most = most == 0 ? static_cast<int>(*bound) : std::min(most, static_cast<int>(*bound));
}

void read_stream_options(Fields& fields, Request& request) {
  const json* value = fields.object("stream_options");
  if (value == nullptr) return;
  Fields options(*value, "stream_options", fields.problem());
  request.include_usage = options.flag("include_usage").value_or(false);
  if (options.flag("include_obfuscation").value_or(false))
    options.wrong("include_obfuscation", "can only be false", "unsupported_parameter");
  options.finish();
}

void read_identity(Fields& fields, Request& request) {
  const auto user = fields.text("user");
  request.conversation = fields.text("prompt_cache_key").value_or(user.value_or(""));
  if (fields.flag("store").value_or(false))
    fields.wrong("store", "can only be false: replies are not kept", "unsupported_parameter");
  (void)fields.text("service_tier");
  (void)fields.object("metadata");
  (void)fields.text("safety_identifier");
  fields.ignore({"prompt_cache_retention", "prompt_cache_options"});
}

void read_common(Fields& fields, Request& request) {
  request.model = fields.text("model").value_or("");
  request.stream = fields.flag("stream").value_or(false);
  read_sampler(fields, request);
  if (const auto budget = fields.integer("image_budget", 1, 1'000'000)) {
    if (std::find(std::begin(kImageBudgets), std::end(kImageBudgets), *budget) ==
        std::end(kImageBudgets))
      fields.wrong("image_budget",
                   "is " + std::to_string(*budget) + ", expected 70, 140, 280, 560 or 1120 tokens");
    request.image_budget = static_cast<int>(*budget);
  }
  if (const auto include = fields.flag("include_reasoning")) request.include_reasoning = *include;
}

void Thinking::set(Fields& fields, std::string_view name, bool on) {
  if (request_.thinking_given && request_.generate.thinking != on)
    fields.wrong(name, std::string("asks for thinking ") + (on ? "on" : "off") +
                           " where another field asks for the opposite");
  request_.thinking_given = true;
  request_.generate.thinking = on;
}

void Thinking::budget(Fields& fields, std::string_view name, int64_t low) {
  const auto tokens = fields.integer(name, low, std::numeric_limits<int32_t>::max());
  if (tokens) at_most(static_cast<int>(*tokens));
}

void Thinking::at_most(int tokens) {
  int& most = request_.generate.thinking_budget;
  most = most < 0 ? tokens : std::min(most, tokens);
}

void Thinking::effort(Fields& fields, std::string_view name) {
  const auto effort =
      fields.choice(name, {"none", "minimal", "low", "medium", "high", "xhigh", "max"});
  if (!effort) return;
  set(fields, name, *effort != "none");
  if (*effort == "minimal") at_most(256);
  if (*effort == "low") at_most(1024);
  if (*effort == "medium") at_most(4096);
  if (*effort == "high") at_most(16384);
}

void Thinking::switches(Fields& fields) {
  if (const auto on = fields.flag("enable_thinking")) set(fields, "enable_thinking", *on);
  budget(fields, "thinking_budget", 0);
  if (const json* kwargs = fields.object("chat_template_kwargs")) {
    Fields inner(*kwargs, fields.path("chat_template_kwargs"), fields.problem());
    if (const auto on = inner.flag("enable_thinking")) set(inner, "enable_thinking", *on);
    budget(inner, "thinking_budget", 0);
    inner.finish();
  }
  if (request_.generate.thinking_budget >= 0 && !request_.thinking_given)
    set(fields, "thinking_budget", true);
}

void Thinking::config(Fields& fields, std::string_view name) {
  const json* value = fields.object(name);
  if (value == nullptr) return;
  Fields inner(*value, fields.path(name), fields.problem());
  inner.require("type");
  const auto type = inner.choice("type", {"enabled", "disabled", "adaptive"});
  if (type) set(inner, "type", *type != "disabled");
  if (type == "enabled") budget(inner, "budget_tokens", 1);
  if (inner.choice("display", {"summarized", "omitted"}) == "omitted")
    request_.include_reasoning = false;
  inner.finish();
}

std::string flat_name(std::string_view group, std::string_view name) {
  return (group.empty() ? "" : std::string(group) + "__") + std::string(name);
}

void add_tool(Fields& fields, std::string_view schema_name, Request& request,
              const std::string& group) {
  model::ToolDeclaration tool;
  fields.require("name");
  const std::string name = fields.text("name").value_or("");
  tool.name = name.empty() ? name : flat_name(group, name);
  tool.description = fields.text("description").value_or("");
  if (const json* schema = fields.object(schema_name)) tool.parameters = *schema;
  const bool strict = fields.flag("strict").value_or(false);
  if (fields.problem()) return;
  if (!is_function_name(tool.name)) {
    fields.wrong("name",
                 "is " + in_quotes(tool.name) + ", expected 1 to 128 letters, digits, _, - and .");
    return;
  }
  if (request.tools.size() >= kMaxTools) {
    fields.wrong("name", "is that of one function more than " + std::to_string(kMaxTools));
    return;
  }
  if (tool.description.size() > kMaxDescriptionBytes) {
    fields.wrong("description", "is longer than 64 KiB");
    return;
  }
  for (const model::ToolDeclaration& other : request.tools)
    if (other.name == tool.name) {
      fields.wrong("name", "is " + in_quotes(tool.name) + ", as that of a tool before it");
      return;
    }
  if (strict) request.strict_tools.push_back(tool.name);
  if (!group.empty()) request.grouped_tools[tool.name] = {group, name};
  request.tools.push_back(std::move(tool));
}

void set_tool_choice(const std::optional<std::string>& choice, Request& request) {
  if (choice == "none") request.tool_choice = ToolChoice::none;
  if (choice == "required" || choice == "any") request.tool_choice = ToolChoice::required;
}

void name_tool(Fields& fields, std::string_view field, const std::string& name, Request& request) {
  request.tool_choice = ToolChoice::named;
  request.named_tool = name;
  const bool declared = std::any_of(request.tools.begin(), request.tools.end(),
                                    [&](const auto& tool) { return tool.name == name; });
  if (!declared)
    fields.wrong(field, "names " + in_quotes(name) + ", which is not one of the tools");
}

void allow_tools(Fields& fields, std::string_view field, const std::vector<std::string>& names,
                 Request& request) {
  std::vector<model::ToolDeclaration> allowed;
  for (model::ToolDeclaration& tool : request.tools)
    if (std::find(names.begin(), names.end(), tool.name) != names.end())
      allowed.push_back(std::move(tool));
  if (allowed.size() < names.size())
    fields.wrong(field, "names a tool twice or one that is not declared");
  request.tools = std::move(allowed);
}

void check_tools(Fields& fields, Request& request) {
  if (request.tool_choice == ToolChoice::required && request.tools.empty())
    fields.wrong("tool_choice", "asks for a call, but there are no tools");
}

void set_format(Fields& fields, std::string_view field, std::string_view type,
                std::string_view schema, Request& request) {
  if (type == "json_object") {
    request.format.kind = AnswerFormat::Kind::json_object;
  } else if (type == "json_schema") {
    if (schema.empty() || (schema.front() != '{' && schema != "true"))
      fields.wrong(field, "has no schema, or one that is not an object");
    request.format.kind = AnswerFormat::Kind::json_schema;
    request.format.schema = schema;
  }
}

Parsed<Request> parse_request(Protocol protocol, std::string_view body) {
  Problem problem;
  const json value = parse_body(body, problem);
  if (problem) return problem.error();
  Request request{.protocol = protocol};
  request.generate.max_tokens = 0;
  Fields fields(value, "", problem);
  switch (protocol) {
    case Protocol::chat:
      read_chat(fields, body, request);
      break;
    case Protocol::completions:
      read_completions(fields, body, request);
      break;
    case Protocol::responses:
      read_responses(fields, body, request);
      break;
    case Protocol::messages:
      read_messages(fields, body, request);
      break;
  }
  fields.finish();
  if (problem) return problem.error();
  return request;
}

}  // namespace server
