// Parquet is the one format that DuckDB reads from its file itself: the path is opened and checked
// here first, and DuckDB gets the path that the descriptor really has, which its own lock checks
// again. All other formats arrive as Sources.

#include "tools/data/open.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cmath>

#include "tools/data/csv.h"
#include "tools/data/reading.h"
#include "tools/data/sqlite_table.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"
#include "tools/data/xlsx.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr size_t kMaxTableFiles = 1000;
constexpr size_t kMaxTableColumns = 4096;

Error explain(Error error, const std::string& path, const std::string& who) {
  if (error.code == Errc::not_found) return {Errc::not_found, who + ": " + no_file(path, true)};
  if (error.code == Errc::refused) return {Errc::refused, who + ": " + error.message};
  return error;
}

// What DuckDB says about a file, without its own path of it.
Error about_parquet(const std::string& path, const std::shared_ptr<Engine>& engine, Error error) {
  if (error.code == Errc::limit) return error;
  const std::string& words = engine->last_message();
  if (words.find("Permission Error") != words.npos)
    return {Errc::refused, "\"" + path + "\" is outside the workspace"};
  return {Errc::corrupt, path + ": a damaged Parquet file, or none"};
}

base::Result<Table> open_parquet(const std::shared_ptr<Engine>& engine, const std::string& path,
                                 const std::string& who) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  if (!file) return explain(file.error(), path, who);
  char real[PATH_MAX];
  const ssize_t n =
      ::readlink(("/proc/self/fd/" + std::to_string(file->get())).c_str(), real, sizeof real);
  if (n <= 0 || n >= PATH_MAX) return Error{Errc::system, path + ": its folder cannot be told"};
  const std::string_view where(real, static_cast<size_t>(n));
  // read_parquet takes patterns; such a name cannot be given to it.
  if (where.find_first_of("*?[") != where.npos)
    return Error{Errc::unsupported, path +
                                        ": rename it: a Parquet file cannot be read from a path "
                                        "with *, ? or ["};
  base::Result<Table> table = adopt_select(
      engine,
      "SELECT * FROM read_parquet(" + sql::enclosed(where, '\'') + ", file_row_number = true)",
      "file_row_number", "file_row_number");
  if (!table) return about_parquet(path, engine, table.error());
  return table;
}

base::Result<std::shared_ptr<const Source>> open_source(const std::string& path,
                                                        const std::string& part,
                                                        const std::string& who) {
  const TableKind kind = table_kind(path);
  if (kind != TableKind::xlsx && kind != TableKind::sqlite) {
    if (!part.empty())
      return Error{Errc::usage, who + ": " + path + " has no sheets or tables to choose from"};
    return read_table(path, who);
  }
  base::Result<std::shared_ptr<Frame>> frame =
      kind == TableKind::xlsx ? read_xlsx(path, part) : read_sqlite(path, part);
  if (!frame) return explain(frame.error(), path, who);
  return std::shared_ptr<const Source>(std::move(*frame));
}

bool exists(const std::string& path) { return open_to_read(path).has_value(); }

}  // namespace

Adopted adopt(const std::string& type, const std::string& column) {
  const auto is = [&](const char* name) { return type == name; };
  const auto begins = [&](const char* name) { return type.starts_with(name); };
  const bool nested = type.find('[') != type.npos || begins("STRUCT") || begins("MAP") ||
                      begins("UNION") || begins("VARIANT");
  if (nested) return {Type::text, "to_json(" + column + ")::VARCHAR"};
  if (is("BOOLEAN")) return {Type::boolean, column};
  if (is("TINYINT") || is("SMALLINT") || is("INTEGER") || is("UTINYINT") || is("USMALLINT") ||
      is("UINTEGER"))
    return {Type::number, column + "::DOUBLE"};
  if (is("BIGINT") || is("UBIGINT") || is("HUGEINT") || is("UHUGEINT") || is("BIGNUM"))
    return {Type::number, column + "::DOUBLE", true};
  if (begins("DECIMAL")) return {Type::number, column + "::DOUBLE"};
  // NaN is missing, everywhere.
  if (is("FLOAT") || is("DOUBLE"))
    return {Type::number, "nullif(" + column + "::DOUBLE, 'nan'::DOUBLE)", false,
            column + "::DOUBLE"};
  if (is("TIMESTAMP WITH TIME ZONE"))
    return {Type::date,
            "(CASE WHEN isfinite(" + column + ") THEN " + column + " AT TIME ZONE 'UTC' END)"};
  if (is("DATE") || begins("TIMESTAMP"))
    return {Type::date,
            "(CASE WHEN isfinite(" + column + "::TIMESTAMP) THEN " + column + "::TIMESTAMP END)"};
  if (is("BLOB")) return {Type::text, "'0x' || lower(hex(" + column + "))"};
  if (is("\"NULL\"") || is("NULL")) return {Type::empty, "NULL::VARCHAR"};
  return {Type::text, column + "::VARCHAR"};
}

base::Result<Table> adopt_select(const std::shared_ptr<Engine>& engine, const std::string& select,
                                 const std::string& row, const std::string& hidden) {
  base::Result<Rows> described = engine->query(
      "SELECT column_name, column_type FROM (DESCRIBE " + select + ")", {Type::text, Type::text});
  if (!described) return described.error();
  std::vector<std::string> names;
  std::vector<Adopted> adopted;
  std::vector<std::string> places;
  for (uint64_t i = 0; i < described->count; ++i) {
    std::string name = cell_text(described->columns[0][i]);
    if (name == hidden && i + 1 == described->count) continue;
    // By position: names may repeat.
    places.push_back("p" + std::to_string(i));
    adopted.push_back(adopt(cell_text(described->columns[1][i]), places.back()));
    names.push_back(std::move(name));
  }
  if (names.size() > kMaxTableColumns)
    return Error{Errc::limit, std::to_string(names.size()) + " columns, at most 4096 can be read"};
  names = clean_names(names);
  std::string alias;
  for (uint64_t i = 0; i < described->count; ++i) alias += (i ? ", p" : "p") + std::to_string(i);
  std::string source = "(" + select + ") AS t(" + alias + ")";
  std::string number = row;
  if (!hidden.empty()) number = "p" + std::to_string(described->count - 1);
  std::vector<size_t> large;
  std::string ends;
  for (size_t i = 0; i < adopted.size(); ++i) {
    if (!adopted[i].may_overflow) continue;
    ends += (ends.empty() ? "" : ", ") + ("coalesce(greatest(max(" + places[i] +
                                          ")::DOUBLE, -min(" + places[i] + ")::DOUBLE), 0)");
    large.push_back(i);
  }
  std::vector<std::string> notes;
  if (!large.empty()) {
    base::Result<Rows> found = engine->query("SELECT " + ends + " FROM " + source,
                                             std::vector<Type>(large.size(), Type::number));
    if (!found) return found.error();
    for (size_t k = 0; k < large.size(); ++k) {
      const double* most = std::get_if<double>(&found->columns[k][0]);
      if (!most || *most < 9007199254740992) continue;
      adopted[large[k]] = {Type::text, places[large[k]] + "::VARCHAR"};
      notes.push_back(names[large[k]] +
                      " is text: it has integers with more digits than a number keeps");
    }
  }
  std::vector<Column> columns;
  std::string list, with_nan;
  for (size_t i = 0; i < adopted.size(); ++i) {
    const Adopted& a = adopted[i];
    const std::string name = " AS c" + std::to_string(i) + ", ";
    list += a.sql + name;
    with_nan += (a.with_nan.empty() ? a.sql : a.with_nan) + name;
    columns.push_back({.name = names[i], .type = a.type});
  }
  const std::string from = number + " AS r FROM " + source;
  Table table =
      Table::from_sql(engine, "SELECT " + list + from, std::move(columns), std::move(notes));
  if (with_nan != list) table.set_sql_with_nan("SELECT " + with_nan + from);
  return table;
}

base::Result<Table> open_table(const std::shared_ptr<Engine>& engine, const std::string& path,
                               const std::string& part, const std::string& who) {
  if (part.empty()) {
    const size_t hash = path.rfind('#');
    const TableKind kind = hash == path.npos ? TableKind::none : table_kind(path.substr(0, hash));
    if ((kind == TableKind::xlsx || kind == TableKind::sqlite) && !exists(path))
      return open_table(engine, path.substr(0, hash), path.substr(hash + 1), who);
    if (path.find_first_of("*?") != path.npos && !exists(path)) {
      std::vector<std::string> paths;
      for (const FileEntry& entry : list_files())
        if (is_table_name(entry.path) && matches_glob(entry.path, path))
          paths.push_back(entry.path);
      if (paths.empty()) return Error{Errc::not_found, who + ": " + no_file(path, true)};
      if (paths.size() > kMaxTableFiles)
        return Error{Errc::limit, who + ": \"" + path + "\" matches more than 1000 files"};
      std::vector<Table> tables;
      for (const std::string& one : paths) {
        base::Result<Table> table = open_table(engine, one, {}, who);
        if (!table) return table.error();
        tables.push_back(std::move(*table));
      }
      base::Result<Table> all = Table::union_of(tables, paths);
      if (!all && all.error().message.starts_with("data.union"))
        return Error{all.error().code, who + all.error().message.substr(10)};
      return all;
    }
  }
  if (table_kind(path) == TableKind::parquet) {
    if (!part.empty())
      return Error{Errc::usage, who + ": " + path + " has no sheets or tables to choose from"};
    return open_parquet(engine, path, who);
  }
  base::Result<std::shared_ptr<const Source>> source = open_source(path, part, who);
  if (!source) return source.error();
  return Table::of(engine, *source);
}

}  // namespace tools::data
