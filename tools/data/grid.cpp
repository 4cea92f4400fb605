#include "tools/data/grid.h"

#include <algorithm>

#include "tools/data/value.h"

namespace tools::data {
namespace {

constexpr size_t kMaxCell = 40;

// The code point at `at`, whose text is well-formed UTF-8; moves past it.
uint32_t take_point(const std::string& text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  uint32_t point = more == 3   ? lead & 0x07u
                   : more == 2 ? lead & 0x0fu
                   : more == 1 ? lead & 0x1fu
                               : lead;
  for (; more > 0 && at < text.size(); --more)
    point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  return point;
}

// Unicode's East Asian Width W and F, and marks that combine, by their larger blocks.
size_t width_of(uint32_t p) {
  if ((p >= 0x300 && p <= 0x36f) || (p >= 0x200b && p <= 0x200f) || (p >= 0x20d0 && p <= 0x20ff) ||
      (p >= 0xfe00 && p <= 0xfe0f) || (p >= 0x1ab0 && p <= 0x1aff))
    return 0;
  if ((p >= 0x1100 && p <= 0x115f) || (p >= 0x2e80 && p <= 0x303e) ||
      (p >= 0x3041 && p <= 0xa4cf) || (p >= 0xac00 && p <= 0xd7a3) ||
      (p >= 0xf900 && p <= 0xfaff) || (p >= 0xfe30 && p <= 0xfe6f) ||
      (p >= 0xff00 && p <= 0xff60) || (p >= 0xffe0 && p <= 0xffe6) ||
      (p >= 0x1f300 && p <= 0x1f64f) || (p >= 0x1f900 && p <= 0x1f9ff) ||
      (p >= 0x20000 && p <= 0x3fffd))
    return 2;
  return 1;
}

}  // namespace

size_t display_width(const std::string& text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) width += width_of(take_point(text, at));
  return width;
}

void Grid::add(std::vector<std::string> cells) {
  cells.resize(right_.size());
  for (std::string& cell : cells) {
    cell = to_utf8(cell);
    for (char& c : cell)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    if (display_width(cell) <= kMaxCell) continue;
    size_t width = 0;
    size_t at = 0;
    while (at < cell.size()) {
      size_t next = at;
      const size_t one = width_of(take_point(cell, next));
      if (width + one > kMaxCell - 1) break;
      width += one;
      at = next;
    }
    cell = cell.substr(0, at) + "…";
  }
  lines_.push_back(std::move(cells));
}

std::string Grid::text(bool rule) const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& line : lines_)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  std::string out;
  for (size_t n = 0; n < lines_.size(); ++n) {
    std::string text;
    for (size_t i = 0; i < right_.size(); ++i) {
      const std::string& cell = lines_[n][i];
      const std::string space(widths[i] - display_width(cell), ' ');
      text += (i ? "  " : "") + (right_[i] ? space + cell : cell + space);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
    if (n > 0 || !rule) continue;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i) out += "  ";
      for (size_t k = 0; k < widths[i]; ++k) out += "─";
    }
    out += "\n";
  }
  return out;
}

}  // namespace tools::data
