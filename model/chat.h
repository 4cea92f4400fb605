#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "model/special_tokens.h"
#include "model/tokenizer.h"

namespace model {

enum class Role : uint8_t { system, user, model, tool };

enum class MediaKind : uint8_t { image, audio, video };

/// An image, clip or recording inside a message. `at`: bytes of the text that stand before it; in a
/// tool message it always stands after the result.
struct Media {
  MediaKind kind = MediaKind::image;
  size_t at = 0;
  std::string bytes = {};  ///< the encoded file, for whoever embeds it; the renderer ignores it
};

/// What the model asks for. `arguments` is a JSON object.
struct FunctionCall {
  std::string name = {};
  nlohmann::json arguments = nlohmann::json::object();
  std::string id = {};
  /// Of a call that was read from a reply: `arguments` as JSON text, in the order in which the
  /// model wrote them. Empty otherwise; the renderer ignores it.
  std::string arguments_text = {};
};

struct Message {
  Role role = Role::user;
  std::string text = {};                 ///< what was said; in a tool message its result
  std::vector<FunctionCall> calls = {};  ///< model only; they stand after the text
  std::string reasoning = {};            ///< model only
  std::vector<Media> media = {};         ///< in order of `at`
  std::string name = {};                 ///< tool only: which function answered
  std::string call_id = {};              ///< tool only: which call; empty: the next unanswered one
  nlohmann::json result = nullptr;       ///< tool only: a structured result, in place of `text`
};

/// A function the model may call, described by JSON Schema.
struct ToolDeclaration {
  std::string name = {};
  std::string description = {};
  nlohmann::json parameters = nullptr;  ///< schema of the arguments, or null
  nlohmann::json response = nullptr;    ///< schema of the result, or null
};

/// From OpenAI's JSON: roles system, developer, user, assistant and tool; content as text, parts or
/// (tool) any JSON; tool_calls with arguments as an object or as JSON text; reasoning_content.
/// Errors: usage.
base::Result<Message> message_from_json(const nlohmann::json& json);
/// From OpenAI's {"type": "function", "function": {…}} or the inner object alone. Errors: usage.
base::Result<ToolDeclaration> tool_from_json(const nlohmann::json& json);

/// Where `<|channel>thought\n<channel|>`, which tells the model not to think, is written when
/// thinking is off.
enum class EmptyThought : uint8_t {
  generation_prompt,  ///< only there, as Gemma 4's template does; history differs from what was
                      ///< read
  current_turn,  ///< also at the start of the model turn after the last user message, so that a
                 ///< prompt with tool results continues the prompt before it token by token
  never,
};

struct RenderOptions {
  bool thinking = false;
  bool add_generation_prompt = true;
  bool preserve_thinking = false;  ///< keep the reasoning of all messages with calls
  EmptyThought empty_thought = EmptyThought::generation_prompt;
};

/// A piece of a rendered conversation.
struct Segment {
  enum class Kind : uint8_t { special, text, media };
  Kind kind = Kind::text;
  Special special = Special::pad;  ///< of a special token; of media its placeholder
  /// Plain text: tokenized without special tokens. Of a special token, empty or how a vocabulary
  /// that is not Gemma 4's spells it; that then says which one it is, and `special` nothing.
  std::string text = {};
  bool from_model = false;  ///< the model wrote it, stop tokens included: what training learns
};

using Rendered = std::vector<Segment>;

/// Whether a rendered prompt ends in an open thought, in which the reply then begins.
bool ends_in_thought(const Rendered& rendered);

/// Writes a conversation in Gemma 4's format. Whatever messages and declarations hold stays plain
/// text; only the structure becomes special tokens.
/// Source: Gemma 4 chat template, revision of July 2026. It differs from it where that one would
/// lose something: the text of a message with calls stands before the calls, keys that would not
/// read back are quoted, and `parameters` without a type are an OBJECT.
Rendered render(std::span<const Message> messages, std::span<const ToolDeclaration> tools,
                const RenderOptions& options);

/// Place of an image, clip or recording among the tokens; there stands its placeholder's id.
struct MediaSlot {
  MediaKind kind;
  size_t position;
};

struct ChatTokens {
  std::vector<TokenId> ids;
  std::vector<uint8_t> from_model;  ///< as long as `ids`, 0 or 1
  std::vector<MediaSlot> media;
};

/// Tokenizes a rendered conversation; special tokens that the vocabulary lacks are left out.
ChatTokens tokens(const Rendered& rendered, const Tokenizer& tokenizer);

/// The conversation as one text with special tokens spelled out, for people and tests.
std::string text(const Rendered& rendered);

/// What a model said before, without what it thought: no <|channel>…<channel|>.
std::string without_thinking(std::string_view text);

}  // namespace model
