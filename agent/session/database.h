#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

struct sqlite3;

namespace agent::session {

struct Blob {
  std::string bytes;
};
using Value = std::variant<std::nullptr_t, int64_t, std::string, Blob>;

/// A row that was read.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  bool null(size_t column) const;
  int64_t integer(size_t column) const;   ///< 0 for what is no number
  std::string text(size_t column) const;  ///< also the bytes of a blob; "" for a null

 private:
  std::vector<Value> values_;
};

/// A file of SQLite with the tables of sessions in it (database.cpp), open for reading and writing.
/// One thread at a time.
class Database {
 public:
  static constexpr int kFormat = 1;  ///< of the tables

  /// Opens the file, or makes it (0600, its folder 0700).
  /// max_bytes: what the file may grow to.
  /// Errors: corrupt (no database, or a damaged one), unsupported (a newer format, or another
  /// program's tables), refused (a link, or somebody else's), system.
  static base::Result<Database> open(const std::filesystem::path& path, uint64_t max_bytes);

  /// All rows of a query. Errors: corrupt, system (the disk is full, somebody else writes).
  base::Result<std::vector<Row>> rows(const char* sql, const std::vector<Value>& values = {});
  /// As rows(), but of a damaged table those that come before the damage.
  std::vector<Row> readable_rows(const char* sql, const std::vector<Value>& values = {});
  /// Gives how many rows it changed. Errors: as rows().
  base::Result<int> run(const char* sql, const std::vector<Value>& values = {});
  /// All of it or nothing. Errors: as rows(), and what `work` gives.
  base::Status transaction(const std::function<base::Status()>& work);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  explicit Database(sqlite3* db, std::filesystem::path path) : db_(db), path_(std::move(path)) {}
  base::Error error(int code) const;
  base::Result<bool> has_tables();
  base::Status make_tables();
  base::Status each_row(const char* sql, const std::vector<Value>& values,
                        const std::function<void(Row)>& take);

  std::unique_ptr<sqlite3, Close> db_;
  std::filesystem::path path_;
};

}  // namespace agent::session
