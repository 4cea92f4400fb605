// What models write into their text although it has a place of its own: calls and thoughts. A call
// in the text counts only as the last thing that is said: a reply that quotes one and goes on is a
// reply about calls, not a call.

#include <algorithm>
#include <optional>

#include "agent/endpoint/wire.h"
#include "base/json.h"
#include "base/text.h"
#include "model/call_parser.h"

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxTextCalls = 16;
constexpr std::string_view kTagOpen = "<tool_call>", kTagClose = "</tool_call>";
constexpr std::string_view kGemmaOpen = "<|tool_call>", kGemmaClose = "<tool_call|>";
constexpr std::string_view kFenceOpen = "```json\n", kFenceClose = "```";
constexpr struct {
  std::string_view open, close;
} kThoughts[] = {{"<think>", "</think>"}, {"<|channel>thought", "<channel|>"}};
using base::npos;

bool is_one_of(const std::string& name, std::span<const std::string> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// {"name": …, "arguments" or "parameters": …} and nothing else.
std::optional<model::FunctionCall> call_of(std::string_view text,
                                           std::span<const std::string> tools) {
  const json value = parse_bounded(base::trimmed(text));
  if (!value.is_object() || !value.contains("name") || !value["name"].is_string())
    return std::nullopt;
  const char* key = value.contains("arguments") ? "arguments" : "parameters";
  if (value.size() != (value.contains(key) ? 2u : 1u)) return std::nullopt;
  model::FunctionCall call{.name = value["name"].get<std::string>()};
  if (!is_one_of(call.name, tools)) return std::nullopt;
  if (value.contains(key)) {
    call.arguments = value[key];
    if (call.arguments.is_string())
      call.arguments = parse_bounded(call.arguments.get<std::string>());
    if (!call.arguments.is_object()) return std::nullopt;
  }
  return call;
}

/// Calls between `open` and `close` that stand one after the other at the end of the text.
std::vector<model::FunctionCall> marked_calls(std::string& text, std::string_view open,
                                              std::string_view close,
                                              std::span<const std::string> tools) {
  std::vector<model::FunctionCall> calls;
  std::string_view rest = base::trimmed(text);
  while (calls.size() < kMaxTextCalls && rest.ends_with(close)) {
    const std::string_view inside = rest.substr(0, rest.size() - close.size());
    const size_t begin = inside.rfind(open);
    if (begin == npos) break;
    std::optional<model::FunctionCall> call = call_of(inside.substr(begin + open.size()), tools);
    if (!call) break;
    calls.insert(calls.begin(), std::move(*call));
    rest = base::trimmed(rest.substr(0, begin));
  }
  if (!calls.empty()) text = std::string(rest);
  return calls;
}

/// Gemma's own form, read by the parser that reads it from tokens.
std::vector<model::FunctionCall> gemma_calls(std::string& text,
                                             std::span<const std::string> tools) {
  const size_t begin = text.find(kGemmaOpen), end = text.rfind(kGemmaClose);
  if (begin == npos || end == npos || end < begin) return {};
  std::string_view after = base::trimmed(std::string_view(text).substr(end + kGemmaClose.size()));
  for (const std::string_view mark : {"<|tool_response>", "<turn|>", "<eos>"})
    if (after.starts_with(mark)) after = base::trimmed(after.substr(mark.size()));
  if (!after.empty()) return {};
  model::Reply reply = model::parse_reply_text(text, {.functions = {tools.begin(), tools.end()}});
  std::vector<model::FunctionCall> calls = std::move(reply.message.calls);
  if (calls.size() > kMaxTextCalls ||
      std::any_of(calls.begin(), calls.end(),
                  [&](const auto& call) { return !is_one_of(call.name, tools); }))
    return {};
  if (!calls.empty()) text = std::move(reply.message.text);
  return calls;
}

}  // namespace

std::vector<model::FunctionCall> take_calls_from_text(std::string& text,
                                                      std::span<const std::string> tools) {
  std::vector<model::FunctionCall> calls = gemma_calls(text, tools);
  if (calls.empty()) calls = marked_calls(text, kTagOpen, kTagClose, tools);
  if (calls.empty()) calls = marked_calls(text, kFenceOpen, kFenceClose, tools);
  if (calls.empty())
    if (std::optional<model::FunctionCall> call = call_of(text, tools)) {
      calls.push_back(std::move(*call));
      text.clear();
    }
  return calls;
}

CertainText certain_text(std::string_view text, size_t from) {
  size_t begin = std::min(text.find_first_not_of(base::kBlank), text.size());
  for (const auto& [open, close] : kThoughts) {
    const std::string_view all = text.substr(begin);
    const bool opened = all.starts_with(open);
    if (!opened && open.starts_with(all)) return {begin, begin};
    const size_t end = all.find(close, opened ? open.size() : 0);
    if (opened && end == npos) return {begin, begin};
    if (end == npos || (!opened && all.find(open) != npos)) continue;
    begin = std::min(text.find_first_not_of(base::kBlank, begin + end + close.size()), text.size());
    break;
  }
  // All of it may be the JSON of a call.
  if (text.substr(begin).starts_with('{')) return {begin, begin};
  from = std::max(from, begin);
  const std::string_view rest = text.substr(from);
  size_t end = rest.size();
  for (const std::string_view mark :
       {kTagOpen, kGemmaOpen, kFenceOpen, kThoughts[0].close, kThoughts[1].close}) {
    end = std::min(end, rest.find(mark));
    // The end of the text may be the beginning of a mark.
    for (size_t n = std::min(mark.size() - 1, rest.size()); n > 0; --n)
      if (rest.ends_with(mark.substr(0, n))) end = std::min(end, rest.size() - n);
  }
  // Spaces at the end of a reply are no part of it.
  const size_t last = rest.substr(0, end).find_last_not_of(base::kBlank);
  return {begin, from + (last == npos ? 0 : last + 1)};
}

std::string take_thoughts_from_text(std::string& text) {
  for (const auto& [open, close] : kThoughts) {
    const std::string_view all = base::trimmed(text);
    const bool opened = all.starts_with(open);
    const size_t end = all.find(close);
    // Templates of chats may write the first mark themselves; then only the second comes.
    if (!opened && (end == npos || all.find(open) != npos)) continue;
    const size_t begin = opened ? open.size() : 0;
    if (end != npos && end < begin) continue;
    std::string thoughts(base::trimmed(all.substr(begin, end == npos ? npos : end - begin)));
    std::string rest(end == npos ? std::string_view()
                                 : base::trimmed(all.substr(end + close.size())));
    text = std::move(rest);
    return thoughts;
  }
  return {};
}

}  // namespace agent
