// The frame is placed from the outside in: title, legend, then the widths of the left axis (its
// ticks need only an estimate of the plot's height), then the bottom axis (its labels need the
// plot's width), and what remains is the plot. Every margin is the measured size of what stands in
// it.

#include "tools/chart/frame.h"

#include <algorithm>
#include <cmath>

#include "tools/chart/dates.h"
#include "tools/chart/palette.h"
#include "tools/chart/stats.h"
#include "tools/chart/words.h"

namespace tools::chart {
namespace {

constexpr double kPad = 22;
constexpr double kLegendRow = 21;
constexpr double kSwatch = 22;  // from the left edge of a swatch to its text
constexpr double kTickGap = 8;  // between an axis and its labels

double line_height(const Font& font) { return font.size * kLineHeight; }

// After how many names "2014 Q1" or "2014-03" come round again; 0 for other names.
int cycle_of(const std::vector<std::string>& names) {
  const auto all = [&](auto&& holds) { return std::all_of(names.begin(), names.end(), holds); };
  if (all([](const std::string& n) { return n.size() == 7 && n.compare(4, 2, " Q") == 0; }))
    return 4;
  if (all([](const std::string& n) { return n.size() == 7 && n[4] == '-' && parse_date(n); }))
    return 12;
  return 0;
}

// The smallest natural stride of at least `needed` units. In a cycle: its divisors and multiples;
// otherwise 1, 2, 5 and the divisors people count by.
int label_stride(double needed, double band, int cycle = 0) {
  constexpr int strides[] = {1, 2, 3, 4, 5, 6, 10, 12, 20, 24, 30, 50, 60, 100, 120, 200, 250, 500};
  for (int stride : strides)
    if (stride * band >= needed && (cycle == 0 || cycle % stride == 0 || stride % cycle == 0))
      return stride;
  return static_cast<int>(std::ceil(needed / std::max(band, 1e-6)));
}

struct LegendPlan {
  enum { none, top, right } place = none;
  double width = 0;                ///< of a legend on the right
  std::vector<std::string> texts;  ///< possibly shortened
};

LegendPlan plan_legend(const FramePlan& plan, TextRuler& ruler, double width) {
  LegendPlan legend;
  if (plan.ramp) {
    legend.place = LegendPlan::right;
    legend.width = 78;
    return legend;
  }
  if (plan.legend.empty()) return legend;
  double total = plan.legend_title.empty() ? 0 : ruler.width(plan.legend_title, kTickFont) + 14;
  double widest = 0;
  for (const LegendEntry& entry : plan.legend) {
    const std::string text = ruler.shorten(entry.text, kTickFont, 170);
    const double w = ruler.width(text, kTickFont);
    total += kSwatch + w + 16;
    widest = std::max(widest, w);
    legend.texts.push_back(text);
  }
  if (total - 16 <= width - 2 * kPad && plan.legend.size() <= 8) {
    legend.place = LegendPlan::top;
    return legend;
  }
  legend.place = LegendPlan::right;
  legend.width =
      kSwatch + std::max(widest, std::min(ruler.width(plan.legend_title, kTickFont), 150.0));
  return legend;
}

void place_top_legend(const FramePlan& plan, const LegendPlan& legend, Scene& scene,
                      TextRuler& ruler, double& top) {
  double x = kPad;
  const double middle = top + 10;
  if (!plan.legend_title.empty()) {
    scene.labels.push_back(make_label(Role::legend_title, plan.legend_title, kTickFont, kGray,
                                      {x, middle}, Align::left, ruler));
    x = scene.labels.back().box.right() + 14;
  }
  for (size_t i = 0; i < plan.legend.size(); ++i) {
    LegendEntry entry = plan.legend[i];
    entry.at = {x + 8, middle};
    scene.labels.push_back(make_label(Role::legend, legend.texts[i], kTickFont, kInk,
                                      {x + kSwatch, middle}, Align::left, ruler));
    scene.labels.back().shortened = legend.texts[i] != entry.text;
    x = scene.labels.back().box.right() + 16;
    scene.legend.push_back(std::move(entry));
  }
  top += 26;
}

void place_right_legend(const FramePlan& plan, const LegendPlan& legend, Scene& scene,
                        TextRuler& ruler, double top) {
  const double x = scene.width - kPad - legend.width;
  double middle = top + 12;
  if (!plan.legend_title.empty()) {
    const std::string title = ruler.wrap(plan.legend_title, kTickFont, legend.width, 2);
    const double height = ruler.size(title, kTickFont).height;
    scene.labels.push_back(make_label(Role::legend_title, title, kTickFont, kGray,
                                      {x, top + 4 + height / 2}, Align::left, ruler));
    middle = top + 4 + height + 14;
  }
  if (plan.ramp) {
    Ramp ramp = *plan.ramp;
    ramp.box = {x, middle, 14, std::min(180.0, scene.height - middle - 60)};
    AxisPlan axis{.scale = {.kind = ScaleKind::linear, .lo = ramp.lo, .hi = ramp.hi},
                  .round_ends = false,
                  .whole = plan.ramp_whole};
    for (const Tick& tick : linear_ticks(axis, 5)) {
      const double y = ramp.box.bottom() - axis.scale.at(tick.value) * ramp.box.height;
      scene.labels.push_back(make_label(Role::legend, tick.text, kTickFont, kGray,
                                        {ramp.box.right() + 6, y}, Align::left, ruler));
    }
    scene.ramps.push_back(ramp);
    return;
  }
  const size_t room =
      static_cast<size_t>(std::max(1.0, std::floor((scene.height - kPad - middle) / kLegendRow)));
  const size_t shown = plan.legend.size() <= room ? plan.legend.size() : room - 1;
  for (size_t i = 0; i < shown; ++i) {
    LegendEntry entry = plan.legend[i];
    entry.at = {x + 8, middle};
    scene.labels.push_back(make_label(Role::legend, legend.texts[i], kTickFont, kInk,
                                      {x + kSwatch, middle}, Align::left, ruler));
    scene.labels.back().shortened = legend.texts[i] != entry.text;
    scene.legend.push_back(std::move(entry));
    middle += kLegendRow;
  }
  if (shown < plan.legend.size()) {
    const std::string more = "+ " + std::to_string(plan.legend.size() - shown) + " more";
    scene.labels.push_back(make_label(Role::legend, more, kTickFont, kGray, {x + kSwatch, middle},
                                      Align::left, ruler));
    scene.warnings.push_back("the legend shows " + std::to_string(shown) + " of " +
                             std::to_string(plan.legend.size()) + " series");
  }
}

std::vector<Tick> continuous_ticks(AxisPlan& plan, double wanted) {
  if (!plan.fixed_ticks.empty()) return plan.fixed_ticks;
  if (plan.scale.kind == ScaleKind::linear) return linear_ticks(plan, wanted);
  std::vector<Tick> ticks;
  for (DateTick& tick :
       date_ticks(plan.scale.lo, plan.scale.hi, static_cast<int>(wanted), plan.finest))
    ticks.push_back({tick.seconds, std::move(tick.text)});
  return ticks;
}

// Labels of the left axis, in order of its ticks; `plan.axis` ticks are chosen here.
struct LeftLabels {
  std::vector<Tick> ticks;
  std::vector<bool> shortened;
  double width = 0;
};

LeftLabels plan_left(AxisPlan& plan, TextRuler& ruler, double likely_height, double max_width) {
  LeftLabels left;
  if (plan.scale.kind != ScaleKind::band) {
    left.ticks = continuous_ticks(plan, std::max(2.0, likely_height / 58));
    for (const Tick& tick : left.ticks)
      left.width = std::max(left.width, ruler.size(tick.text, kTickFont).width);
    left.shortened.assign(left.ticks.size(), false);
    return left;
  }
  const double band = likely_height / plan.scale.bands;
  const int stride = label_stride(line_height(kTickFont) - 0.5, band);
  const int lines = band >= 2 * line_height(kTickFont) + 2 ? 2 : 1;
  for (size_t i = 0; i < plan.names.size(); i += static_cast<size_t>(stride)) {
    std::string text = ruler.wrap(plan.names[i], kTickFont, max_width, lines);
    left.shortened.push_back(text.ends_with("…") && !plan.names[i].ends_with("…"));
    left.width = std::max(left.width, ruler.size(text, kTickFont).width);
    left.ticks.push_back({static_cast<double>(i), std::move(text)});
  }
  return left;
}

// Ticks of the bottom axis such that neighbours do not touch.
std::vector<Tick> plan_bottom(AxisPlan& plan, TextRuler& ruler, double plot_width,
                              std::vector<bool>& shortened) {
  std::vector<Tick> ticks;
  if (plan.scale.kind != ScaleKind::band) {
    const AxisPlan fresh = plan;
    const double spacing = plan.scale.kind == ScaleKind::time ? 55 : 78;
    for (double wanted = std::max(2.0, plot_width / spacing); wanted >= 1; wanted *= 0.85) {
      plan = fresh;
      ticks = continuous_ticks(plan, wanted);
      bool touch = false;
      for (size_t i = 1; i < ticks.size(); ++i) {
        const double gap =
            (plan.scale.at(ticks[i].value) - plan.scale.at(ticks[i - 1].value)) * plot_width;
        touch |= (ruler.size(ticks[i].text, kTickFont).width +
                  ruler.size(ticks[i - 1].text, kTickFont).width) /
                         2 +
                     10 >
                 gap;
      }
      if (!touch || !plan.fixed_ticks.empty()) break;
    }
    if (!plan.fixed_ticks.empty() && ticks.size() > 1) {
      double widest = 0;
      for (const Tick& tick : ticks) widest = std::max(widest, ruler.width(tick.text, kTickFont));
      const double gap =
          (plan.scale.at(ticks[1].value) - plan.scale.at(ticks[0].value)) * plot_width;
      const int stride = label_stride(widest + 8, gap);
      std::vector<Tick> kept;
      for (size_t i = 0; i < ticks.size(); i += static_cast<size_t>(stride))
        kept.push_back(ticks[i]);
      ticks = std::move(kept);
    }
    shortened.assign(ticks.size(), false);
    return ticks;
  }
  const double band = plot_width / plan.scale.bands;
  int stride = 1;
  double room = band - 8;
  if (!names_fit_below(plan.names, band, ruler)) {
    double widest = 0;
    for (const std::string& name : plan.names)
      widest = std::max(widest, ruler.width(ruler.shorten(name, kTickFont, 140), kTickFont));
    // Names without an order keep their labels, shortened, as long as a few letters fit.
    stride = plan.may_skip ? label_stride(widest + 10, band, cycle_of(plan.names))
                           : label_stride(56, band);
    room = stride * band - 8;
  }
  for (size_t i = 0; i < plan.names.size(); i += static_cast<size_t>(stride)) {
    std::string text =
        ruler.wrap(plan.names[i], kTickFont, room, plan.may_skip && stride > 1 ? 1 : 3);
    shortened.push_back(text.find("…") != text.npos &&
                        plan.names[i].find("…") == std::string::npos);
    ticks.push_back({static_cast<double>(i), std::move(text)});
  }
  return ticks;
}

}  // namespace

Label make_label(Role role, std::string text, Font font, Color color, Point anchor, Align align,
                 TextRuler& ruler) {
  const Size size = ruler.size(text, font);
  const double x = align == Align::left    ? anchor.x
                   : align == Align::right ? anchor.x - size.width
                                           : anchor.x - size.width / 2;
  return {.role = role,
          .text = std::move(text),
          .box = {x, anchor.y - size.height / 2, size.width, size.height},
          .font = font,
          .color = color,
          .align = align};
}

std::vector<Tick> linear_ticks(AxisPlan& plan, double wanted) {
  Scale& scale = plan.scale;
  double step = round_step(scale.hi - scale.lo, wanted);
  if (plan.whole) step = std::max(step, 1.0);
  double first = std::floor(scale.lo / step + 1e-9);
  double last = std::ceil(scale.hi / step - 1e-9);
  if (plan.round_ends) {
    scale.lo = first * step;
    scale.hi = last * step;
  } else {
    first = std::ceil(scale.lo / step - 1e-9);
    last = std::floor(scale.hi / step + 1e-9);
  }
  std::vector<double> values;
  for (double i = first; i <= last && values.size() < 100; i += 1) values.push_back(i * step);
  const std::vector<std::string> texts = tick_texts(values, step, plan.separators);
  std::vector<Tick> ticks;
  for (size_t i = 0; i < values.size(); ++i) ticks.push_back({values[i], texts[i]});
  return ticks;
}

bool names_fit_below(const std::vector<std::string>& names, double band_width, TextRuler& ruler) {
  if (band_width < 14) return false;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return ruler.wraps(name, kTickFont, band_width - 8, 3);
  });
}

double likely_plot_width(const FramePlan& plan, TextRuler& ruler) {
  const LegendPlan legend = plan_legend(plan, ruler, 800);
  return 800 - 2 * kPad - 70 - (legend.place == LegendPlan::right ? legend.width + 24 : 0);
}

void place_title(const std::string& title, Scene& scene, TextRuler& ruler, double& top) {
  top = 20;
  if (title.empty()) return;
  const std::string text = ruler.wrap(title, kTitleFont, scene.width - 2 * kPad, 2);
  const double height = ruler.size(text, kTitleFont).height;
  scene.labels.push_back(make_label(Role::title, text, kTitleFont, kInk, {kPad, top + height / 2},
                                    Align::left, ruler));
  scene.labels.back().shortened = text.ends_with("…") && !title.ends_with("…");
  top += height + 10;
}

void place_frame(FramePlan plan, Scene& scene, TextRuler& ruler) {
  double top = 0;
  place_title(plan.title, scene, ruler, top);
  const LegendPlan legend = plan_legend(plan, ruler, scene.width);
  if (legend.place == LegendPlan::top) place_top_legend(plan, legend, scene, ruler, top);
  const double plot_top = top + 8 + plan.extra_top;
  double right = scene.width - kPad;
  if (legend.place == LegendPlan::right) right -= legend.width + 24;

  // Left axis.
  const bool left_title = !plan.left.title.empty();
  LeftLabels left = plan_left(plan.left, ruler, scene.height - plot_top - 75, scene.width * 0.3);
  const double plot_left =
      kPad + (left_title ? line_height(kAxisTitleFont) + 8 : 0) + left.width + kTickGap;

  // Bottom axis: narrower until the last labels fit.
  std::vector<Tick> bottom;
  std::vector<bool> bottom_shortened;
  const AxisPlan fresh = plan.bottom;
  double plot_right = right;
  for (int attempt = 0; attempt < 3; ++attempt) {
    plan.bottom = fresh;
    bottom_shortened.clear();
    const double width = plot_right - plot_left;
    bottom = plan_bottom(plan.bottom, ruler, width, bottom_shortened);
    double overflow = 0;
    for (const Tick& tick : bottom) {
      const double half = ruler.size(tick.text, kTickFont).width / 2;
      overflow = std::max(overflow,
                          plot_left + plan.bottom.scale.at(tick.value) * width + half - right - 10);
    }
    for (const Tick& text : plan.right_labels)
      overflow = std::max(overflow, plot_left + plan.bottom.scale.at(text.value) * width + 6 +
                                        ruler.width(text.text, kValueFont) - right);
    if (overflow <= 0.01) break;
    plot_right -= overflow;
  }
  double bottom_label_height = 0;
  for (const Tick& tick : bottom)
    bottom_label_height = std::max(bottom_label_height, ruler.size(tick.text, kTickFont).height);
  const bool bottom_title = !plan.bottom.title.empty();
  const double plot_bottom = scene.height - 16 -
                             (bottom_title ? line_height(kAxisTitleFont) + 6 : 0) -
                             bottom_label_height - kTickGap;

  scene.plot = {plot_left, plot_top, plot_right - plot_left, plot_bottom - plot_top};
  scene.bottom = {plan.bottom.scale, plan.bottom.title, bottom};
  scene.left = {plan.left.scale, plan.left.title, left.ticks};
  const Box& plot = scene.plot;
  if (legend.place == LegendPlan::right) place_right_legend(plan, legend, scene, ruler, top);

  // Grid, ticks and their labels.
  for (size_t i = 0; i < left.ticks.size(); ++i) {
    const double y = y_at(scene, left.ticks[i].value);
    if (plan.left.scale.kind != ScaleKind::band && plan.left.grid)
      scene.grid.push_back({{plot.x, y}, {plot.right(), y}, kGrid, 1});
    scene.labels.push_back(make_label(Role::y_tick, left.ticks[i].text, kTickFont, kGray,
                                      {plot.x - kTickGap, y}, Align::right, ruler));
    scene.labels.back().shortened = left.shortened[i];
  }
  for (size_t i = 0; i < bottom.size(); ++i) {
    const double x = x_at(scene, bottom[i].value);
    const bool band = plan.bottom.scale.kind == ScaleKind::band;
    if (!band && plan.bottom.grid)
      scene.grid.push_back({{x, plot.y}, {x, plot.bottom()}, kGrid, 1});
    if (!band && plan.bottom.line)
      scene.rules.push_back({{x, plot.bottom()}, {x, plot.bottom() + 5}, kAxis, 1});
    Label label =
        make_label(Role::x_tick, bottom[i].text, kTickFont, kGray, {x, 0}, Align::center, ruler);
    label.box.y = plot.bottom() + kTickGap;
    label.shortened = bottom_shortened[i];
    scene.labels.push_back(std::move(label));
  }
  if (plan.bottom.line)
    scene.rules.push_back({{plot.x, plot.bottom()}, {plot.right(), plot.bottom()}, kAxis, 1});
  if (plan.left.line) scene.rules.push_back({{plot.x, plot.y}, {plot.x, plot.bottom()}, kAxis, 1});

  // Axis titles.
  if (bottom_title) {
    const std::string text =
        ruler.shorten(plan.bottom.title, kAxisTitleFont, scene.width - 2 * kPad);
    const double half = ruler.width(text, kAxisTitleFont) / 2;
    const double x = std::clamp(plot.x + plot.width / 2, std::min(kPad + half, scene.width / 2),
                                std::max(scene.width - kPad - half, scene.width / 2));
    scene.labels.push_back(make_label(Role::x_title, text, kAxisTitleFont, kInk,
                                      {x, scene.height - 16 - line_height(kAxisTitleFont) / 2},
                                      Align::center, ruler));
    scene.labels.back().shortened = text != plan.bottom.title;
  }
  if (left_title) {
    const std::string text = ruler.shorten(plan.left.title, kAxisTitleFont, plot.height);
    const Size size = ruler.size(text, kAxisTitleFont);
    scene.labels.push_back(
        {.role = Role::y_title,
         .text = text,
         .box = {kPad - 4, plot.y + (plot.height - size.width) / 2, size.height, size.width},
         .font = kAxisTitleFont,
         .color = kInk,
         .align = Align::center,
         .vertical = true,
         .shortened = text != plan.left.title});
  }
}

double x_at(const Scene& scene, double value) {
  return scene.plot.x + scene.bottom.scale.at(value) * scene.plot.width;
}

double y_at(const Scene& scene, double value) {
  const double part = scene.left.scale.at(value);
  return scene.plot.y +
         (scene.left.scale.kind == ScaleKind::band ? part : 1 - part) * scene.plot.height;
}

}  // namespace tools::chart
