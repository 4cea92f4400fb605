// /v1/responses: reading OpenAI's Responses requests, as Codex and the openai clients send them.
// Their input is a list of items; a reasoning item, the text and the calls that stand next to each
// other are one message of the model. What the reply looks like: responses_writer.cpp.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "server/api/generation.h"
#include "server/api/history.h"
#include "server/api/reply.h"
#include "server/api/writing.h"

namespace server {
namespace {

using nlohmann::json;

constexpr size_t kMaxParts = 10'000;

// The conversation so far, and the message of the model that is being put together.
class Items {
 public:
  Items(History& history, Problem& problem) : history_(history), problem_(problem) {}

  void add(const json& value, const std::string& path) {
    Fields item(value, path, problem_);
    const json* type_field = item.any("type");
    const std::string type =
        type_field == nullptr ? "message" : item.text("type").value_or(std::string());
    if (type == "message") {
      message(item, path);
    } else if (type == "function_call") {
      function_call(item, path);
    } else if (type == "function_call_output") {
      function_call_output(item, path);
    } else if (type == "reasoning") {
      reasoning(item, path);
    } else {
      item.wrong("type", "is " + in_quotes(type) +
                             ", expected message, function_call, function_call_output or "
                             "reasoning");
    }
  }

  void flush() {
    if (open_) history_.add(std::move(*open_), open_path_);
    open_.reset();
  }

 private:
  model::Message& open(const std::string& path) {
    if (!open_) {
      open_ = model::Message{.role = model::Role::model};
      open_path_ = path;
    }
    return *open_;
  }

  // Text of parts, or of a string.
  void content(Fields& fields, std::string_view name, bool takes_media, model::Message& message) {
    const json* value = fields.any(name);
    if (value == nullptr) return;
    if (value->is_string()) {
      History::add_text(message, value->get_ref<const std::string&>());
      return;
    }
    const json* parts = fields.list(name, kMaxParts);
    for (size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
      Fields part((*parts)[i], at_index(fields.path(name), i), problem_);
      part.require("type");
      const std::string type = part.text("type").value_or("");
      if (type == "input_text" || type == "output_text" || type == "text") {
        part.require("text");
        History::add_text(message, part.text("text").value_or(""));
      } else if (type == "refusal") {
        History::add_text(message, part.text("refusal").value_or(""));
      } else if (type == "input_image" && takes_media) {
        part.refuse({"file_id"}, "is not supported: send the picture as a data: URL");
        part.require("image_url");
        history_.detail(part);
        if (const auto url = part.text("image_url"))
          history_.add_image_url(message, *url, part.path("image_url"));
      } else if (type == "input_audio" && takes_media) {
        part.require("input_audio");
        if (const json* inner = part.object("input_audio")) {
          Fields audio(*inner, part.path("input_audio"), problem_);
          audio.require("data");
          audio.require("format");
          (void)audio.choice("format", {"wav", "mp3"});
          if (const auto data = audio.text("data"))
            history_.add_audio(message, *data, audio.path("data"));
        }
      } else {
        part.wrong("type", "is " + in_quotes(type) + ", which cannot stand here");
      }
    }
  }

  void message(Fields& item, const std::string& path) {
    item.require("role");
    const auto role = item.choice("role", {"system", "developer", "user", "assistant"});
    item.require("content");
    if (problem_) return;
    if (*role == "assistant") {
      // Text behind calls begins a message of its own.
      if (open_ && (!open_->calls.empty() || !open_->text.empty())) flush();
      content(item, "content", false, open(path));
      return;
    }
    flush();
    const bool is_user = *role == "user";
    model::Message message{.role = is_user ? model::Role::user : model::Role::system};
    content(item, "content", is_user, message);
    if (!problem_) history_.add(std::move(message), path);
  }

  void function_call(Fields& item, const std::string& path) {
    for (const char* name : {"call_id", "name"}) item.require(name);
    const std::string id = item.text("call_id").value_or("");
    const std::string name =
        flat_name(item.text("namespace").value_or(""), item.text("name").value_or(""));
    const std::string arguments = item.text("arguments").value_or("");
    if (!problem_) history_.add_call(open(path), id, name, arguments, item.path("arguments"));
  }

  void function_call_output(Fields& item, const std::string& path) {
    flush();
    item.require("call_id");
    item.require("output");
    model::Message message{.role = model::Role::tool};
    message.call_id = item.text("call_id").value_or("");
    content(item, "output", true, message);
    if (!problem_) history_.add(std::move(message), path);
  }

  // What was thought stands before what was said. encrypted_content is somebody else's.
  void reasoning(Fields& item, const std::string& path) {
    if (open_ && (!open_->calls.empty() || !open_->text.empty())) flush();
    for (const char* name : {"summary", "content"}) {
      const json* parts = item.list(name, kMaxParts);
      for (size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
        Fields part((*parts)[i], at_index(item.path(name), i), problem_);
        const auto text = part.text("text");
        if (!text || text->empty()) continue;
        std::string& thought = open(path).reasoning;
        if (!thought.empty()) thought += '\n';
        thought += *text;
      }
    }
  }

  History& history_;
  Problem& problem_;
  std::optional<model::Message> open_;
  std::string open_path_;
};

void read_input(Fields& fields, Request& request) {
  Problem& problem = fields.problem();
  History history(problem);
  if (const auto instructions = fields.text("instructions"))
    history.add({.role = model::Role::system, .text = *instructions}, "instructions");
  fields.require("input");
  const json* input = fields.any("input");
  if (input != nullptr && input->is_string()) {
    history.add({.role = model::Role::user, .text = input->get<std::string>()}, "input");
  } else if (const json* items = fields.list("input", kMaxMessages)) {
    if (items->empty()) fields.wrong("input", "is empty");
    Items all(history, problem);
    for (size_t i = 0; i < items->size() && !problem; ++i)
      all.add((*items)[i], at_index("input", i));
    if (!problem) all.flush();
  }
  history.finish(request);
}

// Of kinds of tools that only their own service runs Codex lists some; the rest of its request is
// fine.
void skip_tool(Fields& tool, const std::string& type, const std::string& group, Request& request) {
  const json* name = tool.any("name");
  const bool named = name != nullptr && name->is_string();
  request.skipped_tools.push_back(
      type + (named ? " " + flat_name(group, name->get_ref<const std::string&>()) : ""));
}

// Functions under one name: how Codex declares what an MCP server has.
void read_group(Fields& group, Request& request) {
  group.require("name");
  const std::string name = group.text("name").value_or("");
  const std::string about = group.text("description").value_or("");
  const json* tools = group.list("tools", kMaxTools);
  const size_t before = request.tools.size();
  for (size_t i = 0; tools != nullptr && i < tools->size() && !group.problem(); ++i) {
    Fields tool((*tools)[i], at_index(group.path("tools"), i), group.problem());
    tool.require("type");
    const std::string type = tool.text("type").value_or("");
    if (type == "function")
      add_tool(tool, "parameters", request, name);
    else
      skip_tool(tool, type, name, request);
  }
  // The model knows no groups: what is said of one stands with its first function.
  if (!about.empty() && request.tools.size() > before) {
    std::string& first = request.tools[before].description;
    first = about + (first.empty() ? "" : "\n" + first);
  }
}

void read_responses_tools(Fields& fields, Request& request) {
  const json* tools = fields.list("tools", kMaxTools);
  for (size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    Fields tool((*tools)[i], at_index("tools", i), fields.problem());
    tool.require("type");
    const std::string type = tool.text("type").value_or("");
    if (fields.problem()) return;
    if (type == "function")
      add_tool(tool, "parameters", request);
    else if (type == "namespace")
      read_group(tool, request);
    else
      skip_tool(tool, type, {}, request);
  }
}

// {type: function, name, namespace}: what the model calls it.
std::string name_in_choice(Fields& fields) {
  (void)fields.choice("type", {"function"});
  fields.require("name");
  return flat_name(fields.text("namespace").value_or(""), fields.text("name").value_or(""));
}

void read_responses_tool_choice(Fields& fields, Request& request) {
  const json* value = fields.any("tool_choice");
  if (value == nullptr) return;
  if (value->is_string()) {
    set_tool_choice(fields.choice("tool_choice", {"auto", "none", "required"}), request);
    return;
  }
  Fields choice(*value, "tool_choice", fields.problem());
  choice.require("type");
  const auto type = choice.choice("type", {"function", "allowed_tools"});
  if (type == "function") {
    const std::string name = name_in_choice(choice);
    if (!fields.problem()) name_tool(choice, "name", name, request);
  } else if (type == "allowed_tools") {
    choice.require("mode");
    choice.require("tools");
    std::vector<std::string> names;
    const json* list = choice.list("tools", kMaxTools);
    for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
      Fields tool((*list)[i], at_index("tool_choice.tools", i), fields.problem());
      names.push_back(name_in_choice(tool));
    }
    if (fields.problem()) return;
    allow_tools(choice, "tools", names, request);
    set_tool_choice(choice.choice("mode", {"auto", "required"}), request);
  }
}

void read_text(Fields& fields, std::string_view body, Request& request) {
  const json* value = fields.object("text");
  if (value == nullptr) return;
  Fields text(*value, "text", fields.problem());
  if (const auto verbosity = text.choice("verbosity", {"low", "medium", "high"});
      verbosity && *verbosity != "medium")
    text.wrong("verbosity", "can only be medium: ask for short or long answers in the instructions",
               "unsupported_parameter");
  if (const json* inner = text.object("format")) {
    Fields format(*inner, "text.format", fields.problem());
    format.require("type");
    const auto type = format.choice("type", {"text", "json_object", "json_schema"});
    if (type == "json_schema") {
      format.require("schema");
      (void)format.text("name");
      (void)format.text("description");
      (void)format.flag("strict");
      (void)format.object("schema");
      set_format(format, "schema", *type, text_at(body, {"text", "format", "schema"}), request);
    } else {
      set_format(format, "type", type.value_or("text"), {}, request);
    }
    format.finish();
  }
  text.finish();
}

void read_reasoning(Fields& fields, Thinking& thinking) {
  const json* value = fields.object("reasoning");
  if (value == nullptr) return;
  Fields reasoning(*value, "reasoning", fields.problem());
  thinking.effort(reasoning, "effort");
  // The thought itself is what a summary tells.
  (void)reasoning.choice("summary", {"auto", "concise", "detailed", "none"});
  (void)reasoning.choice("generate_summary", {"auto", "concise", "detailed"});
  (void)reasoning.choice("context", {"auto", "current_turn"});
  (void)reasoning.choice("mode", {"standard"});
  reasoning.finish();
}

void read_include(Fields& fields) {
  const json* include = fields.list("include", 32);
  for (size_t i = 0; include != nullptr && i < include->size(); ++i) {
    const json& one = (*include)[i];
    // Codex asks for encrypted reasoning; the summary holds all of it.
    if (one != "reasoning.encrypted_content" && one != "message.output_text.logprobs")
      fields.wrong("include", "asks for " + in_quotes(dumped(one)) +
                                  ", of which there is nothing in these replies");
  }
}

}  // namespace

void read_responses(Fields& fields, std::string_view body, Request& request) {
  read_common(fields, request);
  read_input(fields, request);
  read_stream_options(fields, request);
  read_stop(fields, "stop", request);
  read_max_tokens(fields, "max_output_tokens", request);
  read_include(fields);
  if (const auto top = fields.integer("top_logprobs", 0, 20)) {
    request.generate.logprobs = static_cast<int>(*top);
  } else if (const json* include = fields.any("include");
             include != nullptr && include->is_array() &&
             std::find(include->begin(), include->end(), "message.output_text.logprobs") !=
                 include->end()) {
    request.generate.logprobs = 0;
  }
  Thinking thinking(request);
  read_reasoning(fields, thinking);
  thinking.switches(fields);
  read_responses_tools(fields, request);
  read_responses_tool_choice(fields, request);
  check_tools(fields, request);
  request.parallel_tool_calls = fields.flag("parallel_tool_calls").value_or(true);
  read_text(fields, body, request);
  read_identity(fields, request);
  fields.ignore({"client_metadata"});

  fields.refuse({"previous_response_id"},
                "is not supported: replies are not kept, send the whole conversation as input");
  fields.refuse({"conversation"},
                "is not supported: conversations are not kept, send all of it as input");
  fields.refuse({"prompt"}, "is not supported: there are no stored prompts");
  if (fields.flag("background").value_or(false))
    fields.wrong("background", "can only be false", "unsupported_parameter");
  if (const auto truncation = fields.choice("truncation", {"auto", "disabled"});
      truncation == "auto")
    fields.wrong("truncation", "can only be disabled: nothing is left out of a conversation",
                 "unsupported_parameter");
  fields.refuse({"max_tool_calls"}, "is not supported: there are no built-in tools");
  fields.refuse(
      {"access_programs", "background_options", "context_management", "image", "moderation"},
      "is not supported");
  json echo = json::object();
  for (const char* name : {"instructions", "max_output_tokens", "metadata", "parallel_tool_calls",
                           "prompt_cache_key", "reasoning", "safety_identifier", "temperature",
                           "text", "tool_choice", "tools", "top_logprobs", "top_p", "user"})
    if (const json* value = fields.any(name)) echo[name] = *value;
  request.echo_fields = dumped(echo);
}

}  // namespace server
