#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/data/frame.h"

namespace tools::data {

/// Rows whose cells each have a type of their own (a spreadsheet, SQLite), gathered and then given
/// one type a column: the type that all of its cells have, or else what their texts are, as in a
/// CSV file.
class LooseTable {
 public:
  /// Cells of the current row, in any order; those not given are missing. column: from 0; a new one
  /// is added as needed. Texts that stand for a missing value (NA, null, …) are missing.
  void put(size_t column, const Cell& cell);
  void end_row() { ++rows_; }

  uint64_t rows() const { return rows_; }
  size_t width() const { return columns_.size(); }
  /// Bytes held, about.
  uint64_t bytes() const { return bytes_; }
  /// The text of a cell; missing: empty.
  std::string text(size_t column, uint64_t row) const;

  /// The rows from `first_row` on, under `names` (cleaned; missing ones become columnN). A note's
  /// places are rows counted from `place_of_first`.
  std::shared_ptr<Frame> finish(const std::vector<std::string>& names, uint64_t first_row,
                                uint64_t place_of_first) const;

 private:
  enum class Kind : uint8_t { missing, boolean, number, date, text };
  struct Lane {
    std::vector<Kind> kinds{};
    std::vector<double> numbers{};  // number and boolean
    std::vector<int64_t> dates{};   // date; grown only as far as there are dates
    std::string pool{};
    std::vector<uint64_t> ends{};
  };
  std::string_view pooled(const Lane& lane, uint64_t row) const;
  void pad(Lane& lane, uint64_t rows);

  std::vector<Lane> columns_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace tools::data
