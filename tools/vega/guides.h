#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/vega/bounds.h"
#include "tools/vega/model.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// Values that an axis or legend may list.
inline constexpr size_t kMaxGuideValues = 10000;

/// What an axis is made of, once the specification and the configuration are read.
struct AxisSpec {
  std::string channel;        ///< x or y
  std::string orient;         ///< bottom, top, left, right
  json def = json::object();  ///< the "axis" object
  const ChannelDef* field = nullptr;
  const View* view = nullptr;  ///< the unit it was asked for by
  std::string title;
  bool has_title = false;
  bool grid = false;
  int zindex = 0;
};

/// An axis drawn: a group mark with its box in the coordinates of the plot.
struct DrawnAxis {
  Mark mark;
  Box box;
};

/// The axes of one cell of a plot: for each spec a grid (if it has one) and the axis itself.
class AxisMaker {
 public:
  AxisMaker(Model& model, const TextMetrics& metrics) : model_(model), metrics_(metrics) {}

  /// The axes that units below `view` (a unit or layer) ask for.
  std::vector<AxisSpec> specs(View& view);
  std::optional<DrawnAxis> grid(const AxisSpec& spec, int cell, double width, double height);
  /// with_title, and the rest: what headers of facets leave out.
  std::optional<DrawnAxis> axis(const AxisSpec& spec, int cell, double width, double height);

 private:
  json property(const AxisSpec& spec, const ScaleType type, const std::string& name) const;
  /// A property that may have a condition on the tick.
  json conditional(const json& value, const Row& tick) const;
  std::vector<Row> values(const AxisSpec& spec, const ScaleInstance& scale, double size,
                          double& count);
  std::vector<std::string> labels(const AxisSpec& spec, const ScaleInstance& scale,
                                  const std::vector<Row>& values, double count);

  Model& model_;
  const TextMetrics& metrics_;
};

/// Hides labels that overlap: "parity" (every second one) or "greedy".
void hide_overlaps(Mark& labels, bool greedy, double separation, const TextMetrics& metrics);

/// A legend as a group mark, laid out with its corner at (0, 0). nullopt where there is none.
struct DrawnLegend {
  Group group;
  std::string orient;
  double offset = 18;
};
/// The legends of the scales that `view` owns, for one of its cells.
std::vector<DrawnLegend> make_legends(View& view, int cell, Model& model,
                                      const TextMetrics& metrics);

/// A title of a view: text and where it goes.
struct TitleSpec {
  std::string text, subtitle;
  Style style, subtitle_style;
  std::string color, subtitle_color;
  std::string anchor = "middle", frame = "bounds", orient = "top";
  double offset = 4, subtitle_padding = 3, angle = 0;
};
std::optional<TitleSpec> read_title(const json& title, const Model& model);
/// The title of a group whose contents cover `inside`; adds what it covers to `inside`.
Mark place_title(const TitleSpec& title, double width, double height, Box& inside,
                 const TextMetrics& metrics);

}  // namespace tools::vega
