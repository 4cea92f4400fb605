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

/// One column of a grouping: how: count, sum, mean, median, min, max, distinct, first, last, stdev,
/// list.
/// column: of what; count needs none.
struct Summary {
  std::string name{}, how{}, column{};
};

/// What window() computes for each row from the rows around it.
struct Window {
  std::string name{};             ///< of the new column
  std::string how{};              ///< row_number, rank, dense_rank, lag, lead, cumulative_sum,
                                  ///< moving_average
  std::string column{};           ///< of lag, lead, cumulative_sum, moving_average
  std::vector<std::string> by{};  ///< each of these groups by itself
  std::string order{};            ///< empty: the table's own order
  bool descending = false;
  int64_t n = 1;  ///< rows back or ahead; width of a moving average
};

class Table {
 public:
  /// A table of the rows of `source`.
  static Table of(std::shared_ptr<Engine> engine, std::shared_ptr<const Source> source);

  /// A table of what SQL gives: c0, c1, … in the columns' types, and r.
  static Table from_sql(std::shared_ptr<Engine> engine, std::string sql,
                        std::vector<Column> columns, std::vector<std::string> notes);
  /// sql: what from_sql() was given, but that NaN is not made missing yet, which takes time.
  void set_sql_with_nan(std::string sql) { with_nan_ = {sql_, std::move(sql)}; }

  const std::vector<Column>& columns() const { return columns_; }
  std::vector<std::string> names() const;
  /// What a person should know about how its files were read.
  const std::vector<std::string>& notes() const { return notes_; }
  void add_notes(std::vector<std::string> notes) {
    notes_.insert(notes_.end(), notes.begin(), notes.end());
  }
  /// SQL of all rows under the columns' own names. ordered: sorted even where the rows very likely
  /// come in order.
  std::string named_sql(bool ordered = false) const;
  /// Drops the engine's table `name` with the last user of this one.
  void own(const std::string& name);

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
  /// part: year, month, quarter, month_name, weekday, week, day, hour; also the new column's name.
  base::Result<Table> date_part(const std::string& part, const std::string& column) const;
  base::Result<Table> share(const std::string& column) const;
  /// The inner join_on() of a column that both have.
  base::Result<Table> join(const Table& other, const std::string& column, std::string& note) const;
  /// The rows of several tables one after the other, with a text column `file`.
  static base::Result<Table> union_of(const std::vector<Table>& tables,
                                      const std::vector<std::string>& paths);

  /// Several summaries of each group at once, as group() orders and counts. note: as there.
  base::Result<Table> group_by(const std::vector<std::string>& keys,
                               const std::vector<Summary>& summaries, std::string& note) const;
  /// how: inner, left, right, full, semi, anti. on: names here and there, compared in pairs; the
  /// names there do not appear again. Rows in the order of this table, then of the other. note: set
  /// when keys repeat in both tables, so that there are more rows than in either; not where a table
  /// of unknown size would have to be read anew for a while to tell.
  base::Result<Table> join_on(const Table& other,
                              const std::vector<std::pair<std::string, std::string>>& on,
                              const std::string& how, std::string& note) const;
  /// A row for each combination of `rows`, a column for each value of `across`, made of the
  /// `value`s by `how` (of group(), not distinct, first, last, stdev, list). Combinations without a
  /// row are missing (count: 0). At most 200 columns. note: rows without a key.
  base::Result<Table> pivot(const std::vector<std::string>& rows, const std::string& across,
                            const std::string& value, const std::string& how,
                            std::string& note) const;
  /// The columns as rows: every row once per column, its name in `name`, its value in `value`.
  base::Result<Table> unpivot(const std::vector<std::string>& columns, const std::string& name,
                              const std::string& value) const;
  base::Result<Table> window(const Window& window) const;
  /// n rows drawn without putting back, in their order; the same ones for the same seed.
  base::Result<Table> sample(int64_t n, int64_t seed) const;

  /// The first `limit` rows in order. Errors: limit.
  base::Result<Rows> fetch(uint64_t limit) const;
  /// The text that print() shows.
  base::Result<std::string> printed() const;
  /// Writes a new CSV or JSON file and returns the number of its rows. A `.txt` file has a line for
  /// each row: its `text` if there is a column of that name, else its only column.
  base::Result<uint64_t> save(const std::string& path) const;
  /// The same for Parquet and Excel files; who: what errors begin with.
  base::Result<uint64_t> save_parquet(const std::string& path, const std::string& who) const;
  base::Result<uint64_t> save_xlsx(const std::string& path, const std::string& who) const;
  /// Sends all rows in order.
  base::Status send(CellSink& sink) const;

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
  /// keep() with further columns of the SELECT (", n"), which sql_ then has after c0, c1, …
  base::Result<Table> keep_columns(const std::string& more) const;
  Table with_column(const std::string& sql, Column column) const;
  /// Leaves out the rows that lack a key and says how many in `note`.
  base::Result<Table> without_missing_keys(const std::vector<std::string>& keys,
                                           const std::string& count, const std::string& who,
                                           std::string& note) const;
  /// How many rows it has, if that is known or soon counted.
  base::Result<std::optional<uint64_t>> soon_counted() const;
  /// Rows of a join, and how many of them have no partner.
  struct Joined {
    uint64_t all = 0, only_here = 0, only_there = 0;
  };
  /// The note of join_on(), or nothing.
  base::Result<std::string> multiplied(const Table& other,
                                       const std::vector<std::pair<std::string, std::string>>& on,
                                       const Joined& joined) const;

  std::shared_ptr<Engine> engine_;
  std::string sql_;
  /// A SELECT for the same rows as `of`, where NaN is not made missing; see group_by().
  struct {
    std::string of, sql;
  } with_nan_;
  /// Of a source, until another SELECT is wrapped around it.
  struct {
    std::string of;
    uint64_t rows = 0;
  } known_rows_;
  uint64_t n_read_ = 0;  // rows of sources that are read to compute this one
  std::vector<Column> columns_;
  std::vector<SortKey> order_;  // before r
  std::vector<std::string> notes_;
  std::vector<std::shared_ptr<Stored>> stored_;
  int depth_ = 0;
};

/// SQL for an expression of derive(), with c<i> for the columns, and its type; or why it is none.
struct ExpressionSql {
  std::string sql{};
  Type type = Type::number;
};
base::Result<ExpressionSql> expression_sql(const Table& table, const std::string& expression);

}  // namespace tools::data
