#pragma once

#include <cstdint>
#include <string>

namespace base {

/// Appends the bytes of a code point (at most 0x10FFFF; whether it may stand in a text is the
/// caller's question).
inline void append_utf8(std::string& out, uint32_t point) {
  const auto rest = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    rest(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    rest(6), rest(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    rest(12), rest(6), rest(0);
  }
}

}  // namespace base
