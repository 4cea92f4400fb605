#pragma once

#include <string>
#include <string_view>

namespace server {

/// The value of `name` in a query, decoded; empty where there is none.
std::string value_in(std::string_view query, std::string_view name);

}  // namespace server
