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

/// The files of a message's media, in order. Errors: usage (a part without a path).
base::Result<std::vector<std::string>> paths_of(const nlohmann::json& message) {
  std::vector<std::string> paths;
  const auto content = message.find("content");
  if (content == message.end() || !content->is_array()) return paths;
  for (const nlohmann::json& part : *content) {
    if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) continue;
    const std::string type = part["type"].get<std::string>();
    if (type == "text" || type == "input_text" || type == "output_text") continue;
    if (!part.contains("path") || !part["path"].is_string())
      return Error{Errc::usage, "a part of type \"" + type + "\" needs \"path\": \"FILE\""};
    paths.push_back(part["path"].get<std::string>());
  }
  return paths;
}

/// Tokens with the places of media taken by their soft tokens.
struct Expanded {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learned;  // whether the model should say this token
  std::vector<Medium> media;
};

base::Result<Expanded> expand(const ChatTokens& chat, const std::vector<std::string>& paths,
                              size_t without_loss, const std::filesystem::path& folder,
                              const MediaRules& rules, const Tokenizer& tokenizer) {
  if (chat.media.size() != paths.size())
    return Error{Errc::unsupported, "this vocabulary has no tokens for a picture or recording"};
  Expanded out;
  size_t next = 0;
  for (size_t at = 0; at < chat.ids.size(); ++at) {
    if (next == chat.media.size() || chat.media[next].position != at) {
      out.ids.push_back(chat.ids[at]);
      out.learned.push_back(chat.from_model[at] != 0 && at >= without_loss ? 1 : 0);
      continue;
    }
    base::Result<std::vector<Medium>> pieces =
        measure(chat.media[next].kind, folder / paths[next], rules);
    if (!pieces) return pieces.error();
    ++next;
    const bool image = (*pieces)[0].kind == MediaKind::image;
    const TokenId begin = tokenizer.special(image ? Special::image_begin : Special::audio_begin);
    const TokenId end = tokenizer.special(image ? Special::image_end : Special::audio_end);
    if (begin < 0 || end < 0)
      return Error{Errc::unsupported,
                   "this vocabulary has no tokens around a picture or recording"};
    for (Medium& piece : *pieces) {
      out.ids.push_back(begin);
      piece.row = static_cast<int>(out.ids.size());
      out.ids.insert(out.ids.end(), static_cast<size_t>(piece.n), chat.ids[at]);
      out.ids.push_back(end);
      out.media.push_back(std::move(piece));
    }
    out.learned.resize(out.ids.size(), 0);
  }
  return out;
}

base::Result<Sequence> sequence_of(const nlohmann::json& line, const Preamble& preamble,
                                   const Tokenizer& tokenizer, const std::filesystem::path& folder,
                                   const MediaRules& rules) {
  if (!line.is_object() || !line.contains("messages") || !line["messages"].is_array() ||
      line["messages"].empty())
    return Error{Errc::corrupt, "expected {\"messages\": [...]}"};
  std::vector<Message> messages;
  if (!preamble.system.empty())
    messages.push_back(Message{.role = Role::system, .text = preamble.system});
  const RenderOptions options{.add_generation_prompt = false,
                              .empty_thought = EmptyThought::current_turn};
  size_t without_loss = 0;  // leading tokens, media still one token each
  std::vector<std::string> paths;
  for (const nlohmann::json& json : line["messages"]) {
    base::Result<Message> message = message_from_json(json);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
    const base::Result<std::vector<std::string>> own = paths_of(json);
    if (!own) return own.error();
    paths.insert(paths.end(), own->begin(), own->end());
    if (json.contains("train") && json["train"] == false)
      without_loss = tokens(render(messages, preamble.tools, options), tokenizer).ids.size();
  }
  const ChatTokens chat = tokens(render(messages, preamble.tools, options), tokenizer);
  base::Result<Expanded> all = expand(chat, paths, without_loss, folder, rules, tokenizer);
  if (!all) return all.error();
  Sequence sequence;
  sequence.tokens = std::move(all->ids);
  sequence.media = std::move(all->media);
  sequence.labels.assign(sequence.tokens.size(), -1);
  bool any = false;
  for (size_t i = 0; i + 1 < sequence.tokens.size(); ++i)
    if (all->learned[i + 1] != 0) {
      sequence.labels[i] = sequence.tokens[i + 1];
      any = true;
    }
  if (!any) return Error{Errc::usage, "no message of the assistant to learn from"};
  // Nothing after the last label can change the loss.
  while (sequence.labels.back() < 0) {
    sequence.labels.pop_back();
    sequence.tokens.pop_back();
  }
  while (!sequence.media.empty() &&
         sequence.media.back().row >= static_cast<int>(sequence.tokens.size()))
    sequence.media.pop_back();
  return sequence;
}

}  // namespace

base::Result<std::vector<Sequence>> read_dataset(const std::filesystem::path& path,
                                                 const Preamble& preamble,
                                                 const Tokenizer& tokenizer,
                                                 const DatasetOptions& options) {
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
    base::Result<Sequence> sequence =
        sequence_of(line, preamble, tokenizer, path.parent_path(), options.media);
    if (!sequence) return Error{sequence.error().code, where + sequence.error().message};
    const bool too_long = sequence->tokens.size() > static_cast<size_t>(options.max_tokens);
    if (too_long && options.skip_long) continue;
    if (too_long)
      return Error{Errc::usage, where + std::to_string(sequence->tokens.size()) +
                                    " tokens, at most " + std::to_string(options.max_tokens) +
                                    " fit (--max-tokens, --batch-tokens)"};
    sequences.push_back(std::move(*sequence));
  }
  if (sequences.empty()) return Error{Errc::usage, path.string() + ": holds no conversation"};
  return sequences;
}

}  // namespace model::training
