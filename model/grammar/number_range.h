#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace model {

/// One end of a range, as JSON writes the number.
struct NumberBound {
  std::string value = {};
  bool exclusive = false;
};

struct NumberRange {
  bool integer = false;
  std::optional<NumberBound> least = {}, most = {};
};

/// A terminal's expression for the numbers of a range as JSON writes them: at most 20 digits before
/// and 22 after the point. Exponents stand only where the range has no end but perhaps zero, and
/// never make a number too large for a double. Empty if no number is in the range.
/// Errors: usage (a bound with more digits than that).
base::Result<std::string> number_terminal(const NumberRange& range);

}  // namespace model
