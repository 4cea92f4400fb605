#pragma once

#include <string>
#include <string_view>

/// Names and texts that somebody else chose.
namespace sandbox {

/// UTF-8 without control characters: it can be shown, and written into the journal.
bool is_printable(std::string_view text);

/// For a message: what is not printable becomes \xNN.
std::string printable(std::string_view text);

}  // namespace sandbox
