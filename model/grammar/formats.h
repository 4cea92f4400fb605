#pragma once

#include <string>
#include <string_view>

#include "model/grammar/pattern.h"

namespace model {

/// A terminal's expression for the strings of a `format` of JSON Schema, without quotes around
/// them; empty for a format that isn't known: date, time, date-time, duration, email, ipv4, ipv6,
/// uuid, uri, uri-reference, json-pointer, relative-json-pointer.
std::string format_terminal(std::string_view format, Spelling spelling);

}  // namespace model
