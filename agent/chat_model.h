#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/chat.h"

namespace agent {

struct ModelReply {
  model::Message message;
  int prompt_tokens = 0;      ///< length of the prompt
  int completion_tokens = 0;  ///< of the reply
  bool cut = false;           ///< the token budget ended before the reply did
};

/// Whoever answers a conversation: the native engine, or in tests a list of replies.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  /// The next message of the model, spelled as `grammar` allows (see script_grammar.h). `on_text` hears its plain text
  /// as it comes. Errors: limit (the conversation does not fit the context), cancelled, internal.
  virtual base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                         std::span<const model::ToolDeclaration> tools, const std::string& grammar,
                                         const std::function<void(std::string_view)>& on_text, std::stop_token stop) = 0;
};

}  // namespace agent
