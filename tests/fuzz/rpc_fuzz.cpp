// Lines of MCP's peers, and results of their tools: whatever comes, it is read or refused with a
// sentence, what was read can be written again, and what a model gets to see of it is bounded.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/mcp/client.h"
#include "agent/mcp/rpc.h"

namespace {

void check(bool fine) {
  if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace agent::mcp;
  const Incoming in = read_messages({reinterpret_cast<const char*>(data), size});
  check(!in.messages.empty() || !in.unreadable.empty());
  check(in.is_batch || in.messages.size() + in.unreadable.size() == 1);
  for (const Incoming::Unreadable& one : in.unreadable) {
    check(!one.why.empty());
    check(read_messages(base::line_of(error_json(one.id, one.code, one.why))).messages.size() == 1);
  }
  for (const Message& one : in.messages) {
    check(one.kind == Message::Kind::reply || !one.method.empty());
    check(one.params.is_object() && one.error_message.size() <= 1000);
    if (one.kind != Message::Kind::reply || one.failed) continue;
    const std::string line = base::line_of(reply_json(one.id, one.result));
    check(line.find('\n') == line.npos && read_messages(line).messages.size() == 1);
    const ToolAnswer answer = read_tool_result(one.result);
    check(!answer.text.empty() && answer.text.size() < 17'000 && answer.pictures.size() <= 4);
  }
  return 0;
}
