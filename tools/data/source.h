#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/data/value.h"

namespace tools::data {

/// Receives the cells of a row one after the other, then end_row(). `column` counts the wanted
/// columns.
class CellSink {
 public:
  virtual ~CellSink() = default;
  virtual void missing(int column) = 0;
  virtual void number(int column, double value) = 0;
  virtual void text(int column, std::string_view value) = 0;  ///< UTF-8, valid during the call
  virtual void date(int column, int64_t micros) = 0;
  virtual void boolean(int column, bool value) = 0;
  virtual void end_row() = 0;
};

/// One pass over the rows of a Source, in their order.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// Sends at most `max_rows` rows; 0 at the end. Errors: corrupt, system (the file changed while
  /// it was read).
  virtual base::Result<int> next(CellSink& sink, int max_rows) = 0;
};

/// Rows with typed columns: a Frame in memory or a CSV file that is read anew by each pass.
class Source {
 public:
  virtual ~Source() = default;
  const std::vector<Column>& columns() const { return columns_; }
  uint64_t rows() const { return rows_; }
  /// What a person should know about how the rows were read, one sentence each.
  const std::vector<std::string>& notes() const { return notes_; }
  /// wanted: indices of columns, in the order in which the sink numbers them.
  virtual base::Result<std::unique_ptr<Cursor>> start(std::vector<int> wanted) const = 0;

 protected:
  std::vector<Column> columns_;
  uint64_t rows_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace tools::data
