#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/chart/scene.h"
#include "tools/chart/text.h"

namespace tools::chart {

inline constexpr Font kTitleFont{18, true};
inline constexpr Font kAxisTitleFont{13, false};
inline constexpr Font kTickFont{12, false};
inline constexpr Font kValueFont{11, false};

/// What an axis shows, before its place is known.
struct AxisPlan {
  Scale scale{};
  std::string title{};
  std::vector<std::string> names{};  ///< of a band scale, one per band
  std::vector<Tick> fixed_ticks{};   ///< used as they are
  bool may_skip = false;             ///< names with an order: some may go without a label
  bool round_ends = true;            ///< linear: extend the domain to the next tick
  bool whole = false;                ///< linear: only whole numbers, so no ticks between them
  bool separators = true;            ///< linear: 2,000; false for years
  double finest = 1;                 ///< time: no ticks closer than so many seconds
  bool grid = true;
  bool line = true;  ///< draw the axis line along the plot
};

struct FramePlan {
  std::string title{};
  AxisPlan bottom{}, left{};
  std::string legend_title{};
  std::vector<LegendEntry> legend{};
  std::optional<Ramp> ramp{};
  bool ramp_whole = false;
  double extra_top = 0;  ///< free space above the plot, for labels on bars
  std::vector<Tick>
      right_labels{};  ///< texts that start at a value of the bottom axis and must fit
};

/// The room a band axis has at the bottom for one name, given how wide a legend is likely to be.
double likely_plot_width(const FramePlan& plan, TextRuler& ruler);

/// Whether each name fits under its band in at most three lines.
bool names_fit_below(const std::vector<std::string>& names, double band_width, TextRuler& ruler);

/// Writes the title and moves `top` below it.
void place_title(const std::string& title, Scene& scene, TextRuler& ruler, double& top);

/// Places title, legend and axes; fills in scene.plot, the axes, the grid and their labels.
/// scene.width and height are given.
void place_frame(FramePlan plan, Scene& scene, TextRuler& ruler);

/// Where a value lies on the canvas.
double x_at(const Scene& scene, double value);
/// A band scale on the left runs downward, a number scale upward.
double y_at(const Scene& scene, double value);

/// A label of `text` whose box has `anchor` at its left, middle or right (by `align`) and its
/// vertical middle.
Label make_label(Role role, std::string text, Font font, Color color, Point anchor, Align align,
                 TextRuler& ruler);

/// Extends a linear scale to round ends and gives its ticks.
std::vector<Tick> linear_ticks(AxisPlan& plan, double wanted);

}  // namespace tools::chart
