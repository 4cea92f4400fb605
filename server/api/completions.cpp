// /v1/completions: OpenAI's older API. The prompt is continued as it is, without a conversation.
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "server/api/generation.h"
#include "server/api/reply.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

void read_prompt(Fields& fields, Request& request) {
  fields.require("prompt");
  const json* prompt = fields.any("prompt");
  if (prompt == nullptr) return;
  if (prompt->is_string()) {
    request.raw_prompt = prompt->get<std::string>();
  } else if (prompt->is_array() && prompt->size() == 1 && (*prompt)[0].is_string()) {
    request.raw_prompt = (*prompt)[0].get<std::string>();
  } else {
    fields.wrong("prompt", "can only be a string, or a list of one string");
  }
  if (request.raw_prompt && request.raw_prompt->empty()) fields.wrong("prompt", "is empty");
}

class CompletionsWriter final : public ReplyWriter {
 public:
  CompletionsWriter(const Request& request, ReplyHead head, TokenText text)
      : request_(for_reply(request)), head_(std::move(head)), text_(std::move(text)) {
    states_.resize(static_cast<size_t>(request_.n), State{.answer = AnswerTokens(text_)});
  }

  std::string begin() override {
    std::string out;
    for (int i = 0; request_.echo && i < request_.n; ++i) out += chunk(i, prompt());
    return out;
  }

  std::string on_event(int choice, const model::ReplyEvent& event) override {
    using Kind = model::ReplyEvent::Kind;
    if (choice < 0 || choice >= request_.n) return {};
    State& state = states_[static_cast<size_t>(choice)];
    std::vector<model::Logprobs> tokens;
    if (request_.generate.logprobs >= 0) tokens = state.answer.with(event);
    // There are no calls and thoughts in this protocol: a model that writes them is continued text.
    switch (event.kind) {
      case Kind::text:
      case Kind::reasoning:
        return event.text.empty()
                   ? ""
                   : chunk(choice, event.text, nullptr, logprobs(tokens, state.offset));
      case Kind::call:
        return chunk(choice, call_text(event.call));
      case Kind::bad_call:
        return chunk(choice, bad_call_text(event, false));
      case Kind::call_begin:
      case Kind::call_arguments:
      case Kind::end:
        break;
    }
    return {};
  }

  std::string on_done(int choice, const model::Generated& out) override {
    if (choice < 0 || choice >= request_.n) return {};
    State& state = states_[static_cast<size_t>(choice)];
    std::vector<model::Logprobs> rest;
    if (request_.generate.logprobs >= 0) rest = state.answer.rest(out);
    return chunk(choice, "", finish_of(out),
                 rest.empty() ? json(nullptr) : logprobs(rest, state.offset));
  }

  std::string end(const std::vector<model::Generated>& all) override {
    std::string out;
    if (request_.include_usage) {
      json value = head();
      value["choices"] = json::array();
      value["usage"] = chat_usage(all);
      out = event_bytes(value);
    }
    return out + "data: [DONE]\n\n";
  }

  std::string failed(const ApiError& error) override {
    return "data: " + error_json(error, Protocol::completions) + "\n\n";
  }

  std::string whole(const std::vector<model::Generated>& all) override {
    json choices = json::array();
    for (size_t i = 0; i < all.size(); ++i) {
      std::string text = prompt() + all[i].message.reasoning + answer_text(all[i]);
      for (const model::FunctionCall& call : all[i].message.calls) text += call_text(call);
      int offset = 0;
      choices.push_back({{"index", i},
                         {"text", text},
                         {"logprobs", logprobs(AnswerTokens::of(all[i], text_), offset)},
                         {"finish_reason", finish_of(all[i])}});
    }
    json value = head();
    value["choices"] = std::move(choices);
    value["usage"] = chat_usage(all);
    return dumped(value);
  }

 private:
  struct State {
    AnswerTokens answer;
    int offset = 0;
  };

  json head() const {
    return {{"id", "cmpl-" + head_.id},
            {"object", "text_completion"},
            {"created", head_.created},
            {"model", head_.model}};
  }
  std::string prompt() const { return request_.echo ? request_.raw_prompt.value_or("") : ""; }

  static std::string call_text(const model::FunctionCall& call) {
    return "call:" + call.name + arguments_text(call);
  }
  static std::string finish_of(const model::Generated& out) {
    const std::string finish = openai_finish(out.finish);
    return finish == "tool_calls" ? "stop" : finish;
  }

  std::string chunk(int choice, const std::string& text, json finish = nullptr,
                    json logprobs = nullptr) const {
    json value = head();
    value["choices"] = {{{"index", choice},
                         {"text", text},
                         {"logprobs", std::move(logprobs)},
                         {"finish_reason", std::move(finish)}}};
    if (request_.include_usage) value["usage"] = nullptr;
    return event_bytes(value);
  }

  std::string spelled(model::TokenId id) const { return text_ ? text_(id) : std::string(); }

  // Four lists side by side. offset: where the first token begins in the choice's text, in
  // characters, and then where the next one will.
  json logprobs(const std::vector<model::Logprobs>& answer, int& offset) const {
    if (request_.generate.logprobs < 0) return nullptr;
    json tokens = json::array(), values = json::array(), tops = json::array();
    json offsets = json::array();
    for (const model::Logprobs& at : answer) {
      const std::string token = spelled(at.chosen.id);
      tokens.push_back(token);
      values.push_back(finite_logprob(at.chosen.logprob));
      json top = json::object();
      for (const model::TokenLogprob& one : at.top)
        top[base::utf8_repaired(spelled(one.id))] = finite_logprob(one.logprob);
      tops.push_back(std::move(top));
      offsets.push_back(offset);
      for (const char c : token) offset += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    }
    return {{"tokens", std::move(tokens)},
            {"token_logprobs", std::move(values)},
            {"top_logprobs", std::move(tops)},
            {"text_offset", std::move(offsets)}};
  }

  Request request_;
  ReplyHead head_;
  TokenText text_;
  std::vector<State> states_;  // of each choice
};

}  // namespace

void read_completions(Fields& fields, std::string_view, Request& request) {
  read_common(fields, request);
  read_prompt(fields, request);
  read_max_tokens(fields, "max_tokens", request);
  if (request.generate.max_tokens == 0) request.generate.max_tokens = 16;  // the protocol's default
  read_stream_options(fields, request);
  read_stop(fields, "stop", request);
  request.n = static_cast<int>(fields.integer("n", 1, 8).value_or(1));
  if (const auto best_of = fields.integer("best_of", 1, 20); best_of && *best_of != request.n)
    fields.wrong("best_of", "can only be as large as n: every reply is sent",
                 "unsupported_parameter");
  request.echo = fields.flag("echo").value_or(false);
  if (const auto top = fields.integer("logprobs", 0, 20)) {
    request.generate.logprobs = static_cast<int>(*top);
    if (request.echo)
      fields.wrong("logprobs", "cannot stand beside echo: the prompt's are not known",
                   "unsupported_parameter");
  }
  if (const auto suffix = fields.text("suffix"); suffix && !suffix->empty())
    fields.wrong("suffix", "is not supported: text is only continued", "unsupported_parameter");
  read_identity(fields, request);
}

std::unique_ptr<ReplyWriter> make_completions_writer(const Request& request, ReplyHead head,
                                                     TokenText text) {
  return std::make_unique<CompletionsWriter>(request, std::move(head), std::move(text));
}

}  // namespace server
