// What peers send and what models write. As JSON, the input is a conversation {"messages": [...],
// "tools": [...]}: rendering it gives no special token that its structure does not ask for. In any
// case it is also a reply: reading it at once and byte by byte gives the same, and calls that were
// read can be written and read again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "model/call_parser.h"
#include "model/chat.h"

namespace {

using namespace model;
using nlohmann::json;

void check(bool fine) {
  if (!fine) std::abort();
}

void render_conversation(const json& value) {
  if (!value.is_object()) return;
  std::vector<Message> messages;
  for (const json& item : value.value("messages", json())) {
    if (base::Result<Message> message = message_from_json(item)) messages.push_back(*message);
  }
  std::vector<ToolDeclaration> tools;
  for (const json& item : value.value("tools", json())) {
    if (base::Result<ToolDeclaration> tool = tool_from_json(item)) tools.push_back(*tool);
  }
  for (const bool thinking : {false, true}) {
    const Rendered rendered = render(messages, tools, {.thinking = thinking});
    size_t n_calls = 0;
    for (const Message& message : messages) n_calls += message.calls.size();
    size_t n_call_tokens = 0;
    int open_quotes = 0;
    for (const Segment& segment : rendered) {
      if (segment.kind != Segment::Kind::special) continue;
      n_call_tokens += segment.special == Special::call_begin ? 1 : 0;
      if (segment.special == Special::quote) {
        open_quotes = 1 - open_quotes;
      } else {
        check(open_quotes == 0);
      }
    }
    check(n_call_tokens <= n_calls);
    (void)text(rendered);
  }
}

void check_calls(const std::vector<FunctionCall>& calls) {
  for (const FunctionCall& call : calls) {
    check(call.arguments.is_object());
    (void)call.arguments.dump();  // throws if a string is not UTF-8
    StreamParser parser(ParserOptions{.max_call_bytes = 1 << 20});
    const std::vector<Message> messages = {{.role = Role::model, .calls = {call}}};
    for (const Segment& segment : render(messages, {}, {})) {
      if (!segment.from_model) continue;
      const std::vector<ReplyEvent> events = segment.kind == Segment::Kind::text
                                                 ? parser.push_text(segment.text)
                                                 : parser.push_special(segment.special);
      for (const ReplyEvent& event : events) {
        check(event.kind != ReplyEvent::Kind::bad_call);
        if (event.kind != ReplyEvent::Kind::call) continue;
        check(event.call.name == call.name && event.call.arguments == call.arguments);
      }
    }
  }
}

// Events with neighbouring texts joined.
std::string transcript(const std::vector<ReplyEvent>& events) {
  std::string out;
  std::optional<ReplyEvent::Kind> previous;
  for (const ReplyEvent& event : events) {
    const bool joins = event.kind == ReplyEvent::Kind::text ||
                       event.kind == ReplyEvent::Kind::reasoning ||
                       event.kind == ReplyEvent::Kind::call_arguments;
    if (!joins || previous != event.kind)
      out += "\n" + std::to_string(static_cast<int>(event.kind));
    out += event.text + event.error;
    if (event.kind == ReplyEvent::Kind::call) out += event.call.name + event.call.arguments.dump();
    previous = event.kind;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const json value = json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_discarded()) render_conversation(value);

  check_calls(parse_reply_text(text, {.functions = {"f"}}).message.calls);

  // Byte 0xFE followed by n is special token n; the rest is text.
  StreamParser whole(ParserOptions{});
  StreamParser bytes(ParserOptions{});
  std::vector<ReplyEvent> from_whole;
  std::vector<ReplyEvent> from_bytes;
  const auto append = [](std::vector<ReplyEvent>& to, std::vector<ReplyEvent> events) {
    to.insert(to.end(), events.begin(), events.end());
  };
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\xFE' && at + 1 < text.size()) {
      const auto which =
          static_cast<Special>(static_cast<unsigned char>(text[at + 1]) % kSpecialTokens.size());
      append(from_whole, whole.push_special(which));
      append(from_bytes, bytes.push_special(which));
      at += 2;
      continue;
    }
    const size_t end = std::min(text.find('\xFE', at + 1), text.size());
    append(from_whole, whole.push_text(text.substr(at, end - at)));
    for (; at < end; ++at) append(from_bytes, bytes.push_text(text.substr(at, 1)));
  }
  append(from_whole, whole.finish());
  append(from_bytes, bytes.finish());
  check(transcript(from_whole) == transcript(from_bytes));
  std::vector<FunctionCall> calls;
  std::string pieces;  // of the call being written
  for (const ReplyEvent& event : from_bytes) {
    if (event.kind == ReplyEvent::Kind::call_begin) pieces.clear();
    if (event.kind == ReplyEvent::Kind::call_arguments) pieces += event.text;
    // What was told early must hold.
    check(event.error.find("reads otherwise") == std::string::npos);
    if (event.kind != ReplyEvent::Kind::call) continue;
    check(pieces == event.call.arguments_text);
    check(json::parse(pieces) == event.call.arguments);
    calls.push_back(event.call);
  }
  check_calls(calls);
  return 0;
}
