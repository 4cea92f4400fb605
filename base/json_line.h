#pragma once

#include <string>

#include "base/json.h"

namespace base {

/// One line of JSON; bytes that are not UTF-8 become U+FFFD.
std::string line_of(const nlohmann::json& value);

}  // namespace base
