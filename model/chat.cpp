// Gemma 4's conversation format. A conversation is
//
//   <bos>
//   <|turn>system\n [<|think|>\n] TEXT <|tool>DECLARATION<tool|>… <turn|>\n
//   <|turn>user\n TEXT <turn|>\n
//   <|turn>model\n TEXT <|tool_call>call:NAME{key:value,…}<tool_call|>…
//                  <|tool_response>response:NAME{key:value,…}<tool_response|>… TEXT <turn|>\n
//
// where calls and responses stay inside one model turn. Values are written like JSON without quotes
// around keys, and with the token <|"|> around strings, in which nothing is escaped. The model ends
// a step of calls with <|tool_response> and an answer with <turn|>: both are marked as written by
// it.
#include "model/chat.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "model/call_transcoder.h"

namespace model {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr int kMaxDepth = 64;  // of nested values; what lies deeper is written as null

Special placeholder(MediaKind kind) {
  switch (kind) {
    case MediaKind::image:
      return Special::image;
    case MediaKind::audio:
      return Special::audio;
    case MediaKind::video:
      break;
  }
  return Special::video;
}

MediaKind media_of(Special special) {
  if (special == Special::image) return MediaKind::image;
  return special == Special::audio ? MediaKind::audio : MediaKind::video;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Members of an object in the template's order: case-insensitive.
std::vector<std::pair<std::string, const json*>> sorted_members(const json& object) {
  std::vector<std::pair<std::string, const json*>> members;
  for (const auto& [key, value] : object.items()) members.emplace_back(key, &value);
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return lower(a.first) < lower(b.first); });
  return members;
}

// Collects segments; neighbouring texts of the same author become one.
class Writer {
 public:
  void special(Special which) { push({Segment::Kind::special, which, {}, from_model}); }
  void media(MediaKind kind) { push({Segment::Kind::media, placeholder(kind), {}, from_model}); }

  void text(std::string_view text) {
    if (text.empty()) return;
    if (!out_.empty() && out_.back().kind == Segment::Kind::text &&
        out_.back().from_model == from_model) {
      out_.back().text += text;
    } else {
      push({Segment::Kind::text, Special::pad, std::string(text), from_model});
    }
  }

  void quoted(std::string_view content) {
    special(Special::quote);
    text(content);
    special(Special::quote);
  }

  Rendered take() { return std::move(out_); }

  bool from_model = false;

 private:
  void push(Segment segment) { out_.push_back(std::move(segment)); }
  Rendered out_;
};

// Writes a comma before all but the first of what follows each other.
class Commas {
 public:
  explicit Commas(Writer& out) : out_(out) {}
  void next() {
    if (!first_) out_.text(",");
    first_ = false;
  }

 private:
  Writer& out_;
  bool first_ = true;
};

enum class Keys : uint8_t { bare, quoted };

void write_key(Writer& out, std::string_view key, Keys keys) {
  if (keys == Keys::bare && call_chars::is_bare_key(key)) {
    out.text(key);
  } else {
    out.quoted(key);
  }
  out.text(":");
}

void write_value(Writer& out, const json& value, Keys keys, int depth);

void write_members(Writer& out, const json& object, Keys keys, int depth) {
  Commas commas(out);
  for (const auto& [key, value] : sorted_members(object)) {
    commas.next();
    write_key(out, key, keys);
    write_value(out, *value, keys, depth + 1);
  }
}

void write_value(Writer& out, const json& value, Keys keys, int depth) {
  if (depth > kMaxDepth) {
    out.text("null");
  } else if (value.is_string()) {
    out.quoted(value.get_ref<const std::string&>());
  } else if (value.is_object()) {
    out.text("{");
    write_members(out, value, keys, depth);
    out.text("}");
  } else if (value.is_array()) {
    out.text("[");
    Commas commas(out);
    for (const json& item : value) {
      commas.next();
      write_value(out, item, keys, depth + 1);
    }
    out.text("]");
  } else {
    out.text(value.dump(-1, ' ', false, json::error_handler_t::replace));
  }
}

std::string_view string_or_empty(const json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                           : std::string_view();
}

struct SchemaType {
  std::string name;  // upper case, empty if the schema has none
  bool nullable = false;
};

SchemaType type_of(const json& schema) {
  SchemaType type;
  type.nullable = base::member(schema, "nullable") == json(true);
  const json& value = base::member(schema, "type");
  if (value.is_string()) {
    type.name = upper(string_or_empty(value));
  } else if (value.is_array()) {
    for (const json& item : value) {
      const std::string name = upper(string_or_empty(item));
      if (name == "NULL") {
        type.nullable = true;
      } else if (type.name.empty()) {
        type.name = name;
      }
    }
  } else if (base::member(schema, "properties").is_object()) {
    type.name = "OBJECT";
  } else if (base::member(schema, "enum").is_array()) {
    type.name = "STRING";
  }
  return type;
}

void write_property(Writer& out, const json& schema, int depth);

void write_properties(Writer& out, const json& properties, int depth) {
  out.text("properties:{");
  Commas commas(out);
  for (const auto& [name, schema] : sorted_members(properties)) {
    commas.next();
    write_key(out, name, Keys::bare);
    out.text("{");
    write_property(out, *schema, depth + 1);
    out.text("}");
  }
  out.text("}");
}

void write_required(Writer& out, const json& required) {
  out.text("required:[");
  Commas commas(out);
  for (const json& name : required) {
    commas.next();
    out.quoted(string_or_empty(name));
  }
  out.text("]");
}

void write_type(Writer& out, std::string_view type) {
  out.text("type:");
  out.quoted(type);
}

bool is_filled(const json& value) { return value.is_structured() && !value.empty(); }

// properties and required of an object schema.
void write_object_parts(Writer& out, Commas& commas, const json& schema, int depth) {
  if (const json& properties = base::member(schema, "properties");
      properties.is_object() && !properties.empty()) {
    commas.next();
    write_properties(out, properties, depth);
  }
  if (const json& required = base::member(schema, "required");
      required.is_array() && !required.empty()) {
    commas.next();
    write_required(out, required);
  }
}

void write_items(Writer& out, const json& items, int depth) {
  out.text("items:{");
  Commas commas(out);
  for (const auto& [key, value] : sorted_members(items)) {
    if (key == "properties" && value->is_object()) {
      commas.next();
      write_properties(out, *value, depth);
    } else if (key == "required" && value->is_array()) {
      commas.next();
      write_required(out, *value);
    } else if (key == "type") {
      commas.next();
      write_type(out, type_of(items).name);
    } else if (!value->is_null()) {
      commas.next();
      write_key(out, key, Keys::bare);
      write_value(out, *value, Keys::quoted, depth + 1);
    }
  }
  out.text("}");
}

void write_property(Writer& out, const json& schema, int depth) {
  if (depth > kMaxDepth) return;
  const SchemaType type = type_of(schema);
  Commas commas(out);
  if (const json& description = base::member(schema, "description"); description.is_string()) {
    commas.next();
    out.text("description:");
    out.quoted(string_or_empty(description));
  }
  if (const json& values = base::member(schema, "enum");
      type.name == "STRING" && is_filled(values)) {
    commas.next();
    out.text("enum:");
    write_value(out, values, Keys::bare, depth + 1);
  }
  if (const json& items = base::member(schema, "items");
      type.name == "ARRAY" && items.is_object() && !items.empty()) {
    commas.next();
    write_items(out, items, depth + 1);
  }
  if (type.nullable) {
    commas.next();
    out.text("nullable:true");
  }
  if (type.name == "OBJECT") write_object_parts(out, commas, schema, depth);
  if (!type.name.empty()) {
    commas.next();
    write_type(out, type.name);
  }
}

void write_declaration(Writer& out, const ToolDeclaration& tool) {
  out.special(Special::tool_begin);
  out.text("declaration:");
  out.text(tool.name);
  out.text("{description:");
  out.quoted(tool.description);
  if (tool.parameters.is_object()) {
    out.text(",parameters:{");
    Commas commas(out);
    write_object_parts(out, commas, tool.parameters, 0);
    commas.next();
    const std::string type = type_of(tool.parameters).name;
    write_type(out, type.empty() ? "OBJECT" : type);
    out.text("}");
  }
  if (tool.response.is_object()) {
    out.text(",response:{");
    Commas commas(out);
    if (const json& description = base::member(tool.response, "description");
        description.is_string()) {
      commas.next();
      out.text("description:");
      out.quoted(string_or_empty(description));
    }
    commas.next();
    const std::string type = type_of(tool.response).name;
    write_type(out, type.empty() ? "OBJECT" : type);
    out.text("}");
  }
  out.text("}");
  out.special(Special::tool_end);
}

// Text and media of a message that is not a tool's.
void write_content(Writer& out, const Message& message) {
  const bool strip = message.role == Role::model;
  const auto write_part = [&](std::string_view part) {
    out.text(base::trimmed(strip ? without_thinking(part) : std::string(part), base::kWhiteSpace));
  };
  const std::string_view text = message.text;
  size_t begin = 0;
  for (const Media& media : message.media) {
    const size_t at = std::clamp(media.at, begin, text.size());
    write_part(text.substr(begin, at - begin));
    out.media(media.kind);
    begin = at;
  }
  write_part(text.substr(begin));
}

void write_call(Writer& out, const FunctionCall& call) {
  out.special(Special::call_begin);
  out.text("call:");
  out.text(call.name);
  out.text("{");
  if (call.arguments.is_object()) {
    write_members(out, call.arguments, Keys::bare, 0);
  } else if (!call.arguments.is_null()) {
    out.text("value:");
    write_value(out, call.arguments, Keys::bare, 1);
  }
  out.text("}");
  out.special(Special::call_end);
}

void write_response(Writer& out, const Message& message, std::string_view name) {
  out.text("response:");
  out.text(name);
  out.text("{");
  if (message.result.is_object()) {
    write_members(out, message.result, Keys::bare, 0);
  } else {
    out.text("value:");
    if (message.result.is_null()) {
      out.quoted(message.text);
    } else {
      write_value(out, message.result, Keys::bare, 1);
    }
  }
  out.text("}");
  out.special(Special::response_end);
  for (const Media& media : message.media) out.media(media.kind);
}

struct Answer {
  const Message* message;
  std::string name;
};

// The tool messages behind message `i` that its calls claim: by id, else the next call without one.
std::vector<Answer> answers_to(std::span<const Message> messages, size_t i) {
  const std::vector<FunctionCall>& calls = messages[i].calls;
  std::vector<bool> answered(calls.size(), false);
  std::vector<Answer> answers;
  for (size_t j = i + 1; j < messages.size() && messages[j].role == Role::tool; ++j) {
    const Message& message = messages[j];
    size_t claimed = calls.size();
    for (size_t k = calls.size(); k-- > 0;) {
      if (answered[k]) continue;
      const bool claims = message.call_id.empty()
                              ? message.name.empty() || message.name == calls[k].name
                              : message.call_id == calls[k].id;
      if (claims) claimed = k;
    }
    if (claimed == calls.size()) continue;
    answered[claimed] = true;
    answers.push_back({&message, message.name.empty() ? calls[claimed].name : message.name});
  }
  return answers;
}

void write_turn_begin(Writer& out, std::string_view role) {
  out.special(Special::turn_begin);
  out.text(role);
  out.text("\n");
}

void write_turn_end(Writer& out, bool from_model) {
  out.from_model = from_model;
  out.special(Special::turn_end);
  out.from_model = false;
  out.text("\n");
}

void write_thought(Writer& out, std::string_view reasoning) {
  out.special(Special::channel_begin);
  out.text("thought\n");
  if (!reasoning.empty()) {
    out.text(reasoning);
    out.text("\n");
  }
  out.special(Special::channel_end);
}

// Calls of a message and the responses to them, with the <|tool_response> that the model itself
// writes after its calls. Returns true if nobody has answered yet.
bool write_calls(Writer& out, std::span<const Message> messages, size_t i) {
  out.from_model = true;
  for (const FunctionCall& call : messages[i].calls) write_call(out, call);
  const std::vector<Answer> answers = answers_to(messages, i);
  bool pending = false;
  if (answers.empty() && i + 1 == messages.size()) {
    out.special(Special::response_begin);
    pending = true;
  }
  for (const Answer& answer : answers) {
    out.special(Special::response_begin);
    out.from_model = false;
    write_response(out, *answer.message, answer.name);
  }
  out.from_model = false;
  return pending;
}

}  // namespace

Rendered render(std::span<const Message> messages, std::span<const ToolDeclaration> tools,
                const RenderOptions& options) {
  Writer out;
  out.special(Special::bos);

  size_t begin = 0;
  const bool has_system = !messages.empty() && messages[0].role == Role::system;
  if (has_system || !tools.empty() || options.thinking) {
    write_turn_begin(out, "system");
    if (options.thinking) {
      out.special(Special::think);
      out.text("\n");
    }
    if (has_system) write_content(out, messages[0]);
    for (const ToolDeclaration& tool : tools) write_declaration(out, tool);
    write_turn_end(out, false);
    begin = has_system ? 1 : 0;
  }

  size_t n_until_user = 0;  // messages up to and with the last user's
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == Role::user) n_until_user = i + 1;
  }

  bool turn_open = false;  // a model turn
  bool pending = false;    // that ends with calls nobody answered
  for (size_t i = begin; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (message.role == Role::tool) continue;  // written with the calls, or claimed by none
    if (message.role != Role::model) {
      if (turn_open) write_turn_end(out, false);
      turn_open = false;
      write_turn_begin(out, message.role == Role::user ? "user" : "system");
      write_content(out, message);
      write_turn_end(out, false);
      continue;
    }

    const bool is_current = i >= n_until_user;
    const bool keeps_reasoning =
        !message.reasoning.empty() &&
        (is_current || (options.preserve_thinking && !message.calls.empty()));
    if (!turn_open) {
      write_turn_begin(out, "model");
      turn_open = true;
      if (options.empty_thought == EmptyThought::current_turn && is_current && !options.thinking &&
          !keeps_reasoning) {
        write_thought(out, {});
      }
    }
    out.from_model = true;
    if (keeps_reasoning) write_thought(out, message.reasoning);
    write_content(out, message);
    out.from_model = false;
    if (!message.calls.empty()) {
      pending = write_calls(out, messages, i);
      continue;
    }
    size_t next = i + 1;
    while (next < messages.size() && messages[next].role == Role::tool) ++next;
    if (next == messages.size() || messages[next].role != Role::model) {
      write_turn_end(out, true);
      turn_open = false;
    }
  }

  if (!options.add_generation_prompt || pending) return out.take();
  if (turn_open) {
    if (options.thinking) {
      out.special(Special::channel_begin);
      out.text("thought\n");
    }
    return out.take();
  }
  write_turn_begin(out, "model");
  if (!options.thinking && options.empty_thought != EmptyThought::never) write_thought(out, {});
  return out.take();
}

bool ends_in_thought(const Rendered& rendered) {
  const size_t n = rendered.size();
  return n >= 2 && rendered[n - 1].kind == Segment::Kind::text &&
         rendered[n - 1].text == "thought\n" && rendered[n - 2].kind == Segment::Kind::special &&
         rendered[n - 2].text.empty() && rendered[n - 2].special == Special::channel_begin;
}

ChatTokens tokens(const Rendered& rendered, const Tokenizer& tokenizer) {
  ChatTokens out;
  for (const Segment& segment : rendered) {
    if (segment.kind == Segment::Kind::text) {
      const std::vector<TokenId> ids = tokenizer.encode(segment.text);
      out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    } else {
      const TokenId id = segment.text.empty() ? tokenizer.special(segment.special)
                                              : tokenizer.special_at(segment.text).id;
      if (id < 0) continue;
      if (segment.kind == Segment::Kind::media) {
        out.media.push_back({media_of(segment.special), out.ids.size()});
      }
      out.ids.push_back(id);
    }
    out.from_model.resize(out.ids.size(), segment.from_model ? 1 : 0);
  }
  return out;
}

std::string text(const Rendered& rendered) {
  std::string out;
  for (const Segment& segment : rendered) {
    out += segment.kind == Segment::Kind::text || !segment.text.empty()
               ? std::string_view(segment.text)
               : special_text(segment.special);
  }
  return out;
}

std::string without_thinking(std::string_view text) {
  constexpr std::string_view kBegin = special_text(Special::channel_begin);
  constexpr std::string_view kEnd = special_text(Special::channel_end);
  std::string out;
  while (true) {
    const size_t end = text.find(kEnd);
    const std::string_view part = text.substr(0, end);
    out += part.substr(0, part.find(kBegin));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + kEnd.size());
  }
}

// --- from OpenAI's JSON
// -----------------------------------------------------------------------------

namespace {

base::Result<Role> role_from(std::string_view name) {
  if (name == "system" || name == "developer") return Role::system;
  if (name == "user") return Role::user;
  if (name == "assistant" || name == "model") return Role::model;
  if (name == "tool" || name == "function") return Role::tool;
  return Error{Errc::usage, "role \"" + std::string(name) +
                                "\", expected system, developer, user, assistant or tool"};
}

base::Status add_part(Message& message, const json& part) {
  const std::string_view type = string_or_empty(base::member(part, "type"));
  if (type == "text" || type == "input_text" || type == "output_text") {
    message.text += string_or_empty(base::member(part, "text"));
  } else if (type == "image" || type == "image_url" || type == "input_image") {
    message.media.push_back({MediaKind::image, message.text.size()});
  } else if (type == "audio" || type == "input_audio") {
    message.media.push_back({MediaKind::audio, message.text.size()});
  } else if (type == "video" || type == "video_url") {
    message.media.push_back({MediaKind::video, message.text.size()});
  } else {
    return Error{Errc::usage, "content part of type \"" + std::string(type) + "\""};
  }
  return base::Ok{};
}

base::Result<FunctionCall> call_from_json(const json& value) {
  const json& function = base::member(value, "function");
  const json& inner = function.is_object() ? function : value;
  FunctionCall call;
  call.id = string_or_empty(base::member(value, "id"));
  call.name = string_or_empty(base::member(inner, "name"));
  if (call.name.empty()) return Error{Errc::usage, "a tool call without a name"};
  const json& arguments = base::member(inner, "arguments");
  if (arguments.is_string()) {
    const std::string_view text = base::trimmed(string_or_empty(arguments), base::kWhiteSpace);
    if (!text.empty()) call.arguments = json::parse(text, nullptr, false);
  } else if (!arguments.is_null()) {
    call.arguments = arguments;
  }
  if (!call.arguments.is_object()) {
    return Error{Errc::usage, call.name + ": arguments are not a JSON object"};
  }
  return call;
}

}  // namespace

base::Result<Message> message_from_json(const json& value) {
  if (!value.is_object()) return Error{Errc::usage, "a message is not a JSON object"};
  base::Result<Role> role = role_from(string_or_empty(base::member(value, "role")));
  if (!role) return role.error();
  Message message{.role = *role};
  const json& content = base::member(value, "content");
  if (content.is_string()) {
    message.text = string_or_empty(content);
  } else if (content.is_array() &&
             (content.empty() || base::member(content[0], "type").is_string())) {
    for (const json& part : content) {
      if (base::Status added = add_part(message, part); !added) return added.error();
    }
  } else if (message.role == Role::tool) {
    message.result = content;
  } else if (!content.is_null()) {
    return Error{Errc::usage, "content is neither text nor a list of parts"};
  }
  if (message.role == Role::model) {
    for (const char* key : {"reasoning_content", "reasoning"}) {
      if (message.reasoning.empty()) message.reasoning = string_or_empty(base::member(value, key));
    }
    const json& calls = base::member(value, "tool_calls");
    if (calls.is_array()) {
      for (const json& item : calls) {
        base::Result<FunctionCall> call = call_from_json(item);
        if (!call) return call.error();
        message.calls.push_back(std::move(*call));
      }
    }
  }
  message.name = string_or_empty(base::member(value, "name"));
  message.call_id = string_or_empty(base::member(value, "tool_call_id"));
  return message;
}

base::Result<ToolDeclaration> tool_from_json(const json& value) {
  const json& function = base::member(value, "function");
  const json& inner = function.is_object() ? function : value;
  ToolDeclaration tool;
  tool.name = string_or_empty(base::member(inner, "name"));
  if (tool.name.empty()) return Error{Errc::usage, "a tool without a name"};
  tool.description = string_or_empty(base::member(inner, "description"));
  tool.parameters = base::member(inner, "parameters");
  tool.response = base::member(inner, "response");
  if (!tool.parameters.is_null() && !tool.parameters.is_object()) {
    return Error{Errc::usage, tool.name + ": parameters are not a JSON schema"};
  }
  return tool;
}

}  // namespace model
