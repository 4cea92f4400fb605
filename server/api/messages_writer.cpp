// What /v1/messages answers: a message of content blocks. While it arrives one block is open at a
// time; another kind of event closes it and opens the next:
//
//   message_start
//   content_block_start, content_block_delta…, content_block_stop      for each block
//   message_delta    why it ended, and usage
//   message_stop
#include <utility>

#include "base/json.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

class MessagesWriter final : public ReplyWriter {
 public:
  MessagesWriter(const Request& request, ReplyHead head)
      : request_(for_reply(request)), head_(std::move(head)) {}

  std::string begin() override {
    // How much of the prompt is found in a cache isn't known yet: message_delta says it.
    json message = head();
    message["content"] = json::array();
    message["stop_reason"] = nullptr;
    message["stop_sequence"] = nullptr;
    message["usage"] = {{"input_tokens", head_.prompt_tokens},
                        {"output_tokens", 0},
                        {"cache_read_input_tokens", 0},
                        {"cache_creation_input_tokens", 0}};
    return event("message_start", {{"message", std::move(message)}});
  }

  std::string on_event(int choice, const model::ReplyEvent& heard) override {
    if (choice != 0) return {};
    tell(heard, *this);
    return take();
  }

  std::string on_done(int choice, const model::Generated&) override {
    if (choice == 0) close();
    return take();
  }

  std::string end(const std::vector<model::Generated>& all) override {
    return event("message_delta", {{"delta", why(all)}, {"usage", usage(all)}}) +
           event("message_stop", json::object());
  }

  std::string failed(const ApiError& error) override {
    return "event: error\ndata: " + error_json(error, Protocol::messages) + "\n\n";
  }

  std::string whole(const std::vector<model::Generated>& all) override {
    json message = head();
    json content = json::array();
    if (!all.empty()) {
      const model::Generated& out = all[0];
      if (request_.include_reasoning && !out.message.reasoning.empty())
        content.push_back(
            {{"type", "thinking"}, {"thinking", out.message.reasoning}, {"signature", ""}});
      const std::string answer = answer_text(out);
      if (!answer.empty()) content.push_back({{"type", "text"}, {"text", answer}});
      for (const model::FunctionCall& call : out.message.calls) {
        ++n_calls_;
        content.push_back({{"type", "tool_use"},
                           {"id", call_id()},
                           {"name", call.name},
                           {"input", call.arguments}});
      }
    }
    message["content"] = std::move(content);
    message.update(why(all));
    message["usage"] = usage(all);
    return dumped(message);
  }

  // For tell().
  void text(const std::string& more) {
    if (more.empty()) return;
    if (open_ != Block::text) open(Block::text, {{"type", "text"}, {"text", ""}});
    delta({{"type", "text_delta"}, {"text", more}});
  }
  void reasoning(const std::string& more) {
    if (more.empty() || !request_.include_reasoning) return;
    if (open_ != Block::thinking)
      open(Block::thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
    delta({{"type", "thinking_delta"}, {"thinking", more}});
  }
  void begin_call(const std::string& name) {
    ++n_calls_;
    open(Block::call,
         {{"type", "tool_use"}, {"id", call_id()}, {"name", name}, {"input", json::object()}});
  }
  void arguments(const std::string& more) {
    if (open_ != Block::call || more.empty()) return;
    delta({{"type", "input_json_delta"}, {"partial_json", more}});
  }
  bool in_call() const { return open_ == Block::call; }
  void end_call(bool) { close(); }

 private:
  enum class Block : uint8_t { none, thinking, text, call };

  static std::string event(const char* type, json value) {
    value["type"] = type;
    return event_bytes(value, type);
  }
  // What the functions below append to out_, in the order of their calls.
  std::string take() { return std::exchange(out_, {}); }

  json head() const {
    return {{"id", "msg_" + head_.id},
            {"type", "message"},
            {"role", "assistant"},
            {"model", head_.model}};
  }

  // Of the newest call; unique in the whole conversation: the reply's id is in it.
  std::string call_id() const { return "toolu_" + head_.id + "_" + std::to_string(n_calls_); }

  void open(Block kind, json block) {
    close();
    open_ = kind;
    out_ += event("content_block_start", {{"index", index_}, {"content_block", std::move(block)}});
  }
  void delta(json value) {
    out_ += event("content_block_delta", {{"index", index_}, {"delta", std::move(value)}});
  }
  void close() {
    const Block was = std::exchange(open_, Block::none);
    if (was == Block::none) return;
    if (was == Block::thinking) delta({{"type", "signature_delta"}, {"signature", ""}});
    out_ += event("content_block_stop", {{"index", index_}});
    ++index_;
  }

  static json why(const std::vector<model::Generated>& all) {
    json delta = {{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}};
    if (all.empty()) return delta;
    const model::Generated& out = all[0];
    switch (out.finish) {
      case model::Finish::stop:
        break;
      case model::Finish::tool_calls:
        delta["stop_reason"] = "tool_use";
        break;
      case model::Finish::length:
      case model::Finish::cancelled:
        delta["stop_reason"] = "max_tokens";
        break;
    }
    if (!out.stopped_by.empty() && out.finish == model::Finish::stop)
      delta = {{"stop_reason", "stop_sequence"}, {"stop_sequence", out.stopped_by}};
    return delta;
  }

  // Here what was found in the cache does not count as input.
  static json usage(const std::vector<model::Generated>& all) {
    const Usage usage = usage_of(all);
    return {{"input_tokens", usage.prompt - usage.cached},
            {"output_tokens", usage.completion},
            {"cache_read_input_tokens", usage.cached},
            {"cache_creation_input_tokens", 0}};
  }

  Request request_;
  ReplyHead head_;
  std::string out_;
  Block open_ = Block::none;
  int index_ = 0;
  int n_calls_ = 0;
};

}  // namespace

std::unique_ptr<ReplyWriter> make_messages_writer(const Request& request, ReplyHead head,
                                                  TokenText) {
  return std::make_unique<MessagesWriter>(request, std::move(head));
}

}  // namespace server
