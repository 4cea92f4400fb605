// One function per chart. Each decides the scales, hands a FramePlan to place_frame(), and then
// turns rows into marks with x_at() and y_at().

#include "tools/chart/compose.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tools/chart/columns.h"
#include "tools/chart/dates.h"
#include "tools/chart/frame.h"
#include "tools/chart/palette.h"
#include "tools/chart/stats.h"
#include "tools/chart/words.h"

namespace tools::chart {
namespace {

bool all_whole(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v == std::floor(v); });
}

std::pair<double, double> extent(const std::vector<double>& values) {
  const auto [lo, hi] = std::minmax_element(values.begin(), values.end());
  return {*lo, *hi};
}

// Whole numbers in the range of years on an axis that says so, or on the x of a line: 2,012 would
// be wrong.
bool are_years(const Column& column, bool along_line) {
  if (column.kind != Kind::number || column.values.empty() || !all_whole(column.values))
    return false;
  const auto [lo, hi] = extent(column.values);
  const bool named = column.title.find("year") != std::string::npos ||
                     column.title.find("Year") != std::string::npos;
  return lo >= 1000 && hi <= 3000 && (named || (along_line && lo >= 1700 && hi <= 2100));
}

size_t series_count(const Table& table) {
  return table.color && table.color->kind == Kind::category ? table.color->categories.size() : 1;
}

size_t series_of(const Table& table, size_t row) {
  return table.color && table.color->kind == Kind::category
             ? static_cast<size_t>(table.color->values[row])
             : 0;
}

bool same_field(const Column& a, const Column& b) { return !a.field.empty() && a.field == b.field; }

// The legend of table.color.
void add_legend(const Table& table, bool lines, bool dots, FramePlan& plan) {
  plan.legend_title = table.color->title;
  if (plan.legend_title == "series") plan.legend_title.clear();  // says nothing
  for (size_t i = 0; i < table.color->categories.size(); ++i)
    plan.legend.push_back({.text = table.color->categories[i],
                           .color = series_color(i),
                           .dash = lines ? series_dash(i) : std::vector<double>{},
                           .shape = dots ? series_shape(i) : Shape::square,
                           .line = lines});
}

void warn_repeated_colors(const Table& table, bool lines_or_dots, Scene& scene) {
  if (series_count(table) > kSeriesColors && !lines_or_dots)
    scene.warnings.push_back(std::to_string(series_count(table)) + " series share " +
                             std::to_string(kSeriesColors) + " colours");
}

// A linear or time axis around values; `zero`: must hold 0.
AxisPlan continuous_axis(const Column& column, bool zero) {
  AxisPlan axis{.title = column.title};
  auto [lo, hi] = extent(column.values);
  if (zero) {
    lo = std::min(lo, 0.0);
    hi = std::max(hi, 0.0);
  }
  const double magnitude = std::max(std::abs(lo), std::abs(hi));
  if (column.kind == Kind::time) {
    axis.finest = finest_unit(column.values);
    if (hi - lo < 1) {
      const double around = axis.finest >= 28 * 86400.0 ? 200 * 86400.0
                            : axis.finest > 1           ? 3 * 86400.0
                                                        : 3600;
      lo -= around;
      hi += around;
    }
    axis.scale = {.kind = ScaleKind::time, .lo = lo, .hi = hi};
    return axis;
  }
  axis.whole = all_whole(column.values);
  if (hi - lo <= magnitude * 1e-9 || hi - lo < 1e-290) {
    const double around = magnitude < 1e-290             ? 1
                          : axis.whole && magnitude < 20 ? 1
                                                         : magnitude * 0.1;
    if (!(zero && lo >= 0)) lo -= around;
    hi += around;
  }
  axis.scale = {.kind = ScaleKind::linear, .lo = lo, .hi = hi};
  return axis;
}

AxisPlan band_axis(const Column& column) {
  AxisPlan axis{.title = column.title, .names = column.categories};
  axis.scale = {.kind = ScaleKind::band, .bands = static_cast<int>(column.categories.size())};
  axis.may_skip = column.ordinal;
  axis.grid = false;
  return axis;
}

// ---- bars

// One bar, in data units.
struct Segment {
  double place = 0;  // on the name axis
  size_t series = 0;
  double from = 0, to = 0;
  double value = 0;
  int rows = 1;
};

// Stacks rows that share a place: within a series if grouped, over all series otherwise.
std::vector<Segment> make_segments(const Table& table, bool by_series, bool& repeated) {
  const size_t rows = table.y->values.size();
  std::vector<size_t> order(rows);
  for (size_t i = 0; i < rows; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return series_of(table, a) < series_of(table, b); });
  std::map<std::pair<double, size_t>, std::pair<double, double>> tops;  // positive and negative
  std::set<std::pair<double, size_t>> seen;
  std::vector<Segment> segments;
  for (size_t row : order) {
    const double place = table.x ? table.x->values[row] : 0;
    const size_t series = series_of(table, row);
    if (!seen.insert({place, series}).second) repeated = true;
    auto& [up, down] = tops[{place, by_series ? series : 0}];
    const double value = table.y->values[row];
    double& end = value < 0 ? down : up;
    segments.push_back({place, series, end, end + value, value, table.row_counts[row]});
    end += value;
  }
  return segments;
}

Scene compose_bars(const Table& table, TextRuler& ruler) {
  Scene scene;
  const bool banded = table.x->kind == Kind::category;
  // Bars coloured by their own name need neither legend nor places side by side.
  const bool own_color = table.color && same_field(*table.color, *table.x);
  const size_t n_series = series_count(table);
  const bool side_by_side = table.grouped && !own_color && n_series > 1;
  bool repeated = false;
  std::vector<Segment> segments = make_segments(table, side_by_side, repeated);
  if (repeated) scene.warnings.push_back("several rows share a bar; it shows their sum");

  FramePlan plan{.title = table.title};
  if (table.color && !own_color) add_legend(table, false, false, plan);
  if (!own_color) warn_repeated_colors(table, false, scene);

  Column ends{.title = table.y->title, .kind = Kind::number};
  for (const Segment& segment : segments) ends.values.push_back(segment.to);
  AxisPlan values = continuous_axis(ends, true);
  if (values.scale.hi == values.scale.lo) values.scale.hi = 1;
  AxisPlan names = banded ? band_axis(*table.x) : continuous_axis(*table.x, false);
  names.grid = false;
  names.round_ends = false;
  names.separators = !are_years(*table.x, true);
  double gap = 0;
  if (!banded) {
    gap = smallest_gap(table.x->values);
    if (gap == 0) gap = (names.scale.hi - names.scale.lo) / 2;
    names.scale.lo -= gap * 0.6;
    names.scale.hi += gap * 0.6;
  }

  const double likely = likely_plot_width(plan, ruler);
  scene.horizontal =
      banded && (table.lying || (!table.x->ordinal &&
                                 !names_fit_below(names.names, likely / names.scale.bands, ruler)));
  const int lanes = side_by_side ? static_cast<int>(n_series) : 1;
  if (scene.horizontal) {
    const double count = names.scale.bands;
    const double lane = count * lanes <= 10 ? 26 : 20;
    scene.height = std::clamp(130 + count * (lanes * lane + (lanes > 1 ? 12 : 6)), 320.0, 1200.0);
  }

  // Values on the bars, if there are few and each has room.
  std::vector<std::string> texts;
  const bool plain = !repeated && (!table.color || side_by_side || own_color);
  const double lane_width = banded ? (scene.horizontal ? scene.height - 150 : likely) /
                                         names.scale.bands * (lanes > 1 ? 0.86 : 1) / lanes
                                   : likely * gap / (names.scale.hi - names.scale.lo) / lanes;
  if (plain && segments.size() <= (scene.horizontal ? 60 : 40)) {
    std::vector<double> shown;
    for (const Segment& segment : segments) shown.push_back(segment.value);
    texts = value_texts(shown);
    double widest = 0;
    for (const std::string& text : texts) widest = std::max(widest, ruler.width(text, kValueFont));
    if (scene.horizontal ? lane_width < 13 : widest + 3 > lane_width) texts.clear();
  }
  if (!texts.empty() && !scene.horizontal) plan.extra_top = 12;
  if (!texts.empty() && scene.horizontal)
    for (size_t i = 0; i < segments.size(); ++i)
      if (segments[i].to >= 0) plan.right_labels.push_back({segments[i].to, texts[i]});
  // Room for values below negative bars.
  if (!texts.empty() && values.scale.lo < 0) {
    const double room = (values.scale.hi - values.scale.lo) * (scene.horizontal ? 0.1 : 0.06);
    values.scale.lo -= room;
  }

  values.grid = true;
  values.line = false;
  names.line = false;
  plan.left = scene.horizontal ? names : values;
  plan.bottom = scene.horizontal ? values : names;
  place_frame(plan, scene, ruler);

  const bool down = scene.horizontal;
  const double length = down ? scene.plot.height : scene.plot.width;
  const auto across = [&](double place) { return down ? y_at(scene, place) : x_at(scene, place); };
  const auto along = [&](double value) { return down ? x_at(scene, value) : y_at(scene, value); };
  const double slot =
      banded ? length / names.scale.bands : length * gap / (names.scale.hi - names.scale.lo);
  const double most = down ? 34 : 96;
  const double share = lanes > 1 ? 0.84 : slot > 60 ? 0.66 : 0.8;
  const double group = std::clamp(slot * share, 0.75 * lanes, most * lanes);
  const double thick = group / lanes;
  // A hairline of paper between bars that touch.
  const double trim = lanes > 1 && thick > 6 ? 1 : 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& s = segments[i];
    const double lane = lanes > 1 ? static_cast<double>(s.series) : 0;
    const double start = across(s.place) - group / 2 + lane * thick + trim / 2;
    const double a = along(s.from);
    const double b = along(s.to);
    Box box = down ? Box{std::min(a, b), start, std::abs(b - a), thick - trim}
                   : Box{start, std::min(a, b), thick - trim, std::abs(b - a)};
    scene.marks.push_back(
        {Bar{box, !down}, series_color(table.color ? s.series : 0), s.rows, s.value});
    if (texts.empty()) continue;
    const double middle = start + (thick - trim) / 2;
    if (down) {
      scene.labels.push_back(make_label(Role::value, texts[i], kValueFont, kInk,
                                        {s.value < 0 ? b - 5 : b + 5, middle},
                                        s.value < 0 ? Align::right : Align::left, ruler));
    } else {
      scene.labels.push_back(make_label(Role::value, texts[i], kValueFont, kInk,
                                        {middle, s.value < 0 ? b + 9 : b - 9}, Align::center,
                                        ruler));
    }
  }
  for (Label& label : scene.labels) label.halo = label.role == Role::value;
  const double zero = along(0);
  if (down)
    scene.rules.push_back({{zero, scene.plot.y}, {zero, scene.plot.bottom()}, kAxis, 1.2});
  else
    scene.rules.push_back({{scene.plot.x, zero}, {scene.plot.right(), zero}, kAxis, 1.2});
  return scene;
}

// ---- histogram

Scene compose_histogram(const Table& table, TextRuler& ruler) {
  Scene scene;
  const Bins bins = bin_values(table.x->values, table.max_bins);
  const size_t n_bins = bins.counts.size();
  FramePlan plan{.title = table.title};
  if (table.color && table.color->kind == Kind::category) add_legend(table, false, false, plan);
  warn_repeated_colors(table, false, scene);
  const size_t n_series = series_count(table);
  std::vector<std::vector<int>> counts(n_series, std::vector<int>(n_bins, 0));
  for (size_t row = 0; row < table.x->values.size(); ++row)
    ++counts[series_of(table, row)][bins.index_of(table.x->values[row])];

  Column heights{.title = table.y->title, .kind = Kind::number};
  for (int count : bins.counts) heights.values.push_back(count);
  plan.left = continuous_axis(heights, true);
  plan.left.line = false;
  plan.bottom.title = table.x->title;
  plan.bottom.grid = false;
  plan.bottom.round_ends = false;
  plan.bottom.whole = all_whole(table.x->values);
  plan.bottom.separators = !are_years(*table.x, false);
  plan.bottom.scale = {.kind = ScaleKind::linear, .lo = bins.edge(0), .hi = bins.edge(n_bins)};
  if (bins.per_value && n_bins <= 30) {
    std::vector<double> numbers;
    for (size_t i = 0; i < n_bins; ++i) numbers.push_back(bins.edge(i) + 0.5);
    const std::vector<std::string> texts = tick_texts(numbers, 1, plan.bottom.separators);
    for (size_t i = 0; i < n_bins; ++i) plan.bottom.fixed_ticks.push_back({numbers[i], texts[i]});
    const double pad = n_bins < 4 ? 1.0 : 0.25;
    plan.bottom.scale.lo -= pad;
    plan.bottom.scale.hi += pad;
  } else if (n_bins == 1) {
    plan.bottom.scale.lo -= bins.width;
    plan.bottom.scale.hi += bins.width;
  }
  place_frame(plan, scene, ruler);

  const double base = y_at(scene, 0);
  for (size_t bin = 0; bin < n_bins; ++bin) {
    double left = x_at(scene, bins.edge(bin));
    double right = x_at(scene, bins.edge(bin + 1));
    const double gap = bins.per_value ? (right - left) * 0.12 : right - left > 6 ? 1 : 0;
    left += gap / 2;
    right -= gap / 2;
    int below = 0;
    for (size_t s = 0; s < n_series; ++s) {
      const int count = counts[s][bin];
      if (count == 0) continue;
      const double top = y_at(scene, below + count);
      const double bottom = y_at(scene, below);
      scene.marks.push_back({Bar{{left, top, right - left, bottom - top}, true}, series_color(s),
                             count, static_cast<double>(count)});
      below += count;
    }
  }
  scene.rules.push_back({{scene.plot.x, base}, {scene.plot.right(), base}, kAxis, 1.2});
  return scene;
}

// ---- lines and points

// Whether an axis of readings should start at zero: when the data nearly does.
bool reaches_for_zero(const Column& column) {
  if (column.kind != Kind::number) return false;
  const auto [lo, hi] = extent(column.values);
  return lo == hi || (lo >= 0 && lo <= 0.35 * hi) || (hi <= 0 && hi >= 0.35 * lo);
}

Scene compose_lines(const Table& table, TextRuler& ruler) {
  Scene scene;
  FramePlan plan{.title = table.title};
  const size_t n_series = series_count(table);
  if (table.color) add_legend(table, true, false, plan);
  plan.left = continuous_axis(*table.y, reaches_for_zero(*table.y));
  plan.left.separators = !are_years(*table.y, false);
  plan.left.line = false;
  if (table.x->kind == Kind::category) {
    plan.bottom = band_axis(*table.x);
  } else {
    plan.bottom = continuous_axis(*table.x, false);
    plan.bottom.round_ends = false;
    plan.bottom.separators = !are_years(*table.x, true);
    const double pad = (plan.bottom.scale.hi - plan.bottom.scale.lo) * 0.015;
    plan.bottom.scale.lo -= pad;
    plan.bottom.scale.hi += pad;
  }
  plan.bottom.grid = false;
  place_frame(plan, scene, ruler);

  std::vector<std::vector<size_t>> rows(n_series);
  for (size_t row = 0; row < table.y->values.size(); ++row)
    rows[series_of(table, row)].push_back(row);
  bool repeated = false;
  for (size_t s = 0; s < n_series; ++s) {
    std::stable_sort(rows[s].begin(), rows[s].end(),
                     [&](size_t a, size_t b) { return table.x->values[a] < table.x->values[b]; });
    Path path{.dash = series_dash(s), .dots = rows[s].size() <= 31};
    MarkItem mark{.color = series_color(s), .rows = 0};
    for (size_t i = 0; i < rows[s].size(); ++i) {
      const size_t row = rows[s][i];
      repeated |= i > 0 && table.x->values[row] == table.x->values[rows[s][i - 1]];
      path.points.push_back({x_at(scene, table.x->values[row]), y_at(scene, table.y->values[row])});
      mark.rows += table.row_counts[row];
    }
    if (path.points.empty()) continue;
    mark.shape = std::move(path);
    scene.marks.push_back(std::move(mark));
  }
  if (repeated)
    scene.warnings.push_back(
        "several rows of one line share a place on x; the line is a zigzag there");
  if (scene.left.scale.lo < 0 && scene.left.scale.hi > 0) {
    const double zero = y_at(scene, 0);
    scene.grid.push_back({{scene.plot.x, zero}, {scene.plot.right(), zero}, kAxis, 1});
  }
  return scene;
}

Scene compose_points(const Table& table, TextRuler& ruler) {
  Scene scene;
  FramePlan plan{.title = table.title};
  const auto axis_of = [&](const Column& column) {
    if (column.kind == Kind::category) return band_axis(column);
    AxisPlan axis = continuous_axis(column, reaches_for_zero(column));
    axis.separators = !are_years(column, false);
    // A margin instead of round ends, so that no dot sits on the edge.
    axis.round_ends = false;
    const double pad = (axis.scale.hi - axis.scale.lo) * 0.03;
    axis.scale.lo -= pad;
    axis.scale.hi += pad;
    return axis;
  };
  plan.left = axis_of(*table.y);
  plan.bottom = axis_of(*table.x);
  const bool by_number = table.color && table.color->kind == Kind::number;
  double lo = 0;
  double hi = 1;
  if (by_number) {
    std::tie(lo, hi) = extent(table.color->values);
    if (hi - lo <= std::max(std::abs(lo), std::abs(hi)) * 1e-9)
      hi = lo + std::max(1.0, std::abs(lo) * 0.1);
    plan.ramp = Ramp{.lo = lo, .hi = hi};
    plan.ramp_whole = all_whole(table.color->values);
    plan.legend_title = table.color->title;
  } else if (table.color) {
    add_legend(table, false, true, plan);
  }
  if (plan.left.scale.kind == ScaleKind::band)
    scene.height = std::clamp(130 + 24.0 * plan.left.scale.bands, 500.0, 1200.0);
  place_frame(plan, scene, ruler);

  const size_t rows = table.x->values.size();
  const double radius = rows <= 300 ? 4.2 : rows <= 2000 ? 3.2 : 2.2;
  const double opacity = rows <= 60 ? 0.9 : rows <= 2000 ? 0.7 : rows <= 20000 ? 0.45 : 0.25;
  for (size_t row = 0; row < rows; ++row) {
    const size_t s = series_of(table, row);
    const Color color =
        by_number ? ramp_color((table.color->values[row] - lo) / (hi - lo)) : series_color(s);
    scene.marks.push_back(
        {Dot{{x_at(scene, table.x->values[row]), y_at(scene, table.y->values[row])},
             radius,
             series_shape(s),
             opacity},
         color, table.row_counts[row], table.y->values[row]});
  }
  return scene;
}

// ---- boxes

Scene compose_boxes(const Table& table, TextRuler& ruler) {
  Scene scene;
  FramePlan plan{.title = table.title};
  Column one{.kind = Kind::category,
             .values = std::vector<double>(table.y->values.size(), 0),
             .categories = {""}};
  const Column& x = table.x ? *table.x : one;
  const bool own_color = table.color && table.x && same_field(*table.color, *table.x);
  const size_t n_series = series_count(table);
  const int lanes = own_color ? 1 : static_cast<int>(n_series);
  if (table.color && !own_color) add_legend(table, false, false, plan);
  AxisPlan names = band_axis(x);
  AxisPlan values = continuous_axis(*table.y, reaches_for_zero(*table.y));
  values.whole = false;
  names.line = false;
  values.line = false;
  const double likely = likely_plot_width(plan, ruler);
  scene.horizontal =
      table.lying ||
      (!x.ordinal && !names_fit_below(names.names, likely / names.scale.bands, ruler));
  if (scene.horizontal)
    scene.height = std::clamp(130 + names.scale.bands * (lanes * 26.0 + 10), 320.0, 1200.0);
  plan.left = scene.horizontal ? names : values;
  plan.bottom = scene.horizontal ? values : names;
  place_frame(plan, scene, ruler);

  std::map<std::pair<double, size_t>, std::vector<double>> groups;
  for (size_t row = 0; row < table.y->values.size(); ++row)
    groups[{x.values[row], series_of(table, row)}].push_back(table.y->values[row]);
  const double slot = (scene.horizontal ? scene.plot.height : scene.plot.width) / names.scale.bands;
  const double group = std::min(slot * 0.7, 90.0 * lanes);
  const double thick = group / lanes;
  for (const auto& [key, readings] : groups) {
    const auto& [place, series] = key;
    const BoxSummary summary = summarize(readings);
    const auto along = [&](double value) {
      return scene.horizontal ? x_at(scene, value) : y_at(scene, value);
    };
    BoxMark box{.upright = !scene.horizontal};
    box.middle = (scene.horizontal ? y_at(scene, place) : x_at(scene, place)) - group / 2 +
                 (lanes > 1 ? static_cast<double>(series) + 0.5 : 0.5) * thick;
    box.thickness = std::min(thick * (lanes > 1 ? 0.8 : 1), 90.0);
    box.low = along(summary.low);
    box.first_quartile = along(summary.first_quartile);
    box.median = along(summary.median);
    box.third_quartile = along(summary.third_quartile);
    box.high = along(summary.high);
    for (double outlier : summary.outliers) box.outliers.push_back(along(outlier));
    box.value_median = summary.median;
    scene.marks.push_back({std::move(box), series_color(table.color ? series : 0),
                           static_cast<int>(readings.size()), summary.median});
  }
  return scene;
}

// ---- heat map

Scene compose_cells(const Table& table, TextRuler& ruler) {
  Scene scene;
  FramePlan plan{.title = table.title};
  plan.left = band_axis(*table.y);
  plan.bottom = band_axis(*table.x);
  plan.left.line = plan.bottom.line = false;
  auto [lo, hi] = extent(table.color->values);
  if (hi - lo <= std::max(std::abs(lo), std::abs(hi)) * 1e-9)
    hi = lo + std::max(1.0, std::abs(lo) * 0.1);
  plan.ramp = Ramp{.lo = lo, .hi = hi};
  plan.ramp_whole = all_whole(table.color->values);
  plan.legend_title = table.color->title;
  scene.height = std::clamp(130 + 24.0 * plan.left.scale.bands, 500.0, 1200.0);
  place_frame(plan, scene, ruler);
  const double width = scene.plot.width / plan.bottom.scale.bands;
  const double height = scene.plot.height / plan.left.scale.bands;
  const double gap = std::min(width, height) > 8 ? 1 : 0;
  const std::vector<std::string> texts = table.color->values.size() <= 150
                                             ? value_texts(table.color->values)
                                             : std::vector<std::string>();
  double widest = 0;
  for (const std::string& text : texts) widest = std::max(widest, ruler.width(text, kValueFont));
  std::set<std::pair<double, double>> seen;
  bool repeated = false;
  for (size_t row = 0; row < table.color->values.size(); ++row) {
    const double x = x_at(scene, table.x->values[row]);
    const double y = y_at(scene, table.y->values[row]);
    repeated |= !seen.insert({table.x->values[row], table.y->values[row]}).second;
    const Color color = ramp_color((table.color->values[row] - lo) / (hi - lo));
    scene.marks.push_back({Cell{{x - width / 2, y - height / 2, width - gap, height - gap}}, color,
                           table.row_counts[row], table.color->values[row]});
    if (!texts.empty() && !repeated && widest + 8 < width && height > 18)
      scene.labels.push_back(make_label(Role::value, texts[row], kValueFont,
                                        is_dark(color) ? kPaper : kInk, {x, y}, Align::center,
                                        ruler));
  }
  if (repeated) scene.warnings.push_back("several rows share a cell; it shows the last one");
  return scene;
}

}  // namespace

base::Result<Scene> compose(const Table& table, TextRuler& ruler) {
  switch (table.mark) {
    case Mark::bar:
      return table.histogram ? compose_histogram(table, ruler) : compose_bars(table, ruler);
    case Mark::line:
      return compose_lines(table, ruler);
    case Mark::point:
      return compose_points(table, ruler);
    case Mark::boxplot:
      return compose_boxes(table, ruler);
    case Mark::rect:
      return compose_cells(table, ruler);
    case Mark::arc:
      return compose_pie(table, ruler);
  }
  return base::Error{base::Errc::internal, "chart: unknown mark"};
}

}  // namespace tools::chart
