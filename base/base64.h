#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

/// RFC 4648, section 4, strictly: its alphabet, padded, no blanks, no bits left over. Empty if it
/// is anything else.
std::optional<std::string> base64_decoded(std::string_view text);
std::string base64_encoded(std::string_view bytes);

}  // namespace base
