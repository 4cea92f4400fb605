#include "sandbox/workspace/undo_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// A step is turned round if what it put in place is still what it put. A new tree in which somebody
// has changed or added something is taken away in parts: every part of it in which nothing is
// theirs, as large as can be, while the folders on the way to theirs stay.
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

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// Nothing may be at `path` now, and its folder must be there.
Result<std::optional<Conflict>> no_room(int workspace, const std::string& path) {
  Result<std::optional<Stamp>> now = tree::look(workspace, path);
  if (!now) return now.error();
  if (*now) return std::optional(Conflict{path, "was made meanwhile"});
  Result<std::optional<Stamp>> folder = tree::look(workspace, folder_of(path));
  if (!folder) return folder.error();
  if (!*folder || !S_ISDIR((*folder)->mode)) {
    return std::optional(Conflict{path, "has no folder any more"});
  }
  return std::optional<Conflict>();
}

/// Whether a file with the size and time of `put` has another content. Unreadable: no.
Result<bool> edited(tree::Folders& workspace, const std::string& path, const Stamp& put) {
  if (!S_ISREG(put.mode) || put.hash == 0) return false;
  Result<base::UniqueFd> file = tree::open_file(workspace, path);
  if (!file) return false;
  Result<uint64_t> hash = content::hash(file->get(), put.size, content::kRecordKey);
  if (!hash) return hash.error();
  return *hash != put.hash;
}

/// The parts of `now` that are as in `put`, and nothing else.
Result<std::vector<Step>> parts(tree::Folders& workspace, const std::string& path, const Tree& now,
                                const Tree& put, std::vector<Conflict>& conflicts) {
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
    Step step{.path = join(path, top), .old_tree = {}, .new_tree = {}};
    for (; i < now.size() && lies_in(now[i].first, top); ++i) {
      const size_t cut = std::min(now[i].first.size(), top.size() + !top.empty());
      step.old_tree.push_back({now[i].first.substr(cut), now[i].second});
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

/// The modes and times of before, where they are as the run left them.
Result<std::vector<FolderStep>> folders_back(int workspace,
                                             const std::vector<FolderStep>& folders) {
  std::vector<FolderStep> result;
  for (const FolderStep& f : folders) {
    Result<std::optional<Stamp>> now = tree::look(workspace, f.path);
    if (!now) return now.error();
    if (!*now || !S_ISDIR((*now)->mode)) continue;
    const uint32_t mode = (*now)->mode & 07777;
    const bool same_mode = mode == f.to_mode, same_time = (*now)->mtime_ns == f.to_mtime_ns;
    FolderStep back{.path = f.path,
                    .from_mode = mode,
                    .to_mode = same_mode ? f.from_mode : mode,
                    .from_mtime_ns = (*now)->mtime_ns,
                    .to_mtime_ns = f.from_mtime_ns,
                    .set_mode = true,
                    .set_mtime = same_time};
    result.push_back(std::move(back));
  }
  return result;
}

/// Of a step that only took something away: what it took comes back if there is room for it.
Status put_back(int workspace, const Step& step, WayBack& back) {
  Result<std::optional<Conflict>> conflict = no_room(workspace, step.path);
  if (!conflict) return conflict.error();
  if (*conflict) {
    back.conflicts.push_back(**conflict);
  } else {
    back.steps.push_back({step.path, {}, step.old_tree});
  }
  return Ok{};
}

}  // namespace

Result<WayBack> plan_undo(int workspace, const Record& record) {
  WayBack back;
  tree::Folders folders_of(workspace);
  for (const Step& step : record.steps) {
    if (step.new_tree.empty()) {
      if (Status done = put_back(workspace, step, back); !done) return done.error();
      continue;
    }
    Result<Tree> now = tree::list(folders_of, step.path, Closed::open);
    if (!now) return now.error();
    if (step.old_tree.empty() && now->empty()) continue;  // taken away by somebody already
    std::vector<Conflict> differences = compare(step.path, *now, step.new_tree, false);
    for (size_t i = 0; differences.empty() && i < step.new_tree.size(); ++i) {
      const auto& [name, stamp] = step.new_tree[i];
      Result<bool> other = edited(folders_of, join(step.path, name), stamp);
      if (!other) return other.error();
      if (*other) differences.push_back({join(step.path, name), "was changed meanwhile"});
    }
    if (differences.empty()) {
      back.steps.push_back({step.path, *now, step.old_tree});
    } else if (step.old_tree.empty() && now->front().second.ino == step.new_tree[0].second.ino &&
               S_ISDIR(now->front().second.mode)) {
      Result<std::vector<Step>> some =
          parts(folders_of, step.path, *now, step.new_tree, back.conflicts);
      if (!some) return some.error();
      std::move(some->begin(), some->end(), std::back_inserter(back.steps));
    } else {
      std::move(differences.begin(), differences.end(), std::back_inserter(back.conflicts));
    }
  }
  Result<std::vector<FolderStep>> folders = folders_back(workspace, record.folders);
  if (!folders) return folders.error();
  back.folders = std::move(*folders);
  return back;
}

Result<WayBack> plan_redo(int workspace, const Record& record) {
  WayBack back;
  for (const Step& step : record.undo_steps) {
    if (step.new_tree.empty()) {
      if (Status done = put_back(workspace, step, back); !done) return done.error();
      continue;
    }
    Result<Tree> now = tree::list(workspace, step.path, Closed::skip);
    if (!now) return now.error();
    std::vector<Conflict> differences = compare(step.path, *now, step.new_tree, false);
    if (differences.empty()) back.steps.push_back({step.path, *now, step.old_tree});
    std::move(differences.begin(), differences.end(), std::back_inserter(back.conflicts));
  }
  Result<std::vector<FolderStep>> folders = folders_back(workspace, record.undo_folders);
  if (!folders) return folders.error();
  back.folders = std::move(*folders);
  return back;
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
