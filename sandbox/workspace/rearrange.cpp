#include "sandbox/workspace/rearrange.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sandbox/workspace/links.h"
#include "sandbox/workspace/record.h"
#include "sandbox/workspace/text.h"
#include "sandbox/workspace/tree.h"

// A tree of nodes, in which each keeps what it was, goes through the steps. In the end a node
//
//   has another name or folder       it moves, with all below it that did not move by itself
//   is removed, its old folder not   it is removed, the same
//   is new, its folder is not        it is made, with the new folders in it
//
// whatever happened to it in between. So the journal gets as few steps as can be, and a file that
// was moved five times is moved once.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr size_t kMaxName = 255;
constexpr int kMaxLevels = 4 * kMaxDepth;  // in between; in the end there may be kMaxDepth

using Id = uint32_t;
constexpr Id kNone = ~Id{0};

struct Hash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

struct Node {
  std::string name{};
  Id parent = kNone;
  const Stamped* old = nullptr;  ///< null: a new folder
  Id old_parent = kNone;
  bool removed = false;  ///< itself; what is below it is not marked
  int height = 0;        ///< the most levels that were below it at any time
  std::unordered_map<std::string, Id, Hash, std::equal_to<>> children{};

  bool is_folder() const { return old == nullptr || S_ISDIR(old->second.mode); }
};

Error refused(const std::string& path, const std::string& why) {
  return {Errc::refused, printable(path) + ": " + why};
}

/// The workspace in memory.
class Model {
 public:
  explicit Model(const Snapshot& before) {
    nodes_.reserve(before.entries.size() + 1);
    std::vector<Id> way;  // the folders that lead to the entry, the top first
    for (const Stamped& entry : before.entries) {
      const std::string_view path = entry.first;
      if (path.empty()) {
        nodes_.push_back({.old = &entry});
        way = {0};
        continue;
      }
      const size_t depth = static_cast<size_t>(std::count(path.begin(), path.end(), '/')) + 1;
      way.resize(depth);
      const Id id = static_cast<Id>(nodes_.size()), parent = way.back();
      nodes_.push_back(
          {.name = name_of(path), .parent = parent, .old = &entry, .old_parent = parent});
      nodes_[parent].children.emplace(nodes_[id].name, id);
      raise(parent, 1);
      way.push_back(id);
    }
  }

  /// kNone: there is nothing.
  Id find(std::string_view path) const {
    Id at = 0;
    while (!path.empty()) {
      const size_t slash = std::min(path.find('/'), path.size());
      const auto child = nodes_[at].children.find(path.substr(0, slash));
      if (child == nodes_[at].children.end()) return kNone;
      at = child->second;
      path.remove_prefix(std::min(path.size(), slash + 1));
    }
    return at;
  }

  Status carry_out(const Rearrangement& step) {
    if (step.from.empty()) {
      Result<Id> folder = room_for(step.to);
      if (!folder) return folder.error();
      nodes_.push_back({});
      return put(static_cast<Id>(nodes_.size() - 1), *folder, step.to);
    }
    const Id id = find(step.from);
    if (id == kNone || id == 0) return refused(step.from, "it is not there");
    if (step.to.empty()) {
      nodes_[nodes_[id].parent].children.erase(nodes_[id].name);
      nodes_[id].removed = true;
      return Ok{};
    }
    Result<Id> folder = room_for(step.to);
    if (!folder) return folder.error();
    for (Id at = *folder; at != kNone; at = nodes_[at].parent) {
      if (at == id) return refused(step.from, "a folder cannot go into itself");
    }
    nodes_[nodes_[id].parent].children.erase(nodes_[id].name);
    return put(id, *folder, step.to);
  }

  size_t size() const { return nodes_.size(); }
  const Node& operator[](Id id) const { return nodes_[id]; }

  /// Whether the node, or a folder that it is in now, was removed.
  bool gone(Id id) const {
    for (; id != kNone; id = nodes_[id].parent) {
      if (nodes_[id].removed) return true;
    }
    return false;
  }

  /// Of a node that is not gone.
  std::string path(Id id) const {
    std::vector<std::string_view> names;
    for (; nodes_[id].parent != kNone; id = nodes_[id].parent) names.push_back(nodes_[id].name);
    std::string path;
    for (auto name = names.rbegin(); name != names.rend(); ++name) path = join(path, *name);
    return path;
  }

  /// Several names of one file are as good as each other: which of them goes where is chosen anew,
  /// so that a name that such a file has before and after does not change at all. The journal tells
  /// by the file where a step stands, and could not tell that a name is another now.
  void pair_hard_links() {
    std::unordered_map<uint64_t, std::vector<Id>> links;  // of files of which a name comes or goes
    auto is_file = [&](const Node& node) {                // of the workspace's own file system
      return node.old != nullptr && !node.is_folder() &&
             node.old->second.dev == nodes_[0].old->second.dev;
    };
    for (const Node& node : nodes_) {
      const bool changed = node.removed || place(node) != old_place(node);
      if (is_file(node) && changed) links.try_emplace(node.old->second.ino);
    }
    for (Id id = 0; id < nodes_.size(); ++id) {
      if (!is_file(nodes_[id])) continue;
      const auto at = links.find(nodes_[id].old->second.ino);
      if (at != links.end()) at->second.push_back(id);
    }
    for (const auto& [ino, ids] : links) {
      std::map<Place, Id> now;
      for (const Id id : ids) {
        if (!nodes_[id].removed) now[place(nodes_[id])] = id;
      }
      for (const Id id : ids) {
        const auto at = now.find(old_place(nodes_[id]));
        if (at == now.end() || at->second == id) continue;
        // It stays, and who took its name goes where it went. Nobody has it as an old name but it.
        Node &stays = nodes_[id], &goes = nodes_[at->second];
        std::swap(stays.name, goes.name);
        std::swap(stays.parent, goes.parent);
        std::swap(stays.removed, goes.removed);
        if (!goes.removed) now[place(goes)] = nodes_[goes.parent].children[goes.name] = at->second;
        at->second = nodes_[stays.parent].children[stays.name] = id;
      }
    }
  }

 private:
  using Place = std::pair<Id, std::string>;
  static Place place(const Node& node) { return {node.parent, node.name}; }
  static Place old_place(const Node& node) {
    return {node.old_parent, node.old == nullptr ? "" : name_of(node.old->first)};
  }

  /// Gives a node, which is in no folder, its path.
  Status put(Id id, Id folder, const std::string& path) {
    int levels = nodes_[id].height + 1;
    for (Id at = folder; nodes_[at].parent != kNone; at = nodes_[at].parent) ++levels;
    if (levels > kMaxLevels) return refused(path, "it would lie too many folders deep");
    nodes_[id].name = name_of(path);
    nodes_[id].parent = folder;
    nodes_[folder].children.emplace(nodes_[id].name, id);
    raise(folder, nodes_[id].height + 1);
    return Ok{};
  }

  void raise(Id id, int height) {
    for (; id != kNone && nodes_[id].height < height; id = nodes_[id].parent) {
      nodes_[id].height = height++;
    }
  }

  /// The folder that a new path is in, where the name is free.
  Result<Id> room_for(const std::string& path) const {
    const std::string name = name_of(path);
    if (name.empty() || name == "." || name == "..") return refused(path, "it is no path");
    const Id folder = find(folder_of(path));
    if (folder == kNone || !nodes_[folder].is_folder())
      return refused(path, "there is no folder for it");
    if (nodes_[folder].children.contains(name)) return refused(path, "it is taken");
    return folder;
  }

  std::vector<Node> nodes_;
};

/// Turns the model into a set.
struct Teller {
  const Model& model;
  const Snapshot& before;
  const policies::Protect& protect;
  int top;
  int64_t made_ns;
  ChangeSet set{};
  std::unordered_set<Id> changed{};  ///< folders in which names came or went

  /// Checks a folder in which names are changed.
  Status may_change(Id folder) {
    if (!changed.insert(folder).second) return Ok{};
    const Node& node = model[folder];
    if (node.old == nullptr) return Ok{};
    const auto& [path, stamp] = *node.old;
    if (is_protected(protect, node.name)) return refused(path, "its name is protected");
    if ((stamp.mode & 0300) != 0300) return refused(path, "the folder is read-only");
    if (stamp.dev != before.entries.front().second.dev)
      return refused(path, "it is on another file system");
    if (std::binary_search(before.unread.begin(), before.unread.end(), path, path_less))
      return refused(path, "it could not be looked through");
    return Ok{};
  }

  /// Checks that all of an old tree may leave its place.
  Status may_leave(const Node& node) {
    const auto& [path, stamp] = *node.old;
    if (std::string why = why_kept(before, path); !why.empty()) return refused(path, why);
    if (is_protected(protect, name_of(path))) return refused(path, "its name is protected");
    if (!is_printable(path) || path.size() > kMaxPath)
      return refused(path, "its name cannot be written down");
    const auto unread =
        std::lower_bound(before.unread.begin(), before.unread.end(), path, path_less);
    if (unread != before.unread.end() && lies_in(*unread, path))
      return refused(*unread, "it could not be looked through");
    if (!S_ISREG(stamp.mode) && !S_ISDIR(stamp.mode) && !S_ISLNK(stamp.mode))
      return refused(path, "it is neither a file, a folder nor a link");
    return Ok{};
  }

  static Status may_come(const std::string& path, const policies::Protect& protect) {
    const std::string name = name_of(path);
    if (is_protected(protect, name)) return refused(path, "its name is protected");
    if (!is_printable(name) || name.size() > kMaxName || path.size() > kMaxPath ||
        std::count(path.begin(), path.end(), '/') >= kMaxDepth)
      return refused(path, "its name is not UTF-8 without control characters, or too long");
    return Ok{};
  }

  Status move(Id id, const Node& node) {
    const std::string to = model.path(id);
    const auto& [from, stamp] = *node.old;
    for (const Status& s : {may_leave(node), may_come(to, protect), may_change(node.parent),
                            may_change(node.old_parent)}) {
      if (!s) return s;
    }
    const auto levels = [](const std::string& path) {
      return std::count(path.begin(), path.end(), '/');
    };
    if (S_ISDIR(stamp.mode)) {
      for (const auto& [path, inner] : before.tree(from)) {
        if (levels(path) - levels(from) + levels(to) >= kMaxDepth)
          return refused(path, "it would lie more than 64 folders deep");
        if (path.size() - from.size() + to.size() > kMaxPath)
          return refused(path, "its path would be too long");
      }
    }
    // Its ".." is written anew.
    if (node.parent != node.old_parent && S_ISDIR(stamp.mode) && (stamp.mode & 0200) == 0)
      return refused(from, "the folder is read-only");
    set.moves.push_back({from, to});
    set.changes.push_back({.kind = ChangeKind::moved,
                           .path = to,
                           .from = from,
                           .old_size = stamp.size,
                           .new_size = stamp.size,
                           .old_mode = stamp.mode,
                           .new_mode = stamp.mode});
    return Ok{};
  }

  Status remove(const Node& node) {
    for (const Status& s : {may_leave(node), may_change(node.old_parent)}) {
      if (!s) return s;
    }
    set.edits.push_back({.path = node.old->first, .replaces = true});
    return Ok{};
  }

  /// A new folder with the new folders in it.
  Status make(Id id) {
    const std::string path = model.path(id);
    for (const Status& s : {may_come(path, protect), may_change(model[id].parent)}) {
      if (!s) return s;
    }
    Edit edit{.path = path, .first = set.entries.size()};
    if (Status s = make_tree(id, path); !s) return s;
    edit.count = set.entries.size() - edit.first;
    set.edits.push_back(std::move(edit));
    return Ok{};
  }

  Status make_tree(Id id, const std::string& path) {
    if (Status s = may_come(path, protect); !s) return s;
    set.entries.push_back({.path = path, .mode = S_IFDIR | 0755, .mtime_ns = made_ns});
    set.changes.push_back({.kind = ChangeKind::added, .path = path, .new_mode = S_IFDIR | 0755});
    std::vector<std::string_view> names;  // in their order, as everything else
    for (const auto& [name, child] : model[id].children) {
      if (model[child].old == nullptr) names.push_back(name);
    }
    std::sort(names.begin(), names.end(), path_less);
    for (const std::string_view name : names) {
      if (Status s = make_tree(model[id].children.find(name)->second, join(path, name)); !s)
        return s;
    }
    return Ok{};
  }

  Status nodes() {
    for (Id id = 1; id < model.size(); ++id) {
      const Node& node = model[id];
      const bool gone = model.gone(id);
      if (node.old == nullptr) {
        if (gone || model[node.parent].old == nullptr) continue;
        if (Status s = make(id); !s) return s;
      } else if (gone) {
        if (model.gone(node.old_parent)) continue;
        if (Status s = remove(node); !s) return s;
      } else if (node.parent != node.old_parent || node.name != name_of(node.old->first)) {
        if (Status s = move(id, node); !s) return s;
      }
    }
    return Ok{};
  }

  /// Trees of removed things lie in the journal at their old paths, and new ones at their new
  /// paths: one that lies in another, but with something between them that moves, needs another
  /// place.
  void find_stores() {
    std::unordered_set<std::string_view> removed, made;
    for (const Edit& edit : set.edits) (edit.replaces ? removed : made).insert(edit.path);
    for (Edit& edit : set.edits) {
      const auto& others = edit.replaces ? removed : made;
      int level = 0;
      for (std::string at = folder_of(edit.path); !at.empty(); at = folder_of(at))
        level += others.contains(at);
      if (level > 0) edit.store = store_within(level, edit.path);
    }
  }

  void folders() {
    for (const Id id : changed) {
      const Node& node = model[id];
      const bool gone = model.gone(id);
      if (gone && node.old == nullptr) continue;
      FolderEdit edit{.mode = 0755, .mtime_ns = made_ns, .keep_time = true};
      if (!gone) edit.after = model.path(id);
      if (node.old != nullptr) {
        edit.before = node.old->first;
        edit.mode = node.old->second.mode & 07777;
      }
      set.folders.push_back(std::move(edit));
    }
    auto place = [](const FolderEdit& f) -> const std::string& {
      return f.after ? *f.after : *f.before;
    };
    std::sort(set.folders.begin(), set.folders.end(),
              [&](const auto& a, const auto& b) { return path_less(place(a), place(b)); });
  }

  /// The list of what is removed, for people.
  void tell_removed() {
    std::unordered_set<std::string_view> moved;
    for (const Move& move : set.moves) moved.insert(move.from);
    for (const Edit& edit : set.edits) {
      if (!edit.replaces) continue;
      std::string_view gone;
      for (const auto& [path, stamp] : before.tree(edit.path)) {
        if (!gone.empty() && lies_in(path, gone)) continue;
        if (path != edit.path && moved.contains(path)) {
          gone = path;
          continue;
        }
        set.changes.push_back({.kind = ChangeKind::removed,
                               .path = path,
                               .old_size = stamp.size,
                               .old_mode = stamp.mode});
      }
    }
  }

  /// Refuses what pair_hard_links() could not settle: a name that comes and one that goes, in
  /// folders that change themselves, and both of one file.
  Status check_hard_links() {
    auto check = [&](const std::string& path, const Stamp& file) -> Status {
      const Stamp* was = before.find(path);
      const Id now = model.find(path);
      const Node* is = now == kNone ? nullptr : &model[now];
      if (was == nullptr || was->ino != file.ino || was->dev != file.dev || is == nullptr ||
          is->old == nullptr || is->old->second.ino != file.ino || S_ISDIR(file.mode)) {
        return Ok{};
      }
      return refused(path,
                     "another name of the same file (a hard link) takes its place; do it in "
                     "two plans");
    };
    for (const Move& move : set.moves) {
      const Stamp& file = *before.find(move.from);
      for (const std::string& path : {move.from, move.to}) {
        if (Status s = check(path, file); !s) return s;
      }
    }
    for (const Edit& edit : set.edits) {
      if (!edit.replaces) continue;
      if (Status s = check(edit.path, *before.find(edit.path)); !s) return s;
    }
    return Ok{};
  }

  /// Refuses what would make a link lead out. That is found in a set in which everything that comes
  /// or goes is an edit of its own tree.
  Status check_links() {
    const bool any = std::any_of(before.entries.begin(), before.entries.end(),
                                 [](const Stamped& e) { return S_ISLNK(e.second.mode); });
    if (!any) return Ok{};
    std::vector<std::string> tops;
    for (const Move& move : set.moves) tops.insert(tops.end(), {move.from, move.to});
    for (const Edit& edit : set.edits) tops.push_back(edit.path);
    std::sort(tops.begin(), tops.end(), path_less);
    ChangeSet whole;
    for (const std::string& path : tops) {
      if (whole.edits.empty() || !lies_in(path, whole.edits.back().path)) {
        whole.edits.push_back({.path = path});
      }
    }
    for (Id id = 1; id < model.size(); ++id) {
      const Node& node = model[id];
      if (model.gone(id)) continue;
      const std::string path = model.path(id);
      const auto after = std::upper_bound(
          whole.edits.begin(), whole.edits.end(), path,
          [](const std::string& p, const Edit& e) { return path_less(p, e.path); });
      if (after == whole.edits.begin() || !lies_in(path, std::prev(after)->path)) continue;
      NewEntry entry{.path = path, .mode = S_IFDIR | 0755};
      if (node.old != nullptr) entry.mode = node.old->second.mode;
      if (S_ISLNK(entry.mode)) entry.target = link_target(top, node.old->first);
      whole.entries.push_back(std::move(entry));
    }
    std::sort(whole.entries.begin(), whole.entries.end(),
              [](const NewEntry& a, const NewEntry& b) { return path_less(a.path, b.path); });
    size_t at = 0;
    for (Edit& edit : whole.edits) {
      edit.first = at;
      while (at < whole.entries.size() && lies_in(whole.entries[at].path, edit.path)) ++at;
      edit.count = at - edit.first;
    }
    if (Status s = refuse_links_out(whole, before, top); !s) return s;
    if (whole.refusals.empty()) return Ok{};
    return refused(whole.refusals.front().path, whole.refusals.front().why);
  }
};

}  // namespace

Result<ChangeSet> rearrange(const std::vector<Rearrangement>& steps, const Snapshot& before,
                            const std::filesystem::path& workspace,
                            const policies::Protect& protect, const Quota& quota, int64_t made_ns) {
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  if (steps.size() > kMaxRearrangements) {
    return Error{Errc::limit, "the plan has more than " + std::to_string(kMaxRearrangements) +
                                  " steps; do it in several plans"};
  }
  Model model(before);
  for (const Rearrangement& step : steps) {
    if (Status s = model.carry_out(step); !s) return s.error();
  }
  model.pair_hard_links();
  Teller teller{model, before, protect, top->get(), made_ns};
  if (Status s = teller.nodes(); !s) return s.error();
  if (Status s = teller.check_hard_links(); !s) return s.error();
  ChangeSet& set = teller.set;
  if (set.changes.size() > quota.files) {
    return Error{Errc::limit, "the plan changes more than " + std::to_string(quota.files) +
                                  " files, the limit of files; nothing was changed"};
  }
  auto by_path = [](const auto& a, const auto& b) { return path_less(a.path, b.path); };
  // What leaves a name comes before what comes to it.
  std::stable_sort(set.edits.begin(), set.edits.end(), by_path);
  teller.find_stores();
  teller.folders();
  teller.tell_removed();
  if (Status s = teller.check_links(); !s) return s.error();
  std::stable_sort(set.changes.begin(), set.changes.end(), by_path);
  return std::move(set);
}

}  // namespace sandbox
