#pragma once

#include <cstddef>
#include <string_view>

namespace base {

/// An ASCII digit, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline constexpr size_t npos = std::string_view::npos;
inline constexpr std::string_view kSpaces = " \t";              // of a line
inline constexpr std::string_view kWhiteSpace = " \t\n\r\f\v";  // of isspace() in the C locale
inline constexpr std::string_view kBlank = " \t\r\n";           // what trimmed() takes away

/// A text without the characters of `blank` at its ends; a view into it.
constexpr std::string_view trimmed(std::string_view text, std::string_view blank = kBlank) {
  const size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

}  // namespace base
