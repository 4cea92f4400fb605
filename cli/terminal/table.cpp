#include "cli/terminal/table.h"

#include <algorithm>
#include <numeric>

#include "cli/terminal/text.h"

namespace cli {

namespace {

constexpr int kGap = 2;     // between columns
constexpr int kNarrow = 6;  // no column is wrapped to less

std::string plain(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

/// `1,234.5`, `-3 %`, `CHF 20`, `1'000`, `–`: what stands in columns of numbers.
bool is_number(const std::string& text) {
  int digits = 0, letters = 0;
  for (const char c : text) {
    digits += c >= '0' && c <= '9';
    letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  return digits > 0 && letters <= 3 && digits >= letters;
}

bool is_numeric(const Table& table, size_t column) {
  bool any = false;
  for (const std::vector<Line>& row : table.rows) {
    const std::string text = plain(row[column]);
    if (text.empty() || text == "-" || text == "–" || text == "—") continue;
    if (!is_number(text)) return false;
    any = true;
  }
  return any;
}

std::string spaces(int n) { return std::string(static_cast<size_t>(std::max(n, 0)), ' '); }

void append(Line& line, Line cell, int room, Align align) {
  const int left = room - width(cell);
  const int before = align == Align::right ? left : align == Align::centre ? left / 2 : 0;
  line.push_back({spaces(before)});
  line.insert(line.end(), cell.begin(), cell.end());
  line.push_back({spaces(left - before)});
}

/// One row, as many lines as its tallest cell.
void add_row(std::vector<Line>& out, const std::vector<Line>& row, const std::vector<int>& widths,
             const std::vector<Align>& aligns) {
  std::vector<std::vector<Line>> cells;
  size_t height = 1;
  for (size_t c = 0; c < row.size(); ++c) {
    cells.push_back(wrap(row[c], widths[c]));
    height = std::max(height, cells.back().size());
  }
  for (size_t k = 0; k < height; ++k) {
    Line line;
    for (size_t c = 0; c < cells.size(); ++c) {
      if (c > 0) line.push_back({spaces(kGap)});
      append(line, k < cells[c].size() ? cells[c][k] : Line(), widths[c], aligns[c]);
    }
    while (!line.empty() && line.back().text.find_first_not_of(' ') == std::string::npos)
      line.pop_back();
    out.push_back(std::move(line));
  }
}

std::vector<Line> as_records(const Table& table, int columns) {
  std::vector<Line> out;
  for (const std::vector<Line>& row : table.rows) {
    if (!out.empty()) out.emplace_back();
    for (size_t c = 0; c < row.size(); ++c) {
      Line line{{plain(table.header[c]) + ": ", kBold}};
      line.insert(line.end(), row[c].begin(), row[c].end());
      for (Line& part : wrap(line, columns)) out.push_back(std::move(part));
    }
  }
  return out;
}

}  // namespace

std::vector<Line> table_lines(const Table& table, int columns) {
  const size_t n = table.header.size();
  std::vector<int> widths(n);
  std::vector<Align> aligns = table.columns;
  aligns.resize(n, Align::automatic);
  for (size_t c = 0; c < n; ++c) {
    widths[c] = std::max(1, width(table.header[c]));
    for (const std::vector<Line>& row : table.rows) widths[c] = std::max(widths[c], width(row[c]));
    if (aligns[c] == Align::automatic)
      aligns[c] = is_numeric(table, c) ? Align::right : Align::left;
  }
  const int room = columns - kGap * (static_cast<int>(n) - 1);
  int total = std::accumulate(widths.begin(), widths.end(), 0);
  while (total > room) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrow) return as_records(table, columns);
    --*widest;
    --total;
  }
  std::vector<Line> out;
  std::vector<Line> header = table.header;
  for (Line& cell : header)
    for (Span& span : cell) span.style |= kBold;
  add_row(out, header, widths, aligns);
  Line rule;
  for (size_t c = 0; c < n; ++c) {
    std::string dashes;
    for (int i = 0; i < widths[c]; ++i) dashes += "─";
    rule.push_back({(c > 0 ? spaces(kGap) : "") + dashes, kDim});
  }
  out.push_back(std::move(rule));
  for (const std::vector<Line>& row : table.rows) add_row(out, row, widths, aligns);
  return out;
}

}  // namespace cli
