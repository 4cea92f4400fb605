#pragma once

#include <nlohmann/json.hpp>
#include <string>

/// nlohmann::json, compiled once in json.cpp instead of in each file that uses it: half of such a
/// file's compile time. Include this in place of <nlohmann/json.hpp>.
namespace nlohmann {
extern template class basic_json<>;
namespace detail {
extern template class serializer<json>;
extern template class lexer<json, iterator_input_adapter<const char*>>;
extern template class parser<json, iterator_input_adapter<const char*>>;
extern template class lexer<json, iterator_input_adapter<std::string::const_iterator>>;
extern template class parser<json, iterator_input_adapter<std::string::const_iterator>>;
}  // namespace detail
}  // namespace nlohmann

namespace base {

/// A member of an object; null where there is none, or no object.
const nlohmann::json& member(const nlohmann::json& object, const char* key);

/// What is wrong with a text that was not read, for people: "at line 1, column 2: syntax error …",
/// without the library's own names.
std::string reason(const nlohmann::json::exception& error);

}  // namespace base
