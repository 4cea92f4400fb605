// Reading what a model wrote: text, reasoning and calls.
//
// The hard part of a call is where a string ends. Strings stand between two tokens <|"|> and
// nothing in them is escaped, and models also write that token for an ordinary quote inside a
// string, as in
//
//     call:run_lua{code:<|"|>print(<|"|>a, b<|"|>)<|"|>,seed:1}
//
// So a <|"|> ends its string only if what follows fits: after blanks, the brackets that are open
// here in the right order and then the end of the call or a comma; after a comma in an object a key
// with a colon and the start of a value, in a list the start of a value. The first one that fits
// ends the string. Where none fits, the conditions are relaxed step by step (end_of_string). The
// same rule serves JSON's quotes and strings without quotes.
//
// What the text itself says about it is CallText's (call_transcoder.h), which a call that is still
// being written is also looked at with.
//
// Looking ahead from one <|"|> stops at the next one, so finding the end of a string is linear in
// what is left of the call. Of a call that is well formed each byte is looked at a few times; one
// in which every string has to be searched to the end of the call is given up after kMaxSteps.
// Every loop consumes something or fails, nesting is bounded by kMaxCallDepth and the whole by
// ParserOptions::max_call_bytes.
#include "model/call_parser.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"

namespace model {
namespace {

using base::Errc;
using base::Error;
using namespace call_chars;
using nlohmann::json;

using base::npos;
constexpr size_t kMaxSteps = size_t{32} << 20;  // bytes passed in search of the ends of strings

// Text with <|"|> spelled as `quote`.
std::string with_quotes_as(std::string_view text, std::string_view quote) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (c == kQuote) {
      out += quote;
    } else {
      out += c;
    }
  }
  return out;
}

// Value of four hex digits at `at`, or -1.
int32_t hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    const int digit = is_digit(c)              ? c - '0'
                      : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                      : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                               : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Content of a JSON string; a backslash that escapes nothing stays.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    const char c = text[i + 1];
    constexpr std::string_view kEscapes = "\"'\\/bfnrt";
    constexpr std::string_view kMeanings = "\"'\\/\b\f\n\r\t";
    if (const size_t at = kEscapes.find(c); at != npos) {
      out += kMeanings[at];
      i += 2;
      continue;
    }
    int32_t code = c == 'u' ? hex4(text, i + 2) : -1;
    size_t length = 6;
    if (code >= 0xD800 && code < 0xDC00 && text.substr(i + 6).starts_with("\\u")) {
      const int32_t low = hex4(text, i + 8);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        length = 12;
      }
    }
    if (code < 0 || (code >= 0xD800 && code < 0xE000)) {
      out += text[i++];
      continue;
    }
    base::append_utf8(out, static_cast<uint32_t>(code));
    i += length;
  }
  return out;
}

class CallReader {
 public:
  explicit CallReader(std::string_view body) : s_(body), text_(body, true) {}

  base::Result<FunctionCall> read(std::span<const std::string> functions) {
    skip_blank();
    if (s_.substr(at_).starts_with("call")) {
      const size_t colon = s_.find_first_not_of(" \t\n\r", at_ + 4);
      if (colon != npos && s_[colon] == ':') at_ = colon + 1;
    }
    skip_blank();
    const size_t name_begin = at_;
    while (at_ < s_.size() && (is_name_char(s_[at_]) || s_[at_] == ':')) ++at_;
    FunctionCall call;
    call.name = called_name(s_.substr(name_begin, at_ - name_begin), functions);
    call.arguments_text = "{}";
    if (call.name.empty()) return fail("a function's name expected");
    skip_blank();
    if (at_ == s_.size()) return call;
    if (s_[at_] != '{' && s_[at_] != '(') return fail("{ expected after the function's name");
    char closer = s_[at_++] == '{' ? '}' : ')';
    skip_blank();
    if (closer == ')' && at_ < s_.size() && s_[at_] == '{') {
      open_.push_back(')');
      ++at_;
      closer = '}';
    }
    base::Result<json> arguments = read_object(closer);
    if (!arguments) return arguments.error();
    call.arguments = std::move(*arguments);
    call.arguments_text = std::move(written_);
    return call;
  }

 private:
  Error fail(const std::string& what) const {
    return Error{Errc::corrupt, "call, byte " + std::to_string(at_) + ": " + what};
  }

  void skip_blank() { at_ = after_blank(at_); }
  size_t after_blank(size_t at) const { return text_.after_blank(at); }

  using Fit = CallText::Fit;
  bool fits(size_t at, Fit fit) const {
    return text_.fits(at, open_, fit) == CallText::Answer::yes;
  }

  // Index in [from, size] before which a string that `quote` closes ends; *closed tells whether the
  // quote stands there.
  size_t end_of_string(size_t from, char quote, bool* closed) {
    *closed = true;
    size_t last = npos;
    size_t first_loose = npos;
    for (size_t at = from; at < s_.size(); ++at) {
      if (++steps_ > kMaxSteps) break;
      if (quote != kQuote && s_[at] == '\\') {
        ++at;
        continue;
      }
      if (s_[at] != quote) continue;
      if (fits(at + 1, Fit::whole)) return at;
      if (first_loose == npos && fits(at + 1, Fit::brackets)) first_loose = at;
      last = at;
    }
    if (first_loose != npos) return first_loose;
    if (last != npos) return last;
    *closed = false;
    return end_of_unclosed(from);
  }

  // End of a string without a closing quote: before the brackets that close what is open.
  size_t end_of_unclosed(size_t from) const {
    size_t end = s_.size();
    for (size_t i = 0; i < open_.size(); ++i) {
      size_t before = end;
      while (before > from && is_blank(s_[before - 1])) --before;
      if (before == from || s_[before - 1] != open_[i]) break;
      end = before - 1;
    }
    return end;
  }

  std::string read_quoted(char quote) {
    ++at_;
    bool closed = false;
    const size_t end = end_of_string(at_, quote, &closed);
    const std::string_view content = s_.substr(at_, end - at_);
    at_ = closed ? end + 1 : end;
    const std::string plain = with_quotes_as(content, "\"");
    return quote == kQuote ? plain : unescaped(plain);
  }

  // Number, true, false, null, or a string whose quotes are missing.
  json read_bare() {
    const size_t begin = at_;
    size_t end = at_;
    while (end < s_.size() && (is_key_char(s_[end]) || s_[end] == '+')) ++end;
    const std::string_view word = s_.substr(begin, end - begin);
    if (fits(end, Fit::brackets) || (after_blank(end) < s_.size() && s_[after_blank(end)] == ',')) {
      if (const std::string_view literal = literal_word(word); !literal.empty()) {
        at_ = end;
        return json::parse(literal);
      }
      if (!word.empty() && (is_digit(word[0]) || word[0] == '-')) {
        json number = json::parse(word, nullptr, false);
        if (number.is_number()) {
          at_ = end;
          return number;
        }
      }
    }
    // The first place where a value may end; a quote that fits closes a string that was not opened.
    for (end = begin; end < s_.size(); ++end) {
      const char c = s_[end];
      if (c == kQuote && fits(end + 1, Fit::whole)) {
        at_ = end + 1;
        return with_quotes_as(s_.substr(begin, end - begin), "\"");
      }
      if ((c == ',' || is_closer(c)) && fits(end, Fit::whole)) break;
    }
    if (end == s_.size()) end = end_of_unclosed(begin);
    at_ = end;
    return with_quotes_as(base::trimmed(s_.substr(begin, end - begin)), "\"");
  }

  base::Result<json> read_value() {
    skip_blank();
    if (at_ < s_.size() && s_[at_] == '{') {
      ++at_;
      return read_object('}');
    }
    if (at_ < s_.size() && s_[at_] == '[') {
      ++at_;
      return read_list();
    }
    json value;
    if (at_ < s_.size()) {
      const char c = s_[at_];
      value = c == kQuote || c == '"' || c == '\'' ? json(read_quoted(c)) : read_bare();
      if (steps_ > kMaxSteps) return Error{Errc::limit, "call: too tangled to be read"};
    }
    written_ += value.dump(-1, ' ', false, json::error_handler_t::replace);
    return value;
  }

  // A key and the colon behind it.
  base::Result<std::string> read_key() {
    std::string key;
    const char quote = s_[at_];
    if (quote == kQuote || quote == '"' || quote == '\'') {
      const size_t end = s_.find(quote, at_ + 1);
      if (end == npos) return fail("a key without its closing quote");
      key = with_quotes_as(s_.substr(at_ + 1, end - at_ - 1), "\"");
      if (quote != kQuote) key = unescaped(key);
      at_ = end + 1;
    } else {
      const size_t end = s_.find_first_of(":=,{}[]()\xFF", at_);
      key = base::trimmed(s_.substr(at_, end == npos ? npos : end - at_));
      at_ = end == npos ? s_.size() : end;
      // <|"|> after a key that lacks it before.
      if (at_ < s_.size() && s_[at_] == kQuote) {
        const size_t next = after_blank(at_ + 1);
        if (next < s_.size() && (s_[next] == ':' || s_[next] == '=')) at_ = next;
      }
    }
    skip_blank();
    if (at_ < s_.size() && (s_[at_] == ':' || s_[at_] == '=')) {
      ++at_;
    } else if (at_ == s_.size() || (s_[at_] != '{' && s_[at_] != '[' && s_[at_] != kQuote)) {
      return fail("no value for \"" + base::utf8_repaired(key.substr(0, 40)) + "\"");
    }
    return key;
  }

  base::Result<json> read_object(char closer) {
    if (open_.size() >= kMaxCallDepth) return Error{Errc::limit, "call: nested too deeply"};
    open_.push_back(closer);
    json object = json::object();
    written_ += '{';
    while (true) {
      while (at_ < s_.size() && (is_blank(s_[at_]) || s_[at_] == ',')) ++at_;
      if (at_ == s_.size()) break;
      if (is_closer(s_[at_])) {
        // A bracket of another kind closes this object too, unless an outer one waits for it.
        if (s_[at_] == closer || std::find(open_.begin(), open_.end(), s_[at_]) == open_.end())
          ++at_;
        break;
      }
      const size_t before = at_;
      base::Result<std::string> key = read_key();
      if (!key) return key.error();
      if (!object.empty()) written_ += ',';
      written_ += '"' + json_escaped(*key) + "\":";
      base::Result<json> value = read_value();
      if (!value) return value;
      if (at_ <= before) return fail("nothing readable");
      object[*key] = std::move(*value);
    }
    open_.pop_back();
    written_ += '}';
    return object;
  }

  base::Result<json> read_list() {
    if (open_.size() >= kMaxCallDepth) return Error{Errc::limit, "call: nested too deeply"};
    open_.push_back(']');
    json list = json::array();
    written_ += '[';
    while (true) {
      while (at_ < s_.size() && (is_blank(s_[at_]) || s_[at_] == ',')) ++at_;
      if (at_ == s_.size()) break;
      if (is_closer(s_[at_])) {
        if (s_[at_] == ']' || std::find(open_.begin(), open_.end(), s_[at_]) == open_.end()) ++at_;
        break;
      }
      const size_t before = at_;
      if (!list.empty()) written_ += ',';
      base::Result<json> value = read_value();
      if (!value) return value;
      if (at_ <= before) return fail("nothing readable");
      list.push_back(std::move(*value));
    }
    open_.pop_back();
    written_ += ']';
    return list;
  }

  std::string_view s_;
  CallText text_;
  size_t at_ = 0;
  size_t steps_ = 0;
  std::vector<char> open_;  // closing brackets that are awaited, outermost first
  std::string written_;     // what was read, as JSON in the order in which it stands
};

}  // namespace

base::Result<FunctionCall> parse_call(std::string_view body,
                                      std::span<const std::string> functions) {
  return CallReader(body).read(functions);
}

StreamParser::StreamParser(const Tokenizer& tokenizer, ParserOptions options)
    : StreamParser(std::move(options)) {
  tokenizer_ = &tokenizer;
}

StreamParser::StreamParser(ParserOptions options)
    : options_(std::move(options)),
      state_(options_.start_in_reasoning ? State::reasoning : State::text) {}

std::vector<ReplyEvent> StreamParser::take() { return std::exchange(events_, {}); }

void StreamParser::emit(ReplyEvent::Kind kind, std::string text) {
  if (!text.empty()) events_.push_back({.kind = kind, .text = std::move(text)});
}

// Gives out the text that is complete; with `all` also an unfinished character.
void StreamParser::flush_text(bool all) {
  constexpr std::string_view kHeading = "thought\n";
  if (in_heading_) {
    if (!all && pending_.size() < kHeading.size() && kHeading.starts_with(pending_)) return;
    if (pending_.starts_with(kHeading)) {
      pending_.erase(0, kHeading.size());
    } else if (all && kHeading.starts_with(pending_)) {
      pending_.clear();
    }
    in_heading_ = false;
  }
  const size_t held = all ? 0 : base::utf8_unfinished(pending_);
  const std::string_view ready(pending_.data(), pending_.size() - held);
  emit(state_ == State::reasoning ? ReplyEvent::Kind::reasoning : ReplyEvent::Kind::text,
       base::utf8_repaired(ready));
  pending_.erase(0, ready.size());
}

// Moves the bytes of a call that are whole characters to its body; with `all` also what is left.
void StreamParser::flush_call_bytes(bool all) {
  const size_t held = all ? 0 : base::utf8_unfinished(pending_);
  const std::string_view ready(pending_.data(), pending_.size() - held);
  body_ += base::utf8_repaired(ready);
  pending_.erase(0, ready.size());
}

// Gives out what became certain of the call being read.
void StreamParser::stream_call() {
  if (overlong_ || !transcoder_) return;
  const bool had_begun = transcoder_->begun();
  std::string more = transcoder_->advance(body_, options_.functions);
  if (!had_begun && transcoder_->begun()) begin_call(transcoder_->name());
  emit(ReplyEvent::Kind::call_arguments, std::move(more));
}

void StreamParser::begin_call(const std::string& name) {
  events_.push_back({.kind = ReplyEvent::Kind::call_begin,
                     .call = {.name = name, .id = "call_" + std::to_string(n_calls_ + 1)}});
}

void StreamParser::end_call() {
  flush_call_bytes(true);
  base::Result<FunctionCall> call =
      overlong_ ? base::Result<FunctionCall>(Error{
                      Errc::limit,
                      "call: longer than " + std::to_string(options_.max_call_bytes) + " bytes"})
                : parse_call(body_, options_.functions);
  const std::string given = transcoder_ ? transcoder_->given() : std::string();
  if (call && !call->arguments_text.starts_with(given))
    call = Error{Errc::internal, "call: it reads otherwise as a whole than it did at first"};
  if (call) {
    if (given.empty()) begin_call(call->name);
    emit(ReplyEvent::Kind::call_arguments, call->arguments_text.substr(given.size()));
    call->id = "call_" + std::to_string(n_calls_ + 1);
    events_.push_back({.kind = ReplyEvent::Kind::call, .call = std::move(*call)});
    leave_call();
  } else {
    bad_call(call.error().message);
  }
}

void StreamParser::bad_call(std::string why) {
  flush_call_bytes(true);
  events_.push_back({.kind = ReplyEvent::Kind::bad_call,
                     .text = with_quotes_as(body_, special_text(Special::quote)),
                     .error = std::move(why)});
  leave_call();
}

void StreamParser::leave_call() {
  state_ = State::text;
  ++n_calls_;
  body_.clear();
  call_bytes_ = 0;
  overlong_ = false;
  transcoder_.reset();
}

void StreamParser::end(ReplyEnd why) {
  if (state_ == State::ended) return;
  if (state_ == State::call && why == ReplyEnd::cut) {
    bad_call("call: cut off before its end");
  } else if (state_ == State::call) {
    end_call();
  } else {
    flush_text(true);
  }
  state_ = State::ended;
  events_.push_back({.kind = ReplyEvent::Kind::end, .end = why});
}

std::vector<ReplyEvent> StreamParser::push(TokenId id) {
  if (tokenizer_ == nullptr || state_ == State::ended) return {};
  if (const std::optional<Special> which = tokenizer_->special_of(id)) return push_special(*which);
  if (tokenizer_->is_special(id)) return {};
  return push_text(tokenizer_->bytes_of(id));
}

std::vector<ReplyEvent> StreamParser::push_text(std::string_view bytes) {
  switch (state_) {
    case State::text:
    case State::reasoning:
      pending_ += bytes;
      flush_text(false);
      break;
    case State::call:
      if (call_bytes_ + bytes.size() > options_.max_call_bytes) {
        overlong_ = true;
      } else {
        call_bytes_ += bytes.size();
        pending_ += bytes;
        flush_call_bytes(false);
        stream_call();
      }
      break;
    case State::ended:
      break;
  }
  return take();
}

std::vector<ReplyEvent> StreamParser::push_special(Special which) {
  if (state_ == State::ended) return {};
  switch (which) {
    case Special::turn_end:
    case Special::eos:
    case Special::turn_begin:  // somebody else's turn has begun
      end(ReplyEnd::turn);
      return take();
    case Special::response_begin:
      end(ReplyEnd::response);
      return take();
    default:
      break;
  }
  if (state_ == State::call) {
    if (which == Special::call_end) {
      end_call();
    } else if (call_bytes_ + special_text(which).size() > options_.max_call_bytes) {
      overlong_ = true;
    } else {
      call_bytes_ += special_text(which).size();
      flush_call_bytes(true);
      // Inside a string any other one is what it spells.
      body_ += which == Special::quote ? std::string(1, kQuote) : std::string(special_text(which));
      stream_call();
    }
    return take();
  }
  switch (which) {
    case Special::call_begin:
      flush_text(true);
      in_heading_ = false;
      state_ = State::call;
      transcoder_.emplace();
      break;
    case Special::channel_begin:
      flush_text(true);
      state_ = State::reasoning;
      in_heading_ = true;
      break;
    case Special::channel_end:
      flush_text(true);
      in_heading_ = false;
      state_ = State::text;
      break;
    case Special::quote:
      pending_ += '"';
      flush_text(false);
      break;
    default:
      break;  // nothing to read in it
  }
  return take();
}

std::vector<ReplyEvent> StreamParser::finish() {
  end(ReplyEnd::cut);
  return take();
}

namespace {

void collect(std::vector<ReplyEvent> events, Reply& reply) {
  for (ReplyEvent& event : events) {
    switch (event.kind) {
      case ReplyEvent::Kind::text:
        reply.message.text += event.text;
        break;
      case ReplyEvent::Kind::reasoning:
        reply.message.reasoning += event.text;
        break;
      case ReplyEvent::Kind::call:
        reply.message.calls.push_back(std::move(event.call));
        break;
      case ReplyEvent::Kind::bad_call:
        reply.errors.push_back(std::move(event.error));
        break;
      case ReplyEvent::Kind::call_begin:
      case ReplyEvent::Kind::call_arguments:
        break;
      case ReplyEvent::Kind::end:
        reply.end = event.end;
        break;
    }
  }
}

Reply finished(StreamParser& parser, Reply reply) {
  collect(parser.finish(), reply);
  reply.message.text = std::string(base::trimmed(reply.message.text));
  reply.message.reasoning = std::string(base::trimmed(reply.message.reasoning));
  return reply;
}

}  // namespace

Reply parse_reply(std::span<const TokenId> ids, const Tokenizer& tokenizer,
                  const ParserOptions& options) {
  StreamParser parser(tokenizer, options);
  Reply reply{.message = {.role = Role::model}, .errors = {}};
  for (TokenId id : ids) collect(parser.push(id), reply);
  return finished(parser, std::move(reply));
}

Reply parse_reply_text(std::string_view text, const ParserOptions& options) {
  StreamParser parser(options);
  Reply reply{.message = {.role = Role::model}, .errors = {}};
  while (!text.empty()) {
    const SpecialToken* found = nullptr;
    size_t at = text.find('<');
    while (at != npos && found == nullptr) {
      for (const SpecialToken& token : kSpecialTokens) {
        if (text.substr(at).starts_with(token.text)) found = &token;
      }
      if (found == nullptr) at = text.find('<', at + 1);
    }
    collect(parser.push_text(text.substr(0, at)), reply);
    if (found == nullptr) break;
    collect(parser.push_special(found->which), reply);
    text.remove_prefix(at + found->text.size());
  }
  return finished(parser, std::move(reply));
}

}  // namespace model
