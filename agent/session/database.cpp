// The write-ahead log makes one writer and any number of readers possible, and leaves the last
// whole transaction when a process is killed. Each transaction is flushed: what the undo journal of
// a workspace knows of a step is on disk by then too. What is deleted is overwritten.

#include "agent/session/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace agent::session {

using base::Errc;
using base::Error;
using base::Ok;

namespace {

constexpr int kBusyMs = 10'000;           // another process may write for so long
constexpr int kApplication = 0x54535253;  // "TSRS", in the header of the file
constexpr int kPageBytes = 4096;

constexpr const char* kTables = R"(
CREATE TABLE sessions(
  id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, parent TEXT NOT NULL, task TEXT NOT NULL,
  request TEXT NOT NULL, workspace TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
  setup TEXT NOT NULL, n_past INTEGER NOT NULL, status TEXT NOT NULL, result TEXT NOT NULL);
CREATE INDEX sessions_of_workspace ON sessions(workspace, created_ms);
CREATE INDEX sessions_of_task ON sessions(task);
CREATE TABLE steps(
  session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, asked TEXT NOT NULL, outcome TEXT, n_events INTEGER NOT NULL,
  run TEXT NOT NULL, PRIMARY KEY(session, seq)) WITHOUT ROWID;
CREATE TABLE messages(
  session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
  message TEXT NOT NULL, PRIMARY KEY(session, seq)) WITHOUT ROWID;
CREATE TABLE events(
  session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
  line TEXT NOT NULL, PRIMARY KEY(session, seq)) WITHOUT ROWID;
CREATE TABLE pictures(digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE shown(
  session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, digest TEXT NOT NULL,
  PRIMARY KEY(session, digest)) WITHOUT ROWID;
CREATE INDEX shown_by_digest ON shown(digest);
)";

Error system_error(const std::filesystem::path& path, const char* what) {
  return {Errc::system, path.string() + ": " + what + ": " + std::strerror(errno)};
}

/// The file, ours alone, before SQLite opens it: its log gets the same mode.
base::Status prepare_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path folder = path.parent_path();
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), ignored);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error(folder, "create");
  const base::UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file && errno == ELOOP) return Error{Errc::refused, path.string() + ": is a link"};
  if (!file) return system_error(path, "open");
  struct stat st = {};
  if (::fstat(file.get(), &st) != 0) return system_error(path, "stat");
  if (!S_ISREG(st.st_mode)) return Error{Errc::refused, path.string() + ": not a file"};
  if (st.st_uid != ::geteuid())
    return Error{Errc::refused, path.string() + ": belongs to somebody else"};
  if ((st.st_mode & 07777) != 0600 && ::fchmod(file.get(), 0600) != 0)
    return system_error(path, "chmod");
  return Ok{};
}

}  // namespace

bool Row::null(size_t column) const {
  return std::holds_alternative<std::nullptr_t>(values_.at(column));
}
int64_t Row::integer(size_t column) const {
  const auto* number = std::get_if<int64_t>(&values_.at(column));
  return number != nullptr ? *number : 0;
}
std::string Row::text(size_t column) const {
  const Value& value = values_.at(column);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes;
  return {};
}

void Database::Close::operator()(sqlite3* db) const { ::sqlite3_close_v2(db); }

Error Database::error(int code) const {
  const std::string path = path_.string();
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::corrupt, path + ": the database is damaged"};
    case SQLITE_FULL:
      return {Errc::system, path + ": there is no room for more; free some space on the disk"};
    case SQLITE_BUSY:
      return {Errc::system, path + ": another process has been writing to it for too long"};
    default:
      return {Errc::system, path + ": " + ::sqlite3_errmsg(db_.get())};
  }
}

base::Status Database::each_row(const char* sql, const std::vector<Value>& values,
                                const std::function<void(Row)>& take) {
  sqlite3_stmt* raw = nullptr;
  if (const int code = ::sqlite3_prepare_v2(db_.get(), sql, -1, &raw, nullptr); code != SQLITE_OK)
    return error(code);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, ::sqlite3_finalize);
  for (size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<int64_t>(&values[i]))
      code = ::sqlite3_bind_int64(raw, at, *number);
    else if (const auto* text = std::get_if<std::string>(&values[i]))
      code = ::sqlite3_bind_text64(raw, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    else if (const auto* blob = std::get_if<Blob>(&values[i]))
      code = ::sqlite3_bind_blob64(raw, at, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) return error(code);
  }
  int code = SQLITE_ROW;
  while ((code = ::sqlite3_step(raw)) == SQLITE_ROW) {
    std::vector<Value> row;
    for (int c = 0; c < ::sqlite3_column_count(raw); ++c) {
      const int type = ::sqlite3_column_type(raw, c);
      if (type == SQLITE_NULL) {
        row.emplace_back(nullptr);
      } else if (type == SQLITE_INTEGER) {
        row.emplace_back(static_cast<int64_t>(::sqlite3_column_int64(raw, c)));
      } else {
        const auto* bytes = static_cast<const char*>(::sqlite3_column_blob(raw, c));
        const auto size = static_cast<size_t>(::sqlite3_column_bytes(raw, c));
        row.emplace_back(bytes != nullptr ? std::string(bytes, size) : std::string());
      }
    }
    take(Row(std::move(row)));
  }
  if (code != SQLITE_DONE) return error(code);
  return Ok{};
}

base::Result<std::vector<Row>> Database::rows(const char* sql, const std::vector<Value>& values) {
  std::vector<Row> rows;
  base::Status done = each_row(sql, values, [&](Row row) { rows.push_back(std::move(row)); });
  if (!done) return done.error();
  return rows;
}

std::vector<Row> Database::readable_rows(const char* sql, const std::vector<Value>& values) {
  std::vector<Row> rows;
  (void)each_row(sql, values, [&](Row row) { rows.push_back(std::move(row)); }).has_value();
  return rows;
}

base::Result<int> Database::run(const char* sql, const std::vector<Value>& values) {
  base::Status done = each_row(sql, values, [](Row) {});
  if (!done) return done.error();
  return ::sqlite3_changes(db_.get());
}

base::Status Database::transaction(const std::function<base::Status()>& work) {
  // Immediately, so that nobody else writes between what is read here and what is written.
  if (base::Result<int> begun = run("BEGIN IMMEDIATE"); !begun) return begun.error();
  base::Status done = work();
  if (done) {
    base::Result<int> committed = run("COMMIT");
    if (committed) return Ok{};
    done = committed.error();
  }
  // SQLite may have taken it back already.
  if (::sqlite3_get_autocommit(db_.get()) == 0) (void)run("ROLLBACK").has_value();
  return done;
}

base::Result<bool> Database::has_tables() {
  base::Result<std::vector<Row>> head = rows(
      "SELECT (SELECT user_version FROM pragma_user_version),"
      " (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)");
  if (!head) return head.error();
  const int64_t format = head->at(0).integer(0);
  if (head->at(0).integer(1) == kApplication && format == kFormat) return true;
  if (head->at(0).integer(1) == kApplication && format > kFormat)
    return Error{Errc::unsupported,
                 path_.string() + ": a newer version of Tessera wrote it (format " +
                     std::to_string(format) + ", this one knows " + std::to_string(kFormat) +
                     "); use that version, or move the file away"};
  if (head->at(0).integer(2) != 0)
    return Error{Errc::unsupported,
                 path_.string() + ": another program's database; move the file away"};
  return false;
}

base::Status Database::make_tables() {
  return transaction([&]() -> base::Status {
    base::Result<bool> there = has_tables();  // another process may have been quicker
    if (!there) return there.error();
    if (*there) return Ok{};
    const std::string sql = std::string(kTables) +
                            "PRAGMA application_id=" + std::to_string(kApplication) +
                            ";PRAGMA user_version=" + std::to_string(kFormat);
    const int code = ::sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return error(code);
    return Ok{};
  });
}

base::Result<Database> Database::open(const std::filesystem::path& path, uint64_t max_bytes) {
  if (base::Status prepared = prepare_file(path); !prepared) return prepared.error();
  sqlite3* raw = nullptr;
  const int opened =
      ::sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Database db(raw, path);
  if (opened != SQLITE_OK) return db.error(opened);
  ::sqlite3_extended_result_codes(raw, 1);
  ::sqlite3_busy_timeout(raw, kBusyMs);
  const std::string pages = "PRAGMA max_page_count=" + std::to_string(max_bytes / kPageBytes);
  for (const char* sql : {"PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON",
                          "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                          "PRAGMA foreign_keys=ON", "PRAGMA secure_delete=ON", pages.c_str()})
    if (base::Result<int> set = db.run(sql); !set) return set.error();
  base::Result<bool> there = db.has_tables();
  if (!there) return there.error();
  if (!*there)
    if (base::Status made = db.make_tables(); !made) return made.error();
  return db;
}

}  // namespace agent::session
