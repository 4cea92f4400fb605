// Why so much may be given out before a call is whole: of a string without a stray <|"|> in it
// everything but blanks and closing brackets at its end is content, whatever follows (a string that
// is never closed ends before the brackets that close the call). The <|"|> that ends it is known
// for one as soon as what follows fits, and the first that fits ends it. After a <|"|> that does
// not fit nothing more of the string is certain until one does, since the parser falls back to
// weaker rules where none does.
//
// A place that is not decided is looked at again with every token. That is bounded by kMaxWait
// bytes: who writes a key longer than that waits for the whole call.
#include "model/call_transcoder.h"

#include <algorithm>
#include "base/json.h"
#include "base/text.h"

namespace model {
namespace {

using namespace call_chars;
using nlohmann::json;

constexpr size_t kMaxWait = 1024;
using base::npos;

}  // namespace

std::string called_name(std::string_view name, std::span<const std::string> functions) {
  const auto known = [&](std::string_view which) {
    return std::find(functions.begin(), functions.end(), which) != functions.end();
  };
  while (name.ends_with(':')) name.remove_suffix(1);
  const size_t colon = name.rfind(':');
  if (!known(name) && colon != npos && known(name.substr(colon + 1))) name.remove_prefix(colon + 1);
  return std::string(name);
}

std::string_view literal_word(std::string_view word) {
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  if (word == "null" || word == "None" || word == "none" || word == "nil") return "null";
  return {};
}

std::string json_escaped(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), kQuote, '"');
  const std::string quoted =
      json(std::move(plain)).dump(-1, ' ', false, json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// --- CallText

size_t CallText::after_blank(size_t at) const {
  while (at < s_.size() && is_blank(s_[at])) ++at;
  return at;
}

// Whether a value can start at `at`.
CallText::Answer CallText::value_starts(size_t at) const {
  if (at >= s_.size()) return at_end(Answer::no);
  const char c = s_[at];
  if (c == kQuote || c == '{' || c == '[' || c == '"' || c == '\'' || is_digit(c))
    return Answer::yes;
  if (c == '-') {
    if (at + 1 == s_.size()) return at_end(Answer::no);
    return is_digit(s_[at + 1]) ? Answer::yes : Answer::no;
  }
  size_t end = at;
  while (end < s_.size() && end - at < 8 && is_key_char(s_[end])) ++end;
  if (!is_whole_ && end == s_.size() && end - at < 8) return Answer::unknown;
  if (literal_word(s_.substr(at, end - at)).empty()) return Answer::no;
  const size_t next = after_blank(end);
  if (next == s_.size()) return at_end(Answer::yes);
  return s_[next] == ',' || is_closer(s_[next]) ? Answer::yes : Answer::no;
}

// Whether `key:` and the start of a value stand at `at`.
CallText::Answer CallText::key_starts(size_t at) const {
  if (at >= s_.size()) return at_end(Answer::no);
  const char quote = s_[at];
  size_t end = at;
  if (quote == kQuote || quote == '"') {
    end = s_.find_first_of(quote == kQuote ? std::string_view("\xFF") : std::string_view("\"\xFF"),
                           at + 1);
    if (end == npos) return at_end(Answer::no);
    if (s_[end] != quote) return Answer::no;
    ++end;
  } else {
    while (end < s_.size() && is_key_char(s_[end])) ++end;
    if (end == s_.size()) return at_end(Answer::no);
    if (end == at) return Answer::no;
  }
  end = after_blank(end);
  if (end == s_.size()) return at_end(Answer::no);
  return s_[end] == ':' ? value_starts(after_blank(end + 1)) : Answer::no;
}

CallText::Answer CallText::fits(size_t at, std::span<const char> open, Fit fit) const {
  size_t depth = open.size();
  at = after_blank(at);
  if (at == s_.size()) return at_end(Answer::yes);
  if (fit == Fit::brackets && is_closer(s_[at]))
    return depth > 0 && s_[at] == open[depth - 1] ? Answer::yes : Answer::no;
  while (at < s_.size() && is_closer(s_[at])) {
    if (depth == 0 || s_[at] != open[depth - 1]) return Answer::no;
    --depth;
    at = after_blank(at + 1);
  }
  if (at == s_.size()) return at_end(Answer::yes);
  if (depth == 0 || s_[at] != ',') return Answer::no;
  at = after_blank(at + 1);
  return open[depth - 1] == ']' ? value_starts(at) : key_starts(at);
}

// --- CallTranscoder

std::string CallTranscoder::advance(std::string_view body, std::span<const std::string> functions) {
  out_.clear();
  while (step(body, functions)) {
  }
  given_ += out_;
  return std::move(out_);
}

bool CallTranscoder::step(std::string_view body, std::span<const std::string> functions) {
  switch (state_) {
    case State::name:
      return read_name(body, functions);
    case State::member:
      return read_member(body);
    case State::value:
      return read_value(body);
    case State::string:
      return read_string(body);
    case State::closed:
    case State::lost:
      break;
  }
  return false;
}

bool CallTranscoder::lose() {
  state_ = State::lost;
  return false;
}

// What stands from `from` on has to be looked at again when there is more.
bool CallTranscoder::wait(std::string_view body, size_t from) {
  return body.size() - from > kMaxWait ? lose() : false;
}

bool CallTranscoder::read_name(std::string_view body, std::span<const std::string> functions) {
  constexpr std::string_view kCall = "call:";
  if (body.size() < kCall.size()) return kCall.starts_with(body) ? false : lose();
  if (!body.starts_with(kCall)) return lose();
  size_t end = kCall.size();
  while (end < body.size() && (is_name_char(body[end]) || body[end] == ':')) ++end;
  if (end == body.size()) return wait(body, 0);
  name_ = called_name(body.substr(kCall.size(), end - kCall.size()), functions);
  if (name_.empty() || body[end] != '{') return lose();
  at_ = end + 1;
  open_.push_back('}');
  out_ += '{';
  state_ = State::member;
  return true;
}

// Behind an opening bracket or a value.
bool CallTranscoder::read_member(std::string_view body) {
  while (at_ < body.size() && (is_blank(body[at_]) || body[at_] == ',')) ++at_;
  if (at_ == body.size()) return false;
  if (is_closer(body[at_])) {
    if (body[at_] != open_.back()) return lose();
    if (open_.size() == 1) {
      // The last bracket waits for the call's end: what is cut off before it must not look whole.
      state_ = State::closed;
      return false;
    }
    out_ += body[at_++];
    open_.pop_back();
    first_ = false;
    return true;
  }
  std::string key;
  size_t end = at_;
  if (open_.back() == '}') {
    if (body[at_] == kQuote) {
      end = body.find(kQuote, at_ + 1);
      if (end == npos || end + 1 == body.size()) return wait(body, at_);
      key = body.substr(at_ + 1, end - at_ - 1);
      ++end;
    } else {
      while (end < body.size() && is_key_char(body[end])) ++end;
      if (end == body.size()) return wait(body, at_);
      key = body.substr(at_, end - at_);
      if (key.empty()) return lose();
    }
    if (body[end] != ':') return lose();
    ++end;
  }
  if (!first_) out_ += ',';
  first_ = false;
  if (open_.back() == '}') out_ += '"' + json_escaped(key) + "\":";
  at_ = end;
  state_ = State::value;
  return true;
}

bool CallTranscoder::read_value(std::string_view body) {
  while (at_ < body.size() && is_blank(body[at_])) ++at_;
  if (at_ == body.size()) return false;
  switch (body[at_]) {
    case kQuote:
      out_ += '"';
      quote_ = ++at_;
      quote_seen_ = false;
      state_ = State::string;
      return true;
    case '{':
    case '[':
      if (open_.size() >= kMaxCallDepth) return lose();
      open_.push_back(body[at_] == '{' ? '}' : ']');
      out_ += body[at_++];
      first_ = true;
      state_ = State::member;
      return true;
    case '"':
    case '\'':
      return lose();
    default:
      return read_bare(body);
  }
}

// A number, true, false or null.
bool CallTranscoder::read_bare(std::string_view body) {
  size_t end = at_;
  while (end < body.size() && (is_key_char(body[end]) || body[end] == '+')) ++end;
  const CallText text(body, false);
  const size_t next = text.after_blank(end);
  if (next == body.size()) return wait(body, at_);
  if (body[next] != ',' && text.fits(end, open_, CallText::Fit::brackets) != CallText::Answer::yes)
    return lose();
  const std::string_view word = body.substr(at_, end - at_);
  if (const std::string_view literal = literal_word(word); !literal.empty()) {
    out_ += literal;
  } else if (!word.empty() && (is_digit(word[0]) || word[0] == '-')) {
    const json number = json::parse(word.begin(), word.end(), nullptr, false);
    if (!number.is_number()) return lose();
    out_ += number.dump();
  } else {
    return lose();
  }
  at_ = end;
  state_ = State::member;
  return true;
}

bool CallTranscoder::read_string(std::string_view body) {
  const size_t quote = body.find(kQuote, quote_);
  size_t sure = quote;
  if (quote == npos) {
    sure = body.size();
    while (sure > quote_ && (is_blank(body[sure - 1]) || is_closer(body[sure - 1]))) --sure;
    if (sure == quote_) sure = at_;  // what lies between was held back before
  }
  if (!quote_seen_) {
    out_ += json_escaped(body.substr(at_, sure - at_));
    at_ = sure;
  }
  if (quote == npos) {
    quote_ = body.size();
    return false;
  }
  switch (CallText(body, false).fits(quote + 1, open_, CallText::Fit::whole)) {
    case CallText::Answer::unknown:
      quote_ = quote;
      return wait(body, quote);
    case CallText::Answer::no:
      quote_ = quote + 1;
      quote_seen_ = true;
      return true;
    case CallText::Answer::yes:
      break;
  }
  out_ += json_escaped(body.substr(at_, quote - at_)) + '"';
  at_ = quote + 1;
  state_ = State::member;
  return true;
}

}  // namespace model
