#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/call_parser.h"
#include "model/generate.h"
#include "model/special_tokens.h"
#include "server/api/reply.h"

/// Replies without a model: a text with special tokens spelled out, cut into tokens of a few bytes.
namespace server {

struct Said {
  std::vector<std::string> pieces;  ///< a token's text by its id, which is its place in the reply
  std::vector<model::ReplyEvent> events;
  model::Generated out;

  TokenText token_text() const {
    return [pieces = pieces](model::TokenId id) { return pieces[static_cast<size_t>(id)]; };
  }
};

inline Said said(std::string_view text) {
  Said said;
  model::StreamParser parser(model::ParserOptions{});
  model::Generated& out = said.out;
  out.message.role = model::Role::model;
  out.prompt_tokens = 100;
  out.reused_tokens = 60;
  bool in_thought = false;
  const auto hear = [&](std::vector<model::ReplyEvent> events) {
    using Kind = model::ReplyEvent::Kind;
    for (model::ReplyEvent& event : events) {
      if (event.kind == Kind::text) out.message.text += event.text;
      if (event.kind == Kind::reasoning) out.message.reasoning += event.text;
      if (event.kind == Kind::call) out.message.calls.push_back(event.call);
      if (event.kind == Kind::bad_call) {
        out.errors.push_back(event.error);
        out.bad_calls.push_back(event.text);
      }
      if (event.kind == Kind::end)
        out.finish = event.end == model::ReplyEnd::cut ? model::Finish::length
                     : out.message.calls.empty()       ? model::Finish::stop
                                                       : model::Finish::tool_calls;
      said.events.push_back(std::move(event));
    }
  };
  size_t n_told = 0;  // log-probabilities that came with events
  while (!text.empty()) {
    const model::SpecialToken* special = nullptr;
    for (const model::SpecialToken& token : model::kSpecialTokens)
      if (text.starts_with(token.text)) special = &token;
    const size_t length =
        special != nullptr
            ? special->text.size()
            : std::min<size_t>({4, text.size(), std::max<size_t>(1, text.find('<', 1))});
    const std::string piece(text.substr(0, length));
    text.remove_prefix(length);
    const auto id = static_cast<model::TokenId>(said.pieces.size());
    if (in_thought && special == nullptr) ++out.reasoning_tokens;
    if (special != nullptr) in_thought = special->which == model::Special::channel_begin;
    said.pieces.push_back(piece);
    out.tokens.push_back(id);
    out.logprobs.push_back({.chosen = {id, -0.5F}, .top = {{id, -0.5F}, {0, -2.0F}}});
    std::vector<model::ReplyEvent> heard =
        special != nullptr ? parser.push_special(special->which) : parser.push_text(piece);
    out.ended_by_token = parser.ended();
    if (!heard.empty())
      for (; n_told < out.logprobs.size() - (out.ended_by_token ? 1 : 0); ++n_told)
        heard[0].logprobs.push_back(out.logprobs[n_told]);
    hear(std::move(heard));
  }
  hear(parser.finish());
  return said;
}

/// The bytes of a whole stream of one reply.
inline std::string streamed(const Request& request, const Said& said,
                            const std::string& id = "r1") {
  const std::unique_ptr<ReplyWriter> writer = make_writer(
      request,
      {.id = id, .created = 1700000000, .model = "m", .prompt_tokens = said.out.prompt_tokens},
      said.token_text());
  std::string bytes = writer->begin();
  for (const model::ReplyEvent& event : said.events) bytes += writer->on_event(0, event);
  bytes += writer->on_done(0, said.out);
  return bytes + writer->end({said.out});
}

inline std::string whole(const Request& request, const Said& said, const std::string& id = "r1") {
  return make_writer(request, {.id = id, .created = 1700000000, .model = "m"}, said.token_text())
      ->whole({said.out});
}

/// Replies that exercise everything a stream can hold.
struct NamedReply {
  std::string name, text;
};
inline std::vector<NamedReply> sample_replies() {
  return {
      {"text", "Hello, wörld 😀!<turn|>"},
      {"empty", "<turn|>"},
      {"thought", "<|channel>thought\nLet me see.\n<channel|>It is 4.<turn|>"},
      {"calls",
       "<|channel>thought\nTwo files.\n<channel|>I look.<|tool_call>call:read{filePath:<|\"|>/p/a "
       "b.csv<|\"|>,limit:5}<tool_call|><|tool_call>call:bash{command:<|\"|>print(\"x\")\n\\n "
       "ü<|\"|>,timeout:1.5,env:{a:[1,true,null]}}<tool_call|><|tool_response>"},
      {"call without arguments", "<|tool_call>call:now{}<tool_call|><|tool_response>"},
      {"lenient call", "<|tool_call>call:read({\"filePath\": \"/a\"})<tool_call|><|tool_response>"},
      {"cut text", "It goes on and"},
      {"cut call", "<|tool_call>call:write{content:<|\"|>line 1\nline"},
      {"bad call", "Hm.<|tool_call>{}{<tool_call|><turn|>"},
      {"deep call", "<|tool_call>call:f{a:" + std::string(80, '[') + "<tool_call|><turn|>"},
  };
}

}  // namespace server
