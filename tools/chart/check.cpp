#include "tools/chart/check.h"

#include <algorithm>

namespace tools::chart {
namespace {

bool overlap(const Box& a, const Box& b) {
  constexpr double slack = 0.5;
  return a.x + slack < b.right() && b.x + slack < a.right() && a.y + slack < b.bottom() &&
         b.y + slack < a.bottom();
}

std::string excerpt(const Label& label) {
  std::string text = label.text;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return "\"" + text + "\"";
}

}  // namespace

int rows_drawn(const Scene& scene) {
  int rows = 0;
  for (const MarkItem& mark : scene.marks) rows += mark.rows;
  return rows;
}

std::vector<std::string> label_warnings(const Scene& scene) {
  std::vector<std::string> warnings;
  const auto report = [&](size_t count, const Label* first, const char* what) {
    if (count > 0)
      warnings.push_back(std::to_string(count) + (count == 1 ? " label " : " labels ") + what +
                         ", such as " + excerpt(*first));
  };
  size_t clipped = 0;
  size_t shortened = 0;
  const Label* first_clipped = nullptr;
  const Label* first_shortened = nullptr;
  for (const Label& label : scene.labels) {
    const Box& box = label.box;
    if (box.x < -0.5 || box.y < -0.5 || box.right() > scene.width + 0.5 ||
        box.bottom() > scene.height + 0.5) {
      if (clipped++ == 0) first_clipped = &label;
    }
    if (label.shortened && shortened++ == 0) first_shortened = &label;
  }
  // Sorted by their top, only neighbours can overlap.
  std::vector<const Label*> sorted;
  for (const Label& label : scene.labels)
    if (!label.text.empty()) sorted.push_back(&label);
  std::sort(sorted.begin(), sorted.end(),
            [](const Label* a, const Label* b) { return a->box.y < b->box.y; });
  size_t overlapping = 0;
  const Label* first_overlapping = nullptr;
  for (size_t i = 0; i < sorted.size(); ++i)
    for (size_t j = i + 1; j < sorted.size() && sorted[j]->box.y < sorted[i]->box.bottom(); ++j)
      if (overlap(sorted[i]->box, sorted[j]->box) && overlapping++ == 0)
        first_overlapping = sorted[j];
  report(clipped, first_clipped, "outside the picture");
  report(overlapping, first_overlapping, "overlapping another");
  report(shortened, first_shortened, "shortened");
  return warnings;
}

}  // namespace tools::chart
