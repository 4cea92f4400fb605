#pragma once

#include <nlohmann/json_fwd.hpp>

namespace server {

/// A schema of a tool's parameters without what no grammar can enforce: only keywords that always
/// can be stay, `oneOf` becomes `anyOf`, members that are null go. Whatever fits `schema` fits the
/// result. For tools that are not declared strict; the caller tells the client.
nlohmann::json loosened(const nlohmann::json& schema);

}  // namespace server
