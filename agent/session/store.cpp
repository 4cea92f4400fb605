// Locks are bytes of a file beside the database: one for each id, which is a number of 40 bits, and
// one for setting a damaged database aside. The kernel lets go of them when their process ends.

#include "agent/session/store.h"

#include "base/sha256.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <random>

namespace agent::session {

using base::Errc;
using base::Error;
using base::Ok;

namespace {

constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kIdLength = 8;
constexpr off_t kWholeFile = off_t{1} << 50;  // beyond all ids

constexpr const char* kInfo =
    "id, created_ms, parent, task, request, workspace, model, prompt, setup, n_past, status, "
    "result";

Info info_of(const Row& row) {
  Info info{.id = row.text(0),
            .created_ms = row.integer(1),
            .parent = row.text(2),
            .task = row.text(3),
            .request = row.text(4),
            .workspace = row.text(5),
            .model = row.text(6),
            .prompt = row.text(7),
            .n_past = static_cast<int>(row.integer(9)),
            .status = row.text(10),
            .result = row.text(11)};
  base::Result<nlohmann::json> setup = parse_line(row.text(8));
  if (setup && setup->is_object()) info.setup = std::move(*setup);
  return info;
}

base::Result<std::vector<Info>> infos(Database& db, const std::string& rest,
                                      const std::vector<Value>& values) {
  base::Result<std::vector<Row>> rows =
      db.rows(("SELECT " + std::string(kInfo) + " FROM sessions " + rest).c_str(), values);
  if (!rows) return rows.error();
  std::vector<Info> found;
  for (const Row& row : *rows) found.push_back(info_of(row));
  return found;
}

Error no_session(const std::string& id) {
  return {Errc::not_found, "there is no session " + id + "; `tessera sessions` lists them"};
}

Happened happened_of(const std::vector<Row>& steps, const std::vector<Row>& messages,
                     const std::vector<Row>& events) {
  Happened h;
  for (const Row& row : steps) {
    h.steps.push_back({.seq = static_cast<int>(row.integer(0)),
                       .kind = row.text(1),
                       .asked = row.text(2),
                       .n_events = static_cast<int>(row.integer(4)),
                       .run = row.text(5)});
    if (!row.null(3)) h.steps.back().outcome = row.text(3);
  }
  for (const Row& row : messages) h.messages[static_cast<int>(row.integer(0))] = row.text(1);
  for (const Row& row : events) h.events[static_cast<int>(row.integer(0))] = row.text(1);
  return h;
}

constexpr const char* kSteps =
    "SELECT seq, kind, asked, outcome, n_events, run FROM steps WHERE session = ? ORDER BY seq";
constexpr const char* kMessages =
    "SELECT seq, message FROM messages WHERE session = ? ORDER BY seq";
constexpr const char* kEvents = "SELECT seq, line FROM events WHERE session = ? ORDER BY seq";

base::Status insert_info(Database& db, const Info& info) {
  base::Result<int> done = db.run(
      ("INSERT INTO sessions(" + std::string(kInfo) + ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?)").c_str(),
      {info.id, info.created_ms, info.parent, info.task, info.request, info.workspace, info.model,
       info.prompt, base::line_of(info.setup), int64_t{info.n_past}, info.status, info.result});
  if (!done) return done.error();
  return Ok{};
}

base::Status insert_happened(Database& db, const std::string& id, const Happened& happened) {
  const auto run = [&](const char* sql, const std::vector<Value>& values) -> base::Status {
    base::Result<int> done = db.run(sql, values);
    if (!done) return done.error();
    return Ok{};
  };
  for (const Step& step : happened.steps)
    if (base::Status done = run("INSERT OR REPLACE INTO steps VALUES(?,?,?,?,?,?,?)",
                                {id, int64_t{step.seq}, step.kind, step.asked,
                                 step.outcome ? Value(*step.outcome) : Value(nullptr),
                                 int64_t{step.n_events}, step.run});
        !done)
      return done;
  for (const auto& [seq, message] : happened.messages)
    if (base::Status done =
            run("INSERT OR REPLACE INTO messages VALUES(?,?,?)", {id, int64_t{seq}, message});
        !done)
      return done;
  for (const auto& [seq, line] : happened.events)
    if (base::Status done =
            run("INSERT OR REPLACE INTO events VALUES(?,?,?)", {id, int64_t{seq}, line});
        !done)
      return done;
  for (const auto& [digest, bytes] : happened.pictures) {
    if (base::Status done =
            run("INSERT OR IGNORE INTO pictures VALUES(?,?)", {digest, Blob{bytes}});
        !done)
      return done;
    if (base::Status done = run("INSERT OR IGNORE INTO shown VALUES(?,?)", {id, digest}); !done)
      return done;
  }
  return Ok{};
}

base::Status remove_session(Database& db, const std::string& id) {
  base::Result<int> done = db.run("DELETE FROM sessions WHERE id = ?", {id});
  if (!done) return done.error();
  if (*done == 0) return Ok{};
  done = db.run("DELETE FROM pictures WHERE digest NOT IN (SELECT digest FROM shown)");
  if (!done) return done.error();
  return Ok{};
}

off_t byte_of(const std::string& id) {
  off_t number = 0;
  for (const char c : id) number = number * 32 + static_cast<off_t>(kLetters.find(c) & 31);
  return number;
}

struct flock whole_byte(short type, off_t at) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return lock;
}

std::string stamp() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

}  // namespace

std::string Store::new_id() {
  std::random_device random;
  std::string id;
  for (size_t i = 0; i < kIdLength; ++i) id += kLetters[random() % kLetters.size()];
  return id;
}

base::Result<std::shared_ptr<Store>> Store::open(StoreOptions options) {
  if (!options.path.is_absolute())
    return Error{Errc::usage, "there is no place for sessions; set HOME or XDG_STATE_HOME"};
  std::shared_ptr<Store> store(new Store(std::move(options)));
  base::Status connected = store->connect();
  if (!connected && connected.error().code == Errc::corrupt) connected = store->set_aside();
  if (!connected) return connected.error();
  return store;
}

base::Status Store::connect() {
  base::Result<Database> db = Database::open(options_.path, options_.max_bytes);
  if (!db) return db.error();
  db_.emplace(std::move(*db));
  return Ok{};
}

base::Result<base::UniqueFd> Store::lock_file() const {
  const std::string path = options_.path.string() + ".lock";
  base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return Error{Errc::system, path + ": " + std::strerror(errno)};
  return file;
}

base::Status Store::set_aside() {
  base::Result<base::UniqueFd> file = lock_file();
  if (!file) return file.error();
  struct flock all = whole_byte(F_WRLCK, kWholeFile);
  while (::fcntl(file->get(), F_OFD_SETLKW, &all) != 0)
    if (errno != EINTR) return Error{Errc::system, std::string("lock: ") + std::strerror(errno)};
  // Another process may have done it meanwhile.
  db_.reset();
  if (connect()) {
    const std::vector<Row> check = db_->readable_rows("PRAGMA quick_check(1)");
    if (check.size() == 1 && check[0].text(0) == "ok") return Ok{};
  }
  db_.reset();
  const std::string path = options_.path.string();
  std::string aside = path + ".damaged-" + stamp();
  for (int i = 2; std::filesystem::exists(aside); ++i)
    aside = path + ".damaged-" + stamp() + "-" + std::to_string(i);
  // The log first: a new file must not find an old one beside it.
  for (const char* part : {"-wal", "-shm", ""}) {
    std::error_code error;
    std::filesystem::rename(path + part, aside + part, error);
    if (error && error != std::errc::no_such_file_or_directory)
      return Error{Errc::system, path + part + ": " + error.message()};
  }
  if (base::Status connected = connect(); !connected) return connected;
  // SQLite works on a copy, so what is set aside stays as it was found.
  int kept = 0;
  const std::string copy = path + ".reading";
  const auto remove_copy = [&] {
    for (const char* part : {"", "-wal", "-shm"}) {
      std::error_code none;
      std::filesystem::remove(copy + part, none);
    }
  };
  remove_copy();
  for (const char* part : {"", "-wal"}) {
    std::error_code none;  // there may be no log
    std::filesystem::copy_file(aside + part, copy + part, none);
  }
  if (base::Result<Database> damaged = Database::open(copy, options_.max_bytes); damaged)
    kept = take_over(*damaged);
  remove_copy();
  if (options_.notice)
    options_.notice("the sessions in " + path + " were damaged; that file is now " + aside +
                    ", and what could be read of it, " + std::to_string(kept) +
                    (kept == 1 ? " session" : " sessions") + ", was taken over");
  return Ok{};
}

int Store::take_over(Database& from) {
  int kept = 0;
  for (const Row& row :
       from.readable_rows(("SELECT " + std::string(kInfo) + " FROM sessions").c_str())) {
    const Info info = info_of(row);
    Happened happened =
        happened_of(from.readable_rows(kSteps, {info.id}), from.readable_rows(kMessages, {info.id}),
                    from.readable_rows(kEvents, {info.id}));
    for (const Row& shown : from.readable_rows(
             "SELECT digest, bytes FROM shown JOIN pictures USING(digest) WHERE session = ?",
             {info.id}))
      if (base::sha256(shown.text(1)) == shown.text(0))
        happened.pictures.emplace(shown.text(0), shown.text(1));
    const base::Status written = db_->transaction([&]() -> base::Status {
      if (base::Status done = insert_info(*db_, info); !done) return done;
      return insert_happened(*db_, info.id, happened);
    });
    kept += written ? 1 : 0;
  }
  return kept;
}

/// Does `work`, and after a damage again with what could be taken over.
template <class Work>
auto Store::careful(Work work) -> decltype(work(std::declval<Database&>())) {
  const std::lock_guard guard(mutex_);
  if (!db_)
    if (base::Status connected = connect(); !connected) return connected.error();
  auto done = work(*db_);
  if (done || done.error().code != Errc::corrupt) return done;
  if (base::Status renewed = set_aside(); !renewed) return renewed.error();
  return work(*db_);
}

base::Result<std::vector<Info>> Store::list(const std::string& workspace) {
  return careful([&](Database& db) {
    return workspace.empty()
               ? infos(db, "ORDER BY created_ms DESC, rowid DESC", {})
               : infos(db, "WHERE workspace = ? ORDER BY created_ms DESC, rowid DESC", {workspace});
  });
}

base::Result<std::string> Store::find(const std::string& prefix) {
  const bool plain = !prefix.empty() && prefix.size() <= kIdLength &&
                     prefix.find_first_not_of(kLetters) == prefix.npos;
  if (!plain) return no_session(prefix);
  base::Result<std::vector<Row>> rows = careful([&](Database& db) {
    return db.rows("SELECT id FROM sessions WHERE id >= ?1 AND id < ?1 || '~' LIMIT 4", {prefix});
  });
  if (!rows) return rows.error();
  if (rows->empty()) return no_session(prefix);
  if (rows->size() == 1) return rows->front().text(0);
  std::string ids;
  for (const Row& row : *rows) ids += (ids.empty() ? "" : ", ") + row.text(0);
  return Error{Errc::usage,
               "several sessions begin with " + prefix + ": " + ids + "; say more of it"};
}

base::Result<std::optional<Info>> Store::of_task(const std::string& task) {
  base::Result<std::vector<Info>> found = careful([&](Database& db) {
    return infos(db, "WHERE task = ? ORDER BY created_ms DESC, rowid DESC LIMIT 1", {task});
  });
  if (!found) return found.error();
  return found->empty() ? std::optional<Info>() : std::optional(found->front());
}

base::Result<Saved> Store::load(const std::string& id) {
  return careful([&](Database& db) -> base::Result<Saved> {
    base::Result<std::vector<Info>> info = infos(db, "WHERE id = ?", {id});
    if (!info) return info.error();
    if (info->empty()) return no_session(id);
    base::Result<std::vector<Row>> steps = db.rows(kSteps, {id});
    if (!steps) return steps.error();
    base::Result<std::vector<Row>> messages = db.rows(kMessages, {id});
    if (!messages) return messages.error();
    base::Result<std::vector<Row>> events = db.rows(kEvents, {id});
    if (!events) return events.error();
    return Saved{std::move(info->front()), happened_of(*steps, *messages, *events)};
  });
}

base::Result<std::string> Store::picture(const std::string& digest) {
  base::Result<std::vector<Row>> rows = careful([&](Database& db) {
    return db.rows("SELECT bytes FROM pictures WHERE digest = ?", {digest});
  });
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::not_found, "the picture " + digest + " is not stored"};
  return rows->front().text(0);
}

base::Result<std::vector<std::string>> Store::pictures_of(const std::string& id) {
  base::Result<std::vector<Row>> rows = careful([&](Database& db) {
    return db.rows("SELECT digest FROM shown WHERE session = ? ORDER BY digest", {id});
  });
  if (!rows) return rows.error();
  std::vector<std::string> digests;
  for (const Row& row : *rows) digests.push_back(row.text(0));
  return digests;
}

base::Status Store::write(const Info& info, const Happened& happened, bool whole) {
  return careful([&](Database& db) -> base::Status {
    if (options_.before_write) options_.before_write();
    return db.transaction([&]() -> base::Status {
      if (whole) {
        if (base::Status removed = remove_session(db, info.id); !removed) return removed;
        if (base::Status inserted = insert_info(db, info); !inserted) return inserted;
      } else {
        base::Result<int> updated =
            db.run("UPDATE sessions SET model = ?, prompt = ?, status = ?, result = ? WHERE id = ?",
                   {info.model, info.prompt, info.status, info.result, info.id});
        if (!updated) return updated.error();
        if (*updated == 0) return no_session(info.id);
      }
      return insert_happened(db, info.id, happened);
    });
  });
}

base::Status Store::remove(const std::string& id) {
  base::Result<Lock> mine = lock(id);
  if (!mine) return mine.error();
  return careful([&](Database& db) {
    return db.transaction([&]() -> base::Status {
      base::Result<std::vector<Info>> there = infos(db, "WHERE id = ?", {id});
      if (!there) return there.error();
      return there->empty() ? base::Status(no_session(id)) : remove_session(db, id);
    });
  });
}

base::Result<Lock> Store::lock(const std::string& id) const {
  base::Result<base::UniqueFd> file = lock_file();
  if (!file) return file.error();
  struct flock mine = whole_byte(F_WRLCK, byte_of(id));
  if (::fcntl(file->get(), F_OFD_SETLK, &mine) != 0)
    return errno == EAGAIN || errno == EACCES
               ? Error{Errc::refused, "the session " + id + " is being worked on"}
               : Error{Errc::system, std::string("lock: ") + std::strerror(errno)};
  return Lock(std::move(*file));
}

bool Store::locked(const std::string& id) const {
  base::Result<base::UniqueFd> file = lock_file();
  if (!file) return false;
  struct flock theirs = whole_byte(F_WRLCK, byte_of(id));
  return ::fcntl(file->get(), F_OFD_GETLK, &theirs) == 0 && theirs.l_type != F_UNLCK;
}

}  // namespace agent::session
