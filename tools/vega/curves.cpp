// Transforms that replace rows by points of a curve: regression, loess, density, quantile.
#include <algorithm>
#include <cmath>

#include "tools/vega/groups.h"
#include "tools/vega/statistics.h"
#include "tools/vega/transform_spec.h"

namespace tools::vega {

using base::Errc;
using base::Error;

namespace {

/// The rows' groups and the two output columns, which all four have.
struct Output {
  Groups groups;
  std::array<std::string, 2> as;
  Rows rows;

  void add(size_t group, const Row& first, const Row& second) {
    Row row = Row::object();
    for (size_t d = 0; d < groups.names.size(); ++d) {
      row[groups.names[d]] = groups.values[group][d];
    }
    row[as[0]] = first;
    row[as[1]] = second;
    rows.push_back(std::move(row));
  }
};
base::Result<Output> open(const Rows& rows, const TransformSpec& spec, const std::string& first,
                          const std::string& second) {
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  base::Result<Groups> groups = group_rows(rows, *groupby);
  if (!groups) return groups.error();
  base::Result<std::array<std::string, 2>> as = spec.names(first, second);
  if (!as) return as.error();
  return Output{std::move(*groups), *as, {}};
}

/// Points whose two fields are numbers.
struct Points {
  std::vector<double> x, y;
};
Points points_of(const Rows& rows, const std::vector<uint32_t>& members, const Field& x,
                 const Field& y) {
  Points points;
  for (uint32_t i : members) {
    const Row *u = x.find(rows[i]), *v = y.find(rows[i]);
    if (u == nullptr || v == nullptr || u->is_null() || v->is_null()) continue;
    double a = to_number(*u), b = to_number(*v);
    if (std::isnan(a) || std::isnan(b)) continue;
    points.x.push_back(a);
    points.y.push_back(b);
  }
  return points;
}

struct Axes {
  Field x, y;
  std::string x_name, y_name;
};
base::Result<Axes> axes_of(const TransformSpec& spec, const char* y_key) {
  base::Result<std::string> y_name = spec.text(y_key);
  if (!y_name) return y_name.error();
  base::Result<std::string> x_name = spec.text("on");
  if (!x_name) return x_name.error();
  base::Result<Field> x = Field::parse(*x_name), y = Field::parse(*y_name);
  if (!x) return x.error();
  if (!y) return y.error();
  return Axes{*x, *y, *x_name, *y_name};
}

}  // namespace

base::Result<Rows> regression_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<Axes> axes = axes_of(spec, "regression");
  if (!axes) return axes.error();
  base::Result<Output> out = open(rows, spec, axes->x_name, axes->y_name);
  if (!out) return out.error();
  std::string method = spec["method"].is_string() ? spec["method"].get<std::string>() : "linear";
  base::Result<double> order = spec.number("order", 3);
  if (!order) return order.error();
  base::Result<std::optional<std::array<double, 2>>> range = spec.range("extent");
  if (!range) return range.error();
  if (*range && method == "log" && (**range)[0] <= 0) *range = std::nullopt;
  // A method that is none is an error even where there are too few points for any.
  if (base::Result<Fit> known = fit_curve(method, {}, {}, static_cast<int>(*order)); !known) {
    return known.error();
  }
  double freedom = method == "poly" ? *order : method == "quad" ? 2 : 1;
  for (size_t g = 0; g < out->groups.members.size(); ++g) {
    const auto& members = out->groups.members[g];
    if (static_cast<double>(members.size()) <= freedom) continue;
    Points points = points_of(rows, members, axes->x, axes->y);
    base::Result<Fit> fit = fit_curve(method, points.x, points.y, static_cast<int>(*order));
    if (!fit) return fit.error();
    if (spec.flag("params")) {
      Row keys = out->groups.names.empty() ? Row() : Row(out->groups.values[g]);
      Row row = {{"keys", keys}, {"coef", fit->coefficients}, {"rSquared", fit->r_squared}};
      out->rows.push_back(std::move(row));
      continue;
    }
    std::array<double, 2> ends = {HUGE_VAL, -HUGE_VAL};
    if (*range) {
      ends = **range;
    } else {
      for (double x : numbers_of(rows, members, axes->x)) {
        ends = {std::min(ends[0], x), std::max(ends[1], x)};
      }
    }
    if (!std::isfinite(ends[0]) || !std::isfinite(ends[1])) continue;
    std::vector<Point> curve;
    if (method == "linear" || method == "constant") {
      for (double x : ends) curve.push_back({x, fit->predict(x)});
    } else {
      curve = sample_curve(fit->predict, ends[0], ends[1]);
    }
    for (const Point& p : curve) out->add(g, number_row(p.x), number_row(p.y));
  }
  return std::move(out->rows);
}

base::Result<Rows> loess_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<Axes> axes = axes_of(spec, "loess");
  if (!axes) return axes.error();
  base::Result<Output> out = open(rows, spec, axes->x_name, axes->y_name);
  if (!out) return out.error();
  base::Result<double> bandwidth = spec.number("bandwidth", 0.3);
  if (!bandwidth) return bandwidth.error();
  for (size_t g = 0; g < out->groups.members.size(); ++g) {
    Points points = points_of(rows, out->groups.members[g], axes->x, axes->y);
    // The cost is the points times those in a window.
    double n = static_cast<double>(points.x.size());
    if (n * n * *bandwidth > 1e9) {
      return Error{Errc::limit, "transform loess: too many points for this bandwidth"};
    }
    for (const Point& p : loess(points.x, points.y, *bandwidth > 0 ? *bandwidth : 0.3)) {
      out->add(g, number_row(p.x), number_row(p.y));
    }
  }
  return std::move(out->rows);
}

base::Result<Rows> density_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::string> name = spec.text("density");
  if (!name) return name.error();
  base::Result<Field> field = Field::parse(*name);
  if (!field) return field.error();
  base::Result<Output> out = open(rows, spec, "value", "density");
  if (!out) return out.error();
  base::Result<double> bandwidth = spec.number("bandwidth", 0);
  base::Result<double> steps = spec.number("steps", 0);
  base::Result<double> min_steps = spec.number("minsteps", 25);
  base::Result<double> max_steps = spec.number("maxsteps", 200);
  for (const auto* number : {&bandwidth, &steps, &min_steps, &max_steps}) {
    if (!*number) return number->error();
  }
  base::Result<std::optional<std::array<double, 2>>> range = spec.range("extent");
  if (!range) return range.error();
  bool cumulative = spec.flag("cumulative");
  double least = *steps > 0 ? *steps : *min_steps, most = *steps > 0 ? *steps : *max_steps;
  // Curves that share one domain are sampled at the same places, so that they can be stacked.
  if (spec["resolve"] != "independent") {
    if (!*range) *range = extent(rows, *field);
    least = most = *steps > 0 ? *steps : *max_steps;
  }
  least = std::clamp(least, 1.0, 1000.0);
  most = std::clamp(most, least, 1000.0);
  for (size_t g = 0; g < out->groups.members.size(); ++g) {
    std::vector<double> values = numbers_of(rows, out->groups.members[g], *field);
    if (values.empty()) continue;
    if (static_cast<double>(values.size()) * most > 1e8) {
      return Error{Errc::limit, "transform density: too many values for this many steps"};
    }
    double width = *bandwidth > 0 ? *bandwidth : estimate_bandwidth(values);
    auto [low, high] = std::minmax_element(values.begin(), values.end());
    std::array<double, 2> ends = *range ? **range : std::array{*low, *high};
    auto curve = [&](double x) {
      return cumulative ? kernel_cumulative(values, width, x) : kernel_density(values, width, x);
    };
    double scale = spec.flag("counts") ? static_cast<double>(values.size()) : 1;
    for (const Point& p :
         sample_curve(curve, ends[0], ends[1], static_cast<int>(least), static_cast<int>(most))) {
      out->add(g, number_row(p.x), number_row(p.y * scale));
    }
  }
  return std::move(out->rows);
}

base::Result<Rows> quantile_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::string> name = spec.text("quantile");
  if (!name) return name.error();
  base::Result<Field> field = Field::parse(*name);
  if (!field) return field.error();
  base::Result<Output> out = open(rows, spec, "prob", "value");
  if (!out) return out.error();
  base::Result<double> step = spec.number("step", 0.01);
  if (!step) return step.error();
  std::vector<double> probs;
  if (spec["probs"].is_array()) {
    for (const Row& p : spec["probs"]) probs.push_back(to_number(p));
  } else {
    if (!(*step > 1e-5)) return spec.error("step must be above 0.00001");
    double n = std::ceil((1 - 1e-14 - *step / 2) / *step);
    for (double i = 0; i < n; ++i) probs.push_back(*step / 2 + i * *step);
  }
  if (static_cast<double>(probs.size()) * static_cast<double>(out->groups.members.size()) >
      kMaxRows) {
    return Error{Errc::limit, "transform quantile would make more than 5000000 rows"};
  }
  for (size_t g = 0; g < out->groups.members.size(); ++g) {
    std::vector<double> values = numbers_of(rows, out->groups.members[g], *field);
    std::sort(values.begin(), values.end());
    for (double p : probs) {
      double q = quantile_sorted(values, p);
      out->add(g, number_row(p), std::isnan(q) ? Row() : number_row(q));
    }
  }
  return std::move(out->rows);
}

}  // namespace tools::vega
