#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/chat.h"
#include "model/tokenizer.h"

namespace model {

/// Whether a reply calls functions.
enum class CallChoice : uint8_t { automatic, none, required, named };

/// What an answer is written in.
enum class ReplyFormat : uint8_t { text, json_object, json_schema };

/// The special tokens of a reply, as ids.
struct ReplyTokens {
  TokenId call_begin = -1, call_end = -1, quote = -1;  ///< -1: the vocabulary has none
  std::vector<TokenId> after_text = {};                ///< one of them ends an answer
  std::vector<TokenId> after_calls = {};               ///< one of them ends calls
};
ReplyTokens reply_tokens(const Tokenizer& tokenizer);

struct ReplyGrammar {
  std::span<const ToolDeclaration> tools = {};
  CallChoice choice = CallChoice::automatic;
  std::string name = {};  ///< of the function, with CallChoice::named
  bool parallel = true;   ///< several calls; else one
  ReplyFormat format = ReplyFormat::text;
  std::string schema = {};  ///< JSON text, with ReplyFormat::json_schema
  /// Objects in parameters whose schema lists properties and doesn't speak of others have no
  /// others, at any depth: a model would only make them up. Below the top an empty list is none.
  bool closed = true;
  ReplyTokens tokens = {};
};

/// The grammar of a reply, for Constraint::compile(). Thoughts are no part of it. A reply is text
/// and then calls, either may be missing (automatic); the answer alone (none); calls alone
/// (required, named). With a JSON format the answer is JSON with one space after separators, and
/// automatic is calls or that answer. Arguments are written as render() writes them, and fit the
/// schema of the function's parameters; no parameters are no arguments.
/// Errors: usage (a schema that can't be enforced, naming tool, place and keyword; a name without
/// its tool; required without tools), unsupported (the vocabulary lacks the tokens of calls).
base::Result<std::string> reply_grammar(const ReplyGrammar& reply);

}  // namespace model
