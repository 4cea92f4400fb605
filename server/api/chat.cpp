// /v1/chat/completions: OpenAI's Chat Completions, as OpenCode, qwen-code and the openai clients
// speak it.
#include <utility>

#include "base/json.h"
#include "server/api/generation.h"
#include "server/api/history.h"
#include "server/api/reply.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

// What is left over in a message or a part of one, such as what a client noted for itself, changes
// nothing: only what is read here is part of a conversation.
constexpr size_t kMaxParts = 10'000;

void read_part(const json& value, const std::string& path, bool takes_media,
               model::Message& message, History& history, Problem& problem) {
  Fields part(value, path, problem);
  part.require("type");
  const std::string type = part.text("type").value_or("");
  if (type == "text" || type == "refusal") {
    part.require(type);
    History::add_text(message, part.text(type).value_or(""));
    return;
  }
  if (type != "image_url" && type != "input_audio") {
    part.wrong("type", "is " + in_quotes(type) + ", expected text, image_url or input_audio");
    return;
  }
  if (!takes_media) {
    part.wrong("type", "is " + in_quotes(type) + ", which only a user or a tool can send");
    return;
  }
  part.require(type);
  const json* inner = part.object(type);
  if (inner == nullptr) return;
  Fields fields(*inner, part.path(type), problem);
  if (type == "image_url") {
    fields.require("url");
    history.detail(fields);
    if (const auto url = fields.text("url"))
      history.add_image_url(message, *url, fields.path("url"));
  } else {
    fields.require("data");
    fields.require("format");
    (void)fields.choice("format", {"wav", "mp3"});
    if (const auto data = fields.text("data"))
      history.add_audio(message, *data, fields.path("data"));
  }
}

void read_content(Fields& fields, bool takes_media, model::Message& message, History& history) {
  const json* content = fields.any("content");
  if (content == nullptr) return;
  if (content->is_string()) {
    message.text = content->get<std::string>();
    return;
  }
  const json* parts = fields.list("content", kMaxParts);
  for (size_t i = 0; parts != nullptr && i < parts->size(); ++i)
    read_part((*parts)[i], at_index(fields.path("content"), i), takes_media, message, history,
              fields.problem());
}

void read_calls(Fields& fields, model::Message& message, History& history) {
  fields.refuse({"function_call"}, "is not supported: use tool_calls");
  const json* calls = fields.list("tool_calls", kMaxCallsOfMessage);
  for (size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
    Fields call((*calls)[i], at_index(fields.path("tool_calls"), i), fields.problem());
    call.require("id");
    call.require("function");
    if (const auto type = call.text("type"); type && *type != "function")
      call.wrong("type", "is " + in_quotes(*type) + ", expected function");
    const json* inner = call.object("function");
    if (inner == nullptr) return;
    Fields function(*inner, call.path("function"), fields.problem());
    function.require("name");
    const json* arguments = function.any("arguments");
    const std::string text = arguments == nullptr     ? std::string()
                             : arguments->is_string() ? arguments->get<std::string>()
                                                      : dumped(*arguments);
    history.add_call(message, call.text("id").value_or(""), function.text("name").value_or(""),
                     text, function.path("arguments"));
  }
}

void read_message(const json& value, const std::string& path, History& history, Problem& problem) {
  Fields fields(value, path, problem);
  fields.require("role");
  const auto role = fields.choice("role", {"system", "developer", "user", "assistant", "tool"});
  if (!role) return;
  model::Message message;
  if (*role == "assistant") {
    message.role = model::Role::model;
    read_content(fields, false, message, history);
    if (message.text.empty()) message.text = fields.text("refusal").value_or("");
    message.reasoning = fields.text("reasoning_content").value_or("");
    if (message.reasoning.empty()) message.reasoning = fields.text("reasoning").value_or("");
    read_calls(fields, message, history);
  } else if (*role == "tool") {
    message.role = model::Role::tool;
    fields.require("tool_call_id");
    fields.require("content");
    message.call_id = fields.text("tool_call_id").value_or("");
    read_content(fields, true, message, history);
  } else {
    message.role = *role == "user" ? model::Role::user : model::Role::system;
    fields.require("content");
    read_content(fields, *role == "user", message, history);
  }
  if (!problem) history.add(std::move(message), path);
}

void read_chat_tools(Fields& fields, Request& request) {
  const json* tools = fields.list("tools", kMaxTools);
  for (size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    Fields tool((*tools)[i], at_index("tools", i), fields.problem());
    tool.require("type");
    (void)tool.choice("type", {"function"});
    tool.require("function");
    if (const json* inner = tool.object("function")) {
      Fields function(*inner, tool.path("function"), fields.problem());
      add_tool(function, "parameters", request);
    }
  }
}

// {type: "function", function: {name}}: the name.
std::string name_in_choice(const json& value, const std::string& path, Problem& problem) {
  Fields fields(value, path, problem);
  (void)fields.choice("type", {"function"});
  fields.require("function");
  const json* inner = fields.object("function");
  if (inner == nullptr) return {};
  Fields function(*inner, fields.path("function"), problem);
  function.require("name");
  return function.text("name").value_or("");
}

void read_chat_tool_choice(Fields& fields, Request& request) {
  const json* value = fields.any("tool_choice");
  if (value == nullptr) return;
  if (value->is_string()) {
    set_tool_choice(fields.choice("tool_choice", {"auto", "none", "required"}), request);
    return;
  }
  Fields choice(*value, "tool_choice", fields.problem());
  const auto type = choice.choice("type", {"function", "allowed_tools"});
  if (type == "function") {
    const std::string name = name_in_choice(*value, "tool_choice", fields.problem());
    if (!fields.problem()) name_tool(choice, "function.name", name, request);
    return;
  }
  choice.require("allowed_tools");
  const json* inner = choice.object("allowed_tools");
  if (inner == nullptr) return;
  Fields allowed(*inner, choice.path("allowed_tools"), fields.problem());
  allowed.require("mode");
  allowed.require("tools");
  std::vector<std::string> names;
  const json* list = allowed.list("tools", kMaxTools);
  for (size_t i = 0; list != nullptr && i < list->size(); ++i)
    names.push_back(
        name_in_choice((*list)[i], at_index(allowed.path("tools"), i), fields.problem()));
  if (fields.problem()) return;
  allow_tools(allowed, "tools", names, request);
  set_tool_choice(allowed.choice("mode", {"auto", "required"}), request);
}

void read_format(Fields& fields, std::string_view body, Request& request) {
  const json* value = fields.object("response_format");
  if (value == nullptr) return;
  Fields format(*value, "response_format", fields.problem());
  format.require("type");
  const std::string type =
      format.choice("type", {"text", "json_object", "json_schema"}).value_or("text");
  if (type == "json_schema") {
    format.require("json_schema");
    if (const json* inner = format.object("json_schema")) {
      Fields schema(*inner, format.path("json_schema"), fields.problem());
      schema.require("schema");
      (void)schema.text("name");
      (void)schema.text("description");
      (void)schema.flag("strict");
      (void)schema.object("schema");
      schema.finish();
      set_format(schema, "schema", type,
                 text_at(body, {"response_format", "json_schema", "schema"}), request);
    }
  } else {
    set_format(format, "type", type, {}, request);
  }
  format.finish();
}

void read_options(Fields& fields, std::string_view body, Request& request) {
  read_stream_options(fields, request);
  read_stop(fields, "stop", request);
  read_max_tokens(fields, "max_tokens", request);
  read_max_tokens(fields, "max_completion_tokens", request);
  request.n = static_cast<int>(fields.integer("n", 1, 8).value_or(1));
  const bool logprobs = fields.flag("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, 20);
  if (top && *top > 0 && !logprobs)
    fields.wrong("top_logprobs", "is given, but not logprobs: true");
  if (logprobs) request.generate.logprobs = static_cast<int>(top.value_or(0));

  Thinking thinking(request);
  thinking.effort(fields, "reasoning_effort");
  thinking.config(fields, "thinking");
  thinking.switches(fields);

  read_chat_tools(fields, request);
  read_chat_tool_choice(fields, request);
  check_tools(fields, request);
  request.parallel_tool_calls = fields.flag("parallel_tool_calls").value_or(true);
  read_format(fields, body, request);
  read_identity(fields, request);

  if (const json* modalities = fields.list("modalities", 8);
      modalities != nullptr && *modalities != json::array({"text"}))
    fields.wrong("modalities", "can only be [\"text\"]");
  if (const auto verbosity = fields.choice("verbosity", {"low", "medium", "high"});
      verbosity && *verbosity != "medium")
    fields.wrong("verbosity", "can only be medium: ask for short or long answers in the messages");
  if (const json* prediction = fields.object("prediction")) {
    // What the client expects the answer to be could only make it faster.
    Fields inner(*prediction, "prediction", fields.problem());
    (void)inner.choice("type", {"content"});
  }
  fields.refuse({"audio"}, "is not supported: answers are text");
  fields.refuse({"functions"}, "is not supported: use tools");
  fields.refuse({"function_call"}, "is not supported: use tool_choice");
  fields.refuse({"web_search_options", "moderation"}, "is not supported");
}

// --- replies

class ChatWriter final : public ReplyWriter {
 public:
  ChatWriter(const Request& request, ReplyHead head, TokenText text)
      : request_(for_reply(request)), head_(std::move(head)), text_(std::move(text)) {
    states_.resize(static_cast<size_t>(request_.n), State{.answer = AnswerTokens(text_)});
  }

  std::string begin() override {
    std::string out;
    for (int i = 0; i < request_.n; ++i) out += chunk(i, {{"role", "assistant"}, {"content", ""}});
    return out;
  }

  std::string on_event(int choice, const model::ReplyEvent& event) override {
    using Kind = model::ReplyEvent::Kind;
    if (choice < 0 || choice >= request_.n) return {};
    State& state = states_[static_cast<size_t>(choice)];
    json logprobs = nullptr;
    if (request_.generate.logprobs >= 0) {
      const std::vector<model::Logprobs> tokens = state.answer.with(event);
      if (event.kind == Kind::text) logprobs = logprobs_json(tokens, text_);
    }
    switch (event.kind) {
      case Kind::text:
        state.tells_logprobs |= !event.text.empty() && !logprobs.is_null();
        return event.text.empty()
                   ? ""
                   : chunk(choice, {{"content", event.text}}, nullptr, std::move(logprobs));
      case Kind::reasoning:
        if (!request_.include_reasoning || event.text.empty()) return {};
        return chunk(choice, {{"reasoning_content", event.text}});
      case Kind::call_begin:
        state.is_open = true;
        return begin_call(choice, event.call.name, "");
      case Kind::call_arguments:
        if (!state.is_open) return {};
        return chunk(
            choice,
            {{"tool_calls",
              {{{"index", state.n_calls - 1}, {"function", {{"arguments", event.text}}}}}}});
      case Kind::call:
        if (std::exchange(state.is_open, false)) return {};
        return begin_call(choice, event.call.name, arguments_text(event.call));
      case Kind::bad_call:
        return chunk(choice,
                     {{"content", bad_call_text(event, std::exchange(state.is_open, false))}});
      case Kind::end:
        break;
    }
    return {};
  }

  std::string on_done(int choice, const model::Generated& out) override {
    std::string bytes;
    if (request_.generate.logprobs >= 0 && choice >= 0 && choice < request_.n) {
      const State& state = states_[static_cast<size_t>(choice)];
      const std::vector<model::Logprobs> rest = state.answer.rest(out);
      // A list that was asked for is there, even where the answer has no tokens.
      if (!rest.empty() || !state.tells_logprobs)
        bytes += chunk(choice, json::object(), nullptr, logprobs_json(rest, text_));
    }
    return bytes + chunk(choice, json::object(), openai_finish(out.finish));
  }

  std::string end(const std::vector<model::Generated>& all) override {
    std::string out;
    if (request_.include_usage) {
      json value = head("chat.completion.chunk");
      value["choices"] = json::array();
      value["usage"] = chat_usage(all);
      out = event_bytes(value);
    }
    return out + "data: [DONE]\n\n";
  }

  std::string failed(const ApiError& error) override {
    return "data: " + error_json(error, Protocol::chat) + "\n\n";
  }

  std::string whole(const std::vector<model::Generated>& all) override {
    json choices = json::array();
    for (size_t i = 0; i < all.size(); ++i) {
      const model::Generated& out = all[i];
      const std::string text = answer_text(out);
      json message = {{"role", "assistant"}, {"refusal", nullptr}};
      message["content"] = text.empty() && !out.message.calls.empty() ? json(nullptr) : json(text);
      if (request_.include_reasoning && !out.message.reasoning.empty())
        message["reasoning_content"] = out.message.reasoning;
      for (size_t k = 0; k < out.message.calls.size(); ++k) {
        const model::FunctionCall& call = out.message.calls[k];
        message["tool_calls"].push_back(
            {{"id", id_of_call(static_cast<int>(i), k + 1)},
             {"type", "function"},
             {"function", {{"name", call.name}, {"arguments", arguments_text(call)}}}});
      }
      json choice = {{"index", i},
                     {"message", std::move(message)},
                     {"finish_reason", openai_finish(out.finish)},
                     {"logprobs", nullptr}};
      if (request_.generate.logprobs >= 0)
        choice["logprobs"] = logprobs_json(AnswerTokens::of(out, text_), text_);
      choices.push_back(std::move(choice));
    }
    json value = head("chat.completion");
    value["choices"] = std::move(choices);
    value["usage"] = chat_usage(all);
    return dumped(value);
  }

 private:
  struct State {
    int n_calls = 0;
    bool is_open = false;  // a call was begun and is not whole
    bool tells_logprobs = false;
    AnswerTokens answer;
  };

  json head(const char* object) const {
    return {{"id", "chatcmpl-" + head_.id},
            {"object", object},
            {"created", head_.created},
            {"model", head_.model}};
  }

  std::string chunk(int choice, json delta, json finish = nullptr, json logprobs = nullptr) const {
    json value = head("chat.completion.chunk");
    value["choices"] = {{{"index", choice},
                         {"delta", std::move(delta)},
                         {"logprobs", std::move(logprobs)},
                         {"finish_reason", std::move(finish)}}};
    if (request_.include_usage) value["usage"] = nullptr;
    return event_bytes(value);
  }

  // Unique in the whole conversation: the reply's id is in it.
  std::string id_of_call(int choice, size_t number) const {
    std::string id = "call_" + head_.id + "_";
    if (request_.n > 1) id += std::to_string(choice) + "_";
    return id + std::to_string(number);
  }

  std::string begin_call(int choice, const std::string& name, const std::string& arguments) {
    const int index = states_[static_cast<size_t>(choice)].n_calls++;
    return chunk(choice, {{"tool_calls",
                           {{{"index", index},
                             {"id", id_of_call(choice, static_cast<size_t>(index) + 1)},
                             {"type", "function"},
                             {"function", {{"name", name}, {"arguments", arguments}}}}}}});
  }

  Request request_;
  ReplyHead head_;
  TokenText text_;
  std::vector<State> states_;
};

}  // namespace

void read_chat(Fields& fields, std::string_view body, Request& request) {
  read_common(fields, request);
  History history(fields.problem());
  fields.require("messages");
  const json* messages = fields.list("messages", kMaxMessages);
  for (size_t i = 0; messages != nullptr && i < messages->size() && !fields.problem(); ++i)
    read_message((*messages)[i], at_index("messages", i), history, fields.problem());
  if (messages != nullptr && messages->empty()) fields.wrong("messages", "is empty");
  history.finish(request);
  read_options(fields, body, request);
}

std::unique_ptr<ReplyWriter> make_chat_writer(const Request& request, ReplyHead head,
                                              TokenText text) {
  return std::make_unique<ChatWriter>(request, std::move(head), std::move(text));
}

}  // namespace server
