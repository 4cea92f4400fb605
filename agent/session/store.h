#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/session/database.h"
#include "agent/session/record.h"
#include "base/unique_fd.h"

namespace agent::session {

/// What is known of a session besides what happened in it.
struct Info {
  std::string id;  ///< 8 of 0-9 and a-z without i, l, o and u
  int64_t created_ms = 0;
  std::string parent = {};  ///< the session whose conversation it goes on with
  std::string task = {};    ///< whose work it is, as `tessera batch` names it
  std::string request = {}, workspace = {}, model = {};
  std::string prompt = {};  ///< SHA-256 of the system text and the tools
  nlohmann::json setup =
      nlohmann::json::object();    ///< what it was run with, as the program says it
  int n_past = 0;                  ///< messages that came from the parent
  std::string status = "running";  ///< running, ok, refused or error; of a killed one still running
  std::string result = {};         ///< the result event; empty before there is one
};

/// Something that was done once: looking at the files, a reply of the model, a call.
struct Step {
  int seq = 0;
  std::string kind;                         ///< files, reply or call
  std::string asked;                        ///< of a call: its name and arguments
  std::optional<std::string> outcome = {};  ///< JSON; none while it is under way
  int n_events = 0;                         ///< that had been told when it was done
  std::string run = {};                     ///< id in the undo journal of the workspace
};

/// What happened in a session, or a part of it; numbers are from 0.
struct Happened {
  std::vector<Step> steps = {};
  std::map<int, std::string> messages = {};  ///< of the conversation, system text first
  std::map<int, std::string> events = {};    ///< lines as `tessera run --json` prints them
  Pictures pictures = {};
};

struct Saved {
  Info info;
  Happened happened;  ///< without the bytes of pictures
};

/// Keeps a session from being worked on twice; let go when it dies, and so with its process.
class Lock {
 public:
  explicit Lock(base::UniqueFd file) : file_(std::move(file)) {}

 private:
  base::UniqueFd file_;
};

struct StoreOptions {
  std::filesystem::path path = {};
  uint64_t max_bytes = 64ull << 30;
  std::function<void(const std::string&)> notice = {};  ///< hears what a person should know
  std::function<void()> before_write = {};  ///< of write(); for tests, which end the process there
};

/// All sessions of a person, in one file. A file that turns out to be damaged is set aside under
/// another name, and what can be read of it goes into a new one. Any number of threads and
/// processes may use it.
class Store {
 public:
  /// Errors: those of Database::open() but corrupt.
  static base::Result<std::shared_ptr<Store>> open(StoreOptions options);

  static std::string new_id();

  /// The newest first. workspace: "" is any. Errors: as Database::rows().
  base::Result<std::vector<Info>> list(const std::string& workspace = {});
  /// The session whose id begins so. Errors: not_found, usage (several do), as Database::rows().
  base::Result<std::string> find(const std::string& prefix);
  /// The newest session of a task, or none. Errors: as Database::rows().
  base::Result<std::optional<Info>> of_task(const std::string& task);
  /// Errors: not_found, as Database::rows().
  base::Result<Saved> load(const std::string& id);
  base::Result<std::string> picture(const std::string& digest);
  /// Digests of all pictures of a session. Errors: as Database::rows().
  base::Result<std::vector<std::string>> pictures_of(const std::string& id);

  /// Adds to a session; what has the same number is replaced. whole: `happened` is all there is,
  /// and takes the place of what is stored. Errors: not_found (the session is not there and `whole`
  /// is not set), system.
  base::Status write(const Info& info, const Happened& happened, bool whole);

  /// Errors: not_found, refused (it is being worked on), as Database::rows().
  base::Status remove(const std::string& id);

  /// Errors: refused (somebody else has it), system.
  base::Result<Lock> lock(const std::string& id) const;
  /// Whether somebody has its lock.
  bool locked(const std::string& id) const;

 private:
  explicit Store(StoreOptions options) : options_(std::move(options)) {}
  base::Result<base::UniqueFd> lock_file() const;
  base::Status connect();
  base::Status set_aside();
  int take_over(Database& from);
  template <class Work>
  auto careful(Work work) -> decltype(work(std::declval<Database&>()));

  const StoreOptions options_;
  std::mutex mutex_;
  std::optional<Database> db_;
};

}  // namespace agent::session
