#pragma once

#include <string>
#include <string_view>
#include "base/json.h"

#include "base/result.h"

namespace model {

/// The JSON object that a configuration file of a checkpoint or adapter is; at most 32 levels deep.
/// name: of the file, for the message. Errors: corrupt.
base::Result<nlohmann::json> parse_json_object(std::string_view text, const std::string& name);

}  // namespace model
