#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/data/table.h"

namespace tools::data {

/// The table in a file of any kind (TableKind), by its name; other names are read as delimited
/// text. part: sheet of a workbook or table of a database; a path may also end in "#" and the part.
/// A path with * or ? that is no file stands for all table files it matches: their rows one after
/// the other with a column `file`, as union_of does.
/// who: what an error begins with where it is not about the content. Errors: one sentence.
base::Result<Table> open_table(const std::shared_ptr<Engine>& engine, const std::string& path,
                               const std::string& part, const std::string& who);

/// A column of DuckDB's as one of ours.
struct Adopted {
  Type type = Type::empty;
  std::string sql{};          ///< of its value in our type
  bool may_overflow = false;  ///< integers that a double may not keep
  std::string with_nan{};     ///< the same where NaN stays NaN; empty: there is none
};

/// type: DuckDB's name of it ("BIGINT", "DECIMAL(18,3)", "STRUCT(…)", …). column: SQL of the value.
Adopted adopt(const std::string& type, const std::string& column);

/// A Table of what `select` gives (SQL made here, or checked by query.h), its columns in our types:
/// integers beyond 2^53 become text, nested values JSON text. row: SQL for the row's number;
/// hidden: if not empty, the last column of `select` is that number and no column. Errors:
/// DuckDB's, limit.
base::Result<Table> adopt_select(const std::shared_ptr<Engine>& engine, const std::string& select,
                                 const std::string& row, const std::string& hidden);

}  // namespace tools::data
