#pragma once

#include <string>

#include "base/result.h"

namespace agent {

/// Whether a schema of --schema can be enforced. Errors: usage (names the keyword and its place).
base::Status check_schema(const std::string& schema);

/// The JSON of an answer, without a fence of Markdown around it. Errors: usage (no JSON, or it does
/// not fit; a sentence).
base::Result<std::string> json_answer(const std::string& answer, const std::string& schema);

}  // namespace agent
