#pragma once

#include <limits>

namespace tools::vega {

/// What a value that is no number is as one, as in JavaScript.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace tools::vega
