#pragma once

#include <vector>

namespace tools::vega {

/// d3-array's tick arithmetic on plain numbers. `count` is a hint; at most 10,000 ticks are made.

/// The distance between ticks as d3 codes it: negative for 1/step where the step is below one.
double tick_increment(double start, double stop, double count);
/// The distance between ticks; negative where stop < start.
double tick_step(double start, double stop, double count);
/// Round numbers from start to stop, in that order.
std::vector<double> ticks(double start, double stop, double count);
/// Extends [start, stop] to round numbers, as d3's linear.nice does.
void nice(double& start, double& stop, double count = 10);

/// Round numbers of a log scale, as d3-scale makes them; thinned as Vega does where there are many.
std::vector<double> log_ticks(double start, double stop, double count, double base);

}  // namespace tools::vega
