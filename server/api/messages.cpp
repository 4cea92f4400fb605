// /v1/messages: reading requests of Anthropic's Messages API. A message of the user may hold
// results of calls beside text: those become messages of tools. What the reply looks like:
// messages_writer.cpp.
#include <utility>

#include "base/json.h"
#include "server/api/generation.h"
#include "server/api/history.h"
#include "server/api/reply.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

constexpr size_t kMaxBlocks = 10'000;

// {type: text}, or image where `takes_media`. Returns false for another type.
bool read_block(Fields& block, const std::string& type, bool takes_media, model::Message& message,
                History& history) {
  if (type == "text") {
    block.require("text");
    History::add_text(message, block.text("text").value_or(""));
    return true;
  }
  if (type != "image" || !takes_media) return false;
  block.require("source");
  if (const json* inner = block.object("source")) {
    Fields source(*inner, block.path("source"), block.problem());
    source.require("type");
    const std::string kind = source.text("type").value_or("");
    if (kind != "base64")
      source.wrong("type", "is " + in_quotes(kind) + ": only base64 is read, nothing is fetched");
    source.require("media_type");
    (void)source.choice("media_type", {"image/png", "image/jpeg", "image/webp", "image/gif"});
    source.require("data");
    if (const auto data = source.text("data"))
      if (!block.problem()) history.add_image(message, *data, source.path("data"));
  }
  return true;
}

// A string or a list of blocks; `of` says what stands here, for the error.
void read_text_blocks(Fields& fields, std::string_view name, bool takes_media,
                      model::Message& message, History& history) {
  const json* value = fields.any(name);
  if (value == nullptr) return;
  if (value->is_string()) {
    message.text = value->get<std::string>();
    return;
  }
  const json* blocks = fields.list(name, kMaxBlocks);
  for (size_t i = 0; blocks != nullptr && i < blocks->size(); ++i) {
    Fields block((*blocks)[i], at_index(fields.path(name), i), fields.problem());
    block.require("type");
    const std::string type = block.text("type").value_or("");
    if (!read_block(block, type, takes_media, message, history))
      block.wrong("type", "is " + in_quotes(type) + ", which cannot stand here");
  }
}

void read_result(Fields& block, const std::string& path, History& history) {
  model::Message message{.role = model::Role::tool};
  block.require("tool_use_id");
  message.call_id = block.text("tool_use_id").value_or("");
  read_text_blocks(block, "content", true, message, history);
  // A failure has to look different from a success that prints the same.
  if (block.flag("is_error").value_or(false))
    message.result = json{{"error", std::exchange(message.text, {})}};
  if (!block.problem()) history.add(std::move(message), path);
}

void read_user(Fields& fields, const std::string& path, History& history) {
  model::Message message{.role = model::Role::user};
  const json* content = fields.any("content");
  if (content != nullptr && content->is_string()) {
    message.text = content->get<std::string>();
    history.add(std::move(message), path);
    return;
  }
  const json* blocks = fields.list("content", kMaxBlocks);
  bool says_something = false;
  for (size_t i = 0; blocks != nullptr && i < blocks->size(); ++i) {
    const std::string place = at_index(fields.path("content"), i);
    Fields block((*blocks)[i], place, fields.problem());
    block.require("type");
    const std::string type = block.text("type").value_or("");
    if (type == "tool_result") {
      read_result(block, place, history);
    } else if (read_block(block, type, true, message, history)) {
      says_something = true;
    } else {
      block.wrong("type", "is " + in_quotes(type) + ", expected text, image or tool_result");
    }
    if (fields.problem()) return;
  }
  if (blocks != nullptr && blocks->empty()) fields.wrong("content", "is empty");
  if (says_something) history.add(std::move(message), path);
}

void read_assistant(Fields& fields, const std::string& path, History& history) {
  model::Message message{.role = model::Role::model};
  const json* content = fields.any("content");
  if (content != nullptr && content->is_string()) {
    message.text = content->get<std::string>();
    history.add(std::move(message), path);
    return;
  }
  const json* blocks = fields.list("content", kMaxBlocks);
  for (size_t i = 0; blocks != nullptr && i < blocks->size(); ++i) {
    Fields block((*blocks)[i], at_index(fields.path("content"), i), fields.problem());
    block.require("type");
    const std::string type = block.text("type").value_or("");
    if (type == "tool_use") {
      for (const char* name : {"id", "name"}) block.require(name);
      const json* input = block.any("input");
      if (fields.problem()) return;
      history.add_call(message, block.text("id").value_or(""), block.text("name").value_or(""),
                       input == nullptr ? "" : dumped(*input), block.path("input"));
    } else if (type == "thinking") {
      block.require("thinking");
      if (!message.reasoning.empty()) message.reasoning += '\n';
      message.reasoning += block.text("thinking").value_or("");
    } else if (type == "redacted_thinking") {
      // Encrypted by somebody else; nothing of it can be read.
    } else if (!read_block(block, type, false, message, history)) {
      block.wrong("type", "is " + in_quotes(type) + ", expected text, thinking or tool_use");
    }
  }
  if (!fields.problem()) history.add(std::move(message), path);
}

void read_conversation(Fields& fields, Request& request) {
  History history(fields.problem());
  if (fields.any("system") != nullptr) {
    model::Message system{.role = model::Role::system};
    read_text_blocks(fields, "system", false, system, history);
    history.add(std::move(system), "system");
  }
  fields.require("messages");
  const json* messages = fields.list("messages", kMaxMessages);
  if (messages != nullptr && messages->empty()) fields.wrong("messages", "is empty");
  for (size_t i = 0; messages != nullptr && i < messages->size(); ++i) {
    const std::string path = at_index("messages", i);
    Fields message((*messages)[i], path, fields.problem());
    message.require("role");
    message.require("content");
    const auto role = message.choice("role", {"user", "assistant", "system"});
    if (fields.problem()) return;
    if (*role == "user") {
      read_user(message, path, history);
    } else if (*role == "assistant") {
      read_assistant(message, path, history);
    } else {
      model::Message system{.role = model::Role::system};
      read_text_blocks(message, "content", false, system, history);
      history.add(std::move(system), path);
    }
    if (fields.problem()) return;
  }
  history.finish(request);
  if (!request.messages.empty() && request.messages.back().role == model::Role::model)
    fields.wrong("messages",
                 "ends with a message of the assistant: going on from it is not supported");
}

void read_messages_tools(Fields& fields, Request& request) {
  const json* tools = fields.list("tools", kMaxTools);
  for (size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    Fields tool((*tools)[i], at_index("tools", i), fields.problem());
    if (const auto type = tool.text("type"); type && *type != "custom")
      tool.wrong("type", "is " + in_quotes(*type) + ", which only Anthropic's own service runs");
    tool.require("input_schema");
    add_tool(tool, "input_schema", request);
  }
}

void read_messages_tool_choice(Fields& fields, Request& request) {
  const json* value = fields.object("tool_choice");
  if (value == nullptr) return;
  Fields choice(*value, "tool_choice", fields.problem());
  choice.require("type");
  const auto type = choice.choice("type", {"auto", "any", "tool", "none"});
  request.parallel_tool_calls = !choice.flag("disable_parallel_tool_use").value_or(false);
  if (type == "tool") {
    choice.require("name");
    const std::string name = choice.text("name").value_or("");
    if (!fields.problem()) name_tool(choice, "name", name, request);
  } else {
    set_tool_choice(type, request);
  }
  choice.finish();
}

void read_output_config(Fields& fields, std::string_view body, Thinking& thinking,
                        Request& request) {
  const json* value = fields.object("output_config");
  if (value == nullptr) return;
  Fields config(*value, "output_config", fields.problem());
  // How hard to try bounds the thought; it does not ask for one.
  if (request.generate.thinking) {
    thinking.effort(config, "effort");
  } else {
    (void)config.choice("effort", {"low", "medium", "high", "xhigh", "max"});
  }
  if (const json* inner = config.object("format")) {
    Fields format(*inner, "output_config.format", fields.problem());
    format.require("type");
    format.require("schema");
    const auto type = format.choice("type", {"json_schema"});
    (void)format.object("schema");
    if (type)
      set_format(format, "schema", *type, text_at(body, {"output_config", "format", "schema"}),
                 request);
    format.finish();
  }
  config.finish();
}

}  // namespace

void read_messages(Fields& fields, std::string_view body, Request& request) {
  read_common(fields, request);
  read_conversation(fields, request);
  read_stop(fields, "stop_sequences", request);
  fields.require("max_tokens");
  read_max_tokens(fields, "max_tokens", request);
  Thinking thinking(request);
  thinking.config(fields, "thinking");
  thinking.switches(fields);
  read_output_config(fields, body, thinking, request);
  read_messages_tools(fields, request);
  read_messages_tool_choice(fields, request);
  check_tools(fields, request);

  if (const json* metadata = fields.object("metadata")) {
    Fields inner(*metadata, "metadata", fields.problem());
    request.conversation = inner.text("user_id").value_or("");
  }
  (void)fields.choice("service_tier", {"auto", "standard_only"});
  (void)fields.choice("speed", {"standard"});
  fields.ignore({"cache_control", "inference_geo", "diagnostics", "user_profile_id", "workspace_id",
                 // Asks to clear old thoughts and results; Claude Code sends it with every request.
                 "context_management"});
  fields.refuse({"container", "mcp_servers"},
                "is not supported: only the client's own tools can be called");
}

}  // namespace server
