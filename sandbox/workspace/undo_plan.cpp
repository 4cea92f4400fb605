#include "sandbox/workspace/undo_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// A step is turned round if what it put in place is still what it put. A new tree in which somebody
// has changed or added something is taken away in parts: every part of it in which nothing is
// theirs, as large as can be, while the folders on the way to theirs stay.
//
// Moves are turned round as they are. What leaves a tree by a step of its own is left out when it
// is compared, and a name is free if what is there now leaves. So a conflict in one step can bring
// others: this goes on until nothing more has to stay.
//
// The ctime does not count: the way there and back of a later run changes it, as does a hard link
// that is moved elsewhere. An edit that keeps size and time is told by the content, of which the
// run left a hash. What a redo takes away has none: there such an edit is overlooked, but not lost,
// because what is taken away is kept.

namespace sandbox {

namespace {

using base::Ok;
using base::Result;
using base::Status;
using tree::Closed;

using Tree = std::vector<Stamped>;
using Paths = std::set<std::string>;

/// Whether a file with the size and time of `put` has another content. Unreadable: no.
Result<bool> edited(tree::Folders& workspace, const std::string& path, const Stamp& put) {
  if (!S_ISREG(put.mode) || put.hash == 0) return false;
  Result<base::UniqueFd> file = tree::open_file(workspace, path);
  if (!file) return false;
  Result<uint64_t> hash = content::hash(file->get(), put.size, content::kRecordKey);
  if (!hash) return hash.error();
  return *hash != put.hash;
}

/// The parts of `now` that are as the step put them, and nothing else.
Result<std::vector<Step>> parts(tree::Folders& workspace, const Step& step, const Tree& now,
                                std::vector<Conflict>& conflicts) {
  const std::string& path = step.path;
  const Tree& put = step.new_tree;
  Paths theirs;
  auto mark = [&](std::string at) {
    while (theirs.insert(at).second && !at.empty()) at = folder_of(at);
  };
  size_t k = 0;
  for (const auto& [name, stamp] : now) {
    while (k < put.size() && path_less(put[k].first, name)) ++k;
    if (k == put.size() || put[k].first != name) {
      mark(name);  // added
      continue;
    }
    if (compare("", {{"", stamp}}, {{"", put[k].second}}, false).empty()) {
      Result<bool> other = edited(workspace, join(path, name), put[k].second);
      if (!other) return other.error();
      if (!*other) continue;
    }
    mark(name);
    conflicts.push_back({join(path, name), "was changed meanwhile"});
  }
  std::vector<Step> steps;
  for (size_t i = 0; i < now.size();) {
    const std::string top = now[i].first;
    if (theirs.contains(top)) {
      // A folder stays, and so does all in one that was added; the rest is looked at by itself.
      ++i;
      continue;
    }
    Step part{.path = join(path, top)};
    if (!step.store.empty()) part.store = join(step.store, top);
    for (; i < now.size() && lies_in(now[i].first, top); ++i) {
      const size_t cut = std::min(now[i].first.size(), top.size() + !top.empty());
      part.old_tree.push_back({now[i].first.substr(cut), now[i].second});
    }
    steps.push_back(std::move(part));
  }
  return steps;
}

/// The modes and times of before, where they are as the run left them.
Result<std::vector<FolderStep>> folders_back(int workspace, const std::vector<FolderStep>& folders,
                                             const std::vector<Step>& steps) {
  std::unordered_set<std::string_view> put;
  for (const Step& step : steps) {
    if (!step.new_tree.empty()) put.insert(step.path);
  }
  auto comes_back = [&](const std::string& path) {
    for (std::string at = path; !at.empty(); at = folder_of(at)) {
      if (put.contains(at)) return true;
    }
    return false;
  };
  std::vector<FolderStep> result;
  for (const FolderStep& f : folders) {
    FolderStep back{.before = f.after, .after = f.before};
    if (!f.after) {
      // With what the steps bring back. If they cannot, a folder of that name is somebody else's.
      if (!comes_back(*f.before)) continue;
      back.to_mode = f.from_mode, back.to_mtime_ns = f.from_mtime_ns;
      back.set_mtime = true;
      result.push_back(std::move(back));
      continue;
    }
    Result<std::optional<Stamp>> now = tree::look(workspace, *f.after);
    if (!now) return now.error();
    if (!*now || !S_ISDIR((*now)->mode)) continue;
    back.from_mode = back.to_mode = (*now)->mode & 07777;
    back.from_mtime_ns = back.to_mtime_ns = (*now)->mtime_ns;
    if (f.before) {
      // Of a folder that moves, only where it is moved back.
      if (f.before != f.after && !comes_back(*f.before)) continue;
      if (back.from_mode == f.to_mode) back.to_mode = f.from_mode;
      back.to_mtime_ns = f.from_mtime_ns;
      back.set_mode = true;
      back.set_mtime = back.from_mtime_ns == f.to_mtime_ns;
    }
    result.push_back(std::move(back));
  }
  return result;
}

/// Turns steps round that were carried out. What somebody changed since then stays where it is, and
/// so does all that this keeps from going back, which the next round finds.
class Turner {
 public:
  Turner(int workspace, const std::vector<Step>& steps, bool undo)
      : steps_(steps), undo_(undo), folders_(workspace), items_(steps.size()) {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (!steps[i].new_tree.empty()) by_place_[steps[i].path] = i;
    }
  }

  Result<WayBack> turn() {
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].new_tree.empty()) continue;
      Result<Tree> now = tree::list(folders_, steps_[i].path, undo_ ? Closed::open : Closed::skip);
      if (!now) return now.error();
      if (!now->empty()) by_inode_[now->front().second.ino] = steps_[i].path;
      items_[i].now = std::move(*now);
    }
    // The deepest first: what does not go stays in its folder.
    std::vector<size_t> order(steps_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return path_less(steps_[b].path, steps_[a].path); });
    for (bool again = true; again;) {
      again = false;
      leaving_.clear(), coming_.clear();
      for (const size_t i : order) {
        if (Status s = take(i); !s) return s.error();
      }
      for (size_t i = 0; i < steps_.size(); ++i) {
        if (!items_[i].stays && !steps_[i].from.empty()) coming_.insert(steps_[i].from);
        if (!items_[i].stays && !steps_[i].old_tree.empty()) coming_.insert(steps_[i].path);
      }
      for (size_t i = 0; i < steps_.size(); ++i) {
        Result<bool> blocked = check_room(i);
        if (!blocked) return blocked.error();
        again = again || *blocked;
      }
    }
    WayBack back;
    for (Item& item : items_) {
      std::move(item.back.begin(), item.back.end(), std::back_inserter(back.steps));
      std::move(item.conflicts.begin(), item.conflicts.end(), std::back_inserter(back.conflicts));
    }
    return back;
  }

 private:
  struct Item {
    Tree now;                         ///< what is where the step put something
    std::vector<Step> back;           ///< what takes it back
    std::vector<Conflict> conflicts;  ///< what stays
    bool looked = false, stays = false;
  };

  /// Whether `path` or a folder above it is in the set.
  static bool lies_in_any(const std::unordered_set<std::string>& names, std::string path) {
    for (; !path.empty(); path = folder_of(path)) {
      if (names.contains(path)) return true;
    }
    return false;
  }

  void keep(size_t i, std::vector<Conflict> conflicts) {
    items_[i].stays = true;
    items_[i].back.clear();
    std::move(conflicts.begin(), conflicts.end(), std::back_inserter(items_[i].conflicts));
  }

  /// What is at `path` without what leaves it by steps of its own; `held` if such a step stays.
  Tree without_others(const std::string& path, const Tree& now, bool& held) const {
    Tree rest;
    std::string_view gone;
    for (const auto& [name, stamp] : now) {
      if (!gone.empty() && lies_in(name, gone)) continue;
      if (!name.empty()) {
        const std::string at = join(path, name);
        if (leaving_.contains(at)) {
          gone = name;
          continue;
        }
        held = held || by_place_.contains(at);
      }
      rest.push_back({name, stamp});
    }
    return rest;
  }

  /// Plans to take away what the step put in place.
  Status take(size_t i) {
    const Step& step = steps_[i];
    Item& item = items_[i];
    if (item.stays) return Ok{};
    item.back.clear();
    if (step.new_tree.empty()) {
      item.back.push_back({.path = step.path, .new_tree = step.old_tree, .store = step.store});
      return Ok{};
    }
    const bool added = step.old_tree.empty() && step.from.empty();
    if (added && item.now.empty()) return Ok{};  // taken away by somebody already
    bool held = false;
    const Tree now = without_others(step.path, item.now, held);
    std::vector<Conflict> differences = compare(step.path, now, step.new_tree, false);
    for (size_t k = 0; differences.empty() && k < step.new_tree.size(); ++k) {
      const auto& [name, stamp] = step.new_tree[k];
      Result<bool> other = edited(folders_, join(step.path, name), stamp);
      if (!other) return other.error();
      if (*other) differences.push_back({join(step.path, name), "was changed meanwhile"});
    }
    const bool same_folder = !now.empty() && S_ISDIR(now.front().second.mode) &&
                             now.front().second.ino == step.new_tree[0].second.ino;
    if (!step.from.empty()) {
      // What somebody added to a folder goes with it.
      if (same_folder && !held)
        std::erase_if(differences, [&](const Conflict& c) { return !was_there(step, c.path); });
      if (!differences.empty()) {
        keep(i, std::move(differences));
      } else {
        item.back.push_back({.path = step.from, .new_tree = now, .from = step.path});
        leaving_.insert(step.path);
      }
    } else if (differences.empty()) {
      item.back.push_back(
          {.path = step.path, .old_tree = now, .new_tree = step.old_tree, .store = step.store});
      leaving_.insert(step.path);
    } else if (undo_ && added && same_folder) {
      std::vector<Conflict> theirs;
      Result<std::vector<Step>> some = parts(folders_, step, now, theirs);
      if (!some) return some.error();
      item.back = std::move(*some);
      item.conflicts = std::move(theirs);
      for (const Step& part : item.back) leaving_.insert(part.path);
    } else {
      keep(i, std::move(differences));
    }
    return Ok{};
  }

  static bool was_there(const Step& step, const std::string& path) {
    return std::any_of(step.new_tree.begin(), step.new_tree.end(),
                       [&](const Stamped& e) { return join(step.path, e.first) == path; });
  }

  /// Whether there is room for what the step took away; keeps it from coming back otherwise, and
  /// returns true.
  Result<bool> check_room(size_t i) {
    const Step& step = steps_[i];
    if (items_[i].stays || items_[i].back.empty()) return false;
    if (step.from.empty() && (step.old_tree.empty() || !step.new_tree.empty())) return false;
    const std::string& path = step.from.empty() ? step.path : step.from;
    const char* why = nullptr;
    if (!lies_in_any(leaving_, path)) {
      Result<std::optional<Stamp>> now = tree::look(folders_, path);
      if (!now) return now.error();
      if (*now) {
        // Where names ignore case it may be what leaves under another spelling.
        const auto same = by_inode_.find((*now)->ino);
        Result<bool> free = false;
        if (same != by_inode_.end() && leaving_.contains(same->second))
          free = tree::one_name(folders_.top(), same->second, path);
        if (!free) return free;
        if (!*free) why = "was made meanwhile";
      }
    }
    const std::string above = folder_of(path);
    if (why == nullptr && !lies_in_any(coming_, above)) {
      Result<std::optional<Stamp>> folder = tree::look(folders_, above);
      if (!folder) return folder.error();
      if (!*folder || !S_ISDIR((*folder)->mode) || lies_in_any(leaving_, above)) {
        why = "has no folder any more";
      }
    }
    if (why == nullptr) return false;
    keep(i, {{path, why}});
    return true;
  }

  const std::vector<Step>& steps_;
  const bool undo_;
  tree::Folders folders_;
  std::vector<Item> items_;
  std::unordered_map<std::string, size_t> by_place_;
  std::unordered_map<uint64_t, std::string> by_inode_;  ///< what is where steps put something
  std::unordered_set<std::string> leaving_, coming_;
};

Result<WayBack> turn_round(int workspace, const std::vector<Step>& steps,
                           const std::vector<FolderStep>& folders, bool undo) {
  Result<WayBack> back = Turner(workspace, steps, undo).turn();
  if (!back) return back;
  Result<std::vector<FolderStep>> again = folders_back(workspace, folders, back->steps);
  if (!again) return again.error();
  back->folders = std::move(*again);
  return back;
}

}  // namespace

Result<WayBack> plan_undo(int workspace, const Record& record) {
  return turn_round(workspace, record.steps, record.folders, true);
}

Result<WayBack> plan_redo(int workspace, const Record& record) {
  return turn_round(workspace, record.undo_steps, record.undo_folders, false);
}

bool holds_closed_folders(const std::vector<Step>& steps, const std::vector<FolderStep>& folders) {
  auto closed = [](uint32_t mode) { return (mode & 0700) != 0700; };
  for (const Step& step : steps) {
    for (const auto& [path, stamp] : step.new_tree) {
      if (S_ISDIR(stamp.mode) && closed(stamp.mode)) return true;
    }
  }
  return std::any_of(folders.begin(), folders.end(),
                     [&](const FolderStep& f) { return closed(f.to_mode); });
}

}  // namespace sandbox
