// Replies of servers: whatever comes, reading it at once and byte by byte gives the same; calls
// have ids of their own and objects as arguments; what is told on the way stays; and what was read
// can be sent back.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "agent/endpoint/wire.h"
#include "base/json.h"

namespace {

void check(bool fine) {
  if (!fine) std::abort();
}

base::Result<agent::ModelReply> read(std::string_view bytes, size_t piece, std::string& told) {
  agent::ReplyReader reader({"f", "run_lua"});
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const bool more = reader.push(bytes.substr(0, piece));
    told += reader.fresh_text();
    if (!more) break;
  }
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string at_once, told;
  const base::Result<agent::ModelReply> whole = read(bytes, size + 1, at_once);
  const base::Result<agent::ModelReply> pieces = read(bytes, 1, told);
  check(whole.has_value() == pieces.has_value());
  if (!whole) {
    check(!whole.error().message.empty() && whole.error().message.size() < 1000);
    check(whole.error().message.find('\x1b') == std::string::npos);
    return 0;
  }
  check(whole->message.text == pieces->message.text);
  check(whole->message.reasoning == pieces->message.reasoning);
  check(whole->message.calls.size() == pieces->message.calls.size());
  check(!whole->cut || whole->message.calls.empty());
  // What was told while it came is how the text begins, but where its first mark of thoughts fails.
  if (whole->message.reasoning.empty() && whole->message.calls.empty())
    check(whole->message.text.starts_with(told) && whole->message.text.starts_with(at_once));
  std::set<std::string> ids;
  for (const model::FunctionCall& call : whole->message.calls) {
    check(call.arguments.is_object());
    check(!call.id.empty() && ids.insert(call.id).second);
  }
  const std::vector<model::Message> conversation = {whole->message};
  for (const bool tools : {true, false}) {
    const std::string body = agent::request_body(conversation, {}, {.model = "m", .tools = tools});
    check(nlohmann::json::parse(body, nullptr, false).is_object());
  }
  return 0;
}
