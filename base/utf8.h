#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
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

/// Bytes of the well-formed UTF-8 sequence at the start of `text` (1 to 4); 0 if there is none.
size_t utf8_length(std::string_view text);

/// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// Bytes at the end of `text` that could still become a sequence when more bytes follow (0 to 3).
size_t utf8_unfinished(std::string_view text);

/// The longest beginning of `text` of at most `most` bytes that ends between characters. The text
/// is not checked: only bytes of the form 10xxxxxx are taken to go on with a character.
std::string_view utf8_cut(std::string_view text, size_t most);

/// `text` with every byte outside a well-formed sequence replaced by U+FFFD.
std::string utf8_repaired(std::string_view text);

}  // namespace base
