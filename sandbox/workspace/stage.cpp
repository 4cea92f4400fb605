#include "sandbox/workspace/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// Folders are made open and get their modes and times at the end, the deepest first, when nothing
// is added to them any more.

namespace sandbox {

namespace {

using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

void set_time(timespec (&times)[2], int64_t mtime_ns) {
  int64_t seconds = mtime_ns / 1'000'000'000, rest = mtime_ns % 1'000'000'000;
  if (rest < 0) rest += 1'000'000'000, --seconds;
  times[0].tv_sec = 0;
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = seconds;
  times[1].tv_nsec = rest;
}

/// A person's attributes on a file that the program only changed. A file system may not know them.
void copy_attributes(int from, int to) {
  char names[4096], value[4096];
  const ssize_t n = flistxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < n; at += static_cast<ssize_t>(strlen(names + at)) + 1) {
    const char* name = names + at;
    if (strncmp(name, "user.", 5) != 0 || strncmp(name, "user.overlay.", 13) == 0) continue;
    const ssize_t size = fgetxattr(from, name, value, sizeof value);
    if (size >= 0) (void)fsetxattr(to, name, value, static_cast<size_t>(size), 0);
  }
}

/// Root's programs run as whoever the workspace belongs to; so do their files.
bool copy_owner(int from, int parent, const std::string& name) {
  struct stat info {};
  return geteuid() != 0 ||
         (fstat(from, &info) == 0 &&
          fchownat(parent, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) == 0);
}

/// Where there is no layer only folders are new.
Status make_folder(const NewEntry& entry, int workspace, int parent, const std::string& name) {
  if (mkdirat(parent, name.c_str(), 0700) != 0 || !copy_owner(workspace, parent, name)) {
    return tree::system_error("make " + entry.path);
  }
  return Ok{};
}

Status make(const NewEntry& entry, LayerReader& reader, int parent, const std::string& name,
            bool sync, uint64_t& hash) {
  timespec times[2];
  set_time(times, entry.mtime_ns);
  if (S_ISDIR(entry.mode)) {
    if (mkdirat(parent, name.c_str(), 0700) != 0) return tree::system_error("make " + entry.path);
    // So that what lies in it can be opened.
    Result<UniqueFd> open = reader.folder(entry.path);
    if (!open) return open.error();
    if (!copy_owner(open->get(), parent, name)) return tree::system_error("chown " + entry.path);
    return Ok{};
  }
  if (S_ISLNK(entry.mode)) {
    if (symlinkat(entry.target.c_str(), parent, name.c_str()) != 0 ||
        utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return tree::system_error("make " + entry.path);
    }
    return Ok{};
  }
  Result<UniqueFd> from = reader.file(entry.path);
  if (!from) return from.error();
  UniqueFd to(
      openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) return tree::system_error("make " + entry.path);
  if (Status s = content::copy(from->get(), to.get(), entry.size); !s) {
    return base::Error{s.error().code, entry.path + ": " + s.error().message};
  }
  Result<uint64_t> hashed = content::hash(from->get(), entry.size, content::kRecordKey);
  if (!hashed) return hashed.error();
  hash = *hashed;
  copy_attributes(from->get(), to.get());
  if (!copy_owner(from->get(), parent, name)) return tree::system_error("chown " + entry.path);
  if (fchmod(to.get(), entry.mode & 07777) != 0 || futimens(to.get(), times) != 0) {
    return tree::system_error("write " + entry.path);
  }
  if (sync && fsync(to.get()) != 0) return tree::system_error("write " + entry.path);
  return Ok{};
}

}  // namespace

Status stage(const ChangeSet& set, const Layer& layer, int workspace, int journal,
             const std::string& folder, bool durable, std::vector<uint64_t>& hashes,
             const StepHook& hook) {
  hashes.assign(set.entries.size(), 0);
  LayerReader reader(layer);
  tree::Folders staged(journal);
  std::optional<std::string> opened;
  // A few files are written out one by one: all of a file system may have gigabytes to write that
  // are not ours.
  const auto n_staged = std::count_if(set.entries.begin(), set.entries.end(),
                                      [](const NewEntry& entry) { return !entry.moved; });
  const bool sync_each = durable && static_cast<size_t>(n_staged) <= kFewEntries;
  for (const Edit& edit : set.edits) {
    if (edit.count == 0) continue;
    const std::string& store = edit.store.empty() ? edit.path : edit.store;
    if (Status s = tree::make_parents(staged, join(folder, store)); !s) return s;
    // A closed folder that stays, on the way to this.
    std::string way = edit.path.substr(0, edit.path.rfind('/') + 1);
    if (layer.upper && opened != way) {
      for (size_t slash = 0; slash != std::string::npos; slash = edit.path.find('/', slash + 1)) {
        if (Result<UniqueFd> open = reader.folder(edit.path.substr(0, slash)); !open) {
          return open.error();
        }
      }
      opened = std::move(way);
    }
    auto place = [&](const NewEntry& entry) {
      return join(folder, store + entry.path.substr(edit.path.size()));
    };
    for (size_t i = edit.first; i < edit.first + edit.count; ++i) {
      const NewEntry& entry = set.entries[i];
      if (entry.moved) continue;
      if (hook) hook("stage");
      const std::string at = place(entry);
      const size_t slash = at.rfind('/');
      const int parent = staged.open(at.substr(0, slash));
      if (parent < 0) return tree::system_error("open " + at.substr(0, slash));
      const std::string name = at.substr(slash + 1);
      Status made = layer.upper ? make(entry, reader, parent, name, sync_each, hashes[i])
                                : make_folder(entry, workspace, parent, name);
      if (!made) return made;
    }
    for (size_t i = edit.first + edit.count; i-- > edit.first;) {
      const NewEntry& entry = set.entries[i];
      if (!S_ISDIR(entry.mode)) continue;
      if (Status s = tree::set_folder(journal, place(entry), entry.mode & 07777, entry.mtime_ns);
          !s)
        return s;
    }
  }
  if (durable && !sync_each) return tree::flush(journal);
  return Ok{};
}

}  // namespace sandbox
