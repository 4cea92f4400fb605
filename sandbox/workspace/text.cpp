#include "sandbox/workspace/text.h"

#include <cstdint>

namespace sandbox {

namespace {

/// Takes one character off the front; a negative number if it is none.
int64_t next(std::string_view& text) {
  const auto c = static_cast<unsigned char>(text[0]);
  const size_t n = c < 0x80                ? 1
                   : c >= 0xc2 && c < 0xe0 ? 2
                   : (c & 0xf0) == 0xe0    ? 3
                   : c >= 0xf0 && c < 0xf5 ? 4
                                           : 0;
  if (n == 0 || n > text.size()) return -1;
  int64_t code = n == 1 ? c : c & (0x7f >> n);
  for (size_t k = 1; k < n; ++k) {
    const auto more = static_cast<unsigned char>(text[k]);
    if ((more & 0xc0) != 0x80) return -1;
    code = code << 6 | (more & 0x3f);
  }
  if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff))) return -1;
  if (code >= 0xd800 && code < 0xe000) return -1;
  text.remove_prefix(n);
  return code;
}

}  // namespace

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const int64_t code = next(text);
    // Some terminals obey the C1 controls, too.
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  }
  return true;
}

std::string printable(std::string_view text) {
  if (is_printable(text)) return std::string(text);
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

}  // namespace sandbox
