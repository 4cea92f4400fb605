// What servers say when they fail: OpenAI's {"error": {"message": …}}, the same with a string,
// FastAPI's {"detail": …}, a page of HTML, or a line of text. It ends up on a terminal, so only
// printable characters are kept.

#include <algorithm>
#include <cctype>

#include "agent/endpoint/wire.h"
#include "base/json.h"
#include "base/utf8.h"

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxSentence = 300;

/// The text of a page: its title, else everything outside of tags.
std::string text_of_page(std::string_view page) {
  std::string lower(page);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const size_t title = lower.find("<title>"); title != lower.npos) {
    const size_t end = lower.find("</title>", title);
    if (end != lower.npos && end > title + 7)
      return std::string(page.substr(title + 7, end - title - 7));
  }
  std::string out;
  bool in_tag = false;
  for (const char c : page) {
    if (c == '<') in_tag = true;
    if (!in_tag) out += c;
    if (c == '>') {
      in_tag = false;
      out += ' ';
    }
  }
  return out;
}

/// On one line, short, without what a terminal would obey.
std::string printable(std::string_view text) {
  std::string out;
  bool space = false;
  for (const char c : base::utf8_repaired(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += c;
    if (out.size() > kMaxSentence) break;
  }
  if (out.size() > kMaxSentence) {
    out.resize(base::utf8_cut(out, kMaxSentence).size());
    out += "…";
  }
  // C1 control characters (U+0080 to U+009F) steer terminals too.
  for (size_t i = 0; i + 1 < out.size(); ++i)
    if (out[i] == '\xc2' && static_cast<unsigned char>(out[i + 1]) < 0xa0) out.replace(i, 2, "? ");
  return out;
}

std::string message_of(const json& value, int depth = 0) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object() || depth > 3) return {};
  for (const char* key : {"error", "message", "detail"})
    if (value.contains(key))
      if (std::string found = message_of(value[key], depth + 1); !found.empty()) return found;
  return {};
}

}  // namespace

std::string error_sentence(std::string_view body) {
  body = body.substr(0, 64 << 10);
  const json value = parse_bounded(body);
  if (value.is_object() || value.is_string()) return printable(message_of(value));
  // Events, of which the first one says what went wrong.
  if (const size_t data = body.find("data:"); data != body.npos && data < 200) {
    const std::string_view line = body.substr(data + 5, body.find('\n', data) - data - 5);
    if (const json event = parse_bounded(line); event.is_object())
      return printable(message_of(event));
  }
  const size_t first = body.find_first_not_of(" \t\r\n");
  if (first == body.npos) return {};
  return printable(body[first] == '<' ? text_of_page(body) : std::string(body));
}

bool is_context_overflow(std::string_view body) {
  std::string lower(body.substr(0, 64 << 10));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* sign :
       {"context_length_exceeded", "exceed_context_size", "maximum context length",
        "available context size", "exceeds the context", "context window", "context length of",
        "context size has been exceeded", "prompt is too long", "input is too long",
        "the context length", "n_ctx", "maximum model length", "model's context length"})
    if (lower.find(sign) != lower.npos) return true;
  return false;
}

int context_in(std::string_view body) {
  std::string lower(body.substr(0, 64 << 10));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  // "maximum context length is 8192 tokens", "available context size (8192 tokens)", "n_ctx": 8192
  for (const std::string_view sign :
       {"\"n_ctx\"", "maximum context length", "context length", "context size", "context window",
        "maximum model length", "n_ctx"}) {
    for (size_t at = lower.find(sign); at != lower.npos; at = lower.find(sign, at + 1)) {
      size_t i = at + sign.size();
      // The number stands close by, in the same sentence.
      const size_t end = std::min(lower.size(), i + 24);
      while (i < end && std::isdigit(static_cast<unsigned char>(lower[i])) == 0) ++i;
      int64_t tokens = 0;
      for (; i < lower.size() && tokens < 1'000'000'000; ++i) {
        if (lower[i] == ',' && i + 1 < lower.size() &&
            std::isdigit(static_cast<unsigned char>(lower[i + 1])) != 0)
          continue;
        if (std::isdigit(static_cast<unsigned char>(lower[i])) == 0) break;
        tokens = tokens * 10 + (lower[i] - '0');
      }
      if (tokens >= 512 && tokens < 1'000'000'000) return static_cast<int>(tokens);
    }
  }
  return 0;
}

}  // namespace agent
