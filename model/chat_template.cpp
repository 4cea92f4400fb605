// A template mixes its own special tokens with what people wrote, in one string. To tell them
// apart, a character that occurs nowhere in the conversation or the template, the mark (U+E000 or
// the next free one of private use), is put into what people wrote:
//
//   1. The template is rendered over the conversation with a mark inside every special token that
//   its strings spell.
//      The special tokens that the result spells are then the template's, the marks are taken out
//      of the text between them. Only pieces could still join: a template's "<" with a name "eos"
//      and its ">".
//   2. So it is rendered again, with a mark at both sides of every character that people wrote: no
//   spelling that one of
//      these takes part in survives. If both results have the same special tokens, none of them is
//      people's doing. Otherwise the template lets words steer, and the built-in format is used.
//
// Marks disturb a template that compares or measures content, in 2 more than in 1; the words of a
// schema that templates look for (its keywords and types) are left alone in 2 unless they could be
// part of a special token.
#include "model/chat_template.h"

#include <tessera_template.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>
#include <vector>
#include "base/json.h"

#include "base/text.h"
#include "base/utf8.h"
#include "model/call_transcoder.h"

namespace model {
namespace {

using nlohmann::json;
using Context = nlohmann::ordered_json;

constexpr size_t kMaxSourceBytes = 256 * 1024;
constexpr size_t kMaxContextBytes = 32 << 20;
constexpr int kMaxValueDepth = 64;  // of values: the engine's reader of JSON takes 127
constexpr uint64_t kBaseFuel = 500'000;
constexpr uint64_t kMostFuel = 4'000'000;
constexpr uint32_t kRecursion = 200;

constexpr std::array<std::string_view, 7> kSchemaWords = {
    "description", "type", "properties", "required", "nullable", "enum", "items"};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

const char* name_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::image:
      return "image";
    case MediaKind::audio:
      return "audio";
    case MediaKind::video:
      break;
  }
  return "video";
}

// --- what render() does better
// --------------------------------------------------------------------------

bool has_odd_key(const json& value, int depth = 0) {
  if (depth > kMaxValueDepth) return true;
  if (!value.is_structured()) return false;
  for (const auto& [key, item] : value.items()) {
    if (value.is_object() && !call_chars::is_bare_key(key)) return true;
    if (has_odd_key(item, depth + 1)) return true;
  }
  return false;
}

// Whether some property, at any depth, has a schema keyword for a name, or a key that needs quotes.
bool has_odd_property(const json& schema, int depth = 0) {
  if (depth > kMaxValueDepth) return true;
  if (schema.is_array())
    return std::any_of(schema.begin(), schema.end(),
                       [&](const json& item) { return has_odd_property(item, depth + 1); });
  if (!schema.is_object()) return false;
  for (const auto& [key, value] : schema.items()) {
    if (key == "properties" && value.is_object()) {
      for (const auto& [name, property] : value.items()) {
        if (std::find(kSchemaWords.begin(), kSchemaWords.end(), name) != kSchemaWords.end() ||
            !call_chars::is_bare_key(name) || has_odd_property(property, depth + 1))
          return true;
      }
    } else if (value.is_structured() && has_odd_property(value, depth + 1)) {
      return true;
    }
  }
  return false;
}

std::string garbled_by_gemma4(std::span<const Message> messages,
                              std::span<const ToolDeclaration> tools) {
  for (const ToolDeclaration& tool : tools) {
    if (has_odd_property(tool.parameters))
      return "a property of " + tool.name + " is named like a keyword of its schema";
    if (tool.parameters.is_object() && !base::member(tool.parameters, "type").is_string())
      return "the parameters of " + tool.name + " have no type";
    if (tool.response.is_object() && !base::member(tool.response, "type").is_string())
      return "the response of " + tool.name + " has no type";
  }
  for (const Message& message : messages) {
    for (const FunctionCall& call : message.calls)
      if (has_odd_key(call.arguments))
        return "an argument of " + call.name + " has a name that needs quotes";
    if (!message.calls.empty() &&
        !base::trimmed(without_thinking(message.text), base::kWhiteSpace).empty())
      return "a message has text and calls";
    if (message.role == Role::tool && has_odd_key(message.result))
      return "a result has a name that needs quotes";
  }
  return {};
}

// --- what the template is given
// -------------------------------------------------------------------------

// How strings are written into the context.
struct Writing {
  std::function<std::string(std::string_view)> said;   // what people, tools and models said
  std::function<std::string(std::string_view)> words;  // keywords and types of schemas
};

Context value_context(const json& value, const Writing& to, int depth) {
  if (depth > kMaxValueDepth) return nullptr;
  if (value.is_string()) return to.said(value.get_ref<const std::string&>());
  if (value.is_object()) {
    Context out = Context::object();
    for (const auto& [key, item] : value.items())
      out[to.said(key)] = value_context(item, to, depth + 1);
    return out;
  }
  if (value.is_array()) {
    Context out = Context::array();
    for (const json& item : value) out.push_back(value_context(item, to, depth + 1));
    return out;
  }
  return value;
}

Context schema_context(const json& schema, const Writing& to, int depth) {
  if (depth > kMaxValueDepth) return nullptr;
  if (schema.is_array()) {
    Context out = Context::array();
    for (const json& item : schema) out.push_back(schema_context(item, to, depth + 1));
    return out;
  }
  if (!schema.is_object()) return value_context(schema, to, depth);
  Context out = Context::object();
  for (const auto& [key, value] : schema.items()) {
    Context& into = out[to.words(key)];
    if (key == "properties" && value.is_object()) {
      into = Context::object();
      for (const auto& [name, property] : value.items())
        into[to.said(name)] = schema_context(property, to, depth + 1);
    } else if (key == "type" && value.is_string()) {
      into = to.words(value.get_ref<const std::string&>());
    } else if (key == "type" && value.is_array()) {
      into = Context::array();
      for (const json& item : value)
        into.push_back(item.is_string() ? Context(to.words(item.get_ref<const std::string&>()))
                                        : Context(item));
    } else {
      into = schema_context(value, to, depth + 1);
    }
  }
  return out;
}

Context content_context(const Message& message, const Writing& to) {
  // Inside a tool message media stand after the result, elsewhere where they were said.
  const std::string text = message.role == Role::model ? without_thinking(message.text)
                           : message.role == Role::tool && !message.result.is_null()
                               ? message.result.dump(-1, ' ', false, json::error_handler_t::replace)
                               : message.text;
  if (message.media.empty()) return to.said(text);
  Context parts = Context::array();
  const auto add_text = [&](std::string_view part) {
    if (!part.empty()) parts.push_back({{"type", "text"}, {"text", to.said(part)}});
  };
  size_t begin = 0;
  for (const Media& media : message.media) {
    const size_t at =
        message.role == Role::tool ? text.size() : std::clamp(media.at, begin, text.size());
    add_text(std::string_view(text).substr(begin, at - begin));
    parts.push_back({{"type", name_of(media.kind)}});
    begin = at;
  }
  add_text(std::string_view(text).substr(begin));
  return parts;
}

const char* name_of(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::model:
      return "assistant";
    case Role::tool:
      break;
  }
  return "tool";
}

Context message_context(const Message& message, const Writing& to) {
  Context out = {{"role", name_of(message.role)}, {"content", content_context(message, to)}};
  if (!message.reasoning.empty()) {
    out["reasoning_content"] = to.said(message.reasoning);
    out["reasoning"] = out["reasoning_content"];
  }
  if (!message.calls.empty()) {
    Context& calls = out["tool_calls"] = Context::array();
    for (const FunctionCall& call : message.calls)
      calls.push_back(
          {{"id", to.said(call.id)},
           {"type", "function"},
           {"function",
            {{"name", to.said(call.name)}, {"arguments", value_context(call.arguments, to, 0)}}}});
  }
  if (!message.name.empty()) out["name"] = to.said(message.name);
  if (!message.call_id.empty()) out["tool_call_id"] = to.said(message.call_id);
  return out;
}

// Which call each result answers, for templates that match them by name and id: as render() reads
// them, a result without either answers the next call that has none.
std::vector<Message> with_ids(std::span<const Message> messages) {
  std::vector<Message> out(messages.begin(), messages.end());
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].calls.empty()) continue;
    std::vector<bool> answered(out[i].calls.size(), false);
    for (size_t k = 0; k < out[i].calls.size(); ++k)
      if (out[i].calls[k].id.empty())
        out[i].calls[k].id = "call_" + std::to_string(i) + "_" + std::to_string(k + 1);
    for (size_t j = i + 1; j < out.size() && out[j].role == Role::tool; ++j) {
      for (size_t k = 0; k < out[i].calls.size(); ++k) {
        const FunctionCall& call = out[i].calls[k];
        const bool claims = out[j].call_id.empty() ? out[j].name.empty() || out[j].name == call.name
                                                   : out[j].call_id == call.id;
        if (answered[k] || !claims) continue;
        answered[k] = true;
        out[j].call_id = call.id;
        if (out[j].name.empty()) out[j].name = call.name;
        break;
      }
    }
  }
  return out;
}

Context whole_context(const Tokenizer& tokenizer, std::span<const Message> messages,
                      std::span<const ToolDeclaration> tools, const RenderOptions& options,
                      const Writing& to, bool takes_results) {
  Context list = Context::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    Context item = message_context(messages[i], to);
    // Structured results, where the template has a place for them beside the calls.
    size_t end = i + 1;
    while (end < messages.size() && messages[end].role == Role::tool) ++end;
    const auto answers = messages.subspan(i + 1, end - i - 1);
    const bool structured = takes_results && !messages[i].calls.empty() &&
                            std::any_of(answers.begin(), answers.end(),
                                        [](const Message& m) { return !m.result.is_null(); });
    if (structured) {
      Context& results = item["tool_responses"] = Context::array();
      for (const Message& answer : answers) {
        const bool claimed =
            std::any_of(messages[i].calls.begin(), messages[i].calls.end(),
                        [&](const FunctionCall& call) { return call.id == answer.call_id; });
        if (claimed)
          results.push_back(
              {{"name", to.said(answer.name)},
               {"response", answer.result.is_null() ? Context(to.said(answer.text))
                                                    : value_context(answer.result, to, 0)}});
      }
    }
    list.push_back(std::move(item));
    if (structured) i = end - 1;
  }
  const auto piece = [&](TokenId id) {
    return id < 0 ? std::string() : base::utf8_repaired(tokenizer.piece(id));
  };
  Context out = {{"messages", std::move(list)},
                 {"bos_token", piece(tokenizer.bos())},
                 {"eos_token", piece(tokenizer.eos())},
                 {"add_generation_prompt", options.add_generation_prompt},
                 {"enable_thinking", options.thinking},
                 {"preserve_thinking", options.preserve_thinking}};
  if (!tools.empty()) {
    Context& declared = out["tools"] = Context::array();
    for (const ToolDeclaration& tool : tools) {
      Context function = {{"name", to.said(tool.name)}, {"description", to.said(tool.description)}};
      if (!tool.parameters.is_null())
        function["parameters"] = schema_context(tool.parameters, to, 0);
      if (!tool.response.is_null()) function["response"] = schema_context(tool.response, to, 0);
      declared.push_back({{"type", "function"}, {"function", std::move(function)}});
    }
  }
  return out;
}

// --- marks
// ----------------------------------------------------------------------------------------------

std::string utf8_of_private(int code) {  // U+E000 … U+F8FF
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

std::string without(std::string_view text, std::string_view mark) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find(mark, at), text.size());
    out += text.substr(at, next - at);
    at = next + mark.size();
  }
  return out;
}

// A mark inside every special token that `text` spells.
std::string spellings_marked(std::string_view text, const Tokenizer& tokenizer,
                             std::string_view mark) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = std::max<size_t>(1, base::utf8_length(text.substr(at)));
    const bool spelled = tokenizer.special_at(text.substr(at)).id >= 0;
    out += text.substr(at, length);
    if (spelled) out += mark;
    at += length;
  }
  return out;
}

// Marks around every character but blanks.
std::string characters_marked(std::string_view text, std::string_view mark) {
  std::string out;
  bool after_mark = false;
  for (size_t at = 0; at < text.size();) {
    const size_t length = std::max<size_t>(1, base::utf8_length(text.substr(at)));
    const bool blank = length == 1 && contains(" \t\n\r\f\v", text.substr(at, 1));
    if (!blank && !after_mark) out += mark;
    out += text.substr(at, length);
    if (!blank) out += mark;
    after_mark = !blank;
    at += length;
  }
  return out;
}

// Whether a word of a schema could be a part of a special token.
bool could_be_part(std::string_view word, const Tokenizer& tokenizer) {
  if (word.find_first_of("<>|[]{}\"#_/") != std::string_view::npos) return true;
  for (const SpecialToken& token : kSpecialTokens)
    if (contains(token.text, word)) return true;
  for (TokenId id = 0; id < std::min(tokenizer.vocab_size(), 512); ++id)
    if (tokenizer.is_special(id) && contains(tokenizer.piece(id), word)) return true;
  return false;
}

// Splits what a template wrote at the special tokens it spells; texts lose their marks.
Rendered split(std::string_view written, const Tokenizer& tokenizer, std::string_view mark) {
  Rendered out;
  size_t begin = 0;
  const auto flush = [&](size_t end) {
    std::string text = without(written.substr(begin, end - begin), mark);
    if (!text.empty()) out.push_back({.kind = Segment::Kind::text, .text = std::move(text)});
  };
  for (size_t at = 0; at < written.size();) {
    const SpecialSpelling found = tokenizer.special_at(written.substr(at));
    // A spelling of one character has no inside for a mark, so it stays text.
    if (found.id < 0 || found.length <= base::utf8_length(written.substr(at))) {
      ++at;
      continue;
    }
    flush(at);
    Segment segment{.kind = Segment::Kind::special};
    if (const std::optional<Special> which = tokenizer.special_of(found.id)) {
      segment.special = *which;
      if (*which == Special::image || *which == Special::audio || *which == Special::video)
        segment.kind = Segment::Kind::media;
    } else {
      segment.text = written.substr(at, found.length);
    }
    out.push_back(std::move(segment));
    at += found.length;
    begin = at;
  }
  flush(written.size());
  return out;
}

bool same_specials(const Rendered& a, const Rendered& b) {
  const auto next = [](const Rendered& r, size_t& i) {
    while (i < r.size() && r[i].kind == Segment::Kind::text) ++i;
    return i < r.size();
  };
  for (size_t i = 0, j = 0;; ++i, ++j) {
    const bool more = next(a, i);
    if (more != next(b, j)) return false;
    if (!more) return true;
    if (a[i].kind != b[j].kind || a[i].special != b[j].special || a[i].text != b[j].text)
      return false;
  }
}

// --- checks of the result
// -------------------------------------------------------------------------------

std::string lost(const Rendered& rendered, std::span<const Message> messages,
                 std::span<const ToolDeclaration> tools) {
  std::string texts;
  std::vector<MediaKind> media;
  for (const Segment& segment : rendered) {
    if (segment.kind == Segment::Kind::text) texts += segment.text;
    if (segment.kind != Segment::Kind::special) texts += '\0';
    if (segment.kind == Segment::Kind::media)
      media.push_back(segment.special == Special::image   ? MediaKind::image
                      : segment.special == Special::audio ? MediaKind::audio
                                                          : MediaKind::video);
  }
  const auto is_there = [&](std::string_view text) {
    const std::string valid = base::utf8_repaired(text);
    if (valid.empty() || contains(texts, valid)) return true;
    const std::string quoted = json(valid).dump();
    return contains(texts, std::string_view(quoted).substr(1, quoted.size() - 2));
  };
  size_t n_media = 0;
  for (const Message& message : messages) {
    for (const Media& item : message.media) {
      if (n_media >= media.size() || media[n_media] != item.kind)
        return std::string("the template drops or moves ") + name_of(item.kind) + " content";
      ++n_media;
    }
    for (const FunctionCall& call : message.calls)
      if (!is_there(call.name)) return "the template drops the call of " + call.name;
    if (message.role != Role::user && message.role != Role::system) continue;
    size_t begin = 0;
    for (size_t i = 0; i <= message.media.size(); ++i) {
      const size_t end = i < message.media.size()
                             ? std::clamp(message.media[i].at, begin, message.text.size())
                             : message.text.size();
      if (!is_there(base::trimmed(std::string_view(message.text).substr(begin, end - begin),
                                  base::kWhiteSpace)))
        return "the template drops or changes what was said";
      begin = end;
    }
  }
  if (n_media != media.size()) return "the template adds media";
  for (const ToolDeclaration& tool : tools)
    if (!is_there(tool.name)) return "the template drops the function " + tool.name;
  return {};
}

base::Result<std::string> run_template(std::string_view source, const Context& context) {
  const std::string text = context.dump(-1, ' ', false, Context::error_handler_t::replace);
  if (text.size() > kMaxContextBytes)
    return base::Error{base::Errc::limit, "the conversation is too long for a template"};
  const TesseraTemplateLimits limits{.fuel = std::min<uint64_t>(kBaseFuel + text.size(), kMostFuel),
                                     .output_bytes = 64 * 1024 + 4 * text.size(),
                                     .recursion = kRecursion};
  TesseraTemplateText out{};
  const int32_t code = tessera_template_render(source.data(), source.size(), text.data(),
                                               text.size(), &limits, &out);
  std::string written(out.bytes, out.size);
  tessera_template_free(out);
  if (code != 0)
    return base::Error{code == 2 ? base::Errc::limit : base::Errc::corrupt,
                       base::utf8_repaired(written)};
  return written;
}

base::Result<Rendered> rendered_by(std::string_view source, const Tokenizer& tokenizer,
                                   std::span<const Message> given,
                                   std::span<const ToolDeclaration> tools,
                                   const RenderOptions& options) {
  const std::vector<Message> messages = with_ids(given);
  const bool takes_results = contains(source, "tool_responses");
  const Writing plain{.said = [](std::string_view text) { return std::string(text); },
                      .words = [](std::string_view text) { return std::string(text); }};
  // Keys of objects are strings of the context too, so that the mark is in none of them.
  const std::string all = whole_context(tokenizer, messages, tools, options, plain, takes_results)
                              .dump(-1, ' ', false, Context::error_handler_t::replace);
  std::string mark;
  for (int code = 0xE000; code < 0xE080; ++code) {
    mark = utf8_of_private(code);
    if (!contains(all, mark) && !contains(source, mark)) break;
    mark.clear();
  }
  if (mark.empty()) return base::Error{base::Errc::limit, "no private-use character is free"};

  const Writing spellings{
      .said = [&](std::string_view text) { return spellings_marked(text, tokenizer, mark); },
      .words = [&](std::string_view text) { return spellings_marked(text, tokenizer, mark); }};
  const Writing characters{
      .said = [&](std::string_view text) { return characters_marked(text, mark); },
      .words =
          [&](std::string_view text) {
            return could_be_part(text, tokenizer) ? characters_marked(text, mark)
                                                  : std::string(text);
          }};
  base::Result<std::string> first = run_template(
      source, whole_context(tokenizer, messages, tools, options, spellings, takes_results));
  if (!first) return first.error();
  base::Result<std::string> second = run_template(
      source, whole_context(tokenizer, messages, tools, options, characters, takes_results));
  if (!second) return second.error();
  Rendered rendered = split(*first, tokenizer, mark);
  if (!same_specials(rendered, split(*second, tokenizer, mark)))
    return base::Error{base::Errc::corrupt,
                       "the template lets words of the conversation become special tokens"};
  if (std::string what = lost(rendered, messages, tools); !what.empty())
    return base::Error{base::Errc::corrupt, what};
  const bool begun = !rendered.empty() && rendered[0].kind == Segment::Kind::special &&
                     rendered[0].special == Special::bos && rendered[0].text.empty();
  if (!begun && tokenizer.bos() >= 0)
    rendered.insert(rendered.begin(), {.kind = Segment::Kind::special, .special = Special::bos});
  return rendered;
}

}  // namespace

TemplateRendered render_with(std::string_view source, const Tokenizer& tokenizer,
                             std::span<const Message> messages,
                             std::span<const ToolDeclaration> tools, const RenderOptions& options) {
  std::string why;
  const bool gemma4 = contains(source, special_text(Special::turn_begin));
  if (base::trimmed(source, base::kWhiteSpace).empty()) {
    why = "the checkpoint has no chat template";
  } else if (source.size() > kMaxSourceBytes) {
    why = "the chat template is longer than " + std::to_string(kMaxSourceBytes) + " bytes";
  } else if (gemma4 && options.empty_thought != EmptyThought::generation_prompt) {
    why = "the template writes the empty thought elsewhere";
  } else if (gemma4) {
    why = garbled_by_gemma4(messages, tools);
  }
  if (why.empty()) {
    base::Result<Rendered> rendered = rendered_by(source, tokenizer, messages, tools, options);
    if (rendered) return {.rendered = std::move(*rendered)};
    why = rendered.error().message;
  }
  return {.rendered = render(messages, tools, options), .builtin_because = std::move(why)};
}

}  // namespace model
