// Round numbers between two numbers: steps of 1, 2 or 5 times a power of ten. Steps below one are
// kept as their inverse, so that ticks come out as integers divided by it, without rounding noise.
#include "tools/vega/ticks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tools::vega {
namespace {

constexpr double kMaxTicks = 10000;

// The ticks are first .. last in units of `increment` (as 1/-increment where it is negative).
struct TickSpec {
  double first = 0, last = -1, increment = 0;
};

TickSpec tick_spec(double start, double stop, double count) {
  for (;;) {
    double step = (stop - start) / std::max(0.0, count);
    double power = std::floor(std::log10(step));
    double error = step / std::pow(10, power);
    double factor = error >= std::sqrt(50)   ? 10
                    : error >= std::sqrt(10) ? 5
                    : error >= std::sqrt(2)  ? 2
                                             : 1;
    TickSpec spec;
    if (power < 0) {
      double inverse = std::pow(10, -power) / factor;
      spec.first = std::round(start * inverse);
      spec.last = std::round(stop * inverse);
      if (spec.first / inverse < start) ++spec.first;
      if (spec.last / inverse > stop) --spec.last;
      spec.increment = -inverse;
    } else {
      double increment = std::pow(10, power) * factor;
      spec.first = std::round(start / increment);
      spec.last = std::round(stop / increment);
      if (spec.first * increment < start) ++spec.first;
      if (spec.last * increment > stop) --spec.last;
      spec.increment = increment;
    }
    if (!(spec.last < spec.first) || !(count >= 0.5 && count < 2)) return spec;
    count *= 2;
  }
}

}  // namespace

double tick_increment(double start, double stop, double count) {
  return tick_spec(start, stop, count).increment;
}

double tick_step(double start, double stop, double count) {
  bool reverse = stop < start;
  double increment =
      reverse ? tick_increment(stop, start, count) : tick_increment(start, stop, count);
  return (reverse ? -1 : 1) * (increment < 0 ? 1 / -increment : increment);
}

std::vector<double> ticks(double start, double stop, double count) {
  if (!(count > 0) || !std::isfinite(start) || !std::isfinite(stop)) return {};
  if (start == stop) return {start};
  bool reverse = stop < start;
  if (reverse) std::swap(start, stop);
  TickSpec spec = tick_spec(start, stop, std::min(count, kMaxTicks));
  if (!(spec.last >= spec.first) || !(spec.last - spec.first < 10 * kMaxTicks)) return {};
  std::vector<double> out;
  for (double i = spec.first; i <= spec.last; ++i) {
    out.push_back(spec.increment < 0 ? i / -spec.increment : i * spec.increment);
    if (i + 1 == i) break;
  }
  if (reverse) std::reverse(out.begin(), out.end());
  return out;
}

void nice(double& start, double& stop, double count) {
  bool reverse = stop < start;
  double lo = reverse ? stop : start, hi = reverse ? start : stop;
  double before = std::numeric_limits<double>::quiet_NaN();
  // The step may grow once the ends have moved; d3 gives up after ten rounds too.
  for (int i = 0; i < 10; ++i) {
    double step = tick_increment(lo, hi, count);
    if (step == before) {
      (reverse ? stop : start) = lo;
      (reverse ? start : stop) = hi;
      return;
    }
    if (step > 0) {
      lo = std::floor(lo / step) * step;
      hi = std::ceil(hi / step) * step;
    } else if (step < 0) {
      lo = std::ceil(lo * step) / step;
      hi = std::floor(hi * step) / step;
    } else {
      return;
    }
    before = step;
  }
}

std::vector<double> log_ticks(double start, double stop, double count, double base) {
  bool reverse = stop < start;
  double u = reverse ? stop : start, v = reverse ? start : stop;
  // d3 mirrors a negative domain.
  bool negative = u < 0;
  auto logs = [&](double x) {
    double log = base == 10  ? std::log10(std::fabs(x))
                 : base == 2 ? std::log2(std::fabs(x))
                             : std::log(std::fabs(x)) / std::log(base);
    return negative ? -log : log;
  };
  auto pows = [&](double x) {
    double power = std::pow(base, negative ? -x : x);
    return negative ? -power : power;
  };
  double i = logs(u), j = logs(v);
  std::vector<double> out;
  if (!std::isfinite(i) || !std::isfinite(j)) return out;
  if (std::fmod(base, 1) == 0 && j - i < count) {
    i = std::floor(i);
    j = std::ceil(j);
    for (; i <= j && static_cast<double>(out.size()) < kMaxTicks; ++i) {
      if (!negative) {
        for (double k = 1; k < base; ++k) {
          double t = i < 0 ? k / pows(-i) : k * pows(i);
          if (t < u) continue;
          if (t > v) break;
          out.push_back(t);
        }
      } else {
        for (double k = base - 1; k >= 1; --k) {
          double t = i > 0 ? k / pows(-i) : k * pows(i);
          if (t < u) continue;
          if (t > v) break;
          out.push_back(t);
        }
      }
    }
    if (static_cast<double>(out.size()) * 2 < count) out = ticks(u, v, count);
  } else {
    for (double exponent : ticks(i, j, std::min(j - i, count))) out.push_back(pows(exponent));
  }
  if (reverse) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace tools::vega
