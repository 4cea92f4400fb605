// Whether a body is events or one object is seen by its first character: servers answer a request
// for a stream with an object and the other way round. Of events each `data:` line that is JSON by
// itself counts at once, since some servers leave out the empty line between two; other lines of
// data are joined until one comes.
//
// The pieces of calls are put together in slots. A piece belongs to a slot by its index, unless it
// begins another call: its id is a new one, or it has a name while the slot's arguments are
// complete. LiteRT-LM numbers calls from 0 in every chunk and gives two of them one id.

#include <algorithm>
#include <optional>
#include <set>

#include "agent/endpoint/wire.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace agent {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxBytes = 32 << 20;  // of a whole reply
constexpr size_t kMaxEvent = 8 << 20;
constexpr size_t kMaxCalls = 64;
constexpr size_t kMaxArguments = 1 << 20;  // of a call
constexpr int kMaxDepth = 64;
constexpr int kMaxTokens = 1 << 30;

/// A string of an object, or "" where there is none.
std::string text_at(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// Text of a message: a string, or parts of which those with a text count.
std::string content_text(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array())
    for (const json& part : content) text += text_at(part, "text");
  return text;
}

int count_at(const json& usage, const char* key) {
  const json& n = base::member(usage, key);
  if (!n.is_number()) return 0;
  const double value = n.get<double>();
  return value > 0 && value < kMaxTokens ? static_cast<int>(value) : 0;
}

/// Models write line ends into the strings of their JSON as they are, which JSON forbids.
std::string with_control_characters_escaped(const std::string& text) {
  std::string out;
  bool in_string = false, escaped = false;
  for (const char c : text) {
    if (in_string && !escaped && static_cast<unsigned char>(c) < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out += c == '\n'   ? "\\n"
             : c == '\t' ? "\\t"
             : c == '\r' ? "\\r"
                         : std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
      continue;
    }
    if (in_string && c == '\\')
      escaped = !escaped;
    else if (c == '"' && !escaped)
      in_string = !in_string;
    if (c != '\\') escaped = false;
    out += c;
  }
  return out;
}

/// The arguments of a call: an object, nothing at all, or an object as a JSON string.
std::optional<json> arguments_of(const std::string& text) {
  if (base::trimmed(text).empty()) return json::object();
  json value = parse_bounded(text);
  if (value.is_discarded()) value = parse_bounded(with_control_characters_escaped(text));
  if (value.is_string()) value = parse_bounded(value.get<std::string>());
  if (value.is_null()) return json::object();
  return value.is_object() ? std::optional<json>(std::move(value)) : std::nullopt;
}

}  // namespace

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char c : text) {
    if (in_string) {
      if (escaped)
        escaped = false;
      else if (c == '\\')
        escaped = true;
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if ((c == '{' || c == '[') && ++depth > kMaxDepth) return true;
    if (c == '}' || c == ']') --depth;
  }
  return false;
}

nlohmann::json parse_bounded(std::string_view text) {
  if (is_too_deep(text)) return json(json::value_t::discarded);
  return json::parse(text.data(), text.data() + text.size(), nullptr, false);
}

struct ReplyReader::State {
  struct Slot {
    int64_t index = -1;
    std::string id = {}, name = {}, arguments = {};
    bool whole = false;  ///< the arguments came as an object
    bool complete() const {
      return whole || (arguments.ends_with('}') && parse_bounded(arguments).is_object());
    }
  };
  enum class Form { unknown, events, object, other };

  std::vector<std::string> tools;
  Form form = Form::unknown;
  std::string buffer, data;  // bytes not looked at yet; data of an event whose end did not come
  size_t bytes = 0;
  bool enough = false, ended = false;
  std::optional<Error> error;
  std::string text, reasoning, finish_reason;
  bool chose = false;  // a choice came at all
  std::vector<Slot> slots;
  int prompt_tokens = 0, completion_tokens = 0;
  bool counted = false;  // usage came
  size_t n_told = 0;     // the end of what fresh_text() gave of the text
  bool misled = false;   // and that was no text

  void fail(Errc code, std::string message) {
    if (!error) error = Error{code, std::move(message)};
    enough = true;
  }

  bool declared(const std::string& name) const {
    return std::find(tools.begin(), tools.end(), name) != tools.end();
  }

  Slot* slot_for(const json& piece, const std::string& id, const std::string& name,
                 const std::string& arguments, bool whole) {
    const json& given = base::member(piece, "index");
    const int64_t index = given.is_number_integer() ? given.get<int64_t>() : -1;
    Slot* slot = nullptr;
    for (Slot& one : slots) {  // the newest that fits
      const bool fits = index >= 0 ? one.index == index : (!id.empty() && one.id == id);
      if (fits) slot = &one;
    }
    if (slot == nullptr && index < 0 && id.empty() && !slots.empty()) slot = &slots.back();
    bool another = slot == nullptr;
    if (!another && !name.empty()) {
      const bool other_id = !id.empty() && !slot->id.empty() && id != slot->id;
      const bool same_again = slot->name == name && slot->id == id && slot->arguments == arguments;
      const bool no_arguments_yet = slot->arguments.empty() && !slot->whole;
      // The last piece of some servers repeats the name and brings nothing.
      if (slot->complete() && !id.empty() && id == slot->id && name == slot->name &&
          arguments.empty())
        return nullptr;
      if (other_id)
        another = true;
      else if (slot->complete())
        another = !same_again;
      else if (no_arguments_yet && slot->name != name && declared(slot->name))
        another = true;
      if (!another && slot->complete()) return nullptr;  // the same call, told again
      // Arguments that are whole by themselves are no continuation of others.
      if (!another && whole && !no_arguments_yet) another = true;
    }
    if (!another) return slot;
    if (slots.size() >= kMaxCalls) {
      fail(Errc::limit, "the reply holds more than " + std::to_string(kMaxCalls) + " calls");
      return nullptr;
    }
    slots.push_back({.index = index});
    return &slots.back();
  }

  void take_call(const json& piece) {
    if (!piece.is_object()) return;
    const json& function =
        base::member(piece, "function").is_object() ? base::member(piece, "function") : piece;
    const std::string id = text_at(piece, "id"), name = text_at(function, "name");
    const json& arguments = base::member(function, "arguments");
    const bool whole = arguments.is_object();
    const std::string text = whole                   ? arguments.dump()
                             : arguments.is_string() ? arguments.get<std::string>()
                                                     : std::string();
    Slot* slot = slot_for(piece, id, name, text, whole);
    if (slot == nullptr) return;
    if (slot->id.empty()) slot->id = id;
    // A name may come in pieces too, before the arguments.
    if (slot->name.empty() || (slot->arguments.empty() && slot->name != name)) slot->name += name;
    slot->whole = slot->whole || whole;
    slot->arguments += text;
    if (slot->arguments.size() > kMaxArguments || slot->name.size() > 256 || slot->id.size() > 1024)
      fail(Errc::limit, "the reply holds a call that is too long");
  }

  /// A message, or what one chunk adds to it.
  void take_message(const json& message) {
    text += content_text(base::member(message, "content"));
    for (const char* key : {"reasoning_content", "reasoning"})
      if (const std::string more = text_at(message, key); !more.empty()) {
        reasoning += more;
        break;  // one server sends both, with one text
      }
    if (const json& calls = base::member(message, "tool_calls"); calls.is_array())
      for (const json& call : calls) take_call(call);
    if (const json& call = base::member(message, "function_call"); call.is_object())
      take_call(call);
  }

  /// A server may forget [DONE] and keep the connection.
  void end_if_all_came() { enough = enough || (counted && !finish_reason.empty()); }

  void take(const json& object) {
    if (const json& what = base::member(object, "error"); !what.is_null())
      return take_error(object);
    if (text_at(object, "object") == "error") return take_error(object);
    if (const json& usage = base::member(object, "usage"); usage.is_object()) {
      prompt_tokens = count_at(usage, "prompt_tokens");
      completion_tokens = count_at(usage, "completion_tokens");
      counted = true;
    }
    const json& choices = base::member(object, "choices");
    if (!choices.is_array()) return end_if_all_came();
    for (const json& choice : choices) {
      const json& index = base::member(choice, "index");
      if (!choice.is_object() || (index.is_number_integer() && index != 0)) continue;
      chose = true;
      take_message(
          base::member(choice, base::member(choice, "delta").is_object() ? "delta" : "message"));
      if (const std::string why = text_at(choice, "finish_reason"); !why.empty())
        finish_reason = why;
    }
    end_if_all_came();
  }

  void take_error(const json& object) {
    const std::string body = object.dump(-1, ' ', false, json::error_handler_t::replace);
    const std::string why = error_sentence(body);
    fail(is_context_overflow(body) ? Errc::limit : Errc::internal,
         "the server failed while it replied" + (why.empty() ? "" : ": " + why));
  }

  void end_of_event() {
    if (data.empty()) return;
    const json value = parse_bounded(data);
    // What it would have said is not known, so the text and its calls may lack something; but what
    // was complete before stays so.
    if (!value.is_object() && finish_reason.empty()) {
      const std::string said = error_sentence(data);
      return fail(Errc::corrupt, "the server sent a piece of a reply that is no JSON object" +
                                     (said.empty() ? "" : ": " + said));
    }
    if (value.is_object()) take(value);
    data.clear();
  }

  void take_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return end_of_event();
    if (!line.starts_with("data:")) return;  // a comment, the event's name, its id
    line = base::trimmed(line.substr(5));
    if (line == "[DONE]") {
      end_of_event();
      ended = enough = true;
      return;
    }
    if (data.empty()) {
      const json value = parse_bounded(line);
      if (value.is_object()) return take(value);
    }
    if (data.size() + line.size() > kMaxEvent)
      return fail(Errc::limit, "the server sent an event that is too long");
    if (!data.empty()) data += '\n';
    data += line;
  }

  void take_lines(bool all) {
    size_t begin = 0;
    while (!enough && begin < buffer.size()) {
      const size_t end = buffer.find('\n', begin);
      if (end == buffer.npos && !all) break;
      take_line(std::string_view(buffer).substr(begin, end - begin));
      begin = end == buffer.npos ? buffer.size() : end + 1;
    }
    buffer.erase(0, begin);
    if (buffer.size() > kMaxEvent) fail(Errc::limit, "the server sent a line that is too long");
  }
};

ReplyReader::ReplyReader(std::vector<std::string> tools) : state_(std::make_unique<State>()) {
  state_->tools = std::move(tools);
}
ReplyReader::~ReplyReader() = default;

bool ReplyReader::push(std::string_view bytes) {
  State& s = *state_;
  if (s.enough) return false;
  s.bytes += bytes.size();
  if (s.bytes > kMaxBytes) {
    s.fail(Errc::limit, "the reply is longer than " + std::to_string(kMaxBytes >> 20) + " MB");
    return false;
  }
  s.buffer += bytes;
  if (s.form == State::Form::unknown) {
    const std::string_view start = base::trimmed(s.buffer);
    if (start.empty()) return true;
    for (const std::string_view mark : {"data:", "event:", "id:", "retry:", ":"}) {
      if (start.starts_with(mark)) s.form = State::Form::events;
      if (start.size() < mark.size() && mark.starts_with(start)) return true;
    }
    if (s.form == State::Form::unknown)
      s.form = start.starts_with('{') ? State::Form::object : State::Form::other;
  }
  if (s.form == State::Form::events) s.take_lines(false);
  return !s.enough;
}

std::string_view ReplyReader::fresh_text() {
  State& s = *state_;
  // Looked at anew with each piece; what is longer comes with the whole.
  constexpr size_t kMaxWatched = 256 << 10;
  if (s.text.size() > kMaxWatched || s.misled) return {};
  const CertainText certain = certain_text(s.text, s.n_told);
  // The first mark of thoughts was left out, and they were told as text.
  s.misled = s.n_told > 0 && s.n_told < certain.begin;
  const size_t begin = std::max(s.n_told, certain.begin);
  if (s.misled || certain.end <= begin) return {};
  s.n_told = certain.end;
  return std::string_view(s.text).substr(begin, certain.end - begin);
}

bool ReplyReader::complete() const { return state_->ended || !state_->finish_reason.empty(); }

base::Result<ModelReply> ReplyReader::finish() {
  State& s = *state_;
  if (s.form == State::Form::events) {
    s.take_lines(true);
    s.end_of_event();
  } else if (s.form == State::Form::object) {
    const json value = parse_bounded(s.buffer);
    if (!value.is_object())
      return Error{Errc::corrupt,
                   "the server's reply is JSON that breaks off or is nested too deeply"};
    s.take(value);
    s.ended = true;
  }
  if (s.error) return *s.error;
  if (!s.chose) {
    const std::string said = error_sentence(s.buffer);
    return Error{Errc::corrupt, "the server sent no reply of a model" +
                                    (said.empty() ? std::string() : ", but: " + said)};
  }

  ModelReply reply{
      .message = {}, .prompt_tokens = s.prompt_tokens, .completion_tokens = s.completion_tokens};
  reply.message.role = model::Role::model;
  reply.cut = s.finish_reason == "length" || s.finish_reason == "max_tokens";
  reply.message.text = base::utf8_repaired(s.text);
  reply.message.reasoning = base::utf8_repaired(s.reasoning);
  const std::string thoughts = take_thoughts_from_text(reply.message.text);
  if (reply.message.reasoning.empty()) reply.message.reasoning = thoughts;

  std::set<std::string> ids;
  for (State::Slot& slot : s.slots) {
    if (slot.name.empty() && slot.arguments.empty()) continue;
    model::FunctionCall call{.name = slot.name, .id = slot.id};
    for (size_t n = ids.size() + 1; call.id.empty() || ids.contains(call.id); ++n)
      call.id = "call_" + std::to_string(n);
    ids.insert(call.id);
    if (std::optional<json> arguments = arguments_of(slot.arguments)) {
      call.arguments = std::move(*arguments);
    } else if (!complete()) {
      reply.cut = true;  // nobody said that this was the end, and it does not look like one
    } else {
      reply.unreadable.push_back(
          {call.id, "the arguments of " + call.name.substr(0, 64) + " are no JSON object"});
    }
    reply.message.calls.push_back(std::move(call));
  }
  if (reply.message.calls.empty() && !reply.cut) {
    reply.message.calls = take_calls_from_text(reply.message.text, s.tools);
    size_t n = 0;
    for (model::FunctionCall& call : reply.message.calls) call.id = "call_" + std::to_string(++n);
  }
  if (reply.cut) {
    reply.message.calls.clear();
    reply.unreadable.clear();
  }
  reply.message.text = std::string(base::trimmed(reply.message.text));
  return reply;
}

}  // namespace agent
