#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

/// The workspace is the current directory: every path is relative to it and none leads out of it.
/// Where the environment names a folder TESSERA_OUT, new files are made there and read from there
/// as if they were in the workspace.
namespace tools::data {

/// Opens a regular file for reading; a path that is absolute, has "..", or leads out through a link
/// is refused. Errors: not_found (no sentence: the caller knows what to suggest), refused, usage,
/// system.
base::Result<base::UniqueFd> open_to_read(const std::string& path);

/// Makes a file that did not exist, and its folders. Errors: refused (path), usage (exists
/// already), system.
base::Result<base::UniqueFd> create_new(const std::string& path);

/// Writes all of `bytes`. Errors: system.
base::Status write_all(const base::UniqueFd& file, std::string_view bytes, const std::string& path);

struct FileEntry {
  std::string path{};
  uint64_t bytes = 0;
};

/// Regular files of the workspace, hidden ones and hidden folders left out, by path; at most
/// 10,000.
std::vector<FileEntry> list_files();

enum class TableKind { none, delimited, json, json_lines, parquet, xlsx, sqlite };

/// What a name promises: csv, tsv, tab; json; ndjson, jsonl (each also with .gz); parquet; xlsx;
/// sqlite, sqlite3, db.
TableKind table_kind(std::string_view path);

/// Whether the name looks like a table: one of a kind.
bool is_table_name(std::string_view path);

/// "csv" of "a/b.csv"; empty without a dot.
std::string extension(std::string_view path);

/// "b" of "a/b.csv".
std::string stem(std::string_view path);

/// * stands for any text (slashes too), ? for one byte.
bool matches_glob(std::string_view text, std::string_view glob);

/// The whole of a file of at most `max_bytes`. Errors: as open_to_read; limit.
base::Result<std::string> read_whole(const std::string& path, uint64_t max_bytes);

/// Edits (insert, delete, replace, swap) between two names without regard to case.
int edit_distance(std::string_view a, std::string_view b);

/// "a, b, c" of all names; over 40 of them the first 40, the nearest to `wanted` among them, then
/// "…".
std::string suggest(const std::vector<std::string>& names, std::string_view wanted);

/// `no file "sale.csv"; files: sales.csv, shops.csv`. only_tables: names only those, if there are
/// any.
std::string no_file(std::string_view path, bool only_tables);

/// Zip's and PNG's CRC-32, as eight hexadecimal digits.
class Crc32 {
 public:
  void add(std::string_view bytes);
  std::string text() const;

 private:
  uint32_t state_ = 0xffffffffu;
};

}  // namespace tools::data
