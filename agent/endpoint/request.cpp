// A conversation as OpenAI's JSON. Two things have no place of their own there: a picture that a
// tool gave back follows in a message of the user, as other programs do it; and for a server that
// takes no tools, declarations, calls and results become text.

#include "agent/endpoint/wire.h"
#include "base/base64.h"
#include "base/json.h"

namespace agent {

using nlohmann::json;

namespace {

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const char* mime_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  return nullptr;
}

/// {"type": "image_url"} parts of a message's pictures, after `text` if there is any.
json content_of(const std::string& text, std::span<const model::Media> media, bool images) {
  json parts = json::array();
  size_t left_out = 0;
  for (const model::Media& one : media) {
    const char* mime = mime_of(one.bytes);
    if (one.kind != model::MediaKind::image || mime == nullptr || !images) {
      ++left_out;
      continue;
    }
    parts.push_back(
        {{"type", "image_url"},
         {"image_url",
          {{"url", "data:" + std::string(mime) + ";base64," + base::base64_encoded(one.bytes)}}}});
  }
  std::string said = text;
  if (left_out > 0)
    said += (said.empty() ? "" : "\n") + std::string("(a picture that you cannot be shown)");
  if (parts.empty()) return said;
  if (!said.empty()) parts.insert(parts.begin(), json{{"type", "text"}, {"text", said}});
  return parts;
}

json tools_json(std::span<const model::ToolDeclaration> tools) {
  json list = json::array();
  for (const model::ToolDeclaration& tool : tools) {
    json function{{"name", tool.name}, {"description", tool.description}};
    function["parameters"] = tool.parameters.is_object()
                                 ? tool.parameters
                                 : json{{"type", "object"}, {"properties", json::object()}};
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

std::string tools_as_text(std::span<const model::ToolDeclaration> tools) {
  std::string text = "\n\nYou have these tools, described by JSON Schema, one a line:\n";
  for (const json& tool : tools_json(tools)) text += text_of(tool["function"]) + "\n";
  return text +
         "To call one, end your reply with exactly this form, and stop; the result comes next:\n"
         "<tool_call>{\"name\": \"TOOL\", \"arguments\": {…}}</tool_call>";
}

std::string result_text(const model::Message& message) {
  return message.result.is_null() ? message.text : text_of(message.result);
}

/// Joins a message to the one before when both are of one role: with tools as text, a result would
/// else be a second user message in a row, which templates of chats refuse.
void add_joined(json& messages, const char* role, json content) {
  if (!messages.empty() && messages.back()["role"] == role && content.is_string() &&
      messages.back()["content"].is_string()) {
    messages.back()["content"] =
        messages.back()["content"].get<std::string>() + "\n\n" + content.get<std::string>();
    return;
  }
  messages.push_back({{"role", role}, {"content", std::move(content)}});
}

}  // namespace

std::string request_body(std::span<const model::Message> conversation,
                         std::span<const model::ToolDeclaration> tools,
                         const WireOptions& options) {
  json messages = json::array();
  std::vector<model::Media> from_tools;  // pictures that wait for the last result of their turn
  const auto show_pictures = [&] {
    if (from_tools.empty()) return;
    add_joined(messages, "user",
               content_of("The pictures of the results above:", from_tools, options.images));
    from_tools.clear();
  };
  size_t last_user = 0;
  for (size_t i = 0; i < conversation.size(); ++i)
    if (conversation[i].role == model::Role::user) last_user = i;
  for (size_t i = 0; i < conversation.size(); ++i) {
    const model::Message& m = conversation[i];
    if (m.role != model::Role::tool) show_pictures();
    switch (m.role) {
      case model::Role::system:
        messages.push_back(
            {{"role", "system"},
             {"content",
              !options.tools && !tools.empty() ? m.text + tools_as_text(tools) : m.text}});
        break;
      case model::Role::user:
        add_joined(messages, "user", content_of(m.text, m.media, options.images));
        break;
      case model::Role::model: {
        json out{{"role", "assistant"}, {"content", m.text}};
        std::string as_text = m.text;
        for (const model::FunctionCall& call : m.calls) {
          if (options.tools)
            out["tool_calls"].push_back(
                {{"id", call.id},
                 {"type", "function"},
                 {"function", {{"name", call.name}, {"arguments", text_of(call.arguments)}}}});
          else
            as_text += "\n<tool_call>" +
                       text_of({{"name", call.name}, {"arguments", call.arguments}}) +
                       "</tool_call>";
        }
        if (!options.tools) out["content"] = as_text;
        if (options.reasoning && !m.reasoning.empty() && i > last_user)
          out["reasoning_content"] = m.reasoning;
        messages.push_back(std::move(out));
        break;
      }
      case model::Role::tool:
        if (options.tools)
          messages.push_back(
              {{"role", "tool"}, {"tool_call_id", m.call_id}, {"content", result_text(m)}});
        else
          add_joined(messages, "user", "Result of " + m.name + ":\n" + result_text(m));
        if (options.images) from_tools.insert(from_tools.end(), m.media.begin(), m.media.end());
        break;
    }
  }
  show_pictures();

  json body{{"model", options.model}, {"messages", std::move(messages)}};
  body[options.completion_name ? "max_completion_tokens" : "max_tokens"] = options.max_tokens;
  if (options.stream) {
    body["stream"] = true;
    if (options.usage_in_stream) body["stream_options"] = {{"include_usage", true}};
  }
  if (json schema = parse_bounded(options.schema); schema.is_object())
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "answer"}, {"schema", std::move(schema)}}}};
  if (options.tools && !tools.empty()) body["tools"] = tools_json(tools);
  return text_of(body);
}

}  // namespace agent
