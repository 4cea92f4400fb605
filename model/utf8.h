#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace model {

/// Bytes of the well-formed UTF-8 sequence at the start of `text` (1 to 4); 0 if there is none.
size_t utf8_length(std::string_view text);

/// Bytes at the end of `text` that could still become a sequence when more bytes follow (0 to 3).
size_t utf8_unfinished(std::string_view text);

/// `text` with every byte outside a well-formed sequence replaced by U+FFFD.
std::string utf8_repaired(std::string_view text);

}  // namespace model
