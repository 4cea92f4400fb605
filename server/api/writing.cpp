#include "server/api/writing.h"

#include <cmath>
#include <utility>

#include "base/json.h"
#include "model/special_tokens.h"

namespace server {

using nlohmann::json;

Request for_reply(const Request& request) {
  Request kept{.protocol = request.protocol,
               .raw_prompt = request.raw_prompt,
               .echo = request.echo,
               .parallel_tool_calls = request.parallel_tool_calls,
               .n = request.n,
               .include_usage = request.include_usage,
               .include_reasoning = request.include_reasoning,
               .grouped_tools = request.grouped_tools,
               .echo_fields = request.echo_fields};
  kept.generate.logprobs = request.generate.logprobs;
  return kept;
}

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string event_bytes(const json& value, std::string_view name) {
  std::string out;
  if (!name.empty()) out += "event: " + std::string(name) + "\n";
  return out + "data: " + dumped(value) + "\n\n";
}

std::string openai_finish(model::Finish finish) {
  return finish == model::Finish::cancelled ? "length" : std::string(model::name_of(finish));
}

std::string arguments_text(const model::FunctionCall& call) {
  return call.arguments_text.empty() ? dumped(call.arguments) : call.arguments_text;
}

std::string bad_call_text(const model::ReplyEvent& event, bool was_begun) {
  if (!was_begun && !event.text.empty()) return event.text;
  return "\n[" + event.error + "]";
}

std::string answer_text(const model::Generated& out) {
  std::string text = out.message.text;
  for (size_t i = 0; i < out.errors.size(); ++i) {
    const std::string written = i < out.bad_calls.size() ? out.bad_calls[i] : std::string();
    text += bad_call_text({.text = written, .error = out.errors[i]}, false);
  }
  return text;
}

Usage usage_of(const std::vector<model::Generated>& all) {
  Usage usage;
  for (const model::Generated& out : all) {
    usage.completion += static_cast<int>(out.tokens.size());
    usage.reasoning += out.reasoning_tokens;
  }
  // All choices answer one prompt.
  if (!all.empty()) {
    usage.prompt = all[0].prompt_tokens;
    usage.cached = std::min(all[0].reused_tokens, usage.prompt);
  }
  return usage;
}

json chat_usage(const std::vector<model::Generated>& all) {
  const Usage usage = usage_of(all);
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.completion},
          {"total_tokens", usage.prompt + usage.completion},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
}

double finite_logprob(float logprob) {
  // OpenAI's own number for a token of no probability.
  return std::isfinite(logprob) ? logprob : -9999.0;
}

std::vector<size_t> answer_tokens(const model::Generated& out, const TokenText& text) {
  using model::Special;
  const auto spelling = [&](size_t i) { return text ? text(out.tokens[i]) : std::string(); };
  std::vector<size_t> indices;
  // A thought that the prompt opened has no mark at its beginning.
  bool outside = out.message.reasoning.empty();
  for (size_t i = 0; i < out.tokens.size() && !outside; ++i) {
    const std::string spelled = spelling(i);
    if (spelled == model::special_text(Special::channel_end)) break;
    outside = spelled == model::special_text(Special::channel_begin);
  }
  const size_t end = out.tokens.size() - (out.ended_by_token && !out.tokens.empty() ? 1 : 0);
  for (size_t i = 0; i < end; ++i) {
    const std::string spelled = spelling(i);
    if (spelled == model::special_text(Special::channel_begin) ||
        spelled == model::special_text(Special::call_begin)) {
      outside = false;
    } else if (spelled == model::special_text(Special::channel_end) ||
               spelled == model::special_text(Special::call_end)) {
      outside = true;
    } else if (outside && i < out.logprobs.size() && !std::isnan(out.logprobs[i].chosen.logprob)) {
      indices.push_back(i);
    }
  }
  return indices;
}

json logprobs_list(const model::Generated& out, const TokenText& text) {
  const auto entry = [&](const model::TokenLogprob& token) {
    const std::string spelled = text ? text(token.id) : std::string();
    json bytes = json::array();
    for (const char c : spelled) bytes.push_back(static_cast<unsigned char>(c));
    return json{{"token", spelled},
                {"logprob", finite_logprob(token.logprob)},
                {"bytes", std::move(bytes)}};
  };
  json content = json::array();
  for (const size_t i : answer_tokens(out, text)) {
    json one = entry(out.logprobs[i].chosen);
    one["top_logprobs"] = json::array();
    for (const model::TokenLogprob& top : out.logprobs[i].top)
      one["top_logprobs"].push_back(entry(top));
    content.push_back(std::move(one));
  }
  return content;
}

json logprobs_json(const model::Generated& out, const TokenText& text) {
  return {{"content", logprobs_list(out, text)}, {"refusal", nullptr}};
}

std::unique_ptr<ReplyWriter> make_writer(const Request& request, ReplyHead head, TokenText text) {
  switch (request.protocol) {
    case Protocol::chat:
      break;
    case Protocol::completions:
      return make_completions_writer(request, std::move(head), std::move(text));
    case Protocol::responses:
      return make_responses_writer(request, std::move(head), std::move(text));
    case Protocol::messages:
      return make_messages_writer(request, std::move(head), std::move(text));
  }
  return make_chat_writer(request, std::move(head), std::move(text));
}

std::string error_json(const ApiError& error, Protocol protocol) {
  if (protocol == Protocol::messages) {
    const char* type = error.status == 401   ? "authentication_error"
                       : error.status == 403 ? "permission_error"
                       : error.status == 404 ? "not_found_error"
                       : error.status == 413 ? "request_too_large"
                       : error.status == 429 ? "rate_limit_error"
                       : error.status == 503 ? "overloaded_error"
                       : error.status >= 500 ? "api_error"
                                             : "invalid_request_error";
    return dumped({{"type", "error"}, {"error", {{"type", type}, {"message", error.message}}}});
  }
  const auto or_null = [](const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
  };
  return dumped({{"error",
                  {{"message", error.message},
                   {"type", error.type},
                   {"param", or_null(error.param)},
                   {"code", or_null(error.code)}}}});
}

}  // namespace server
