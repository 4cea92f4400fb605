// What /v1/responses answers. A reply is a list of output items: what was thought, what was said,
// each call. While it arrives one item is open at a time; another kind of event closes it and opens
// the next:
//
//   response.created, response.in_progress
//   response.output_item.added
//     reasoning: reasoning_summary_part.added, reasoning_summary_text.delta…, .done, …part.done
//     message:   content_part.added, output_text.delta…, output_text.done, content_part.done
//     call:      function_call_arguments.delta…, function_call_arguments.done
//   response.output_item.done
//   response.completed, or response.incomplete where it was cut off, or response.failed
#include <utility>

#include "base/json.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

class ResponsesWriter final : public ReplyWriter {
 public:
  ResponsesWriter(const Request& request, ReplyHead head, TokenText text)
      : request_(for_reply(request)),
        head_(std::move(head)),
        text_(std::move(text)),
        answer_(text_) {}

  std::string begin() override {
    const json response = response_json("in_progress");
    event("response.created", {{"response", response}});
    event("response.in_progress", {{"response", response}});
    return take();
  }

  std::string on_event(int choice, const model::ReplyEvent& heard) override {
    if (choice != 0) return {};
    told_ = json::array();
    if (request_.generate.logprobs >= 0) told_ = logprobs_list(answer_.with(heard), text_);
    tell(heard, *this);
    return take();
  }

  std::string on_done(int choice, const model::Generated& out) override {
    if (choice != 0) return {};
    if (output_.empty() && open_ == Item::none) open_message();
    if (open_ == Item::message && request_.generate.logprobs >= 0)
      for (json& token : logprobs_list(answer_.rest(out), text_))
        logprobs_.push_back(std::move(token));
    close(is_cut(out) ? "incomplete" : "completed");
    return take();
  }

  std::string end(const std::vector<model::Generated>& all) override {
    const bool cut = !all.empty() && is_cut(all[0]);
    json response = response_json(cut ? "incomplete" : "completed");
    finish(response, all);
    event(cut ? "response.incomplete" : "response.completed", {{"response", std::move(response)}});
    return take();
  }

  std::string failed(const ApiError& error) override {
    json response = response_json("failed");
    response["error"] = {{"code", error.status == 429   ? "rate_limit_exceeded"
                                  : error.status >= 500 ? "server_error"
                                                        : "invalid_prompt"},
                         {"message", error.message}};
    event("response.failed", {{"response", std::move(response)}});
    return take();
  }

  std::string whole(const std::vector<model::Generated>& all) override {
    if (all.empty()) return dumped(response_json("completed"));
    const model::Generated& out = all[0];
    const char* status = is_cut(out) ? "incomplete" : "completed";
    if (request_.include_reasoning && !out.message.reasoning.empty())
      output_.push_back(
          {{"type", "reasoning"},
           {"id", item_id("rs")},
           {"summary", {{{"type", "summary_text"}, {"text", out.message.reasoning}}}}});
    const std::string answer = answer_text(out);
    if (!answer.empty() || out.message.calls.empty()) {
      const json logprobs = request_.generate.logprobs >= 0
                                ? logprobs_list(AnswerTokens::of(out, text_), text_)
                                : json::array();
      output_.push_back(message_json(item_id("msg"), status, answer, logprobs));
    }
    for (const model::FunctionCall& call : out.message.calls) {
      const std::string id = item_id("fc");
      ++n_calls_;
      output_.push_back(call_json(id, call.name, arguments_text(call), "completed"));
    }
    json response = response_json(status);
    finish(response, all);
    return dumped(response);
  }

  // For tell().

  void text(const std::string& more) {
    if (more.empty()) return;
    if (open_ != Item::message) open_message();
    content_ += more;
    logprobs_.insert(logprobs_.end(), told_.begin(), told_.end());
    item_event(
        "response.output_text.delta",
        {{"content_index", 0}, {"delta", more}, {"logprobs", std::exchange(told_, json::array())}});
  }

  void reasoning(const std::string& more) {
    if (more.empty() || !request_.include_reasoning) return;
    if (open_ != Item::reasoning) {
      close("completed");
      open(Item::reasoning, "rs", {{"type", "reasoning"}, {"summary", json::array()}});
      item_event("response.reasoning_summary_part.added",
                 {{"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", ""}}}});
    }
    content_ += more;
    item_event("response.reasoning_summary_text.delta", {{"summary_index", 0}, {"delta", more}});
  }

  void begin_call(const std::string& name) {
    close("completed");
    ++n_calls_;
    name_ = name;
    open(Item::call, "fc", call_json("", name, "", "in_progress"));
  }

  void arguments(const std::string& more) {
    if (open_ != Item::call || more.empty()) return;
    content_ += more;
    item_event("response.function_call_arguments.delta", {{"delta", more}});
  }

  bool in_call() const { return open_ == Item::call; }
  void end_call(bool is_whole) { close(is_whole ? "completed" : "incomplete"); }

 private:
  enum class Item : uint8_t { none, reasoning, message, call };

  static bool is_cut(const model::Generated& out) {
    return out.finish == model::Finish::length || out.finish == model::Finish::cancelled;
  }

  // Events are appended to out_, so that they are numbered in the order in which they stand there.
  std::string take() { return std::exchange(out_, {}); }

  void event(const char* type, json value) {
    value["type"] = type;
    value["sequence_number"] = sequence_++;
    out_ += event_bytes(value, type);
  }

  // An event about the open item.
  void item_event(const char* type, json value) {
    value["item_id"] = id_;
    value["output_index"] = output_.size();
    event(type, std::move(value));
  }

  std::string item_id(const char* kind) const {
    return std::string(kind) + "_" + head_.id + "_" + std::to_string(output_.size());
  }
  // Of the newest call; unique in the whole conversation: the reply's id is in it.
  std::string call_id() const { return "call_" + head_.id + "_" + std::to_string(n_calls_); }

  static json part_json(const std::string& text, const json& logprobs) {
    return {{"type", "output_text"},
            {"text", text},
            {"annotations", json::array()},
            {"logprobs", logprobs}};
  }
  static json message_json(const std::string& id, const char* status, const std::string& text,
                           const json& logprobs) {
    return {{"type", "message"},
            {"id", id},
            {"role", "assistant"},
            {"status", status},
            {"content", {part_json(text, logprobs)}}};
  }
  json call_json(const std::string& id, const std::string& name, const std::string& arguments,
                 const char* status) const {
    json call = {{"type", "function_call"}, {"id", id},
                 {"call_id", call_id()},    {"name", name},
                 {"arguments", arguments},  {"status", status}};
    if (const auto at = request_.grouped_tools.find(name); at != request_.grouped_tools.end()) {
      call["name"] = at->second.name;
      call["namespace"] = at->second.group;
    }
    return call;
  }

  void open(Item kind, const char* prefix, json item) {
    open_ = kind;
    id_ = item_id(prefix);
    content_.clear();
    logprobs_ = json::array();
    item["id"] = id_;
    event("response.output_item.added",
          {{"output_index", output_.size()}, {"item", std::move(item)}});
  }

  void open_message() {
    close("completed");
    open(Item::message, "msg",
         {{"type", "message"},
          {"role", "assistant"},
          {"status", "in_progress"},
          {"content", json::array()}});
    item_event("response.content_part.added",
               {{"content_index", 0}, {"part", part_json("", json::array())}});
  }

  // Ends the open item, if there is one.
  void close(const char* status) {
    json item;
    switch (std::exchange(open_, Item::none)) {
      case Item::none:
        return;
      case Item::reasoning: {
        const json part = {{"type", "summary_text"}, {"text", content_}};
        item_event("response.reasoning_summary_text.done",
                   {{"summary_index", 0}, {"text", content_}});
        item_event("response.reasoning_summary_part.done", {{"summary_index", 0}, {"part", part}});
        item = {{"type", "reasoning"}, {"id", id_}, {"summary", {part}}};
        break;
      }
      case Item::message:
        item_event("response.output_text.done",
                   {{"content_index", 0}, {"text", content_}, {"logprobs", logprobs_}});
        item_event("response.content_part.done",
                   {{"content_index", 0}, {"part", part_json(content_, logprobs_)}});
        item = message_json(id_, status, content_, logprobs_);
        break;
      case Item::call:
        item = call_json(id_, name_, content_, status);
        item_event("response.function_call_arguments.done",
                   {{"name", item["name"]}, {"arguments", content_}});
        break;
    }
    event("response.output_item.done", {{"output_index", output_.size()}, {"item", item}});
    output_.push_back(std::move(item));
  }

  json response_json(const char* status) const {
    json response = json::parse(request_.echo_fields, nullptr, false);
    if (!response.is_object()) response = json::object();
    const auto or_else = [&](const char* name, json value) {
      if (!response.contains(name)) response[name] = std::move(value);
    };
    or_else("instructions", nullptr);
    or_else("metadata", json::object());
    or_else("parallel_tool_calls", request_.parallel_tool_calls);
    or_else("temperature", 1.0);
    or_else("tool_choice", "auto");
    or_else("tools", json::array());
    or_else("top_p", 0.95);
    or_else("max_output_tokens", nullptr);
    or_else("reasoning", {{"effort", nullptr}, {"summary", nullptr}});
    or_else("text", {{"format", {{"type", "text"}}}});
    response["id"] = "resp_" + head_.id;
    response["object"] = "response";
    response["created_at"] = head_.created;
    response["model"] = head_.model;
    response["status"] = status;
    response["output"] = output_;
    response["error"] = nullptr;
    response["incomplete_details"] = nullptr;
    response["previous_response_id"] = nullptr;
    response["store"] = false;
    response["truncation"] = "disabled";
    response["usage"] = nullptr;
    return response;
  }

  static void finish(json& response, const std::vector<model::Generated>& all) {
    const Usage usage = usage_of(all);
    response["usage"] = {
        {"input_tokens", usage.prompt},
        {"input_tokens_details", {{"cached_tokens", usage.cached}, {"cache_write_tokens", 0}}},
        {"output_tokens", usage.completion},
        {"output_tokens_details", {{"reasoning_tokens", usage.reasoning}}},
        {"total_tokens", usage.prompt + usage.completion}};
    if (response["status"] == "incomplete")
      response["incomplete_details"] = {{"reason", "max_output_tokens"}};
  }

  Request request_;
  ReplyHead head_;
  TokenText text_;
  AnswerTokens answer_;
  std::string out_;
  int sequence_ = 0;
  json output_ = json::array();  // items that are done
  Item open_ = Item::none;
  std::string id_, name_, content_;  // of the open item
  json logprobs_ = json::array();
  json told_ = json::array();  // log-probabilities that came with the present event
  int n_calls_ = 0;
};

}  // namespace

std::unique_ptr<ReplyWriter> make_responses_writer(const Request& request, ReplyHead head,
                                                   TokenText text) {
  return std::make_unique<ResponsesWriter>(request, std::move(head), std::move(text));
}

}  // namespace server
