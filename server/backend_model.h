#pragma once

#include <string>

#include "agent/chat_model.h"
#include "server/service.h"

namespace server {

/// The server's engine as the agent's model: its replies wait in the same queue as those of
/// clients and share their states of prompts. No grammar of the agent's holds them; calls are held
/// to their schemas by the backend. Belongs to one thread at a time; the backend outlives it.
class BackendModel final : public agent::ChatModel {
 public:
  static constexpr int kReplyTokens = 4096;
  /// conversation: as Request::conversation. reply_tokens: the longest reply.
  BackendModel(Backend& backend, bool thinking, std::string conversation,
               int reply_tokens = kReplyTokens)
      : backend_(backend),
        thinking_(thinking),
        conversation_(std::move(conversation)),
        reply_tokens_(reply_tokens) {}

  bool sees() const override { return backend_.facts().sees; }
  bool hears() const override { return backend_.facts().hears; }
  base::Result<std::string> transcript(std::string_view recording,
                                       std::chrono::steady_clock::time_point deadline,
                                       std::stop_token stop) override;
  bool constrained() const override { return false; }
  int context() const override { return backend_.facts().context; }
  int prompt_tokens(std::span<const model::Message> conversation,
                    std::span<const model::ToolDeclaration> tools) override;
  base::Result<agent::ModelReply> reply(std::span<const model::Message> conversation,
                                        std::span<const model::ToolDeclaration> tools,
                                        const agent::ReplyRequest& request,
                                        const std::function<void(std::string_view)>& on_text,
                                        std::stop_token stop) override;

 private:
  Request request_of(std::span<const model::Message> conversation,
                     std::span<const model::ToolDeclaration> tools) const;
  agent::ModelReply taken(model::Generated generated);

  Backend& backend_;
  bool thinking_;
  std::string conversation_;
  int reply_tokens_;
  int n_calls_ = 0;  // so that ids do not come again
};

}  // namespace server
