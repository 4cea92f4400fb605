#include "tools/chart/palette.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace tools::chart {
namespace {

constexpr Color kColors[kSeriesColors] = {
    {0x00, 0x72, 0xB2}, {0xD5, 0x5E, 0x00}, {0x00, 0x9E, 0x73}, {0xCC, 0x79, 0xA7},
    {0xE6, 0x9F, 0x00}, {0x56, 0xB4, 0xE9}, {0x6B, 0x42, 0x26}, {0x7A, 0x7A, 0x7A},
    {0x33, 0x22, 0x88}, {0x88, 0x22, 0x55}, {0x99, 0x99, 0x33}, {0x1B, 0x5E, 0x4A}};

constexpr Color kRamp[] = {{0x44, 0x01, 0x54}, {0x48, 0x28, 0x78}, {0x3E, 0x49, 0x89},
                           {0x31, 0x68, 0x8E}, {0x26, 0x82, 0x8E}, {0x1F, 0x9E, 0x89},
                           {0x35, 0xB7, 0x79}, {0x6E, 0xCE, 0x58}, {0xB5, 0xDE, 0x2B}};

uint8_t blend(uint8_t a, uint8_t b, double part) {
  return static_cast<uint8_t>(std::lround(a + (b - a) * part));
}

}  // namespace

Color series_color(size_t i) { return kColors[i % kSeriesColors]; }

std::vector<double> series_dash(size_t i) {
  switch (i / kSeriesColors % 3) {
    case 1:
      return {6, 3};
    case 2:
      return {2, 3};
    default:
      return {};
  }
}

Shape series_shape(size_t i) {
  constexpr Shape shapes[] = {Shape::circle, Shape::square, Shape::triangle, Shape::diamond};
  return shapes[i / kSeriesColors % std::size(shapes)];
}

Color ramp_color(double fraction) {
  constexpr size_t last = std::size(kRamp) - 1;
  const double place = std::clamp(fraction, 0.0, 1.0) * last;
  const size_t below = std::min(static_cast<size_t>(place), last - 1);
  const double part = place - static_cast<double>(below);
  const Color a = kRamp[below];
  const Color b = kRamp[below + 1];
  return {blend(a.red, b.red, part), blend(a.green, b.green, part), blend(a.blue, b.blue, part)};
}

Color lightened(Color color, double amount) {
  return {blend(color.red, 255, amount), blend(color.green, 255, amount),
          blend(color.blue, 255, amount)};
}

bool is_dark(Color color) {
  const auto linear = [](uint8_t channel) {
    const double c = channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  // Relative luminance; white and kInk contrast equally at 0.22.
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue) <
         0.22;
}

}  // namespace tools::chart
