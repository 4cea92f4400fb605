#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace model {

/// A grammar for Constraint::compile() whose texts are the JSON values that fit `schema` (JSON
/// Schema as text), with one space after separators and none elsewhere, followed by one of `ends`,
/// token ids. Keywords that cannot be enforced are refused, by this or by compile(), not ignored.
/// Errors: usage (not JSON, not a schema; names the keyword).
base::Result<std::string> grammar_of_schema(std::string_view schema,
                                            const std::vector<int32_t>& ends);

}  // namespace model
