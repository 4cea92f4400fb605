// Slices run clockwise from twelve o'clock, the largest first unless the names have an order of
// their own. Names and shares stand beside the pie in two columns, each as near to its slice as its
// neighbours allow, joined by a line.

#include <algorithm>
#include <cmath>

#include "tools/chart/compose.h"
#include "tools/chart/frame.h"
#include "tools/chart/palette.h"
#include "tools/chart/words.h"

namespace tools::chart {
namespace {

constexpr double kTurn = 6.28318530717958647692;

constexpr double kReach = 20;   // from the pie to the circle its labels stand on
constexpr double kMargin = 18;  // from the labels to the edge

struct SliceLabel {
  size_t slice = 0;
  std::string name;
  std::string share;
  double angle = 0;  // of the slice's middle
  double y = 0;
};

// Moves labels apart vertically by at least `gap`, within [top, bottom], keeping their order:
// labels that collide form a block around the mean of the places they want.
void spread(std::vector<SliceLabel>& labels, double gap, double top, double bottom) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const SliceLabel& a, const SliceLabel& b) { return a.y < b.y; });
  struct Block {
    double sum = 0;  // of the places its first label would have
    size_t count = 0;
    double start = 0;
  };
  std::vector<Block> blocks;
  const auto settle = [&](Block& block) {
    const double n = static_cast<double>(block.count);
    block.start = std::clamp(block.sum / n, top, std::max(top, bottom - (n - 1) * gap));
  };
  for (const SliceLabel& label : labels) {
    blocks.push_back({label.y, 1, 0});
    settle(blocks.back());
    while (blocks.size() > 1) {
      Block& upper = blocks[blocks.size() - 2];
      const Block& lower = blocks.back();
      const double shift = static_cast<double>(upper.count) * gap;
      if (upper.start + shift <= lower.start) break;
      upper.sum += lower.sum - static_cast<double>(lower.count) * shift;
      upper.count += lower.count;
      blocks.pop_back();
      settle(upper);
    }
  }
  size_t i = 0;
  for (const Block& block : blocks)
    for (size_t k = 0; k < block.count; ++k)
      labels[i++].y = block.start + static_cast<double>(k) * gap;
}

std::string percent(double part) {
  const double value = part * 100;
  if (value > 0 && value < 0.05) return "<0.1%";
  if (value > 99.95 && value < 100) return ">99.9%";
  return grouped_digits(value, value >= 9.95 && value == std::round(value) ? 0 : 1) + "%";
}

}  // namespace

base::Result<Scene> compose_pie(const Table& table, TextRuler& ruler) {
  Scene scene;
  // One slice per name; repeated names add up.
  const std::vector<std::string>& names = table.color->categories;
  std::vector<double> sizes;
  std::vector<int> rows;
  sizes.assign(names.size(), 0);
  rows.assign(names.size(), 0);
  for (size_t row = 0; row < table.theta->values.size(); ++row) {
    const size_t slice = static_cast<size_t>(table.color->values[row]);
    if (table.theta->values[row] < 0)
      return base::Error{base::Errc::usage, "chart: a pie cannot show a negative value (" +
                                                names[slice] + ": " +
                                                grouped_digits(table.theta->values[row], 2) + ")"};
    sizes[slice] += table.theta->values[row];
    rows[slice] += table.row_counts[row];
  }
  double total = 0;
  for (double size : sizes) total += size;
  if (total <= 0) return base::Error{base::Errc::usage, "chart: all slices of the pie are zero"};
  if (names.size() < table.theta->values.size())
    scene.warnings.push_back("several rows share a slice; it shows their sum");
  if (names.size() > 20)
    scene.warnings.push_back(std::to_string(names.size()) +
                             " slices are hard to tell apart; a bar chart shows them better");

  std::vector<size_t> order(names.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (!table.color->ordinal)
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });

  double top = 0;
  place_title(table.title, scene, ruler, top);
  double widest = 0;
  for (const std::string& name : names) widest = std::max(widest, ruler.width(name, kTickFont));
  const double wanted_label = std::min(widest + ruler.width("  00.0%", kTickFont), 240.0);
  const Point center{scene.width / 2, top + (scene.height - top) / 2 - 4};
  const double radius = std::clamp(std::min((scene.height - top) / 2 - 34,
                                            scene.width / 2 - kMargin - kReach - 6 - wanted_label),
                                   120.0, 190.0);
  scene.plot = {center.x - radius, center.y - radius, 2 * radius, 2 * radius};
  const double gap = kTickFont.size * kLineHeight + 2;

  // Many small slices need the height of the left side for their labels: turn their middle to nine
  // o'clock.
  double small = 0;
  size_t n_small = 0;
  for (size_t k = order.size(); k-- > 0 && sizes[order[k]] / total < 0.045; ++n_small)
    small += sizes[order[k]] / total;
  double angle = n_small >= 4 ? kTurn * (small / 2 - 0.25) : 0;
  const double first = angle;

  std::vector<SliceLabel> sides[2];
  for (size_t k = 0; k < order.size(); ++k) {
    const size_t i = order[k];
    const double part = sizes[i] / total;
    const double end = k + 1 == order.size() ? first + kTurn : angle + part * kTurn;
    // Neighbours must differ, the last and the first too.
    size_t color = k % kSeriesColors;
    if (k > 0 && k + 1 == order.size() && color == 0) color = 1;
    scene.marks.push_back(
        {Slice{center, radius, angle, end}, series_color(color), rows[i], sizes[i]});
    const double middle = (angle + end) / 2;
    sides[std::sin(middle) >= 0 ? 0 : 1].push_back(
        {k, names[i], "  " + percent(part), middle,
         center.y - std::cos(middle) * (radius + kReach)});
    angle = end;
  }
  const double low = top + gap / 2;
  const double high = scene.height - 14 - gap / 2;
  const size_t room = static_cast<size_t>((high - low) / gap) + 1;
  size_t hidden = 0;
  for (int side = 0; side < 2; ++side) {
    std::vector<SliceLabel>& labels = sides[side];
    if (labels.size() > room) {
      // The largest slices keep their labels.
      std::stable_sort(labels.begin(), labels.end(), [&](const SliceLabel& a, const SliceLabel& b) {
        return scene.marks[a.slice].value > scene.marks[b.slice].value;
      });
      hidden += labels.size() - room;
      labels.resize(room);
    }
    spread(labels, gap, low, high);
    const double sign = side == 0 ? 1 : -1;
    for (const SliceLabel& label : labels) {
      const auto around = [&](double distance) {
        return Point{center.x + std::sin(label.angle) * (radius + distance),
                     center.y - std::cos(label.angle) * (radius + distance)};
      };
      // The label stands on a circle around the pie; a line leads to it: away from the pie, then
      // across.
      const double dy = label.y - center.y;
      const double reach = radius + kReach;
      const double dx = std::abs(dy) < reach ? std::sqrt(reach * reach - dy * dy) : 0;
      const Point elbow = around(10);
      const double x = center.x + sign * std::max(dx, std::abs(elbow.x - center.x) + 4);
      scene.rules.push_back({around(2), elbow, kAxis, 1});
      scene.rules.push_back({elbow, {x, label.y}, kAxis, 1});
      const double free = (side == 0 ? scene.width - x : x) - 5 - kMargin;
      const std::string name =
          ruler.shorten(label.name, kTickFont, free - ruler.width(label.share, kTickFont));
      scene.labels.push_back(make_label(Role::slice, name + label.share, kTickFont, kInk,
                                        {x + sign * 5, label.y},
                                        side == 0 ? Align::left : Align::right, ruler));
      scene.labels.back().shortened = name != label.name;
    }
  }
  if (hidden > 0) scene.warnings.push_back(std::to_string(hidden) + " small slices have no label");
  return scene;
}

}  // namespace tools::chart
