#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/call_transcoder.h"
#include "model/chat.h"
#include "model/sampler.h"
#include "model/special_tokens.h"
#include "model/tokenizer.h"

namespace model {

struct ParserOptions {
  /// Names of the declared functions; with them `ns:run_lua` is read as `run_lua`. May be empty.
  std::vector<std::string> functions = {};
  bool start_in_reasoning = false;  ///< the prompt ended in an open <|channel>thought
  size_t max_call_bytes = 1 << 20;  ///< a whole file may be an argument
};

/// Why a reply ended.
enum class ReplyEnd : uint8_t {
  turn,      ///< <turn|> or <eos>
  response,  ///< <|tool_response>: the model waits for the results of its calls
  cut,       ///< no stop token: the budget of tokens was used up
};

/// One thing that became known while a reply arrives.
struct ReplyEvent {
  enum class Kind : uint8_t {
    text,            ///< `text`: more of what is said
    reasoning,       ///< `text`: more of what is thought
    call_begin,      ///< `call`: the name and id of one that is being written
    call_arguments,  ///< `text`: more of the JSON text of its arguments
    call,            ///< `call`, whole
    bad_call,        ///< `text`: the call as it was written; `error`: what cannot be read in it
    end,             ///< `end`; nothing follows
  };
  Kind kind = Kind::text;
  std::string text = {};
  FunctionCall call = {};
  std::string error = {};
  ReplyEnd end = ReplyEnd::cut;
  /// Of the tokens since the event before, without the one that ends the reply; where they are
  /// asked for (GenerateOptions::logprobs). The parser itself knows none.
  std::vector<Logprobs> logprobs = {};
};

/// Reads a reply while it is generated. Takes any sequence of tokens; memory is bounded by
/// max_call_bytes. Calls get the ids "call_1", "call_2", … Text is valid UTF-8 in every event.
///
/// A call is told twice: by call_begin and call_arguments while it is written, as far as it is
/// certain how it will be read, and by call when it is whole. The texts of call_arguments together
/// are arguments_text of the call that follows; whoever needs whole calls ignores them. A call that
/// was begun may still end as bad_call: it was cut off, too long or nested too deeply.
class StreamParser {
 public:
  /// The tokenizer outlives the parser.
  StreamParser(const Tokenizer& tokenizer, ParserOptions options);
  /// Without a tokenizer: push_text() and push_special() only.
  explicit StreamParser(ParserOptions options);

  /// One token of the reply, in order.
  std::vector<ReplyEvent> push(TokenId id);
  std::vector<ReplyEvent> push_text(std::string_view bytes);
  std::vector<ReplyEvent> push_special(Special which);
  /// No more tokens come. Gives the `end` event unless a stop token already did.
  std::vector<ReplyEvent> finish();

  bool ended() const { return state_ == State::ended; }

 private:
  enum class State : uint8_t { text, reasoning, call, ended };

  void emit(ReplyEvent::Kind kind, std::string text);
  void flush_text(bool all);
  void flush_call_bytes(bool all);
  void stream_call();
  void begin_call(const std::string& name);
  void bad_call(std::string why);
  void leave_call();
  void end_call();
  void end(ReplyEnd why);
  std::vector<ReplyEvent> take();

  const Tokenizer* tokenizer_ = nullptr;
  ParserOptions options_;
  State state_ = State::text;
  std::string pending_;  // bytes not given out yet: an unfinished character, a channel's heading
  bool in_heading_ = false;
  std::string body_;       // of the call so far; kQuote stands for <|"|>
  size_t call_bytes_ = 0;  // that arrived of it
  bool overlong_ = false;
  std::optional<CallTranscoder> transcoder_;  // of the call being read
  int n_calls_ = 0;
  std::vector<ReplyEvent> events_;
};

/// A whole reply.
struct Reply {
  Message message;                  ///< role model; text and reasoning trimmed
  std::vector<std::string> errors;  ///< of calls that could not be read
  ReplyEnd end = ReplyEnd::cut;
};

Reply parse_reply(std::span<const TokenId> ids, const Tokenizer& tokenizer,
                  const ParserOptions& options);
/// The same from text with special tokens spelled out. Here <|"|> in a string cannot be told from
/// its end by identity, only by what follows.
Reply parse_reply_text(std::string_view text, const ParserOptions& options);

/// Reads what stands between <|tool_call> and <tool_call|>, `call:NAME{key:value,…}`: valid UTF-8
/// and kQuote. Accepts what models are known to write instead: JSON strings, = for :, call:NAME(…),
/// missing quotes, commas or closing brackets, unquoted strings.
/// Errors: corrupt (says what and where), limit (nested too deeply).
base::Result<FunctionCall> parse_call(std::string_view body,
                                      std::span<const std::string> functions);

}  // namespace model
