#include "sandbox/workspace/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/links.h"
#include "sandbox/workspace/moves.h"
#include "sandbox/workspace/text.h"
#include "sandbox/workspace/tree.h"

// One walk through the layer beside the snapshot. A name in the layer is
//
//   character device 0/0            a whiteout: the name was removed
//   folder over a folder            merged: it stays, and the walk goes on inside; if it is opaque
//                                   (xattr user.overlay.opaque = y), names that it lacks were
//                                   removed, and so in every folder inside it
//   anything else                   new content; over something else it replaces that
//
// so edits are as few as can be: a whole new tree is one, and so is a whole removed one. What is
// refused is left out while walking, links at the end, when all the rest is known.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr size_t kMaxNames = 64 << 20;  // bytes of all paths: they are written down several times

const char* odd_type(uint32_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISBLK(mode) || S_ISCHR(mode)) return "a device";
  return "an unknown type of file";
}

/// What lies below a folder of the layer.
enum class Below {
  nothing,  ///< it is new
  seen,     ///< a folder of the workspace that shines through
  hidden,   ///< one that an opaque folder hides, itself or above it
};

struct Finder {
  const Layer& layer;
  const policies::Protect& protect;
  const Quota& quota;
  int top;  ///< the workspace
  mutable tree::Folders workspace;
  LayerReader reader;
  ChangeSet set;
  size_t seen = 0;
  uint64_t bytes = 0, names = 0;

  Finder(const Layer& l, const policies::Protect& p, const Quota& q, int workspace_top)
      : layer(l), protect(p), quota(q), top(workspace_top), workspace(workspace_top), reader(l) {}

  void refuse(const std::string& path, std::string why) {
    constexpr size_t kNamed = 1000;  // all of them go into the audit log and before people
    if (set.refusals.size() > kNamed) return;
    if (set.refusals.size() == kNamed)
      set.refusals.push_back({"more", "only the first 1,000 that are not kept are named"});
    else
      set.refusals.push_back({printable(path), std::move(why)});
  }

  /// What the program saw under that name.
  Result<std::optional<Stamp>> lower(const std::string& path) const {
    if (layer.only_adds) return tree::look(workspace, path);
    const Stamp* stamp = layer.before.find(path);
    return stamp == nullptr ? std::optional<Stamp>() : std::optional<Stamp>(*stamp);
  }

  /// Records a conflict if the tree at `path` is not what it was.
  Result<bool> conflicts(const std::string& path) {
    Result<std::vector<Stamped>> now = tree::list(workspace, path, tree::Closed::skip);
    if (!now) return now.error();
    std::vector<Conflict> found = compare(path, *now, relative_tree(layer.before, path), true);
    set.conflicts.insert(set.conflicts.end(), found.begin(), found.end());
    return !found.empty();
  }

  Status remove(const std::string& path) {
    const Stamp* old = layer.before.find(path);
    if (old == nullptr) return Ok{};
    if (std::string why = why_kept(layer.before, path); !why.empty()) {
      refuse(path, "it is kept: " + why);
      return Ok{};
    }
    if (!is_printable(path) || path.size() > kMaxPath) {
      refuse(path, "it is kept: its name cannot be written down");
      return Ok{};
    }
    Result<bool> differs = conflicts(path);
    if (!differs) return differs.error();
    set.edits.push_back({.path = path, .first = set.entries.size(), .replaces = true});
    return Ok{};
  }

  uint32_t permissions(const std::string& path, const Stamp& entry, const Stamp* old) {
    const uint32_t special = entry.mode & 07000;
    const uint32_t had =
        old != nullptr && S_ISDIR(old->mode) && S_ISDIR(entry.mode) ? old->mode & 07000 : 0;
    if ((special & ~had) != 0) refuse(path, "set-uid, set-gid and sticky bits are dropped");
    return (entry.mode & 0777) | (special & had);
  }

  Status count(const NewEntry& entry) {
    bytes += entry.size;
    names += entry.path.size() + entry.target.size();
    if (names > kMaxNames) {
      return Error{Errc::limit, "the names of what the run made are too long; nothing was changed"};
    }
    if (set.entries.size() > quota.files) {
      return Error{Errc::limit, "the run made more than " + std::to_string(quota.files) +
                                    " files, the limit of files; nothing was changed"};
    }
    if (bytes > quota.bytes) {
      return Error{Errc::limit, "the run wrote more than " + std::to_string(quota.bytes) +
                                    " bytes, the limit of disk_bytes; nothing was changed"};
    }
    return Ok{};
  }

  Result<bool> same_content(const std::string& path, const Stamp& entry, const Stamp& old,
                            const std::string& target) {
    if ((entry.mode & S_IFMT) != (old.mode & S_IFMT) || entry.size != old.size) return false;
    if (S_ISLNK(entry.mode)) {
      UniqueFd fd = tree::open_beneath(top, path, O_PATH | O_NOFOLLOW);
      char text[4096];
      const ssize_t n = fd ? readlinkat(fd.get(), "", text, sizeof text) : -1;
      return n >= 0 && std::string_view(text, static_cast<size_t>(n)) == target;
    }
    Result<UniqueFd> ours = tree::open_file(workspace, path);
    if (!ours) return false;
    Result<UniqueFd> theirs = reader.file(path);
    if (!theirs) return theirs.error();
    return content::equal(ours->get(), theirs->get(), entry.size);
  }

  /// One name of the layer. Where its folder also is in the workspace, this is an edit.
  Status entry(int folder_fd, const std::string& name, const std::string& path, Below below,
               int depth) {
    const bool merged = below != Below::nothing;
    struct stat info {};
    if (fstatat(folder_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return tree::system_error("stat the layer's " + printable(path));
    }
    if (++seen > kMaxEntries) {
      return Error{Errc::refused, "the run left more than 300000 files; nothing was changed"};
    }
    if (is_protected(protect, name)) {
      refuse(path, "its name is protected");
      return Ok{};
    }
    if (!is_printable(name) || path.size() > kMaxPath) {
      refuse(path, "its name is not UTF-8 without control characters, or too long");
      return Ok{};
    }
    const Stamp stamp = tree::stamp_of(info);
    const bool whiteout = S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
    if (whiteout && !layer.only_adds) return merged ? remove(path) : Status(Ok{});
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode)) {
      refuse(path, std::string(odd_type(info.st_mode)) + " is not kept");
      return Ok{};
    }
    std::optional<Stamp> old;
    if (merged) {
      Result<std::optional<Stamp>> found = lower(path);
      if (!found) return found.error();
      old = *found;
    }
    if (old && S_ISDIR(old->mode) && S_ISDIR(info.st_mode))
      return merge(path, stamp, *old, below, depth);

    NewEntry fresh{.path = path, .size = stamp.size, .mtime_ns = stamp.mtime_ns};
    if (S_ISLNK(info.st_mode)) {
      char target[4096];
      const ssize_t n = readlinkat(folder_fd, name.c_str(), target, sizeof target);
      if (n < 0) return tree::system_error("read the link " + path);
      fresh.target.assign(target, static_cast<size_t>(n));
      fresh.mode = S_IFLNK | 0777;
      if (!is_printable(fresh.target)) {
        refuse(path, "a link to a name that is not UTF-8 without control characters");
        return Ok{};
      }
    }
    if (old) {
      if (layer.only_adds) {
        set.conflicts.push_back({path, "exists already"});
      } else {
        if (std::string why = why_kept(layer.before, path); !why.empty()) {
          refuse(path, "it is kept: " + why);
          return Ok{};
        }
        Result<bool> differs = conflicts(path);
        if (!differs) return differs.error();
        Result<bool> same =
            !*differs ? same_content(path, stamp, *old, fresh.target) : Result<bool>(false);
        if (!same) return same.error();
        const bool same_mode = ((stamp.mode ^ old->mode) & 0777) == 0 || S_ISLNK(stamp.mode);
        if (*same && same_mode && stamp.mtime_ns == old->mtime_ns) return Ok{};
      }
    } else if (merged) {
      Result<std::optional<Stamp>> now = tree::look(workspace, path);
      if (!now) return now.error();
      if (*now) set.conflicts.push_back({path, "was made meanwhile"});
    }
    if (!S_ISLNK(info.st_mode)) {
      fresh.mode = (info.st_mode & S_IFMT) | permissions(path, stamp, nullptr);
    }
    const size_t first = set.entries.size();
    set.entries.push_back(std::move(fresh));
    if (Status s = count(set.entries.back()); !s) return s;
    if (S_ISDIR(info.st_mode)) {
      if (Status s = folder(path, Below::nothing, depth + 1); !s) return s;
    }
    if (merged) {
      set.edits.push_back({path, first, set.entries.size() - first, old.has_value()});
    }
    return Ok{};
  }

  Status merge(const std::string& path, const Stamp& stamp, const Stamp& old, Below below,
               int depth) {
    const std::vector<std::string>& unread = layer.before.unread;
    if (std::binary_search(unread.begin(), unread.end(), path, path_less)) {
      refuse(path, "it could not be looked through before the run");
      return Ok{};
    }
    if (!layer.before.entries.empty() && old.dev != layer.before.entries.front().second.dev) {
      refuse(path, "it is on another file system");
      return Ok{};
    }
    Result<std::optional<Stamp>> now = tree::look(top, path);
    if (!now) return now.error();
    if (!*now || !S_ISDIR((*now)->mode)) {
      set.conflicts.push_back({path, *now ? "is no folder any more" : "was removed meanwhile"});
      return Ok{};
    }
    const bool chmoded = ((stamp.mode ^ old.mode) & 07777) != 0 && !layer.only_adds;
    if (chmoded && ((*now)->mode & 07777) != (old.mode & 07777)) {
      set.conflicts.push_back({path, "its mode was changed meanwhile"});
    }
    const uint32_t mode = permissions(path, stamp, &old);
    if (Status s = folder(path, below, depth + 1); !s) return s;
    if (layer.only_adds) {
      set.folders.push_back({path, path, (*now)->mode & 07777, 0, true});
    } else {
      const bool touched = (*now)->mtime_ns != old.mtime_ns;  // by somebody else
      set.folders.push_back(
          {path, path, chmoded ? mode : (*now)->mode & 07777, stamp.mtime_ns, touched});
    }
    return Ok{};
  }

  bool is_opaque(const std::string& path) {
    UniqueFd fd = tree::open_beneath(layer.upper.get(), path, O_RDONLY | O_DIRECTORY);
    char value[2] = {};
    return fd && fgetxattr(fd.get(), "user.overlay.opaque", value, sizeof value) == 1 &&
           value[0] == 'y';
  }

  Status folder(const std::string& path, Below below, int depth) {
    if (depth > kMaxDepth) {
      return Error{Errc::refused, "the run left folders more than 64 deep; nothing was changed"};
    }
    Result<UniqueFd> fd = reader.folder(path);
    if (!fd) return fd.error();
    UniqueFd here(fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
    if (!here) return tree::system_error("open the layer's " + path);
    Result<std::vector<std::string>> names = tree::names(std::move(*fd));
    if (!names) return names.error();
    std::vector<std::string> gone;
    if (below == Below::seen && !layer.only_adds && is_opaque(path)) below = Below::hidden;
    if (below == Below::hidden) {
      for (const auto& [entry, stamp] : layer.before.tree(path)) {
        const std::string name = entry.substr(std::min(entry.size(), path.size() + !path.empty()));
        if (name.empty() || name.find('/') != std::string::npos) continue;
        if (!std::binary_search(names->begin(), names->end(), name, path_less)) {
          gone.push_back(name);
        }
      }
    }
    for (const std::string& name : gone) {
      if (Status s = remove(join(path, name)); !s) return s;
    }
    for (const std::string& name : *names) {
      if (Status s = entry(here.get(), name, join(path, name), below, depth); !s) return s;
    }
    return Ok{};
  }

  /// Leaves out what is as it was.
  void settle_folders() {
    std::set<std::string> edited;
    for (const Edit& e : set.edits) edited.insert(folder_of(e.path));
    // Its time would only tell of what was refused in it.
    std::set<std::string> refused;
    for (const Refusal& r : set.refusals) refused.insert(folder_of(r.path));
    std::erase_if(set.folders, [&](const FolderEdit& f) {
      if (edited.contains(*f.after)) return false;
      const Stamp* old = layer.before.find(*f.after);
      return f.after->empty() || f.keep_time || layer.only_adds || old == nullptr ||
             ((old->mode & 07777) == f.mode &&
              (old->mtime_ns == f.mtime_ns || refused.contains(*f.after)));
    });
    std::sort(set.folders.begin(), set.folders.end(), [](const FolderEdit& a, const FolderEdit& b) {
      return path_less(*a.after, *b.after);
    });
  }

  /// The list for people.
  Status tell() {
    for (const Edit& edit : set.edits) {
      std::span<const Stamped> old;
      if (edit.replaces) old = layer.before.tree(edit.path);
      size_t i = 0;
      for (size_t k = edit.first; k < edit.first + edit.count; ++k) {
        const NewEntry& entry = set.entries[k];
        Change change{.kind = ChangeKind::added,
                      .path = entry.path,
                      .new_size = entry.size,
                      .new_mode = entry.mode};
        if (i < old.size() && old[i].first == entry.path) {
          const Stamp& stamp = old[i++].second;
          change.old_size = stamp.size;
          change.old_mode = stamp.mode;
          const Stamp now{.size = entry.size, .mode = entry.mode};
          Result<bool> same = same_content(entry.path, now, stamp, entry.target);
          if (!same) return same.error();
          change.kind = *same ? ChangeKind::mode : ChangeKind::changed;
        }
        set.changes.push_back(std::move(change));
      }
      for (; i < old.size(); ++i) {
        set.changes.push_back({.kind = ChangeKind::removed,
                               .path = old[i].first,
                               .old_size = old[i].second.size,
                               .old_mode = old[i].second.mode});
      }
    }
    std::set<std::string> edited;
    for (const Edit& e : set.edits) {
      for (std::string at = folder_of(e.path); edited.insert(at).second && !at.empty();) {
        at = folder_of(at);
      }
    }
    for (const FolderEdit& f : set.folders) {
      const Stamp* old = layer.before.find(*f.after);
      if (old == nullptr || layer.only_adds) continue;
      const bool chmoded = (old->mode & 07777) != f.mode;
      if (!chmoded && edited.contains(*f.after)) continue;  // its time goes with what is in it
      set.changes.push_back({.kind = ChangeKind::mode,
                             .path = *f.after,
                             .old_mode = old->mode,
                             .new_mode = S_IFDIR | f.mode});
    }
    return Ok{};
  }
};

std::string sentence(const Conflict& c) { return c.path + " " + c.why; }

}  // namespace

std::string_view kind_name(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::added:
      return "added";
    case ChangeKind::changed:
      return "changed";
    case ChangeKind::removed:
      return "removed";
    case ChangeKind::moved:
      return "moved";
    case ChangeKind::mode:
      return "mode";
  }
  return "changed";
}

std::string describe(const std::vector<Conflict>& conflicts) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, conflicts.size()); ++i) {
    text += (i == 0 ? "" : ", ") + sentence(conflicts[i]);
  }
  if (conflicts.size() > kShown)
    text += " and " + std::to_string(conflicts.size() - kShown) + " more";
  return text;
}

std::vector<Conflict> compare(const std::string& path, const std::vector<Stamped>& now,
                              const std::vector<Stamped>& expected, bool with_ctime) {
  std::vector<Conflict> found;
  for (size_t i = 0, k = 0; i < now.size() || k < expected.size();) {
    if (k == expected.size() || (i < now.size() && path_less(now[i].first, expected[k].first))) {
      found.push_back({join(path, now[i++].first), "was made meanwhile"});
      continue;
    }
    if (i == now.size() || path_less(expected[k].first, now[i].first)) {
      found.push_back({join(path, expected[k++].first), "was removed meanwhile"});
      continue;
    }
    Stamp a = now[i].second, b = expected[k++].second;
    a.dev = b.dev;
    a.hash = b.hash;
    if (!with_ctime) a.ctime_ns = b.ctime_ns;
    if (S_ISDIR(a.mode) && S_ISDIR(b.mode)) {
      a.mtime_ns = b.mtime_ns;
      a.ctime_ns = b.ctime_ns;
    }
    if (a != b) found.push_back({join(path, now[i].first), "was changed meanwhile"});
    ++i;
  }
  return found;
}

std::string why_kept(const Snapshot& before, const std::string& path) {
  const std::vector<ProtectedPath>& all = before.protected_paths;
  const auto first = std::lower_bound(
      all.begin(), all.end(), path,
      [](const ProtectedPath& p, const auto& at) { return path_less(p.path, at); });
  if (first != all.end() && lies_in(first->path, path)) {
    return "it holds " + first->path + ", which is protected";
  }
  for (const auto& [entry, stamp] : before.tree(path)) {
    if (stamp.dev != before.entries.front().second.dev) {
      return entry + " is on another file system";
    }
  }
  return "";
}

std::vector<Stamped> relative_tree(const Snapshot& snapshot, const std::string& path) {
  std::vector<Stamped> result;
  for (const auto& [entry, stamp] : snapshot.tree(path)) {
    result.push_back({entry.substr(std::min(entry.size(), path.size() + !path.empty())), stamp});
  }
  return result;
}

Result<ChangeSet> find_changes(const Layer& layer, const std::filesystem::path& workspace,
                               const policies::Protect& protect, const Quota& quota) {
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  Finder finder(layer, protect, quota, top->get());
  struct stat info {};
  if (fstat(layer.upper.get(), &info) != 0) return tree::system_error("stat the layer");
  // The top has the mode and time of an empty layer, which say nothing about the workspace.
  if (Status s = finder.folder("", Below::seen, 0); !s) return s.error();
  ChangeSet& set = finder.set;
  struct stat now {};
  if (fstat(top->get(), &now) != 0) return tree::system_error("stat the workspace");
  const Stamp* old = layer.before.find("");
  const bool touched = old == nullptr || old->mtime_ns != tree::stamp_of(now).mtime_ns;
  set.folders.push_back(
      {"", "", now.st_mode & 07777, tree::stamp_of(info).mtime_ns, layer.only_adds || touched});
  std::sort(set.edits.begin(), set.edits.end(),
            [](const Edit& a, const Edit& b) { return path_less(a.path, b.path); });
  if (Status s = refuse_links_out(set, layer.before, top->get()); !s) return s.error();
  finder.settle_folders();
  if (Status s = finder.tell(); !s) return s.error();
  auto by_path = [](const auto& a, const auto& b) { return path_less(a.path, b.path); };
  if (!layer.only_adds) {
    if (Status s = find_moves(set, layer.before, top->get(), finder.reader); !s) return s.error();
  }
  std::sort(set.changes.begin(), set.changes.end(), by_path);
  std::sort(set.refusals.begin(), set.refusals.end(), by_path);
  std::sort(set.conflicts.begin(), set.conflicts.end(), by_path);
  return std::move(set);
}

}  // namespace sandbox
