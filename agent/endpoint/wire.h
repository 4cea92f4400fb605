#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/chat_model.h"
#include "base/result.h"
#include "model/chat.h"

namespace agent {

/// What a server takes. Begins with everything; endpoint_model.h takes away what one refuses.
struct WireOptions {
  std::string model = {};
  bool stream = true;
  bool usage_in_stream = true;  ///< stream_options.include_usage
  bool tools = true;      ///< as `tools`; else described in the system text and called in the text
  bool images = true;     ///< else left out, and said so
  bool reasoning = true;  ///< thoughts of this turn go back as reasoning_content
  int max_tokens = 4096;
  bool schemas = true;           ///< response_format
  std::string schema = {};       ///< that the reply has to fit; JSON text
  bool completion_name = false;  ///< max_completion_tokens in place of max_tokens
};

/// The body of POST /chat/completions, as JSON text. Bytes that are not UTF-8 become U+FFFD.
std::string request_body(std::span<const model::Message> conversation,
                         std::span<const model::ToolDeclaration> tools, const WireOptions& options);

/// Reads a reply as it comes: server-sent events or one JSON object, whichever it is. What servers
/// are known to do wrong is repaired (docs/endpoints.md lists it). Memory is bounded.
class ReplyReader {
 public:
  /// tools: names of the declared ones; only they are found in text.
  explicit ReplyReader(std::vector<std::string> tools);
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// More bytes of the body. False: enough was heard (the end, an error, too much).
  bool push(std::string_view bytes);
  /// What has come of the reply's text since it was last asked for, as far as it stays text
  /// whatever follows: thoughts, and what may become a call, are held back.
  std::string_view fresh_text();
  /// Whether the reply said that it is complete: a finish_reason, [DONE] or a whole object.
  bool complete() const;
  /// The reply; nothing may be pushed any more. Its calls have ids of their own; one whose
  /// arguments cannot be read is in `unreadable`. A cut reply has no calls.
  /// Errors: limit (does not fit the context; too long), corrupt (not a reply: says what came
  /// instead), internal (the server said that it failed).
  base::Result<ModelReply> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One sentence for a body that came with an error's status: the message of its JSON, or the text
/// of a page, short and printable; empty if there is none.
std::string error_sentence(std::string_view body);

/// Whether an error's sentence or code says that the conversation does not fit the context.
bool is_context_overflow(std::string_view body);

/// How many tokens the context holds by what such an error says; 0: it does not say.
int context_in(std::string_view body);

/// Whether JSON is nested more than 64 levels deep: writing such recurses, so it is not read.
bool is_too_deep(std::string_view text);

/// JSON from a peer: at most 64 levels deep. Discarded if it is not that.
nlohmann::json parse_bounded(std::string_view text);

/// Calls that a model wrote as text: Gemma's <|tool_call>call:…<tool_call|>,
/// <tool_call>{…}</tool_call>, a ```json block or a whole reply of {"name": …, "arguments": …}.
/// They stand at the end of the text and name one of `tools`, else it is only text. Takes them, and
/// what marks them, out of `text`.
std::vector<model::FunctionCall> take_calls_from_text(std::string& text,
                                                      std::span<const std::string> tools);

/// Of a reply's text that is still coming the part that stays, whatever follows: what may be
/// thoughts or become a call is not in it. from: the end of what was certain before.
struct CertainText {
  size_t begin = 0, end = 0;
};
CertainText certain_text(std::string_view text, size_t from);

/// Takes the thoughts out of `text`: <think>…</think> at its beginning, with or without the first
/// mark, or an open <think>.
std::string take_thoughts_from_text(std::string& text);

}  // namespace agent
