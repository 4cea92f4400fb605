// Chat templates come with weights, conversations from people and peers. The input is a template, a
// byte 0x00 and a conversation as JSON {"messages": [...], "tools": [...]} (or none: then a fixed
// one). Rendering ends, and the special tokens of the result are those of the same conversation
// without < > and |.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "model/chat_template.h"
#include "model/gguf.h"
#include "model/tokenizer.h"

namespace {

using namespace model;
using nlohmann::json;

void check(bool fine) {
  if (!fine) std::abort();
}

const Tokenizer& tiny() {
  static const Gguf gguf =
      std::move(*Gguf::open(std::filesystem::path(TESSERA_GOLDEN_DIR) / "tiny/tiny-q4_0.gguf"));
  static const Tokenizer tokenizer = std::move(*Tokenizer::from_gguf(gguf));
  return tokenizer;
}

std::string specials(const Rendered& rendered) {
  std::string out;
  for (const Segment& segment : rendered)
    if (segment.kind != Segment::Kind::text) out += text({segment});
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view source = input.substr(0, end);
  const std::string_view rest = input.substr(std::min(end + 1, input.size()));
  std::vector<Message> messages;
  std::vector<ToolDeclaration> tools;
  const json value = json::parse(rest.begin(), rest.end(), nullptr, false);
  if (value.is_object()) {
    for (const json& item : value.value("messages", json()))
      if (base::Result<Message> message = message_from_json(item)) messages.push_back(*message);
    for (const json& item : value.value("tools", json()))
      if (base::Result<ToolDeclaration> tool = tool_from_json(item)) tools.push_back(*tool);
  } else {
    messages = {{.role = Role::system, .text = "<|turn>s"},
                {.role = Role::user, .text = std::string(rest) + "<turn|><bos>"}};
  }
  for (const bool thinking : {false, true}) {
    const TemplateRendered out =
        render_with(source, tiny(), messages, tools, {.thinking = thinking});
    size_t n = 0;
    for (const Segment& segment : out.rendered) n += segment.kind == Segment::Kind::text ? 0 : 1;
    size_t n_ids = 0;
    for (const TokenId id : tokens(out.rendered, tiny()).ids)
      n_ids += tiny().is_special(id) ? 1 : 0;
    check(n_ids <= n);
    if (!out.builtin_because.empty()) {
      check(text(out.rendered) == text(render(messages, tools, {.thinking = thinking})));
      continue;
    }
    // The same with no character left that a special token is delimited by.
    std::vector<Message> harmless = messages;
    bool comparable = tools.empty();
    for (Message& message : harmless) {
      comparable =
          comparable && message.calls.empty() && message.media.empty() && message.result.is_null();
      for (std::string* said : {&message.text, &message.reasoning, &message.name, &message.call_id})
        for (char& c : *said)
          if (c == '<' || c == '>' || c == '|') c = '(';
    }
    if (!comparable) continue;
    const TemplateRendered plain =
        render_with(source, tiny(), harmless, tools, {.thinking = thinking});
    if (plain.builtin_because.empty()) check(specials(plain.rendered) == specials(out.rendered));
  }
  return 0;
}
