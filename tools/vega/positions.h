#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "tools/vega/model.h"

namespace tools::vega {

/// Where the marks of one cell of a unit stand, by channel ("x", "y", "theta", "radius").
class Positions {
 public:
  Positions(const View& view, int cell, Model& model);

  /// What a channel without a field falls back to.
  enum class Default { mid, zero_or_min, zero_or_max };

  /// The position of a point; NaN where the scale has none.
  double point(const std::string& channel, const Row& row, Default fallback) const;
  /// The second end of a range: x2, the start of a stack, the base line.
  double second(const std::string& channel, const Row& row, Default fallback) const;
  /// Both ends of a bar, rect or tick.
  std::pair<double, double> rect(const std::string& channel, const Row& row) const;

  double width() const { return width_; }
  double height() const { return height_; }
  /// The view's extent in the direction of a channel.
  double size(const std::string& channel) const { return channel == "x" ? width_ : height_; }

 private:
  double scaled(const ScaleInstance& scale, const ChannelDef& def, const Row& row,
                double band) const;
  double offset(const std::string& channel, const Row& row, bool middle, bool& nested) const;
  double base_line(const std::string& channel, Default fallback) const;
  double value_of(const json& value, const std::string& channel) const;
  std::pair<double, double> sized(const std::string& channel, const Row& row) const;
  const ScaleInstance* scale(const std::string& channel) const;
  /// A property of the mark, looked up once.
  const json& property(std::string_view name) const;
  double property(std::string_view name, double fallback) const;

  /// What of a channel does not depend on the row.
  struct Place {
    const Channel* channel = nullptr;  ///< nullptr where the encoding has none
    const Channel* offset = nullptr;   ///< of "xOffset" and the like
    double fixed_offset = 0;
    const json* own = nullptr;  ///< the mark's own value, perhaps null
    double band_position = 0.5, band = 0;
    bool has_band_position = false;
  };

  const View& view_;
  int cell_;
  Model& model_;
  double width_, height_;
  const ScaleInstance* scales_[6];
  Place places_[4];
  Field stack_start_, stack_end_;
  mutable std::deque<std::pair<std::string_view, json>> properties_;
};

}  // namespace tools::vega
