#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Pieces of grammar texts that script_grammar.cpp and its neighbours put together;
/// lua_quoted() and lark_quoted() are declared in script_grammar.h.
namespace agent {

bool has_control(std::string_view text);
std::string joined(const std::vector<std::string>& parts, std::string_view between);

/// Literal texts as the body of one terminal; no duplicates, in a fixed order.
std::string any_of(const std::set<std::string>& texts);

/// Each as Lua reads it between double quotes.
std::set<std::string> quoted(const std::set<std::string>& names);

}  // namespace agent
