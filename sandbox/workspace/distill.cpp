#include "sandbox/workspace/distill.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// One walk through the copy beside the snapshot. A file counts as the same if it has the mode,
// time, size and content of the one in the workspace now; whether that is still the one of the
// snapshot is find_changes()'s question. A folder that the program removed and made anew becomes
// one whose old names are whited out, which is the same.
//
// The copy is on a tmpfs whose times the walk itself changes, so a folder gets its own back.

namespace sandbox {

namespace {

using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr uint32_t kPermissions = 0777;  // the rest is not copied

struct Distiller {
  int copy;
  int workspace;
  const Snapshot& before;
  LayerReader& reader;

  const ProtectedPath* protected_at(const std::string& path) const {
    for (const ProtectedPath& p : before.protected_paths) {
      if (p.path == path) return &p;
    }
    return nullptr;
  }

  bool is_unread(const std::string& path) const {
    return std::binary_search(before.unread.begin(), before.unread.end(), path, path_less);
  }

  static bool same_facts(const struct stat& info, const Stamp& old) {
    return (info.st_mode & (S_IFMT | kPermissions)) == (old.mode & (S_IFMT | kPermissions)) &&
           tree::stamp_of(info).mtime_ns == old.mtime_ns;
  }

  Result<bool> same_file(const std::string& path, const struct stat& info, const Stamp& old) {
    if (!same_facts(info, old) || static_cast<uint64_t>(info.st_size) != old.size) return false;
    UniqueFd theirs = tree::open_beneath(workspace, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!theirs) return false;
    Result<UniqueFd> mine = reader.file(path);
    if (!mine) return mine.error();
    return content::equal(mine->get(), theirs.get(), old.size);
  }

  bool same_link(int folder, const std::string& name, const std::string& path) const {
    char mine[4096], theirs[4096];
    UniqueFd place = tree::open_beneath(workspace, path, O_PATH | O_NOFOLLOW);
    if (!place) return false;
    const ssize_t n = readlinkat(folder, name.c_str(), mine, sizeof mine);
    const ssize_t m = readlinkat(place.get(), "", theirs, sizeof theirs);
    return n >= 0 && n == m && memcmp(mine, theirs, static_cast<size_t>(n)) == 0;
  }

  Status white_out(int folder, const std::string& name, const std::string& path) const {
    if (mknodat(folder, name.c_str(), S_IFCHR, 0) != 0)
      return tree::system_error("mark as removed: " + path);
    return Ok{};
  }

  /// Whether the entry is as it was and may go. A folder's inside is distilled first.
  Result<bool> untouched(int folder, const std::string& name, const std::string& path) {
    struct stat info {};
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return tree::system_error("stat the copy's " + path);
    const Stamp* old = before.find(path);
    const ProtectedPath* guarded = protected_at(path);
    // A cover lay over it, so that nobody could touch it.
    if (guarded != nullptr && !guarded->link) return true;
    if (old == nullptr || (info.st_mode & S_IFMT) != (old->mode & S_IFMT)) return false;
    if (S_ISREG(info.st_mode)) return same_file(path, info, *old);
    if (S_ISLNK(info.st_mode)) return same_facts(info, *old) && same_link(folder, name, path);
    if (!S_ISDIR(info.st_mode)) return false;
    Result<bool> empty = inside(path, info);
    if (!empty) return empty.error();
    return *empty && same_facts(info, *old);
  }

  /// Distills what is in the folder `path`, which the snapshot has, too. True if nothing is left.
  Result<bool> inside(const std::string& path, const struct stat& info) {
    Result<UniqueFd> folder = reader.folder(path);
    if (!folder) return folder.error();
    UniqueFd listing = tree::open_beneath(copy, path, O_RDONLY | O_DIRECTORY);
    if (!listing) return tree::system_error("open the copy's " + path);
    Result<std::vector<std::string>> names = tree::names(std::move(listing));
    if (!names) return names.error();
    const std::set<std::string> there(names->begin(), names->end());
    size_t left = 0;
    const bool unread = is_unread(path);
    for (const std::string& name : *names) {
      const std::string child = join(path, name);
      Result<bool> gone = unread ? true : untouched(folder->get(), name, child);
      if (!gone) return gone.error();
      if (*gone) {
        if (Status s = tree::remove(copy, child); !s) return s.error();
      } else {
        ++left;
      }
    }
    const uint64_t device = before.entries.front().second.dev;
    for (const auto& [entry, stamp] : before.tree(path)) {
      if (entry == path || entry.find('/', path.empty() ? 0 : path.size() + 1) != entry.npos)
        continue;
      const std::string name = path.empty() ? entry : entry.substr(path.size() + 1);
      // What was not copied is not missing.
      const bool copied = S_ISREG(stamp.mode) || S_ISLNK(stamp.mode) || S_ISDIR(stamp.mode);
      const ProtectedPath* guarded = protected_at(entry);
      if (there.count(name) != 0 || !copied || stamp.dev != device) continue;
      if (guarded != nullptr && !guarded->link) continue;
      if (Status s = white_out(folder->get(), name, entry); !s) return s.error();
      ++left;
    }
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (futimens(folder->get(), times) != 0) return tree::system_error("date the copy's " + path);
    return left == 0;
  }
};

}  // namespace

Status distill(Layer& layer, const std::filesystem::path& workspace) {
  if (layer.before.entries.empty()) return Ok{};
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  LayerReader reader(layer);
  Distiller distiller{layer.upper.get(), top->get(), layer.before, reader};
  struct stat info {};
  if (fstat(layer.upper.get(), &info) != 0) return tree::system_error("stat the copy");
  Result<bool> empty = distiller.inside("", info);
  if (!empty) return empty.error();
  return Ok{};
}

}  // namespace sandbox
