#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/data/open.h"

namespace tools::data {

/// The answer to one SELECT (DuckDB's SQL) over files and tables, as a Table with its rows in the
/// order of the answer. Files are named in quotes, FROM 'sales.csv', or with a sheet or table,
/// FROM 'book.xlsx#Sheet2', or as a pattern, FROM 'sales/*.csv'; tables by their names.
///
/// The SQL is untrusted. Before DuckDB runs it, its syntax tree is looked at: one SELECT, nothing
/// that reads files but names in FROM, which are opened here as open_table does.
///
/// who: what errors begin with. Errors: usage (with DuckDB's words where it cannot read or bind the
/// SQL), those of open_table, limit.
base::Result<Table> query_sql(const std::shared_ptr<Engine>& engine, const std::string& sql,
                              const std::vector<std::pair<std::string, Table>>& tables,
                              const std::string& who);

}  // namespace tools::data
