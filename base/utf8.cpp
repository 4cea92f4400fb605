#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace base {
namespace {

struct Lead {
  size_t length;      // 0: no sequence starts so
  uint8_t low, high;  // range of the second byte
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2 || byte > 0xF4) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {4, 0x80, 0xBF};
}

// How many of the first bytes agree with the sequence that the first one announces.
size_t agreeing(std::string_view text, const Lead& lead) {
  const size_t limit = std::min(lead.length, text.size());
  size_t n = std::min<size_t>(1, limit);
  for (; n < limit; ++n) {
    const auto byte = static_cast<uint8_t>(text[n]);
    const uint8_t low = n == 1 ? lead.low : 0x80;
    const uint8_t high = n == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) break;
  }
  return n;
}

}  // namespace

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  return agreeing(text, lead) == lead.length ? lead.length : 0;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const bool ascii = static_cast<uint8_t>(text[i]) < 0x80;
    const size_t n = ascii ? 1 : utf8_length(text.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

size_t utf8_unfinished(std::string_view text) {
  for (size_t n = 1; n <= std::min<size_t>(3, text.size()); ++n) {
    const std::string_view tail = text.substr(text.size() - n);
    const Lead lead = lead_of(static_cast<uint8_t>(tail[0]));
    if (lead.length > n && agreeing(tail, lead) == n) return n;
  }
  return 0;
}

std::string_view utf8_cut(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<uint8_t>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

std::string utf8_repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    if (n == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, n);
      text.remove_prefix(n);
    }
  }
  return out;
}

}  // namespace base
