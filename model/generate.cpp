// One loop for everything that speaks: logits, what must not be said, the grammar, the sampler, the
// parser of the reply, stop strings.
//
// A step either chooses one token from the logits or takes tokens that must come next: <channel|>
// when the budget for thinking is used up, or the text that the grammar leaves no choice about;
// that text goes through the model in one pass. The grammar watches the answer only. While it has
// not begun and thinking is on, <|channel> is allowed beside what the grammar allows; inside a
// thought everything is, but for the tokens that would end the reply.
//
// The answer's text passes a filter that holds back the longest end of it that could begin a stop
// string.
#include "model/generate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "model/prompt_lookup.h"

namespace model {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 256;
constexpr int kLookupGuesses = 4;  // of a pass over the weights; more rows cost more than they win

// Text up to a stop string.
class StopFilter {
 public:
  explicit StopFilter(const std::vector<std::string>& stops) : stops_(stops) {}

  /// What can be given out now.
  std::string push(std::string_view text) {
    if (found_) return {};
    held_ += text;
    size_t end = std::string::npos;
    for (const std::string& stop : stops_) {
      const size_t at = held_.find(stop);
      if (at < end) which_ = stop;
      end = std::min(end, at);
    }
    if (end != std::string::npos) {
      found_ = true;
      held_.resize(end);
      return std::exchange(held_, {});
    }
    // The longest end that some stop string begins with.
    size_t keep = 0;
    for (const std::string& stop : stops_)
      for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n)
        if (held_.ends_with(std::string_view(stop).substr(0, n))) keep = n;
    std::string ready = held_.substr(0, held_.size() - keep);
    held_.erase(0, ready.size());
    return ready;
  }
  std::string flush() { return std::exchange(held_, {}); }
  bool found() const { return found_; }
  /// The string that was found.
  const std::string& which() const { return which_; }

 private:
  const std::vector<std::string>& stops_;
  std::string held_, which_;
  bool found_ = false;
};

}  // namespace

class ReplyStepper::State {
 public:
  State(const Tokenizer& tokenizer, const GenerateOptions& options, const OnReplyEvent& on_event,
        std::span<const TokenId> prompt)
      : tokenizer_(tokenizer),
        options_(options),
        on_event_(on_event),
        parser_(tokenizer, {.functions = options.functions,
                            .start_in_reasoning = options.starts_in_reasoning}),
        stops_(options.stop),
        sampler_(options.sampler),
        mask_(options.constraint ? tokenizer.vocab_size() : 0),
        in_thought_(options.starts_in_reasoning) {
    out_.message.role = Role::model;
    out_.prompt_tokens = static_cast<int>(prompt.size());
    for (const Special which : {Special::image_end, Special::audio_end})
      suppressed_.push_back(tokenizer.special(which));
    suppressed_.insert(suppressed_.end(), options.suppress.begin(), options.suppress.end());
    for (const TokenId token : prompt) sampler_.see_prompt(token);
  }

  int n_tokens() const { return static_cast<int>(out_.tokens.size()); }
  bool goes_on() { return n_tokens() < options_.max_tokens && !ended(); }
  bool ended() {
    return parser_.ended() || stops_.found() || stopped_ ||
           (constrained() && options_.constraint->is_finished());
  }

  base::Result<std::span<const TokenId>> next(const NextLogits& logits) {
    next_ = forced();
    if (next_.empty()) {
      base::Result<TokenId> chosen = choose(logits);
      if (!chosen) return chosen.error();
      next_ = {*chosen};
    } else {
      // What is forced fits the reply's length, too.
      const auto room = static_cast<size_t>(std::max(1, options_.max_tokens - n_tokens()));
      next_.resize(std::min(next_.size(), room));
      if (options_.logprobs >= 0)
        for (const TokenId token : next_)
          out_.logprobs.push_back(
              {.chosen = {token, std::numeric_limits<float>::quiet_NaN()}, .top = {}});
    }
    for (const TokenId token : next_)
      if (base::Status taken = take(token); !taken) return taken.error();
    return std::span<const TokenId>(next_);
  }

  Generated finish(bool cancelled) {
    const bool over = ended();
    hear(parser_.finish());
    if (cancelled)
      out_.finish = Finish::cancelled;
    else if (over || stops_.found())
      out_.finish = out_.message.calls.empty() ? Finish::stop : Finish::tool_calls;
    if (stops_.found()) out_.stopped_by = stops_.which();
    out_.reasoning_tokens = n_thought_;
    return std::move(out_);
  }

 private:
  bool constrained() const { return options_.constraint != nullptr && !in_thought_; }
  bool budget_spent() const {
    return options_.thinking_budget >= 0 && n_thought_ >= options_.thinking_budget;
  }
  // Whether a thought may begin here: before the answer.
  bool may_think() const {
    return options_.thinking && !answering_ && !budget_spent() &&
           tokenizer_.special(Special::channel_begin) >= 0;
  }
  std::vector<TokenId> forced() {
    if (in_thought_ && budget_spent()) {
      const TokenId end = tokenizer_.special(Special::channel_end);
      if (end >= 0) return {end};
    }
    if (!constrained() || may_think() || options_.logprobs >= 0) return {};
    return options_.constraint->forced();
  }

  base::Result<TokenId> choose(const NextLogits& next) {
    if (allowed_.size() != static_cast<int>(next.size()))
      allowed_ = TokenMask(static_cast<int>(next.size()));
    allowed_.fill();
    for (const TokenId token : suppressed_) allowed_.remove(token);
    if (options_.logprobs >= 0) next.settle(0, allowed_, plain_);
    if (options_.thinking_budget >= 0 && budget_spent())
      allowed_.remove(tokenizer_.special(Special::channel_begin));
    if (in_thought_ && options_.constraint != nullptr) {
      for (const Special which : {Special::turn_end, Special::eos, Special::turn_begin,
                                  Special::response_begin, Special::call_begin})
        allowed_.remove(tokenizer_.special(which));
      for (const TokenId token : options_.stop_tokens) allowed_.remove(token);
    }
    if (constrained()) {
      const base::Status masked = options_.constraint->mask(mask_);
      if (!masked) return masked.error();
      const TokenId opens = may_think() ? tokenizer_.special(Special::channel_begin) : -1;
      const bool may_open = allowed_.contains(opens);
      allowed_.keep(mask_);
      if (may_open) allowed_.add(opens);
    }
    next.settle(sampler_.reach(), allowed_, candidates_);
    TokenId token = sampler_.sample(candidates_);
    if (token >= 0 && options_.watch != nullptr && constrained() && !may_spell(token))
      token = another(next, token);
    if (token < 0)
      return Error{Errc::internal, constrained() ? "grammar: no token may follow"
                                                 : "no token may follow: every one is suppressed"};
    if (options_.logprobs >= 0) out_.logprobs.push_back(logprobs(plain_, token, options_.logprobs));
    return token;
  }

  // The answer with `token` after it, as a watch sees it.
  std::string spelled_with(TokenId token) const {
    return spelled_ + (tokenizer_.is_special(token) ? std::string(1, ReplyWatch::kSpecial)
                                                    : tokenizer_.bytes_of(token));
  }
  bool may_spell(TokenId token) const { return options_.watch->allows(spelled_with(token)); }

  // The likeliest that the watch allows, beginning with the tokens that it knows to follow: else a
  // name that may not stand here would be replaced by any that begins like it. `refused` when it
  // allows none of the likeliest.
  TokenId another(const NextLogits& next, TokenId refused) {
    constexpr int kTries = 24;
    const auto likeliest = [&](TokenMask& among) {
      for (int i = 0; i < kTries; ++i) {
        next.settle(sampler_.reach(), among, candidates_);
        const TokenId token = sampler_.sample(candidates_);
        if (token < 0 || may_spell(token)) return token;
        among.remove(token);
      }
      return TokenId{-1};
    };
    TokenMask known(allowed_.size());
    for (const std::string& text : options_.watch->continuations(spelled_))
      if (const std::vector<TokenId> ids = tokenizer_.encode(text); !ids.empty())
        known.add(ids.front());
    known.keep(allowed_);
    TokenId token = likeliest(known);
    if (token < 0) token = likeliest(allowed_);
    return token < 0 ? refused : token;
  }

  base::Status take(TokenId token) {
    const bool opens = token >= 0 && token == tokenizer_.special(Special::channel_begin);
    const bool closes = token >= 0 && token == tokenizer_.special(Special::channel_end);
    if (options_.constraint != nullptr && !in_thought_ && !(opens && may_think())) {
      if (base::Status accepted = options_.constraint->accept(token); !accepted) return accepted;
    }
    if (opens && !in_thought_ && (options_.constraint == nullptr || may_think())) {
      in_thought_ = true;
    } else if (in_thought_ && closes) {
      in_thought_ = false;
    } else if (in_thought_) {
      ++n_thought_;
    } else {
      answering_ = true;
      if (options_.watch != nullptr) spelled_ = spelled_with(token);
    }
    out_.tokens.push_back(token);
    sampler_.see(token);
    stopped_ = std::find(options_.stop_tokens.begin(), options_.stop_tokens.end(), token) !=
               options_.stop_tokens.end();
    std::vector<ReplyEvent> events;
    if (!stopped_) events = parser_.push(token);
    out_.ended_by_token = stopped_ || parser_.ended();
    hear(std::move(events));
    return base::Ok{};
  }

  void give(ReplyEvent event) {
    const size_t n = out_.logprobs.size() - (out_.ended_by_token && !out_.logprobs.empty() ? 1 : 0);
    for (; n_told_logprobs_ < n; ++n_told_logprobs_)
      event.logprobs.push_back(out_.logprobs[n_told_logprobs_]);
    switch (event.kind) {
      case ReplyEvent::Kind::text:
        out_.message.text += event.text;
        break;
      case ReplyEvent::Kind::reasoning:
        out_.message.reasoning += event.text;
        break;
      case ReplyEvent::Kind::call:
        out_.message.calls.push_back(event.call);
        break;
      case ReplyEvent::Kind::bad_call:
        out_.errors.push_back(event.error);
        out_.bad_calls.push_back(event.text);
        break;
      case ReplyEvent::Kind::call_begin:
      case ReplyEvent::Kind::call_arguments:
      case ReplyEvent::Kind::end:
        break;
    }
    if (on_event_) on_event_(event);
  }

  void hear(std::vector<ReplyEvent> events) {
    for (ReplyEvent& event : events) {
      if (stops_.found() && event.kind != ReplyEvent::Kind::end) continue;
      std::string text =
          event.kind == ReplyEvent::Kind::text ? stops_.push(event.text) : stops_.flush();
      if (!text.empty()) give({.kind = ReplyEvent::Kind::text, .text = std::move(text)});
      if (event.kind != ReplyEvent::Kind::text) give(std::move(event));
    }
  }

  const Tokenizer& tokenizer_;
  const GenerateOptions& options_;
  const OnReplyEvent& on_event_;
  StreamParser parser_;
  StopFilter stops_;
  Sampler sampler_;
  TokenMask mask_;
  std::vector<TokenId> suppressed_, next_;
  TokenMask allowed_;
  Candidates candidates_, plain_;
  Generated out_;
  std::string spelled_;  // of the answer, as the watch sees it
  bool in_thought_ = false;
  bool answering_ = false;
  bool stopped_ = false;
  int n_thought_ = 0;
  size_t n_told_logprobs_ = 0;
};

ReplyStepper::ReplyStepper(const Tokenizer& tokenizer, const GenerateOptions& options,
                           const OnReplyEvent& on_event, std::span<const TokenId> prompt)
    : state_(std::make_unique<State>(tokenizer, options, on_event, prompt)) {}
ReplyStepper::~ReplyStepper() = default;
bool ReplyStepper::goes_on() { return state_->goes_on(); }
bool ReplyStepper::ended() { return state_->ended(); }
base::Result<std::span<const TokenId>> ReplyStepper::next(NextLogits logits) {
  return state_->next(logits);
}
Generated ReplyStepper::finish(bool cancelled) { return state_->finish(cancelled); }
int ReplyStepper::n_tokens() const { return state_->n_tokens(); }

std::string_view name_of(Finish finish) {
  switch (finish) {
    case Finish::stop:
      return "stop";
    case Finish::length:
      return "length";
    case Finish::tool_calls:
      return "tool_calls";
    case Finish::cancelled:
      break;
  }
  return "cancelled";
}

base::Result<GrammarVocabulary> grammar_vocabulary(const Tokenizer& tokenizer) {
  return GrammarVocabulary::build(
      {.vocab_size = tokenizer.vocab_size(),
       .bytes_of = [&tokenizer](int32_t id) { return tokenizer.bytes_of(id); },
       .is_special = [&tokenizer](int32_t id) { return tokenizer.is_special(id); },
       .eos = tokenizer.eos(),
       .encode = [&tokenizer](std::string_view text) { return tokenizer.encode(text); }});
}

base::Status check(const GenerateOptions& o) {
  if (base::Status status = check(o.sampler); !status) return status;
  if (o.max_tokens < 1)
    return Error{Errc::usage,
                 "max_tokens " + std::to_string(o.max_tokens) + ", expected 1 or more"};
  if (o.stop.size() > kMaxStops)
    return Error{Errc::usage, "stop: " + std::to_string(o.stop.size()) + " strings, at most " +
                                  std::to_string(kMaxStops)};
  for (const std::string& stop : o.stop) {
    if (stop.empty()) return Error{Errc::usage, "stop: an empty string"};
    if (stop.size() > kMaxStopBytes)
      return Error{Errc::usage, "stop: " + std::to_string(stop.size()) + " bytes, at most " +
                                    std::to_string(kMaxStopBytes)};
    if (!base::is_utf8(stop)) return Error{Errc::usage, "stop: not UTF-8"};
  }
  if (o.thinking_budget < -1)
    return Error{Errc::usage,
                 "thinking_budget " + std::to_string(o.thinking_budget) + ", expected -1 or more"};
  if (o.logprobs < -1 || o.logprobs > 20)
    return Error{Errc::usage, "logprobs " + std::to_string(o.logprobs) + ", expected 0 to 20"};
  return base::Ok{};
}

base::Status SessionSource::append(std::span<const TokenId> tokens, std::stop_token stop) {
  return session_.append(tokens, std::move(stop));
}

base::Result<Generated> generate_from(TokenSource& source, const Tokenizer& tokenizer,
                                      std::span<const TokenId> prompt,
                                      const GenerateOptions& options, const OnReplyEvent& on_event,
                                      std::stop_token stop) {
  if (base::Status status = check(options); !status) return status.error();
  ReplyStepper reply(tokenizer, options, on_event, prompt);
  const auto begin = std::chrono::steady_clock::now();
  bool cancelled = false;
  while (reply.goes_on()) {
    cancelled = stop.stop_requested();
    if (cancelled) break;
    base::Result<std::span<const TokenId>> next = reply.next(source.next());
    if (!next) return next.error();
    // At max_tokens the model still sees the last token: the session is then where the reply is.
    if (reply.ended()) break;
    const base::Status status = source.append(*next, stop);
    if (status) continue;
    if (status.error().code != Errc::limit && status.error().code != Errc::cancelled)
      return status.error();
    cancelled = status.error().code == Errc::cancelled;
    break;
  }
  const auto end = std::chrono::steady_clock::now();
  Generated out = reply.finish(cancelled);
  out.timings.decode = end - begin;
  return out;
}

base::Result<Generated> generate(Session& session, const Tokenizer& tokenizer,
                                 std::span<const Position> prompt, const GenerateOptions& options,
                                 const OnReplyEvent& on_event, std::stop_token stop,
                                 const std::function<void(int)>& on_progress) {
  if (base::Status status = check(options); !status) return status.error();
  const auto begin = std::chrono::steady_clock::now();
  const base::Result<PrefillStats> read = session.prefill(prompt, stop, on_progress);
  if (!read) return read.error();
  const auto after = std::chrono::steady_clock::now();
  std::vector<TokenId> ids;
  ids.reserve(prompt.size());
  for (const Position& position : prompt) ids.push_back(position.id);
  PromptLookup lookup(ids);
  DraftedSource source(session, lookup, kLookupGuesses, options.suppress);
  base::Result<Generated> out = generate_from(source, tokenizer, ids, options, on_event, stop);
  if (!out) return out;
  out->timings.prefill = after - begin;
  out->reused_tokens = read->reused;
  return out;
}

}  // namespace model
