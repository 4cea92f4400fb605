#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/call_parser.h"
#include "model/grammar/grammar.h"
#include "model/model.h"
#include "model/reply_watch.h"
#include "model/sampler.h"

namespace model {

/// What grammars over this tokenizer's tokens are compiled with; the tokenizer outlives it and its
/// constraints. Errors: as GrammarVocabulary::build.
base::Result<GrammarVocabulary> grammar_vocabulary(const Tokenizer& tokenizer);

struct GenerateOptions {
  int max_tokens = 256;  ///< of the reply, what is thought and the stop token included
  SamplerOptions sampler = {};
  /// The reply ends before the first of these in its answer (not in thoughts or calls): UTF-8, at
  /// most 16 of at most 256 bytes. Nothing of a match is given out.
  std::vector<std::string> stop = {};
  std::vector<TokenId> stop_tokens = {};  ///< beside <turn|>, <eos>, <|turn> and <|tool_response>
  std::vector<TokenId> suppress = {};     ///< never chosen; beside <image|> and <audio|>, spec § 7
  bool thinking = false;                  ///< a thought may stand before the answer
  bool starts_in_reasoning = false;       ///< the prompt ended in an open thought
  /// Most tokens of thought; then <channel|> is put in and the answer follows. -1: no such bound.
  int thinking_budget = -1;
  /// What the answer may spell; moves along with it and outlives the call. Thoughts are free of it.
  /// Text that it forces is not looked at by the model token by token, unless log-probabilities are
  /// wanted.
  Constraint* constraint = nullptr;
  /// What the answer should not be, of what the constraint lets through; outlives the call.
  const ReplyWatch* watch = nullptr;
  /// Log-probabilities of each token and of so many likeliest: 0 to 20; -1: none. Softmax of the
  /// model's logits with suppressed tokens left out, before penalties, temperature and grammar;
  /// none of tokens that were put in.
  int logprobs = -1;
  std::vector<std::string> functions = {};  ///< that the reply may call (ParserOptions)
};

/// Errors: usage, naming the option.
base::Status check(const GenerateOptions& options);

enum class Finish : uint8_t {
  stop,        ///< a stop token or string, or the grammar's end
  length,      ///< max_tokens, or the context is full
  tool_calls,  ///< as stop, and there is a call
  cancelled,
};
/// "stop", "length", …
std::string_view name_of(Finish finish);

struct GenerateTimings {
  std::chrono::duration<double> prefill{};
  std::chrono::duration<double> decode{};
};

struct Generated {
  Message message;                     ///< role model; text and reasoning as they came, not trimmed
  std::vector<std::string> errors;     ///< of calls that could not be read
  std::vector<std::string> bad_calls;  ///< the same calls as they were written
  std::vector<TokenId> tokens;         ///< all of the reply, a stop token included
  std::vector<Logprobs> logprobs;      ///< by token; `chosen.logprob` is NaN where there is none
  Finish finish = Finish::length;
  bool ended_by_token = false;  ///< the last of `tokens` is a stop token
  std::string stopped_by = {};  ///< the string of GenerateOptions::stop that ended it, or empty
  int reasoning_tokens = 0;     ///< of `tokens`: those of thoughts, without their marks
  int prompt_tokens = 0;
  int reused_tokens = 0;  ///< of the prompt, found in the session's cache
  GenerateTimings timings;
};

using OnReplyEvent = std::function<void(const ReplyEvent&)>;

/// One reply, driven by its caller: it is shown logits and says which tokens follow; the caller
/// runs the model over them. generate() drives one with a session, the scheduler many in turns.
///
///     while (reply.goes_on()) {
///       Result<span<const TokenId>> next = reply.next(logits);
///       if (reply.goes_on()) run the model over *next;
///     }
///     Generated out = reply.finish();
class ReplyStepper {
 public:
  /// options passed check(); they, their constraint, the tokenizer and `on_event` outlive the
  /// stepper. prompt: ids of all positions.
  ReplyStepper(const Tokenizer& tokenizer, const GenerateOptions& options,
               const OnReplyEvent& on_event, std::span<const TokenId> prompt);
  ~ReplyStepper();
  ReplyStepper(const ReplyStepper&) = delete;
  ReplyStepper& operator=(const ReplyStepper&) = delete;

  /// False at the reply's end: max_tokens, a stop token or string, the grammar's end.
  bool goes_on();
  /// Whether the reply ended by itself, not by max_tokens.
  bool ended();
  /// Takes the next tokens of the reply: one that is chosen by `logits` [vocab], or several that
  /// must come. Valid until the next call. Errors: internal (nothing may follow; the grammar).
  base::Result<std::span<const TokenId>> next(NextLogits logits);
  /// The reply as it is; what was held back is given out. `cancelled`: it was cut off by whoever
  /// asked. Once, and last.
  Generated finish(bool cancelled = false);

  int n_tokens() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// Where the loop gets logits from: a session, or a session with a drafter in front of it. The loop
/// alone chooses tokens. A source that drafts runs the model over the appended token and what its
/// drafter expects after it in one pass, keeps the rows, and answers the following append() from
/// them as long as the loop chooses what was expected; where it does not, the source takes the rest
/// back. What is generated is then the same with any drafter.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// What may follow all that was appended; valid until the next append().
  virtual NextLogits next() = 0;
  /// Goes on by `tokens`, at least one. Errors: limit (the context is full), cancelled.
  virtual base::Status append(std::span<const TokenId> tokens, std::stop_token stop) = 0;
};

/// A session that has read the prompt.
class SessionSource final : public TokenSource {
 public:
  explicit SessionSource(Session& session) : session_(session) {}
  NextLogits next() override { return session_.next(); }
  base::Status append(std::span<const TokenId> tokens, std::stop_token stop) override;

 private:
  Session& session_;
};

/// Reads `prompt` and lets the model reply. `on_event` hears text, reasoning and calls as they
/// come; text is held back only while it may become a stop string. `on_progress`, if set, hears how
/// many positions of the prompt are read, about every 512. `stop` is looked at once per token; a
/// reply so far is a result (Finish::cancelled). Errors: usage (options), limit (the prompt does
/// not fit), cancelled (while reading the prompt), internal.
base::Result<Generated> generate(Session& session, const Tokenizer& tokenizer,
                                 std::span<const Position> prompt, const GenerateOptions& options,
                                 const OnReplyEvent& on_event, std::stop_token stop,
                                 const std::function<void(int)>& on_progress = {});

/// The reply alone, from a source that has read `prompt`.
base::Result<Generated> generate_from(TokenSource& source, const Tokenizer& tokenizer,
                                      std::span<const TokenId> prompt,
                                      const GenerateOptions& options, const OnReplyEvent& on_event,
                                      std::stop_token stop);

}  // namespace model
