#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tools::vega {

/// Whether `text` holds a match. flags: "i" ignores case; g, m, s, u and y are accepted.
/// Errors: usage (not a regular expression, or one with back references), limit (longer than 200
/// bytes, counts whose product is above 1000, text above 10,000 bytes).
base::Result<bool> regexp_test(const std::string& pattern, const std::string& flags,
                               const std::string& text);
/// The text with the first match (all of them with flag "g") replaced; $1 … $9 and $& are known.
base::Result<std::string> regexp_replace(const std::string& pattern, const std::string& flags,
                                         const std::string& text, const std::string& replacement);

}  // namespace tools::vega
