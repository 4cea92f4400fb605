#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace model {

/// In the body of a call: stands for the token <|"|>. Never occurs in UTF-8.
inline constexpr char kQuote = '\xFF';

/// Most brackets that a call may have open.
inline constexpr size_t kMaxCallDepth = 64;

/// Characters of a call's syntax.
namespace call_chars {
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_closer(char c) { return c == '}' || c == ']' || c == ')'; }
using base::is_digit;
constexpr bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' ||
         c == '-';
}
constexpr bool is_key_char(char c) {
  return is_name_char(c) || c == '$' || (static_cast<unsigned char>(c) >= 0x80 && c != kQuote);
}
/// Whether a key of a call reads back when it stands without quotes.
constexpr bool is_bare_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), is_key_char);
}
}  // namespace call_chars

/// Where the values of a call end. The text may be whole or the beginning of one; of a beginning
/// some questions have no answer yet.
class CallText {
 public:
  enum class Answer : uint8_t { no, yes, unknown };
  enum class Fit : uint8_t { whole, brackets };

  /// text: valid UTF-8 and kQuote; outlives this.
  CallText(std::string_view text, bool is_whole) : s_(text), is_whole_(is_whole) {}

  /// Whether a value inside the brackets `open` (the closing ones, outermost first) may end just
  /// before `at`. `whole`: everything up to the end of the call or the next member fits;
  /// `brackets`: the next character does.
  Answer fits(size_t at, std::span<const char> open, Fit fit) const;
  /// The first place at or after `at` that is not blank.
  size_t after_blank(size_t at) const;

 private:
  Answer at_end(Answer if_whole) const { return is_whole_ ? if_whole : Answer::unknown; }
  Answer value_starts(size_t at) const;
  Answer key_starts(size_t at) const;

  std::string_view s_;
  bool is_whole_;
};

/// Which name the model meant: `name` itself, or what stands behind its last colon where that is
/// known and `name` is not. Colons at the end are dropped.
std::string called_name(std::string_view name, std::span<const std::string> functions);

/// true, false or null for these words and their spellings in Python and Lua; empty for others.
std::string_view literal_word(std::string_view word);

/// `text` as it stands inside a JSON string; kQuote becomes a quote. `text`: whole characters.
std::string json_escaped(std::string_view text);

/// Turns a call into JSON while it is written: what it gives out is a beginning of the text that
/// parse_call() will give as arguments_text, however the call goes on. Where that depends on what
/// follows it waits; where the syntax is not Gemma's own it gives nothing more. It never gives the
/// bracket that closes the arguments, so that those of a call that was cut off are no JSON.
class CallTranscoder {
 public:
  /// body: the last one with more behind it, or the first. Returns what became certain of the
  /// arguments.
  std::string advance(std::string_view body, std::span<const std::string> functions);

  /// Whether the arguments have begun; then the name is known.
  bool begun() const { return !given_.empty(); }
  const std::string& name() const { return name_; }
  /// Everything that advance() gave out.
  const std::string& given() const { return given_; }

 private:
  enum class State : uint8_t { name, member, value, string, closed, lost };

  // Each reads on as far as it can and returns whether there is more to do now.
  bool step(std::string_view body, std::span<const std::string> functions);
  bool read_name(std::string_view body, std::span<const std::string> functions);
  bool read_member(std::string_view body);
  bool read_value(std::string_view body);
  bool read_string(std::string_view body);
  bool read_bare(std::string_view body);
  bool wait(std::string_view body, size_t from);
  bool lose();

  State state_ = State::name;
  std::string name_;
  size_t at_ = 0;            // of the body: everything before it is given out
  size_t quote_ = 0;         // in a string: no <|"|> before it is undecided
  bool quote_seen_ = false;  // one stood in this string that did not end it
  std::vector<char> open_;   // closing brackets that are awaited, outermost first
  bool first_ = true;        // no member stands in the innermost brackets yet
  std::string out_;          // of this step
  std::string given_;
};

}  // namespace model
