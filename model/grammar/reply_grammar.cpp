#include "model/grammar/reply_grammar.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "model/grammar/schema_rules.h"

namespace model {

using base::Errc;
using base::Error;
using json = nlohmann::ordered_json;

namespace {

constexpr size_t kMaxTools = 256;
constexpr int kMaxDepth = 64;

// What the reader of calls takes for a name.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

// Copying is recursive, so this comes before it.
bool is_deeper(const nlohmann::json& value, int levels) {
  if (!value.is_structured()) return false;
  return levels == 0 || std::any_of(value.begin(), value.end(), [&](const nlohmann::json& item) {
           return is_deeper(item, levels - 1);
         });
}

// `call:NAME{…}` of each function, as one choice; adds rules.
base::Result<std::string> calls(const ReplyGrammar& reply, std::string& rules) {
  const ReplyTokens& tokens = reply.tokens;
  if (tokens.call_begin < 0 || tokens.call_end < 0 || tokens.quote < 0 ||
      tokens.after_calls.empty())
    return Error{Errc::unsupported, "the checkpoint's vocabulary has no tokens for calls"};
  if (reply.tools.size() > kMaxTools)
    return Error{Errc::usage, "tools: " + std::to_string(reply.tools.size()) + ", at most " +
                                  std::to_string(kMaxTools)};
  SchemaRules schemas({.spelling = Spelling::plain, .quote = tokens.quote, .closed = reply.closed},
                      'a');
  std::string out;
  std::set<std::string> names;
  for (const ToolDeclaration& tool : reply.tools) {
    if (!is_name(tool.name))
      return Error{Errc::usage, "tool \"" + tool.name.substr(0, 80) +
                                    "\": a name has letters, digits, _ . and -, at most 128"};
    if (!names.insert(tool.name).second)
      return Error{Errc::usage, "tool " + tool.name + ": declared twice"};
    if (reply.choice == CallChoice::named && tool.name != reply.name) continue;
    if (is_deeper(tool.parameters, kMaxDepth))
      return Error{Errc::usage, "tool " + tool.name + ": schema: nested more than " +
                                    std::to_string(kMaxDepth) + " levels deep"};
    const json parameters = tool.parameters.is_null() ? json{{"properties", json::object()},
                                                             {"additionalProperties", false}}
                                                      : json(tool.parameters);
    const base::Result<std::string> arguments = schemas.add_object(parameters);
    if (!arguments)
      return Error{arguments.error().code, "tool " + tool.name + ": " + arguments.error().message};
    if (arguments->empty())
      return Error{Errc::usage, "tool " + tool.name + ": schema: no object fits it"};
    out += (out.empty() ? "" : " | ") + grammar_quoted("call:" + tool.name) + " " + *arguments;
  }
  if (out.empty() && reply.choice == CallChoice::named)
    return Error{Errc::usage, "tool_choice: no tool is named \"" + reply.name.substr(0, 80) + "\""};
  rules += schemas.rules();
  return out;
}

}  // namespace

ReplyTokens reply_tokens(const Tokenizer& tokenizer) {
  ReplyTokens out{.call_begin = tokenizer.special(Special::call_begin),
                  .call_end = tokenizer.special(Special::call_end),
                  .quote = tokenizer.special(Special::quote)};
  const TokenId turn = tokenizer.special(Special::turn_end);
  const TokenId response = tokenizer.special(Special::response_begin);
  out.after_text = {turn >= 0 ? turn : tokenizer.eos()};
  out.after_calls = out.after_text;
  if (response >= 0) out.after_calls.insert(out.after_calls.begin(), response);
  return out;
}

base::Result<std::string> reply_grammar(const ReplyGrammar& reply) {
  if (reply.tokens.after_text.empty())
    return Error{Errc::usage, "a grammar of replies needs the tokens that end one"};
  const bool must_call = reply.choice == CallChoice::required || reply.choice == CallChoice::named;
  if (must_call && reply.tools.empty())
    return Error{Errc::usage, "tool_choice: a call is required, and there are no tools"};
  const bool may_call = !reply.tools.empty() && reply.choice != CallChoice::none;

  std::string rules, start;
  if (may_call) {
    const base::Result<std::string> bodies = calls(reply, rules);
    if (!bodies) return bodies;
    rules += "calls: onecall" + std::string(reply.parallel ? "+" : "") + " " +
             token_set(reply.tokens.after_calls) + "\n";
    rules += "onecall: " + token_set({reply.tokens.call_begin}) + " body " +
             token_set({reply.tokens.call_end}) + "\n";
    rules += "body: " + *bodies + "\n";
  }
  const std::string end = token_set(reply.tokens.after_text);
  if (must_call) {
    start = "calls";
  } else if (reply.format == ReplyFormat::text) {
    start = may_call ? "TEXT? (calls | " + end + ")" : "TEXT? " + end;
    rules += "TEXT: /(?s:.)+/\n";
  } else {
    json schema = {{"type", "object"}};
    if (reply.format == ReplyFormat::json_schema) {
      schema = json::parse(reply.schema, nullptr, false);
      if (schema.is_discarded()) return Error{Errc::usage, "response_format: schema: not JSON"};
    }
    SchemaRules answer({.spelling = Spelling::json}, 'v');
    const base::Result<std::string> value = answer.add(schema);
    if (!value) return Error{value.error().code, "response_format: " + value.error().message};
    if (value->empty()) return Error{Errc::usage, "response_format: schema: nothing fits it"};
    start = *value + " " + end + (may_call ? " | calls" : "");
    rules += answer.rules();
  }
  return "start: " + start + "\n" + rules;
}

}  // namespace model
