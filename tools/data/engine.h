#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/data/source.h"

namespace tools::data {

/// Rows of a result, column by column.
struct Rows {
  std::vector<std::vector<Cell>> columns{};
  uint64_t count = 0;
};

/// DuckDB in memory, loaded from a shared library when the first query needs it. Rows come in
/// through Sources, by the table function tessera(id); by itself it can open only files beneath the
/// folder that is current at the first query (and $TESSERA_OUT), and its configuration is locked.
/// SQL of others is checked before it gets here (query.h). One thread at a time may call.
class Engine {
 public:
  /// library: path of libduckdb.so.
  explicit Engine(std::string library);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Makes a source known; FROM tessera(<the id returned>) has its columns c0, c1, … and r, the
  /// row's number.
  int add(std::shared_ptr<const Source> source);

  /// Runs SQL whose columns have DuckDB's types BOOLEAN, DOUBLE, BIGINT, TIMESTAMP or VARCHAR as
  /// `types` says. Errors: limit (memory), system (the library is missing), internal.
  base::Result<Rows> query(const std::string& sql, const std::vector<Type>& types);
  base::Status execute(const std::string& sql);
  /// The same rows as query(), one after the other, without holding them all.
  base::Status stream(const std::string& sql, const std::vector<Type>& types, CellSink& sink);
  /// DuckDB's own words about the last query that failed.
  const std::string& last_message() const { return last_message_; }
  /// The first value of the first row.
  base::Result<Cell> scalar(const std::string& sql, Type type);

  /// Loads the library while there is time. Should that fail, the first query will say so.
  void preload();
  /// Whether it holds anything of a script.
  bool used() const { return used_; }

  /// A name no table has yet.
  std::string fresh_name() { return "m" + std::to_string(next_name_++); }

 private:
  struct Database;
  base::Status open();

  std::string library_;
  std::unique_ptr<Database> database_;
  int next_name_ = 0;
  std::string last_message_;
  bool used_ = false;
};

/// Path of libduckdb.so: the environment's TESSERA_DUCKDB, else beside or near this program.
std::string find_duckdb();

}  // namespace tools::data
