#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
/// What was said in a whole reply, with the calls that could not be read as they were written.
std::string answer_text(const model::Generated& out);

/// Tokens of a reply to all choices together.
struct Usage {
  int prompt = 0, cached = 0, completion = 0, reasoning = 0;
};
Usage usage_of(const std::vector<model::Generated>& all);
/// {prompt_tokens, completion_tokens, total_tokens, …_details}.
nlohmann::json chat_usage(const std::vector<model::Generated>& all);

/// Log-probabilities of the tokens of the answer, without thoughts, calls and the stop token: those
/// are found by `text` spelling their marks, such as <|channel>. Each {token, logprob, bytes,
/// top_logprobs}.
nlohmann::json logprobs_list(const model::Generated& out, const TokenText& text);
/// {"content": logprobs_list()}.
nlohmann::json logprobs_json(const model::Generated& out, const TokenText& text);
/// A log-probability as JSON can say it.
double finite_logprob(float logprob);
/// Which of Generated::tokens are of the answer, as in logprobs_list(): their indices.
std::vector<size_t> answer_tokens(const model::Generated& out, const TokenText& text);

std::unique_ptr<ReplyWriter> make_chat_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_completions_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_responses_writer(const Request&, ReplyHead, TokenText);
std::unique_ptr<ReplyWriter> make_messages_writer(const Request&, ReplyHead, TokenText);

}  // namespace server
