#include "server/api/writing.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "model/special_tokens.h"

namespace server {

using model::Special;
using nlohmann::json;

Request for_reply(const Request& request) {
  Request kept{.protocol = request.protocol,
               .raw_prompt = request.raw_prompt,
               .echo = request.echo,
               .parallel_tool_calls = request.parallel_tool_calls,
               .n = request.n,
               .stream = request.stream,
               .include_usage = request.include_usage,
               .include_reasoning = request.include_reasoning,
               .grouped_tools = request.grouped_tools,
               .skipped_tools = request.skipped_tools,
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

std::string AnswerTokens::spelled(const model::Logprobs& token) const {
  return text_ ? text_(token.chosen.id) : std::string();
}

void AnswerTokens::begin(bool thinks, std::span<const model::Logprobs> tokens) {
  if (std::exchange(begun_, true) || !thinks) return;
  // A thought that the prompt opened has no mark at its beginning.
  outside_ = false;
  for (const model::Logprobs& token : tokens) {
    const std::string text = spelled(token);
    if (text == model::special_text(Special::channel_end)) return;
    if (text == model::special_text(Special::channel_begin)) {
      outside_ = true;
      return;
    }
  }
}

bool AnswerTokens::is_answer(const model::Logprobs& token) {
  const std::string text = spelled(token);
  if (text == model::special_text(Special::channel_begin) ||
      text == model::special_text(Special::call_begin)) {
    outside_ = false;
    return false;
  }
  if (text == model::special_text(Special::channel_end) ||
      text == model::special_text(Special::call_end)) {
    outside_ = true;
    return false;
  }
  return outside_ && !std::isnan(token.chosen.logprob);
}

std::vector<model::Logprobs> AnswerTokens::with(const model::ReplyEvent& event) {
  using Kind = model::ReplyEvent::Kind;
  begin(event.kind == Kind::reasoning, event.logprobs);
  for (const model::Logprobs& token : event.logprobs)
    if (is_answer(token)) pending_.push_back(token);
  if (event.kind != Kind::text) return {};
  n_given_ += pending_.size();
  return std::exchange(pending_, {});
}

std::vector<model::Logprobs> AnswerTokens::rest(const model::Generated& out) const {
  std::vector<model::Logprobs> all = of(out, text_);
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(n_given_, all.size())));
  return all;
}

std::vector<model::Logprobs> AnswerTokens::of(const model::Generated& out, const TokenText& text) {
  const bool ended = out.ended_by_token && !out.tokens.empty();
  const std::span<const model::Logprobs> tokens =
      std::span(out.logprobs)
          .first(std::min(out.logprobs.size(), out.tokens.size() - (ended ? 1 : 0)));
  AnswerTokens answer(text);
  answer.begin(!out.message.reasoning.empty(), tokens);
  std::vector<model::Logprobs> of_answer;
  for (const model::Logprobs& token : tokens)
    if (answer.is_answer(token)) of_answer.push_back(token);
  return of_answer;
}

json logprobs_list(std::span<const model::Logprobs> tokens, const TokenText& text) {
  const auto entry = [&](const model::TokenLogprob& token) {
    const std::string spelled = text ? text(token.id) : std::string();
    json bytes = json::array();
    for (const char c : spelled) bytes.push_back(static_cast<unsigned char>(c));
    return json{{"token", spelled},
                {"logprob", finite_logprob(token.logprob)},
                {"bytes", std::move(bytes)}};
  };
  json content = json::array();
  for (const model::Logprobs& token : tokens) {
    json one = entry(token.chosen);
    one["top_logprobs"] = json::array();
    for (const model::TokenLogprob& top : token.top) one["top_logprobs"].push_back(entry(top));
    content.push_back(std::move(one));
  }
  return content;
}

json logprobs_json(std::span<const model::Logprobs> tokens, const TokenText& text) {
  return {{"content", logprobs_list(tokens, text)}, {"refusal", nullptr}};
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
