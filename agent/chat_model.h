#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/chat.h"
#include "model/reply_watch.h"

namespace agent {

struct ReplyRequest {
  std::string grammar = {};  ///< what the reply may spell (script_grammar.h)
  /// What the grammar cannot say (model/reply_watch.h); outlives the call. A model that cannot be
  /// held to it replies without: what it forbids ends in an error of the script.
  const model::ReplyWatch* watch = nullptr;
  /// JSON Schema as text that the reply has to fit, where a grammar does not say so already. A
  /// model that cannot be held to it replies without; the run checks.
  std::string schema = {};
  float temperature = 0;  ///< 0: the likeliest reply; a repeated attempt asks for another one
  uint64_t seed = 1;
  bool is_draft = false;  ///< one of several: nobody is told its text as it comes
  /// When nobody waits for the reply any more.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  /// Hears how many tokens of the prompt are read, where the model says so.
  std::function<void(int read, int of)> on_read = {};
};

/// A call whose arguments cannot be read.
struct UnreadableCall {
  std::string id;   ///< of the call in the message; its arguments there are empty
  std::string why;  ///< one sentence
};

struct ModelReply {
  model::Message message;
  int prompt_tokens = 0;      ///< length of the prompt
  int completion_tokens = 0;  ///< of the reply
  bool cut = false;           ///< the token budget ended before the reply did
  std::vector<UnreadableCall> unreadable = {};
};

/// Whoever answers a conversation: the native engine, or in tests a list of replies.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  /// Whether pictures in the conversation are looked at.
  virtual bool sees() const { return false; }
  /// Whether transcript() can be asked for.
  virtual bool hears() const { return false; }
  /// What is said in a recording (WAV, FLAC, MP3 or Ogg), as far as it was read by `deadline`.
  /// Errors: unsupported (the model does not hear), cancelled, those of reading the recording.
  virtual base::Result<std::string> transcript(std::string_view recording,
                                               std::chrono::steady_clock::time_point deadline,
                                               std::stop_token stop) {
    (void)recording, (void)deadline, (void)stop;
    return base::Error{base::Errc::unsupported, "this model does not hear"};
  }
  /// Whether read_chart() can be asked for.
  virtual bool reads_charts() const { return false; }
  /// What is to be seen in the picture of a chart, as chart_look.h reads it. Errors: unsupported
  /// (nobody looks), cancelled, those of reading the picture.
  virtual base::Result<std::string> read_chart(std::string_view picture, std::stop_token stop) {
    (void)picture, (void)stop;
    return base::Error{base::Errc::unsupported, "this model does not look at charts"};
  }
  /// Whether a reply holds to its grammar, so that a call is well-formed and an answer's numbers
  /// are observed ones. Else the run checks both (agent/free_loop.h).
  virtual bool constrained() const { return true; }
  /// Tokens that prompt and reply may have together; 0: not known. It may be learned on the way.
  virtual int context() const { return 0; }
  /// Tokens of a prompt, where that can be told without asking for a reply; 0: it cannot.
  virtual int prompt_tokens(std::span<const model::Message> conversation,
                            std::span<const model::ToolDeclaration> tools) {
    (void)conversation, (void)tools;
    return 0;
  }
  /// The next message of the model, spelled as its grammar allows. `on_text` hears its plain text
  /// as it comes. Errors: limit (the conversation does not fit the context), cancelled, internal.
  virtual base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                         std::span<const model::ToolDeclaration> tools,
                                         const ReplyRequest& request,
                                         const std::function<void(std::string_view)>& on_text,
                                         std::stop_token stop) = 0;
};

}  // namespace agent
