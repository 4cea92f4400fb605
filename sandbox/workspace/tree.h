#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/workspace/snapshot.h"

/// Looking at and moving entries of a folder that others may change at the same time. Everything
/// goes through descriptors and openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), so a link that is
/// swapped in leads nowhere.
namespace sandbox::tree {

base::Error system_error(const std::string& what);

/// A path to what `fd` has open, for calls that take no descriptor opened with O_PATH.
std::string self(int fd);

/// Opens `path` beneath `top`, "" being `top` itself. Empty with errno on failure.
base::UniqueFd open_beneath(int top, const std::string& path, int flags);

/// Errors: not_found, system.
base::Result<base::UniqueFd> open_top(const std::filesystem::path& folder);

/// The folders beneath a top that were opened last: what is asked of many entries of one folder
/// looks the way there up once. A folder that somebody moves away meanwhile stays the same folder.
class Folders {
 public:
  explicit Folders(int top) : top_(top) {}

  int top() const { return top_; }
  /// A folder opened with O_PATH, "" being the top, until the next call. -1 with errno.
  int open(const std::string& path);
  /// Forgets them, so that the next call looks the way up again.
  void close() { open_.clear(); }

 private:
  int top_;
  std::map<std::string, base::UniqueFd> open_;
};

Stamp stamp_of(const struct stat& info);

/// The entry `path` beneath `top`; none if it or a folder on the way does not exist or is none.
/// Errors: system.
base::Result<std::optional<Stamp>> look(int top, const std::string& path);
base::Result<std::optional<Stamp>> look(Folders& folders, const std::string& path);

/// Whether two paths, which are not the same, are one name of one entry: the file system ignores
/// case, or takes two forms of a letter for one. Errors: system.
base::Result<bool> one_name(int top, const std::string& a, const std::string& b);

/// Opens a file for reading. Errors: system (a link, too).
base::Result<base::UniqueFd> open_file(Folders& folders, const std::string& path);

/// What is listed of a folder whose owner, who we must be, has closed it: nothing, or all after
/// opening it for as long as that takes.
enum class Closed { skip, open };

/// `path` and all that lies in it, by path_less; empty if it does not exist. `unread`, if not null,
/// gets the folders that could not be listed.
/// Errors: refused (too many, too deep), system.
base::Result<std::vector<Stamped>> list(int top, const std::string& path, Closed closed,
                                        std::vector<std::string>* unread = nullptr);
base::Result<std::vector<Stamped>> list(Folders& folders, const std::string& path, Closed closed);

/// Names in a folder, sorted. Takes the descriptor. Errors: refused (more than kMaxEntries),
/// system.
base::Result<std::vector<std::string>> names(base::UniqueFd folder);

/// Makes the folders of `path` beneath `top` that are missing, mode 0700, but not `path` itself.
base::Status make_parents(int top, const std::string& path);
base::Status make_parents(Folders& folders, const std::string& path);

/// Renames, also where the mode of a folder forbids it: its owner, who we must be, may have taken
/// his own right to write. Modes are put back afterwards. `flags` as renameat2(). 0 or errno.
int relocate(Folders& from_top, const std::string& from, Folders& to_top, const std::string& to,
             unsigned flags);

/// chmod and, if `mtime_ns` is given, utimes of a folder (or "") beneath `top`. Missing: nothing.
base::Status set_folder(int top, const std::string& path, std::optional<uint32_t> mode,
                        std::optional<int64_t> mtime_ns);

/// Removes `path` and all that lies in it. Missing: nothing. Errors: system.
base::Status remove(int top, const std::string& path);

/// Flushes everything of the file system that `fd` lies on.
base::Status flush(int fd);

}  // namespace sandbox::tree
