// sqlite3_deserialize makes a database of the file's bytes. A database in WAL mode says so in bytes
// 18 and 19 of its header and could not be opened from memory; what its -wal file holds would be
// missing, so that is looked at first.
//
// The schema is untrusted too: a view can be any query. Functions with side effects are off
// (trusted_schema), writes are refused by the authorizer, and a step counter ends what runs too
// long.

#include "tools/data/sqlite_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tools/data/loose_table.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr uint64_t kMaxFile = 256'000'000;
constexpr uint64_t kMaxCellBytes = 500'000'000;
constexpr int kMaxColumns = 4096;
constexpr int kStepsBetween = 100'000;
constexpr int kMaxInterrupts = 500;          // times kStepsBetween: about two seconds
constexpr double kExact = 9007199254740992;  // 2^53

struct Close {
  void operator()(sqlite3* db) const { ::sqlite3_close_v2(db); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

int only_reading(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                 action == SQLITE_RECURSIVE || action == SQLITE_PRAGMA
             ? SQLITE_OK
             : SQLITE_DENY;
}

Statement prepare(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  ::sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(statement);
}

std::string column_text(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(statement, column));
  const auto size = static_cast<size_t>(::sqlite3_column_bytes(statement, column));
  return text ? std::string(text, size) : std::string();
}

Cell cell_at(sqlite3_stmt* statement, int column) {
  switch (::sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: {
      const sqlite3_int64 value = ::sqlite3_column_int64(statement, column);
      const auto number = static_cast<double>(value);
      // More digits than a double keeps: a code, not a quantity.
      if (std::abs(number) >= kExact) return std::to_string(value);
      return number;
    }
    case SQLITE_FLOAT:
      return ::sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return column_text(statement, column);
    case SQLITE_BLOB: {
      constexpr char kHex[] = "0123456789abcdef";
      const auto* bytes =
          static_cast<const unsigned char*>(::sqlite3_column_blob(statement, column));
      const int n = std::min(::sqlite3_column_bytes(statement, column), 1'000);
      std::string text = "0x";
      for (int i = 0; bytes && i < n; ++i) {
        text += kHex[bytes[i] >> 4];
        text += kHex[bytes[i] & 15];
      }
      return text;
    }
    default:
      return {};
  }
}

}  // namespace

base::Result<std::shared_ptr<Frame>> read_sqlite(const std::string& path,
                                                 const std::string& table) {
  base::Result<std::string> bytes = read_whole(path, kMaxFile);
  if (!bytes) return bytes.error();
  if (bytes->size() < 100 || std::memcmp(bytes->data(), "SQLite format 3", 16) != 0)
    return Error{bytes->empty() ? Errc::corrupt : Errc::unsupported,
                 path + (bytes->empty() ? ": the file is empty" : ": no SQLite database")};
  // SQLite takes a missing end for empty pages: tables would lose rows without a word.
  const auto big_endian = [&](size_t at, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; ++i)
      value = value << 8 | static_cast<unsigned char>((*bytes)[at + static_cast<size_t>(i)]);
    return value;
  };
  const uint64_t page = big_endian(16, 2) == 1 ? 65'536 : big_endian(16, 2);
  const uint64_t pages = big_endian(24, 4) == big_endian(92, 4) ? big_endian(28, 4) : 0;
  if (page < 512 || bytes->size() % page != 0 || bytes->size() < page * pages)
    return Error{Errc::corrupt, path + ": the database is cut off"};
  if ((*bytes)[18] == 2 || (*bytes)[19] == 2) {
    base::Result<std::string> log = read_whole(path + "-wal", kMaxFile);
    if ((log && !log->empty()) || (!log && log.error().code != Errc::not_found))
      return Error{Errc::unsupported,
                   path + ": a program has it open, and " + path +
                       "-wal holds changes that are not in it yet; close the program"};
    (*bytes)[18] = (*bytes)[19] = 1;
  }
  sqlite3* opened = nullptr;
  if (::sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr) !=
      SQLITE_OK)
    return Error{Errc::system, path + ": SQLite cannot be started"};
  const Database db(opened);
  const auto size = static_cast<sqlite3_int64>(bytes->size());
  if (::sqlite3_deserialize(db.get(), "main", reinterpret_cast<unsigned char*>(bytes->data()), size,
                            size, SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
    return Error{Errc::corrupt, path + ": " + ::sqlite3_errmsg(db.get())};
  ::sqlite3_db_config(db.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_db_config(db.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  ::sqlite3_limit(db.get(), SQLITE_LIMIT_LENGTH, 100'000'000);
  ::sqlite3_limit(db.get(), SQLITE_LIMIT_COLUMN, kMaxColumns);
  ::sqlite3_limit(db.get(), SQLITE_LIMIT_ATTACHED, 0);
  ::sqlite3_set_authorizer(db.get(), only_reading, nullptr);
  const auto failed = [&] {
    const int code = ::sqlite3_errcode(db.get());
    if (code == SQLITE_INTERRUPT) return Error{Errc::limit, path + ": its view takes too long"};
    return Error{Errc::corrupt, path + ": " + ::sqlite3_errmsg(db.get())};
  };

  std::vector<std::string> names;
  {
    const Statement list = prepare(db.get(),
                                   "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                                   "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid");
    if (!list) return failed();
    int status = SQLITE_OK;
    while ((status = ::sqlite3_step(list.get())) == SQLITE_ROW && names.size() < 10'000)
      names.push_back(to_utf8(column_text(list.get(), 0)));
    if (status != SQLITE_DONE && status != SQLITE_ROW) return failed();
  }
  if (names.empty()) return Error{Errc::corrupt, path + ": a database without tables"};
  std::string wanted = table;
  if (table.empty()) {
    if (names.size() > 1)
      return Error{Errc::usage, path + ": a database of " + std::to_string(names.size()) +
                                    " tables; name one, as in data.read(\"" + path + "\", \"" +
                                    names[0] + "\"); tables: " + suggest(names, "")};
    wanted = names[0];
  } else if (std::find(names.begin(), names.end(), table) == names.end()) {
    return Error{Errc::usage,
                 path + ": no table \"" + table + "\"; tables: " + suggest(names, table)};
  }
  // A table ends with the file; a view need not.
  int interrupts = 0;
  ::sqlite3_progress_handler(
      db.get(), kStepsBetween,
      [](void* count) { return static_cast<int>(++*static_cast<int*>(count) > kMaxInterrupts); },
      &interrupts);
  const Statement rows = prepare(db.get(), "SELECT * FROM " + sql::enclosed(wanted, '"'));
  if (!rows) return failed();
  const int n = ::sqlite3_column_count(rows.get());
  std::vector<std::string> columns;
  for (int i = 0; i < n; ++i) {
    const char* name = ::sqlite3_column_name(rows.get(), i);
    columns.emplace_back(name ? name : "");
  }
  LooseTable cells;
  int status = SQLITE_OK;
  while ((status = ::sqlite3_step(rows.get())) == SQLITE_ROW) {
    for (int i = 0; i < n; ++i) cells.put(static_cast<size_t>(i), cell_at(rows.get(), i));
    cells.end_row();
    if (cells.bytes() > kMaxCellBytes)
      return Error{Errc::limit,
                   path + ": the table \"" + wanted + "\" is too large to be held in memory"};
  }
  if (status != SQLITE_DONE) return failed();
  return cells.finish(columns, 0, 1);
}

}  // namespace tools::data
