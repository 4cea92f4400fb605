#include "sandbox/workspace/moves.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// Only files whose size occurs on both sides are read, once each for a hash. Its key is made for
// this one look, so nobody can prepare two files that it takes for one, and by chance it happens to
// one pair in 2^64. A file that kept its name is matched before one that changed it.

namespace sandbox {

using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

namespace {

/// Files that were removed, by content. Each is taken once, in the order of their paths.
class Removed {
 public:
  void add(uint64_t hash, const std::string& name, size_t index) {
    by_name_[{hash, name}].indices.push_back(index);
    by_content_[hash].indices.push_back(index);
  }

  std::optional<size_t> take(uint64_t hash, const std::string& name) {
    const auto found = by_name_.find({hash, name});
    return found == by_name_.end() ? std::nullopt : next(found->second);
  }

  std::optional<size_t> take(uint64_t hash) {
    const auto found = by_content_.find(hash);
    return found == by_content_.end() ? std::nullopt : next(found->second);
  }

  bool taken(size_t index) const { return taken_.contains(index); }

 private:
  struct Queue {
    std::vector<size_t> indices;
    size_t first = 0;
  };

  std::optional<size_t> next(Queue& queue) {
    while (queue.first < queue.indices.size()) {
      const size_t index = queue.indices[queue.first++];
      if (taken_.insert(index).second) return index;
    }
    return {};
  }

  std::map<std::pair<uint64_t, std::string>, Queue> by_name_;
  std::unordered_map<uint64_t, Queue> by_content_;
  std::unordered_set<size_t> taken_;
};

/// Whether a file has attributes of a person or a program.
bool has_attributes(int fd) {
  char names[4096];
  const ssize_t n = flistxattr(fd, names, sizeof names);
  if (n < 0) return errno == ERANGE;
  for (ssize_t at = 0; at < n; at += static_cast<ssize_t>(strlen(names + at)) + 1) {
    const char* name = names + at;
    if (strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0) return true;
  }
  return false;
}

/// Lets the very files that moved take the place of the layer's copies. plain: of set.changes,
/// which have no attributes on either side.
void move_files(ChangeSet& set, const Snapshot& before, const std::vector<bool>& plain) {
  auto entry_of = [&](const std::string& path) -> NewEntry* {
    const auto at = std::lower_bound(
        set.entries.begin(), set.entries.end(), path,
        [](const NewEntry& e, const std::string& p) { return path_less(e.path, p); });
    return at != set.entries.end() && at->path == path ? &*at : nullptr;
  };
  const uint64_t dev = before.entries.front().second.dev;
  std::unordered_set<std::string> gone;
  for (size_t i = 0; i < set.changes.size(); ++i) {
    const Change& c = set.changes[i];
    if (c.kind != ChangeKind::moved || !plain[i]) continue;
    const Stamp* old = before.find(c.from);
    NewEntry* entry = entry_of(c.path);
    if (old == nullptr || entry == nullptr || old->dev != dev || entry->mode != old->mode ||
        entry->mtime_ns != old->mtime_ns) {
      continue;
    }
    entry->moved = true;
    set.moves.push_back({c.from, c.path});
    gone.insert(c.from);
  }
  std::set<std::string> left, entered;  // folders
  for (const Move& move : set.moves) {
    left.insert(folder_of(move.from));
    entered.insert(folder_of(move.to));
  }
  // New folders get their times once all is in them; what goes away gets its own back by an undo.
  for (const Edit& edit : set.edits) {
    for (size_t i = edit.first; i < edit.first + edit.count; ++i) {
      const NewEntry& e = set.entries[i];
      if (S_ISDIR(e.mode) && entered.contains(e.path)) {
        set.folders.push_back({.after = e.path, .mode = e.mode & 07777, .mtime_ns = e.mtime_ns});
      }
    }
    if (!edit.replaces) continue;
    for (const auto& [path, stamp] : before.tree(edit.path)) {
      if (S_ISDIR(stamp.mode) && left.contains(path)) {
        set.folders.push_back({.before = path, .mode = stamp.mode & 07777, .keep_time = true});
      }
    }
  }
  std::erase_if(set.edits, [&](const Edit& edit) {
    return edit.count == 0 ? gone.contains(edit.path) : set.entries[edit.first].moved;
  });
}

}  // namespace

Status find_moves(ChangeSet& set, const Snapshot& before, int top, LayerReader& reader) {
  std::vector<Change>& changes = set.changes;
  auto is = [](const Change& c, ChangeKind kind) {
    return c.kind == kind && S_ISREG(kind == ChangeKind::removed ? c.old_mode : c.new_mode);
  };
  std::unordered_set<uint64_t> added_sizes, removed_sizes;
  for (const Change& c : changes) {
    if (is(c, ChangeKind::added) && c.new_size > 0) added_sizes.insert(c.new_size);
  }
  // Of files of different sizes hashes differ too, as good as always.
  const content::HashKey key = content::random_key();
  tree::Folders folders(top);
  Removed removed;
  std::vector<bool> plain(changes.size(), false);
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& c = changes[i];
    if (!is(c, ChangeKind::removed) || !added_sizes.contains(c.old_size)) continue;
    Result<UniqueFd> fd = tree::open_file(folders, c.path);
    if (!fd) continue;  // then it stays a removal
    Result<uint64_t> hash = content::hash(fd->get(), c.old_size, key);
    if (!hash) return hash.error();
    removed.add(*hash, name_of(c.path), i);
    removed_sizes.insert(c.old_size);
    plain[i] = !has_attributes(fd->get());
  }
  auto move = [&](size_t to, size_t index) {
    const Change& from = changes[index];
    Change& c = changes[to];
    c.kind = ChangeKind::moved;
    c.from = from.path;
    c.old_size = from.old_size;
    c.old_mode = from.old_mode;
    plain[to] = plain[to] && plain[index];
  };
  std::vector<std::pair<size_t, uint64_t>> renamed;
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& c = changes[i];
    if (!is(c, ChangeKind::added) || !removed_sizes.contains(c.new_size)) continue;
    Result<UniqueFd> fd = reader.file(c.path);
    if (!fd) return fd.error();
    Result<uint64_t> hash = content::hash(fd->get(), c.new_size, key);
    if (!hash) return hash.error();
    plain[i] = !has_attributes(fd->get());
    if (const std::optional<size_t> from = removed.take(*hash, name_of(c.path))) {
      move(i, *from);
    } else {
      renamed.push_back({i, *hash});
    }
  }
  for (const auto& [i, hash] : renamed) {
    if (const std::optional<size_t> from = removed.take(hash)) move(i, *from);
  }
  size_t kept = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (removed.taken(i)) continue;
    if (kept != i) changes[kept] = std::move(changes[i]);
    plain[kept++] = plain[i];
  }
  changes.resize(kept);
  move_files(set, before, plain);
  return Ok{};
}

}  // namespace sandbox
