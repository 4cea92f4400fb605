#pragma once

#include <cstddef>
#include <vector>

#include "tools/chart/scene.h"

namespace tools::chart {

inline constexpr Color kInk{0x26, 0x26, 0x26};   ///< titles
inline constexpr Color kGray{0x52, 0x52, 0x52};  ///< tick labels: 7.8:1 on white
inline constexpr Color kAxis{0x8C, 0x8C, 0x8C};  ///< axis lines
inline constexpr Color kGrid{0xE4, 0xE4, 0xE4};
inline constexpr Color kPaper{0xFF, 0xFF, 0xFF};

/// How many series differ by colour alone.
inline constexpr size_t kSeriesColors = 12;

/// Colour of series i: Okabe and Ito's palette without black and yellow, then six more that stay
/// apart for colour-blind readers; it repeats after kSeriesColors.
Color series_color(size_t i);

/// Dash and shape of series i: change each time the colours start again.
std::vector<double> series_dash(size_t i);
Shape series_shape(size_t i);

/// Colour ramp for numbers (viridis without its palest end), fraction in [0, 1]; dark is small.
Color ramp_color(double fraction);

/// `color` mixed with white: 0 keeps it, 1 is white.
Color lightened(Color color, double amount);

/// Whether white text reads better than dark text on `color`.
bool is_dark(Color color);

}  // namespace tools::chart
