#include "sandbox/workspace/commit_plan.h"

#include <sys/stat.h>

#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sandbox/workspace/tree.h"

// An edit becomes a step with the tree that it takes away, as the snapshot has it, and the one that
// was staged for it. A move becomes a step with the tree that goes, and stages nothing. What leaves
// a tree by a step of its own is not in it.

namespace sandbox {

namespace {

using base::Ok;
using base::Result;
using base::Status;

using Names = std::unordered_set<std::string_view>;

/// Whether `path` or a folder above it is in the set.
bool lies_in_any(const Names& names, std::string_view path) {
  while (!path.empty() && !names.contains(path)) {
    const size_t slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  return !path.empty();
}

/// The names that a set makes free.
Names leaving(const ChangeSet& set) {
  Names names;
  for (const Move& move : set.moves) names.insert(move.from);
  for (const Edit& edit : set.edits) {
    if (edit.replaces) names.insert(edit.path);
  }
  return names;
}

/// The names that it gives.
Names coming(const ChangeSet& set) {
  Names names;
  for (const Move& move : set.moves) names.insert(move.to);
  for (const Edit& edit : set.edits) {
    if (edit.count > 0) names.insert(edit.path);
  }
  return names;
}

/// As relative_tree(), without what leaves it.
std::vector<Stamped> tree_that_goes(const Snapshot& before, const std::string& path,
                                    const Names& leaving) {
  std::vector<Stamped> result;
  std::string_view gone;
  for (const auto& [entry, stamp] : before.tree(path)) {
    if (!gone.empty() && lies_in(entry, gone)) continue;
    if (entry != path && leaving.contains(entry)) {
      gone = entry;
      continue;
    }
    result.push_back({entry.substr(std::min(entry.size(), path.size() + 1)), stamp});
  }
  return result;
}

}  // namespace

Result<std::vector<Conflict>> find_conflicts(const ChangeSet& set, const Snapshot& before,
                                             int workspace) {
  std::vector<Conflict> found = set.conflicts;
  std::set<std::string> known;
  for (const Conflict& c : found) known.insert(c.path);
  auto add = [&](const Conflict& c) {
    if (known.insert(c.path).second) found.push_back(c);
  };
  const Names free = leaving(set), fresh = coming(set);
  std::unordered_map<uint64_t, std::string> leaves;  // by inode
  for (const std::string_view name : free) {
    if (const Stamp* stamp = before.find(name)) leaves.emplace(stamp->ino, name);
  }
  tree::Folders folders(workspace);
  /// Whether `path` is as it was, or free.
  auto check = [&](const std::string& path, bool was_there) -> Status {
    Result<std::vector<Stamped>> now = tree::list(folders, path, tree::Closed::skip);
    if (!now) return now.error();
    std::vector<Stamped> expected;
    if (was_there) expected = relative_tree(before, path);
    const std::vector<Conflict> differences = compare(path, *now, expected, true);
    if (!was_there && !now->empty()) {
      // Where names ignore case it may be what leaves under another spelling.
      const auto same = leaves.find(now->front().second.ino);
      if (same != leaves.end()) {
        Result<bool> free = tree::one_name(workspace, same->second, path);
        if (!free) return free.error();
        if (*free) return Ok{};
      }
    }
    for (const Conflict& c : differences) add(c);
    return Ok{};
  };
  std::optional<std::string> looked_at;
  auto check_folder = [&](const std::string& path) -> Status {
    std::string above = folder_of(path);
    if (looked_at == above) return Ok{};
    if (!lies_in_any(fresh, above)) {
      Result<std::optional<Stamp>> folder = tree::look(folders, above);
      if (!folder) return folder.error();
      if (!*folder || !S_ISDIR((*folder)->mode)) add({above, "was removed meanwhile"});
    }
    looked_at = std::move(above);
    return Ok{};
  };
  for (const Edit& edit : set.edits) {
    if (edit.replaces || !lies_in_any(free, edit.path)) {
      if (Status s = check(edit.path, edit.replaces); !s) return s.error();
    }
    if (Status s = check_folder(edit.path); !s) return s.error();
  }
  for (const Move& move : set.moves) {
    if (Status s = check(move.from, true); !s) return s.error();
  }
  for (const Move& move : set.moves) {
    if (!lies_in_any(free, move.to)) {
      if (Status s = check(move.to, false); !s) return s.error();
    }
    if (Status s = check_folder(move.to); !s) return s.error();
  }
  return found;
}

Status plan_commit(const ChangeSet& set, const Snapshot& before, int workspace, int journal,
                   const std::vector<uint64_t>& hashes, Record& record) {
  const Names free = leaving(set);
  tree::Folders staged_in(journal), folders(workspace);
  for (const Edit& edit : set.edits) {
    Step step{.path = edit.path, .store = edit.store};
    if (edit.replaces) step.old_tree = tree_that_goes(before, edit.path, free);
    if (edit.count > 0) {
      const std::string& place = edit.store.empty() ? edit.path : edit.store;
      Result<std::vector<Stamped>> staged =
          tree::list(staged_in, record.id + "/new/" + place, tree::Closed::open);
      if (!staged) return staged.error();
      step.new_tree = std::move(*staged);
      // Both are in the order of paths; what is moved is not staged.
      size_t at = edit.first;
      for (auto& [name, stamp] : step.new_tree) {
        const std::string path = join(edit.path, name);
        while (at < edit.first + edit.count && path_less(set.entries[at].path, path)) ++at;
        if (at < edit.first + edit.count && set.entries[at].path == path) stamp.hash = hashes[at];
      }
    }
    record.steps.push_back(std::move(step));
  }
  for (const Move& move : set.moves) {
    record.steps.push_back(
        {.path = move.to, .new_tree = tree_that_goes(before, move.from, free), .from = move.from});
  }
  for (const FolderEdit& f : set.folders) {
    FolderStep step{
        .before = f.before, .after = f.after, .to_mode = f.mode, .to_mtime_ns = f.mtime_ns};
    if (!f.before) {
      step.set_mtime = !f.keep_time;
      record.folders.push_back(std::move(step));
      continue;
    }
    Result<std::optional<Stamp>> now = tree::look(folders, *f.before);
    if (!now) return now.error();
    if (!*now) continue;  // then nothing is done in it, or that is a conflict
    step.from_mode = (*now)->mode & 07777;
    step.from_mtime_ns = (*now)->mtime_ns;
    const Stamp* old = before.find(*f.before);
    const bool touched = f.keep_time || old == nullptr || old->mtime_ns != (*now)->mtime_ns;
    // A mode that the run leaves alone stays what somebody has made it since.
    if (old != nullptr && (old->mode & 07777) == f.mode) step.to_mode = step.from_mode;
    if (f.after) {
      step.set_mode = step.from_mode != step.to_mode || (step.from_mode & 0700) != 0700;
      step.set_mtime = !touched;
    }
    record.folders.push_back(std::move(step));
  }
  return Ok{};
}

}  // namespace sandbox
