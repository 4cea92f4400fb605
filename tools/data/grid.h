#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tools::data {

/// Columns of a terminal that `text` takes: combining characters none, East Asian wide ones two.
size_t display_width(const std::string& text);

/// Lines of cells, aligned for a terminal with two spaces between columns.
class Grid {
 public:
  /// right: which columns are set to the right.
  explicit Grid(std::vector<bool> right) : right_(std::move(right)) {}
  /// Control characters become spaces; a cell wider than 40 columns is cut and ends with "…".
  void add(std::vector<std::string> cells);
  /// rule: a line of ─ after the first line.
  std::string text(bool rule) const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace tools::data
