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
// Looking ahead from one <|"|> stops at the next one, so finding the end of a string is linear in
// what is left of the call. Every loop consumes something or fails, nesting is bounded by kMaxDepth
// and the whole by ParserOptions::max_call_bytes.
#include "model/call_parser.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "model/utf8.h"

namespace model {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kMaxDepth = 64;
constexpr size_t npos = std::string_view::npos;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_closer(char c) { return c == '}' || c == ']' || c == ')'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' ||
         c == '-';
}

bool is_key_char(char c) {
  return is_name_char(c) || c == '$' || (static_cast<unsigned char>(c) >= 0x80 && c != kQuote);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

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

// true, false, null and their spellings in Python and Lua; nullopt for other words.
std::optional<json> literal_word(std::string_view word) {
  if (word == "true" || word == "True") return json(true);
  if (word == "false" || word == "False") return json(false);
  if (word == "null" || word == "None" || word == "none" || word == "nil") return json(nullptr);
  return std::nullopt;
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
  explicit CallReader(std::string_view body) : s_(body) {}

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
    call.name = s_.substr(name_begin, at_ - name_begin);
    while (call.name.ends_with(':')) call.name.pop_back();
    const auto known = [&](std::string_view name) {
      return std::find(functions.begin(), functions.end(), name) != functions.end();
    };
    if (!known(call.name)) {
      const size_t colon = call.name.rfind(':');
      if (colon != std::string::npos && known(call.name.substr(colon + 1))) {
        call.name.erase(0, colon + 1);
      }
    }
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
    return call;
  }

 private:
  Error fail(const std::string& what) const {
    return Error{Errc::corrupt, "call, byte " + std::to_string(at_) + ": " + what};
  }

  void skip_blank() { at_ = after_blank(at_); }

  size_t after_blank(size_t at) const {
    while (at < s_.size() && is_blank(s_[at])) ++at;
    return at;
  }

  // Whether a value can start at `at`.
  bool value_starts(size_t at) const {
    if (at >= s_.size()) return false;
    const char c = s_[at];
    if (c == kQuote || c == '{' || c == '[' || c == '"' || c == '\'' || is_digit(c)) return true;
    if (c == '-') return at + 1 < s_.size() && is_digit(s_[at + 1]);
    size_t end = at;
    while (end < s_.size() && end - at < 8 && is_key_char(s_[end])) ++end;
    if (!literal_word(s_.substr(at, end - at))) return false;
    const size_t next = after_blank(end);
    return next == s_.size() || s_[next] == ',' || is_closer(s_[next]);
  }

  // Whether `key:` and the start of a value stand at `at`.
  bool key_starts(size_t at) const {
    if (at >= s_.size()) return false;
    const char quote = s_[at];
    size_t end = at;
    if (quote == kQuote || quote == '"') {
      end = s_.find_first_of(
          quote == kQuote ? std::string_view("\xFF") : std::string_view("\"\xFF"), at + 1);
      if (end == npos || s_[end] != quote) return false;
      ++end;
    } else {
      while (end < s_.size() && is_key_char(s_[end])) ++end;
      if (end == at) return false;
    }
    end = after_blank(end);
    return end < s_.size() && s_[end] == ':' && value_starts(after_blank(end + 1));
  }

  enum class Fit : uint8_t { whole, brackets };

  // Whether a value inside `open_` may end just before `at`. `whole`: everything up to the end of
  // the call or the next member fits; `brackets`: the next character does.
  bool fits(size_t at, Fit fit) const {
    size_t depth = open_.size();
    at = after_blank(at);
    if (at == s_.size()) return true;
    if (fit == Fit::brackets && is_closer(s_[at])) return depth > 0 && s_[at] == open_[depth - 1];
    while (at < s_.size() && is_closer(s_[at])) {
      if (depth == 0 || s_[at] != open_[depth - 1]) return false;
      --depth;
      at = after_blank(at + 1);
    }
    if (at == s_.size()) return true;
    if (depth == 0 || s_[at] != ',') return false;
    at = after_blank(at + 1);
    return open_[depth - 1] == ']' ? value_starts(at) : key_starts(at);
  }

  // Index in [from, size] before which a string that `quote` closes ends; *closed tells whether the
  // quote stands there.
  size_t end_of_string(size_t from, char quote, bool* closed) const {
    *closed = true;
    size_t last = npos;
    size_t first_loose = npos;
    for (size_t at = from; at < s_.size(); ++at) {
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
      if (std::optional<json> literal = literal_word(word)) {
        at_ = end;
        return *literal;
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
    return with_quotes_as(trimmed(s_.substr(begin, end - begin)), "\"");
  }

  base::Result<json> read_value() {
    skip_blank();
    if (at_ == s_.size()) return json(nullptr);
    switch (s_[at_]) {
      case kQuote:
      case '"':
      case '\'':
        return json(read_quoted(s_[at_]));
      case '{':
        ++at_;
        return read_object('}');
      case '[':
        ++at_;
        return read_list();
      default:
        return read_bare();
    }
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
      key = trimmed(s_.substr(at_, end == npos ? npos : end - at_));
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
      return fail("no value for \"" + utf8_repaired(key.substr(0, 40)) + "\"");
    }
    return key;
  }

  base::Result<json> read_object(char closer) {
    if (open_.size() >= kMaxDepth) return Error{Errc::limit, "call: nested too deeply"};
    open_.push_back(closer);
    json object = json::object();
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
      base::Result<json> value = read_value();
      if (!value) return value;
      if (at_ <= before) return fail("nothing readable");
      object[*key] = std::move(*value);
    }
    open_.pop_back();
    return object;
  }

  base::Result<json> read_list() {
    if (open_.size() >= kMaxDepth) return Error{Errc::limit, "call: nested too deeply"};
    open_.push_back(']');
    json list = json::array();
    while (true) {
      while (at_ < s_.size() && (is_blank(s_[at_]) || s_[at_] == ',')) ++at_;
      if (at_ == s_.size()) break;
      if (is_closer(s_[at_])) {
        if (s_[at_] == ']' || std::find(open_.begin(), open_.end(), s_[at_]) == open_.end()) ++at_;
        break;
      }
      const size_t before = at_;
      base::Result<json> value = read_value();
      if (!value) return value;
      if (at_ <= before) return fail("nothing readable");
      list.push_back(std::move(*value));
    }
    open_.pop_back();
    return list;
  }

  std::string_view s_;
  size_t at_ = 0;
  std::vector<char> open_;  // closing brackets that are awaited, outermost first
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
  const size_t held = all ? 0 : utf8_unfinished(pending_);
  const std::string_view ready(pending_.data(), pending_.size() - held);
  emit(state_ == State::reasoning ? ReplyEvent::Kind::reasoning : ReplyEvent::Kind::text,
       utf8_repaired(ready));
  pending_.erase(0, ready.size());
}

// Bytes of a call become part of its body at the next <|"|> or at its end, when they are complete.
void StreamParser::flush_call_bytes() {
  body_ += utf8_repaired(pending_);
  pending_.clear();
}

void StreamParser::end_call() {
  flush_call_bytes();
  state_ = State::text;
  ++n_calls_;
  base::Result<FunctionCall> call =
      overlong_ ? base::Result<FunctionCall>(Error{
                      Errc::limit,
                      "call: longer than " + std::to_string(options_.max_call_bytes) + " bytes"})
                : parse_call(body_, options_.functions);
  if (call) {
    call->id = "call_" + std::to_string(n_calls_);
    events_.push_back({.kind = ReplyEvent::Kind::call, .call = std::move(*call)});
  } else {
    events_.push_back({.kind = ReplyEvent::Kind::bad_call,
                       .text = with_quotes_as(body_, special_text(Special::quote)),
                       .error = call.error().message});
  }
  body_.clear();
  overlong_ = false;
}

void StreamParser::end(ReplyEnd why) {
  if (state_ == State::ended) return;
  if (state_ == State::call && why == ReplyEnd::cut) {
    flush_call_bytes();
    events_.push_back({.kind = ReplyEvent::Kind::bad_call,
                       .text = with_quotes_as(body_, special_text(Special::quote)),
                       .error = "call: cut off before its end"});
    body_.clear();
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
      if (body_.size() + pending_.size() + bytes.size() > options_.max_call_bytes) {
        overlong_ = true;
      } else {
        pending_ += bytes;
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
    } else if (body_.size() + pending_.size() + 16 > options_.max_call_bytes) {
      overlong_ = true;
    } else if (which == Special::quote) {
      flush_call_bytes();
      body_ += kQuote;
    } else {
      pending_ += special_text(which);  // inside a string it is what it spells
    }
    return take();
  }
  switch (which) {
    case Special::call_begin:
      flush_text(true);
      in_heading_ = false;
      state_ = State::call;
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
      case ReplyEvent::Kind::end:
        reply.end = event.end;
        break;
    }
  }
}

Reply finished(StreamParser& parser, Reply reply) {
  collect(parser.finish(), reply);
  reply.message.text = std::string(trimmed(reply.message.text));
  reply.message.reasoning = std::string(trimmed(reply.message.reasoning));
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
