#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "model/call_parser.h"
#include "model/generate.h"
#include "server/api/reply.h"

namespace server {

/// What of a request a writer keeps: all but the conversation, whose pictures may be large.
Request for_reply(const Request& request);

/// One JSON text; bytes that are not UTF-8 become U+FFFD.
std::string dumped(const nlohmann::json& value);
/// A server-sent event: `data: …`, with `event: NAME` before it where a name is given.
std::string event_bytes(const nlohmann::json& value, std::string_view name = {});

/// "stop", "length" or "tool_calls". A reply that was cancelled is one that was cut off.
std::string openai_finish(model::Finish finish);

/// The JSON text of a call's arguments, in the order in which the model wrote them.
std::string arguments_text(const model::FunctionCall& call);

/// What a client reads in place of a call that could not be read: the call as it was written or,
/// where it was told already while it was written (`was_begun`), why it is none.
std::string bad_call_text(const model::ReplyEvent& event, bool was_begun);
/// Tells an event to `items`, a writer of replies in which one item is open at a time: text(),
/// reasoning(), begin_call() with a name, arguments(), in_call(), end_call() with whether it is
/// whole.
template <class Items>
void tell(const model::ReplyEvent& event, Items& items) {
  using Kind = model::ReplyEvent::Kind;
  switch (event.kind) {
    case Kind::text:
      return items.text(event.text);
    case Kind::reasoning:
      return items.reasoning(event.text);
    case Kind::call_begin:
      return items.begin_call(event.call.name);
    case Kind::call_arguments:
      return items.arguments(event.text);
    case Kind::call:
      if (!items.in_call()) {
        items.begin_call(event.call.name);
        items.arguments(arguments_text(event.call));
      }
      return items.end_call(true);
    case Kind::bad_call: {
      const bool was_begun = items.in_call();
      if (was_begun) items.end_call(false);
      return items.text(bad_call_text(event, was_begun));
    }
    case Kind::end:
      return;
  }
}
/// What was said in a whole reply, with the calls that could not be read as they were written.
std::string answer_text(const model::Generated& out);

/// Tokens of a reply to all choices together.
struct Usage {
  int prompt = 0, cached = 0, completion = 0, reasoning = 0;
};
Usage usage_of(const std::vector<model::Generated>& all);
/// {prompt_tokens, completion_tokens, total_tokens, …_details}.
nlohmann::json chat_usage(const std::vector<model::Generated>& all);

/// Which tokens of a reply are of its answer: not those of thoughts and calls, not their marks,
/// which `text` spells (<|channel>), not the stop token. What comes with events and in rest() is,
/// put together, what of() gives of the whole reply.
class AnswerTokens {
 public:
  explicit AnswerTokens(TokenText text) : text_(std::move(text)) {}

  /// Those that are known with this event: of a text, its own.
  std::vector<model::Logprobs> with(const model::ReplyEvent& event);
  /// Those that came with no event; `out` is the whole reply.
  std::vector<model::Logprobs> rest(const model::Generated& out) const;
  static std::vector<model::Logprobs> of(const model::Generated& out, const TokenText& text);

 private:
  std::string spelled(const model::Logprobs& token) const;
  // thinks: a thought was told with the first tokens.
  void begin(bool thinks, std::span<const model::Logprobs> tokens);
  // Whether the token behind those before is of the answer.
  bool is_answer(const model::Logprobs& token);

  TokenText text_;
  bool begun_ = false;
  bool outside_ = true;  // of thoughts and calls
  std::vector<model::Logprobs> pending_;
  size_t n_given_ = 0;
};

/// Each {token, logprob, bytes, top_logprobs}.
nlohmann::json logprobs_list(std::span<const model::Logprobs> tokens, const TokenText& text);
/// {"content": logprobs_list()}.
nlohmann::json logprobs_json(std::span<const model::Logprobs> tokens, const TokenText& text);
/// A log-probability as JSON can say it.
double finite_logprob(float logprob);

std::unique_ptr<ReplyWriter> make_chat_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_completions_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_responses_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_messages_writer(const Request&, ReplyHead, TokenText);

}  // namespace server
