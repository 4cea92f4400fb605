#pragma once

#include <deque>

#include "tools/data/source.h"

namespace tools::data {

/// Typed columns in memory. Filled as a CellSink whose columns are its own.
class Frame : public Source, public CellSink {
 public:
  explicit Frame(std::vector<Column> columns);

  void missing(int column) override;
  void number(int column, double value) override;
  void text(int column, std::string_view value) override;
  void date(int column, int64_t micros) override;
  void boolean(int column, bool value) override;
  void end_row() override { ++rows_; }

  void add_notes(std::vector<std::string> notes) { notes_ = std::move(notes); }

  Cell at(int column, uint64_t row) const;
  base::Result<std::unique_ptr<Cursor>> start(std::vector<int> wanted) const override;

 private:
  friend class FrameCursor;
  struct Lane {
    std::vector<uint8_t> known;   // [rows]
    std::vector<double> numbers;  // [rows] of a number column
    std::vector<int64_t> ints;    // [rows] of a date or boolean column
    std::string pool;             // text, one after the other
    std::vector<uint64_t> ends;   // [rows] of a text column
  };
  void add(int column, bool known, double number, int64_t integer, std::string_view text);

  std::vector<Lane> lanes_;
};

}  // namespace tools::data
