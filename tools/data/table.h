#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/data/engine.h"
#include "tools/data/value.h"

/// tools::data: tables of a workspace's files, and what can be asked of them.
///
/// A Table is a value: a SELECT over an Engine that yields columns c0, c1, … and r, the number of
/// the row in the table it came from. Methods never change it; each wraps the SELECT in another.
/// Results that are small by nature (groups, top rows, …) are computed at once and kept in a table
/// of DuckDB's. Errors are one line that begins with the method's name. FORMAT.md says exactly what
/// each method does.
namespace tools::data {

enum class Aggregate { count, sum, mean, median, min, max };

struct SortKey {
  int column = 0;
  bool descending = false;
};

class Table {
 public:
  /// A table of the rows of `source`.
  static Table of(std::shared_ptr<Engine> engine, std::shared_ptr<const Source> source);

  const std::vector<Column>& columns() const { return columns_; }
  std::vector<std::string> names() const;

  base::Result<Table> where(const std::string& column, const std::string& op,
                            const Cell& value) const;
  base::Result<Table> known(const std::string& column) const;
  base::Result<uint64_t> missing(const std::string& column) const;
  base::Result<uint64_t> count() const;
  base::Result<uint64_t> distinct(const std::string& column) const;
  base::Result<Cell> aggregate(Aggregate how, const std::string& column) const;
  /// note: set when rows without a key were left out.
  base::Result<Table> group(const std::vector<std::string>& keys, Aggregate how,
                            const std::vector<std::string>& columns, std::string& note) const;
  base::Result<Table> top(int64_t n, const std::string& column,
                          const std::optional<std::string>& per, bool largest) const;
  base::Result<Table> sort(const std::string& column, bool descending) const;
  base::Result<Table> head(int64_t n) const;
  base::Result<Table> select(const std::vector<std::string>& columns) const;
  base::Result<Table> rename(const std::string& old_name, const std::string& new_name) const;
  base::Result<Table> unique(const std::string& column) const;
  base::Result<Table> derive(const std::string& name, const std::string& expression) const;
  /// part: year, month, quarter, month_name, weekday; also the new column's name.
  base::Result<Table> date_part(const std::string& part, const std::string& column) const;
  base::Result<Table> share(const std::string& column) const;
  base::Result<Table> join(const Table& other, const std::string& column) const;
  /// The rows of several tables one after the other, with a text column `file`.
  static base::Result<Table> union_of(const std::vector<Table>& tables,
                                      const std::vector<std::string>& paths);

  /// The first `limit` rows in order. Errors: limit.
  base::Result<Rows> fetch(uint64_t limit) const;
  /// The text that print() shows.
  base::Result<std::string> printed() const;
  /// Writes a new CSV or JSON file and returns the number of its rows.
  base::Result<uint64_t> save(const std::string& path) const;

  /// Index of a column, or the sentence that names the ones there are.
  base::Result<int> find(const std::string& who, const std::string& column) const;
  /// The same for a column of numbers (and dates if `or_dates`).
  base::Result<int> find_number(const std::string& who, const std::string& column,
                                bool or_dates = false) const;
  /// Columns `fields` folded to long form: every row once per field, with columns `series` and
  /// `value`.
  base::Result<Table> fold(const std::vector<std::string>& fields) const;
  /// Rows where each of `columns` is known.
  Table known_all(const std::vector<int>& columns) const;

 private:
  struct Stored;  // a table of DuckDB's, dropped with its last user

  Table wrap(std::string sql, std::vector<Column> columns, std::vector<SortKey> order) const;
  /// SELECT list of all columns as they are: c0, c1, …
  static std::string all_columns(size_t n);
  std::string order_by() const;
  /// This table with r numbering its rows in order.
  Table numbered() const;
  base::Result<Table> keep() const;
  Table with_column(const std::string& sql, Column column) const;

  std::shared_ptr<Engine> engine_;
  std::string sql_;
  std::vector<Column> columns_;
  std::vector<SortKey> order_;  // before r
  std::vector<std::shared_ptr<Stored>> stored_;
  int depth_ = 0;
};

/// Text of the SQL for an expression of derive(), or why it is none. names: columns; c<i> in the
/// result.
base::Result<std::string> expression_sql(const Table& table, const std::string& expression);

}  // namespace tools::data
