// Quantiles, least squares, local regression and kernel densities, by the formulas that Vega uses,
// so that curves agree to rounding. Fits are made on centered data, which keeps sums of powers
// small.
#include "tools/vega/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/vega/expression.h"
#include "tools/vega/not_a_number.h"

namespace tools::vega {

using base::Errc;
using base::Error;

double quantile_sorted(const std::vector<double>& sorted, double p) {
  size_t n = sorted.size();
  if (n == 0 || std::isnan(p)) return kNan;
  if (p <= 0 || n < 2) return sorted[0];
  if (p >= 1) return sorted[n - 1];
  double at = static_cast<double>(n - 1) * p;
  size_t i = static_cast<size_t>(std::floor(at));
  return sorted[i] + (sorted[i + 1] - sorted[i]) * (at - static_cast<double>(i));
}

namespace {

/// Points less their means.
struct Centered {
  std::vector<double> x, y;
  double mean_x = 0, mean_y = 0;
};
Centered center(const std::vector<double>& x, const std::vector<double>& y) {
  Centered c{x, y};
  for (size_t i = 0; i < x.size(); ++i) {
    c.mean_x += (x[i] - c.mean_x) / static_cast<double>(i + 1);
    c.mean_y += (y[i] - c.mean_y) / static_cast<double>(i + 1);
  }
  for (double& v : c.x) v -= c.mean_x;
  for (double& v : c.y) v -= c.mean_y;
  return c;
}

/// A running mean.
struct Mean {
  double value = 0, n = 0;
  void add(double x) { value += (x - value) / ++n; }
};

/// Intercept and slope of least squares from means.
struct Line {
  double intercept = 0, slope = 0;
};
Line least_squares(double x, double y, double xy, double xx) {
  double delta = xx - x * x;
  double slope = std::fabs(delta) < 1e-24 ? 0 : (xy - x * y) / delta;
  return {y - slope * x, slope};
}

double r_squared(const std::vector<double>& x, const std::vector<double>& y, double mean,
                 const std::function<double(double)>& predict) {
  double residual = 0, total = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double e = y[i] - predict(x[i]), d = y[i] - mean;
    residual += e * e;
    total += d * d;
  }
  return 1 - residual / total;
}

Fit fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  Centered c = center(x, y);
  Mean xy, xx;
  for (size_t i = 0; i < x.size(); ++i) {
    xy.add(c.x[i] * c.y[i]);
    xx.add(c.x[i] * c.x[i]);
  }
  Line line = least_squares(0, 0, xy.value, xx.value);
  Fit fit;
  fit.coefficients = {c.mean_y - line.slope * c.mean_x + line.intercept, line.slope};
  fit.predict = [=, mean_x = c.mean_x, mean_y = c.mean_y](double at) {
    return mean_y + line.intercept + line.slope * (at - mean_x);
  };
  fit.r_squared = r_squared(x, y, c.mean_y, fit.predict);
  return fit;
}

Fit fit_log(const std::vector<double>& x, const std::vector<double>& y) {
  Mean lx, my, xy, xx;
  for (size_t i = 0; i < x.size(); ++i) {
    double l = std::log(x[i]);
    lx.add(l);
    my.add(y[i]);
    xy.add(l * y[i]);
    xx.add(l * l);
  }
  Line line = least_squares(lx.value, my.value, xy.value, xx.value);
  Fit fit;
  fit.coefficients = {line.intercept, line.slope};
  fit.predict = [line](double at) { return line.intercept + line.slope * std::log(at); };
  fit.r_squared = r_squared(x, y, my.value, fit.predict);
  return fit;
}

Fit fit_exp(const std::vector<double>& x, const std::vector<double>& y) {
  Centered c = center(x, y);
  Mean yl, xy, xyl, xxy;
  for (size_t i = 0; i < x.size(); ++i) {
    double l = std::log(y[i]), product = c.x[i] * y[i];
    yl.add(y[i] * l);
    xy.add(product);
    xyl.add(product * l);
    xxy.add(c.x[i] * product);
  }
  double m = c.mean_y;
  Line line = least_squares(xy.value / m, yl.value / m, xyl.value / m, xxy.value / m);
  Fit fit;
  fit.coefficients = {std::exp(line.intercept - line.slope * c.mean_x), line.slope};
  fit.predict = [line, mean = c.mean_x](double at) {
    return std::exp(line.intercept + line.slope * (at - mean));
  };
  fit.r_squared = r_squared(x, y, c.mean_y, fit.predict);
  return fit;
}

Fit fit_pow(const std::vector<double>& x, const std::vector<double>& y) {
  Mean lx, ly, xy, xx, my;
  for (size_t i = 0; i < x.size(); ++i) {
    double u = std::log(x[i]), v = std::log(y[i]);
    lx.add(u);
    ly.add(v);
    xy.add(u * v);
    xx.add(u * u);
    my.add(y[i]);
  }
  Line line = least_squares(lx.value, ly.value, xy.value, xx.value);
  double factor = std::exp(line.intercept);
  Fit fit;
  fit.coefficients = {factor, line.slope};
  fit.predict = [=](double at) { return factor * std::pow(at, line.slope); };
  fit.r_squared = r_squared(x, y, my.value, fit.predict);
  return fit;
}

Fit fit_quad(const std::vector<double>& x, const std::vector<double>& y) {
  Centered p = center(x, y);
  Mean x2, x3, x4, xy, x2y;
  for (size_t i = 0; i < x.size(); ++i) {
    double dx = p.x[i], dy = p.y[i], square = dx * dx;
    x2.add(square);
    x3.add(square * dx);
    x4.add(square * square);
    xy.add(dx * dy);
    x2y.add(square * dy);
  }
  double spread = x4.value - x2.value * x2.value;
  double d = x2.value * spread - x3.value * x3.value;
  double a = (x2y.value * x2.value - xy.value * x3.value) / d;
  double b = (xy.value * spread - x2y.value * x3.value) / d;
  double c = -a * x2.value;
  double mx = p.mean_x, my = p.mean_y;
  Fit fit;
  fit.coefficients = {c - b * mx + a * mx * mx + my, b - 2 * a * mx, a};
  fit.predict = [=](double at) {
    at -= mx;
    return a * at * at + b * at + c + my;
  };
  fit.r_squared = r_squared(x, y, my, fit.predict);
  return fit;
}

// Solves the square system m (rows of n coefficients and the right side) by elimination with
// pivots.
std::vector<double> solve(std::vector<std::vector<double>> m) {
  size_t n = m.size();
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t j = i + 1; j < n; ++j) {
      if (std::fabs(m[j][i]) > std::fabs(m[pivot][i])) pivot = j;
    }
    std::swap(m[i], m[pivot]);
    for (size_t j = i + 1; j < n; ++j) {
      double factor = m[j][i] / m[i][i];
      for (size_t k = i; k <= n; ++k) m[j][k] -= factor * m[i][k];
    }
  }
  std::vector<double> out(n);
  for (size_t j = n; j-- > 0;) {
    double sum = m[j][n];
    for (size_t k = j + 1; k < n; ++k) sum -= m[j][k] * out[k];
    out[j] = sum / m[j][j];
  }
  return out;
}

Fit fit_poly(const std::vector<double>& x, const std::vector<double>& y, int order) {
  Centered c = center(x, y);
  size_t k = static_cast<size_t>(order) + 1;
  std::vector<double> powers(2 * k - 1), right(k);
  for (size_t l = 0; l < x.size(); ++l) {
    for (size_t i = 0; i < powers.size(); ++i) {
      double power = std::pow(c.x[l], static_cast<double>(i));
      powers[i] += power;
      if (i < k) right[i] += power * c.y[l];
    }
  }
  std::vector<std::vector<double>> matrix(k, std::vector<double>(k + 1));
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = 0; j < k; ++j) matrix[i][j] = powers[i + j];
    matrix[i][k] = right[i];
  }
  std::vector<double> a = solve(std::move(matrix));
  Fit fit;
  double mx = c.mean_x, my = c.mean_y;
  fit.predict = [=](double at) {
    at -= mx;
    double sum = my + a[0];
    for (size_t i = 1; i < a.size(); ++i) sum += a[i] * std::pow(at, static_cast<double>(i));
    return sum;
  };
  // Back from centered x by the binomial theorem.
  fit.coefficients.assign(k, 0);
  for (size_t i = 0; i < k; ++i) {
    double binomial = 1;
    fit.coefficients[i] += a[i];
    for (size_t j = 1; j <= i; ++j) {
      binomial *= static_cast<double>(i + 1 - j) / static_cast<double>(j);
      fit.coefficients[i - j] += a[i] * std::pow(-mx, static_cast<double>(j)) * binomial;
    }
  }
  fit.coefficients[0] += my;
  fit.r_squared = r_squared(x, y, my, fit.predict);
  return fit;
}

Fit fit_constant(const std::vector<double>& x, const std::vector<double>& y) {
  Mean mean;
  for (double v : y) mean.add(v);
  Fit fit;
  fit.coefficients = {mean.value};
  fit.predict = [value = mean.value](double) { return value; };
  fit.r_squared = r_squared(x, y, mean.value, fit.predict);
  return fit;
}

}  // namespace

base::Result<Fit> fit_curve(std::string_view method, const std::vector<double>& x,
                            const std::vector<double>& y, int order) {
  if (method == "linear") return fit_line(x, y);
  if (method == "log") return fit_log(x, y);
  if (method == "exp") return fit_exp(x, y);
  if (method == "pow") return fit_pow(x, y);
  if (method == "quad") return fit_quad(x, y);
  if (method == "constant") return fit_constant(x, y);
  if (method != "poly") {
    return Error{Errc::usage, "regression method \"" + std::string(method.substr(0, 60)) +
                                  "\" is none of linear, log, exp, pow, quad, poly"};
  }
  if (order < 0 || order > 20) return Error{Errc::usage, "regression order must be 0 to 20"};
  if (order == 0) return fit_constant(x, y);
  if (order == 1) return fit_line(x, y);
  if (order == 2) return fit_quad(x, y);
  return fit_poly(x, y, order);
}

std::vector<Point> loess(const std::vector<double>& x, const std::vector<double>& y,
                         double bandwidth) {
  constexpr int kRounds = 3;
  constexpr double kEpsilon = 1e-12;
  size_t n = x.size();
  if (n == 0) return {};
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> sx(n), sy(n);
  for (size_t i = 0; i < n; ++i) {
    sx[i] = x[order[i]];
    sy[i] = y[order[i]];
  }
  Centered c = center(sx, sy);
  double span = std::clamp(bandwidth * static_cast<double>(n), 2.0, static_cast<double>(n));
  size_t neighbours = std::min(n, static_cast<size_t>(span));
  std::vector<double> smooth(n), residuals(n), weights(n, 1);
  for (int round = 0; round < kRounds; ++round) {
    size_t left = 0, right = neighbours - 1;
    for (size_t i = 0; i < n; ++i) {
      double at = c.x[i];
      size_t edge = at - c.x[left] > c.x[right] - at ? left : right;
      double reach = c.x[edge] - at;
      double scale = 1 / std::fabs(reach != 0 ? reach : 1);
      double w_sum = 0, wx = 0, wy = 0, wxy = 0, wxx = 0;
      for (size_t k = left; k <= right; ++k) {
        double distance = std::fabs(at - c.x[k]) * scale;
        double cube = 1 - distance * distance * distance;
        double w = cube * cube * cube * weights[k];
        w_sum += w;
        wx += c.x[k] * w;
        wy += c.y[k] * w;
        wxy += c.y[k] * c.x[k] * w;
        wxx += c.x[k] * c.x[k] * w;
      }
      Line line = least_squares(wx / w_sum, wy / w_sum, wxy / w_sum, wxx / w_sum);
      smooth[i] = line.intercept + line.slope * at;
      residuals[i] = std::fabs(c.y[i] - smooth[i]);
      // The window follows while its next point on the right is no farther than its first.
      if (i + 1 < n) {
        double next = c.x[i + 1];
        while (right + 1 < n && i + 1 > left && c.x[right + 1] - next <= next - c.x[left]) {
          ++left;
          ++right;
        }
      }
    }
    if (round + 1 == kRounds) break;
    std::vector<double> sorted = residuals;
    std::sort(sorted.begin(), sorted.end());
    double median = quantile_sorted(sorted, 0.5);
    if (!(std::fabs(median) >= kEpsilon)) break;
    for (size_t i = 0; i < n; ++i) {
      double part = residuals[i] / (6 * median);
      double w = 1 - part * part;
      weights[i] = part >= 1 ? kEpsilon : w * w;
    }
  }
  std::vector<Point> out;
  double repeats = 0;
  for (size_t i = 0; i < n; ++i) {
    double at = c.x[i] + c.mean_x;
    if (!out.empty() && out.back().x == at) {
      out.back().y += (smooth[i] + c.mean_y - out.back().y) / ++repeats;
    } else {
      repeats = 0;
      out.push_back({at, smooth[i] + c.mean_y});
    }
  }
  return out;
}

std::vector<Point> sample_curve(const std::function<double(double)>& f, double min, double max,
                                int min_steps, int max_steps) {
  constexpr double kMinAngle = 0.5 * M_PI / 180;
  min_steps = std::clamp(min_steps, 1, 10000);
  max_steps = std::clamp(max_steps, min_steps, 10000);
  auto point = [&](double x) { return Point{x, f(x)}; };
  double span = max - min;
  auto even = [&](int i) { return min + (static_cast<double>(i) / min_steps) * span; };
  std::vector<Point> out = {point(min)};
  if (min_steps == max_steps) {
    for (int i = 1; i < max_steps; ++i) out.push_back(point(even(i)));
    out.push_back(point(max));
    return out;
  }
  std::vector<Point> ahead = {point(max)};
  for (int i = min_steps; --i > 0;) ahead.push_back(point(even(i)));
  double low = out[0].y, high = low;
  for (const Point& p : ahead) {
    if (p.y < low) low = p.y;
    if (p.y > high) high = p.y;
  }
  double sx = 1 / span, sy = 1 / (high - low), shortest = span / max_steps;
  // Halve the way to the next point while the curve still bends there.
  while (!ahead.empty()) {
    Point from = out.back(), to = ahead.back();
    Point middle = point((from.x + to.x) / 2);
    double bend = std::fabs(std::atan2(sy * (to.y - from.y), sx * (to.x - from.x)) -
                            std::atan2(sy * (middle.y - from.y), sx * (middle.x - from.x)));
    if (middle.x - from.x >= shortest && bend > kMinAngle && ahead.size() < 20000) {
      ahead.push_back(middle);
    } else {
      out.push_back(to);
      ahead.pop_back();
    }
  }
  return out;
}

double estimate_bandwidth(const std::vector<double>& values) {
  double n = static_cast<double>(values.size());
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  double mean = 0, squares = 0, count = 0;
  for (double v : values) {
    double delta = v - mean;
    mean += delta / ++count;
    squares += delta * (v - mean);
  }
  double deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
  double q1 = quantile_sorted(sorted, 0.25), q3 = quantile_sorted(sorted, 0.75);
  double v = std::min(deviation, (q3 - q1) / 1.34);
  if (!(v > 0)) v = deviation;
  if (!(v > 0)) v = std::fabs(q1);
  if (!(v > 0)) v = 1;
  return 1.06 * v * std::pow(n, -0.2);
}

double kernel_density(const std::vector<double>& values, double bandwidth, double x) {
  static const double kRoot = std::sqrt(2 * M_PI);
  double sum = 0;
  for (double v : values) {
    double z = (x - v) / bandwidth;
    sum += std::exp(-0.5 * z * z) / kRoot;
  }
  return sum / bandwidth / static_cast<double>(values.size());
}

double normal_cumulative(double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); }

double kernel_cumulative(const std::vector<double>& values, double bandwidth, double x) {
  double sum = 0;
  for (double v : values) sum += normal_cumulative((x - v) / bandwidth);
  return sum / static_cast<double>(values.size());
}

double normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return kNan;
  if (p == 0) return -HUGE_VAL;
  if (p == 1) return HUGE_VAL;
  // Acklam's rational approximation, then two Newton steps to full precision.
  double q = p - 0.5, x = 0;
  if (std::fabs(q) <= 0.425) {
    double r = q * q;
    x = q *
        (((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r +
           138.357751867269) *
              r -
          30.66479806614716) *
             r +
         2.506628277459239) /
        (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r +
           66.80131188771972) *
              r -
          13.28068155288572) *
             r +
         1);
  } else {
    double r = std::sqrt(-2 * std::log(q < 0 ? p : 1 - p));
    x = (((((-0.007784894002430293 * r - 0.3223964580411365) * r - 2.400758277161838) * r -
           2.549732539343734) *
              r +
          4.374664141464968) *
             r +
         2.938163982698783) /
        ((((0.007784695709041462 * r + 0.3224671290700398) * r + 2.445134137142996) * r +
          3.754408661907416) *
             r +
         1);
    if (q > 0) x = -x;
  }
  for (int i = 0; i < 2; ++i) {
    double density = std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI);
    if (density < 1e-300) break;
    x -= (normal_cumulative(x) - p) / density;
  }
  return x;
}

std::array<double, 2> bootstrap_ci(const std::vector<double>& values) {
  constexpr int kSamples = 1000;
  if (values.empty()) return {kNan, kNan};
  Random random(0);
  double n = static_cast<double>(values.size());
  // A whole bootstrap of a large sample costs a second and tells what the normal interval does.
  if (values.size() > 20000) {
    double mean = 0, squares = 0, count = 0;
    for (double v : values) {
      double delta = v - mean;
      mean += delta / ++count;
      squares += delta * (v - mean);
    }
    double half = 1.959963984540054 * std::sqrt(squares / count / n);
    return {mean - half, mean + half};
  }
  std::vector<double> means;
  means.reserve(kSamples);
  for (int j = 0; j < kSamples; ++j) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += values[static_cast<size_t>(random.next() * n)];
    }
    means.push_back(sum / n);
  }
  std::sort(means.begin(), means.end());
  return {quantile_sorted(means, 0.025), quantile_sorted(means, 0.975)};
}

}  // namespace tools::vega
