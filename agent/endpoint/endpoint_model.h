#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/chat_model.h"
#include "agent/endpoint/http_client.h"
#include "agent/endpoint/wire.h"

namespace agent {

struct EndpointOptions {
  std::string url;      ///< as parse_endpoint()
  std::string id = {};  ///< of the model; empty: the one that the server lists first
  HttpClientOptions http = {};
  int max_reply_tokens = 4096;
  int context = 0;  ///< tokens of prompt and reply; 0: what the server says, if it does
  std::chrono::milliseconds longest_wait{60'000};  ///< before a server that is full is asked again
  int max_waits = 4;                               ///< in a row
  /// Hears what a person should know: where the conversation goes, what the server does not take,
  /// that it is waited for. One sentence each.
  std::function<void(const std::string&)> notice = {};
};

/// A model behind an OpenAI-compatible server. What the server refuses by name (tools, streaming,
/// pictures, a field) is left away for the rest of the run.
class EndpointModel final : public ChatModel {
 public:
  /// Asks the server which models it has, and what it says of itself where it does.
  /// Errors: usage (URL, unknown ID: lists what is there), those of HttpClient::ask(), refused (the
  /// key), corrupt (not such a server).
  static base::Result<std::unique_ptr<EndpointModel>> connect(EndpointOptions options,
                                                              std::stop_token stop);

  bool sees() const override { return wire_.images; }
  bool constrained() const override { return false; }
  const std::string& id() const { return wire_.model; }
  /// As EndpointOptions::context, as the server says, or as it said when it was full.
  int context() const override { return context_; }
  const WireOptions& takes() const { return wire_; }

  /// Errors: limit (the conversation does not fit; too long; no time), cancelled, refused (the
  /// key), and others of HttpClient::ask() and ReplyReader::finish().
  base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration> tools,
                                 const ReplyRequest& request,
                                 const std::function<void(std::string_view)>& on_text,
                                 std::stop_token stop) override;

 private:
  EndpointModel(EndpointUrl url, EndpointOptions options);
  base::Status find_model(std::stop_token stop);
  void read_props(std::stop_token stop);
  void notice(const std::string& sentence) const {
    if (options_.notice) options_.notice(sentence);
  }
  struct Answer {
    HttpReplyHead head;
    std::string body;  ///< of an error
  };
  /// A small request whose whole body is wanted.
  base::Result<Answer> get(const std::string& path, std::stop_token stop) const;
  base::Error error_of(const Answer& answer) const;
  /// Leaves away what an error names. False: it names nothing that can be left away.
  bool do_without(const Answer& answer, bool has_tools);

  EndpointOptions options_;
  HttpClient client_;
  WireOptions wire_;
  int context_ = 0;
};

}  // namespace agent
