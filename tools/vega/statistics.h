#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tools::vega {

/// d3's quantile of sorted numbers; NaN where there are none.
double quantile_sorted(const std::vector<double>& sorted, double p);

/// A fitted curve: prediction, coefficients in rising order and R squared.
struct Fit {
  std::function<double(double)> predict;
  std::vector<double> coefficients;
  double r_squared = 0;
};
/// method: linear, log, exp, pow, quad, poly (with order, 1..20).
/// Errors: usage (no such method).
base::Result<Fit> fit_curve(std::string_view method, const std::vector<double>& x,
                            const std::vector<double>& y, int order);

struct Point {
  double x = 0, y = 0;
};
/// Local regression as Vega does it. bandwidth: part of the points in 0..1.
std::vector<Point> loess(const std::vector<double>& x, const std::vector<double>& y,
                         double bandwidth);
/// The points of a curve over [min, max], denser where it bends, as Vega samples it.
std::vector<Point> sample_curve(const std::function<double(double)>& f, double min, double max,
                                int min_steps = 25, int max_steps = 200);

/// Vega's rule-of-thumb bandwidth, and the density or cumulative probability of Gaussian kernels.
double estimate_bandwidth(const std::vector<double>& values);
double kernel_density(const std::vector<double>& values, double bandwidth, double x);
double kernel_cumulative(const std::vector<double>& values, double bandwidth, double x);
/// Standard normal quantile and cumulative probability, for mean 0 and deviation 1.
double normal_quantile(double p);
double normal_cumulative(double x);

/// A 95 % bootstrap interval of the mean from 1000 resamplings with a fixed seed.
std::array<double, 2> bootstrap_ci(const std::vector<double>& values);

}  // namespace tools::vega
