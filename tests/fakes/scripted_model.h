#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/chat_model.h"

/// Answers from a list and keeps what it was asked; for tests of the agent's loop.
class ScriptedModel final : public agent::ChatModel {
 public:
  struct Asked {
    std::vector<model::Message> conversation;
    std::string grammar;
  };

  explicit ScriptedModel(std::vector<agent::ModelReply> replies)
      : replies_(replies.begin(), replies.end()) {}

  base::Result<agent::ModelReply> reply(std::span<const model::Message> conversation,
                                        std::span<const model::ToolDeclaration>,
                                        const agent::ReplyRequest& request,
                                        const std::function<void(std::string_view)>& on_text,
                                        std::stop_token) override {
    asked.push_back({{conversation.begin(), conversation.end()}, request.grammar});
    if (too_long_above > 0) {
      size_t bytes = 0;
      for (const model::Message& m : conversation) bytes += m.text.size();
      if (bytes > too_long_above)
        return base::Error{base::Errc::limit, "the conversation is too long"};
    }
    if (replies_.empty())
      return base::Error{base::Errc::internal, "the script of the test has no more replies"};
    agent::ModelReply next = std::move(replies_.front());
    replies_.pop_front();
    if (on_text) on_text(next.message.text);
    return next;
  }

  bool sees() const override { return looks; }
  bool constrained() const override { return !free; }
  bool hears() const override { return !heard.empty(); }
  base::Result<std::string> transcript(std::string_view recording,
                                       std::chrono::steady_clock::time_point,
                                       std::stop_token) override {
    n_recording_bytes = recording.size();
    return heard;
  }
  bool reads_charts() const override { return !read.empty(); }
  base::Result<std::string> read_chart(std::string_view picture, std::stop_token) override {
    pictures.emplace_back(picture);
    return read;
  }

  std::vector<Asked> asked;
  bool looks = false;  ///< asks for pictures too
  bool free = false;   ///< as if no grammar held its replies
  std::string heard;   ///< of any recording; "": it does not hear
  size_t n_recording_bytes = 0;
  std::string read;                   ///< in any chart; "": it does not look
  std::vector<std::string> pictures;  ///< that it was shown
  size_t too_long_above = 0;          ///< bytes that do not fit; 0: all fit

 private:
  std::deque<agent::ModelReply> replies_;
};

inline agent::ModelReply says(std::string text) {
  agent::ModelReply reply;
  reply.message.role = model::Role::model;
  reply.message.text = std::move(text);
  return reply;
}

inline agent::ModelReply calls(std::string plan, std::string tool, nlohmann::json arguments) {
  agent::ModelReply reply = says(std::move(plan));
  reply.message.calls.push_back({.name = std::move(tool), .arguments = std::move(arguments)});
  return reply;
}
