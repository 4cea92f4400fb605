// Replies of servers: whatever comes, reading it at once and byte by byte gives the same; calls
// have ids of their own and objects as arguments; and what was read can be sent back.

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

base::Result<agent::ModelReply> read(std::string_view bytes, size_t piece) {
  agent::ReplyReader reader({"f", "run_lua"});
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    if (!reader.push(bytes.substr(0, piece))) break;
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const base::Result<agent::ModelReply> whole = read(bytes, size + 1);
  const base::Result<agent::ModelReply> pieces = read(bytes, 1);
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
