#include "model/training/dataset.h"

#include "base/json.h"

#include "base/file.h"

namespace model::training {

using base::Errc;
using base::Error;

base::Result<Preamble> Preamble::open(const std::filesystem::path& path) {
  base::Result<std::string> bytes = base::read_file(path, 1 << 20);
  if (!bytes) return bytes.error();
  const nlohmann::json json = nlohmann::json::parse(*bytes, nullptr, false);
  if (!json.is_object() || !json.contains("system") || !json["system"].is_string() ||
      !json.contains("tools") || !json["tools"].is_array())
    return Error{Errc::corrupt, path.string() + ": expected {\"system\": text, \"tools\": [...]}"};
  Preamble preamble;
  preamble.system = json["system"].get<std::string>();
  for (const nlohmann::json& tool : json["tools"]) {
    base::Result<ToolDeclaration> declaration = tool_from_json(tool);
    if (!declaration) return declaration.error();
    preamble.tools.push_back(std::move(*declaration));
  }
  return preamble;
}

namespace {

base::Result<Sequence> sequence_of(const nlohmann::json& line, const Preamble& preamble,
                                   const Tokenizer& tokenizer) {
  if (!line.is_object() || !line.contains("messages") || !line["messages"].is_array() ||
      line["messages"].empty())
    return Error{Errc::corrupt, "expected {\"messages\": [...]}"};
  std::vector<Message> messages;
  if (!preamble.system.empty())
    messages.push_back(Message{.role = Role::system, .text = preamble.system});
  const RenderOptions options{.add_generation_prompt = false,
                              .empty_thought = EmptyThought::current_turn};
  size_t without_loss = 0;  // leading tokens
  for (const nlohmann::json& json : line["messages"]) {
    base::Result<Message> message = message_from_json(json);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
    if (json.is_object() && json.contains("train") && json["train"] == false)
      without_loss = tokens(render(messages, preamble.tools, options), tokenizer).ids.size();
  }
  const ChatTokens chat = tokens(render(messages, preamble.tools, options), tokenizer);
  Sequence sequence;
  sequence.tokens = chat.ids;
  sequence.labels.assign(chat.ids.size(), -1);
  bool any = false;
  for (size_t i = 0; i + 1 < chat.ids.size(); ++i)
    if (chat.from_model[i + 1] != 0 && i + 1 >= without_loss) {
      sequence.labels[i] = chat.ids[i + 1];
      any = true;
    }
  if (!any) return Error{Errc::usage, "no message of the assistant to learn from"};
  // Nothing after the last label can change the loss.
  while (sequence.labels.back() < 0) {
    sequence.labels.pop_back();
    sequence.tokens.pop_back();
  }
  return sequence;
}

}  // namespace

base::Result<std::vector<Sequence>> read_dataset(const std::filesystem::path& path,
                                                 const Preamble& preamble,
                                                 const Tokenizer& tokenizer, int max_tokens,
                                                 bool skip_long) {
  base::Result<std::string> bytes = base::read_file(path, size_t{4} << 30);
  if (!bytes) return bytes.error();
  std::vector<Sequence> sequences;
  size_t number = 0;
  for (size_t begin = 0; begin < bytes->size();) {
    size_t end = bytes->find('\n', begin);
    if (end == std::string::npos) end = bytes->size();
    const std::string_view text = std::string_view(*bytes).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = path.filename().string() + " line " + std::to_string(number) + ": ";
    const nlohmann::json line = nlohmann::json::parse(text, nullptr, false);
    if (line.is_discarded()) return Error{Errc::corrupt, where + "not JSON"};
    base::Result<Sequence> sequence = sequence_of(line, preamble, tokenizer);
    if (!sequence) return Error{sequence.error().code, where + sequence.error().message};
    const bool too_long = sequence->tokens.size() > static_cast<size_t>(max_tokens);
    if (too_long && skip_long) continue;
    if (too_long)
      return Error{Errc::usage, where + std::to_string(sequence->tokens.size()) +
                                    " tokens, at most " + std::to_string(max_tokens) +
                                    " fit (--max-tokens)"};
    sequences.push_back(std::move(*sequence));
  }
  if (sequences.empty()) return Error{Errc::usage, path.string() + ": holds no conversation"};
  return sequences;
}

}  // namespace model::training
