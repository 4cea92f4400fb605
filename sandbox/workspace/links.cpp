#include "sandbox/workspace/links.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "sandbox/workspace/tree.h"

// The kernel cannot be asked about a tree that does not exist yet, so links are followed here: the
// new entries first, then what the edits take away, then the workspace itself. A part of the way
// that does not exist is taken as a folder, because somebody may make it one later: stricter than
// the kernel, which only says that it is not there. Old links are followed as the kernel does it,
// since they are not what is judged.
//
// Refusing one link changes where others lead, so this goes on until nothing more is refused. The
// number of rounds is bounded: a program could entangle as many links as it can make.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr int kMaxHops = 40;  // as the kernel
constexpr int kMaxRounds = 16;

enum class Missing { is_folder, ends };

struct Node {
  bool exists = false;
  bool link = false;
  std::string target{};
  const NewEntry* entry = nullptr;
};

struct Tree {
  const ChangeSet* set;  ///< null: the workspace as it is
  int top;

  const Edit* covering(const std::string& path) const {
    auto after =
        std::upper_bound(set->edits.begin(), set->edits.end(), path,
                         [](const std::string& p, const Edit& e) { return path_less(p, e.path); });
    if (after == set->edits.begin()) return nullptr;
    const Edit& edit = *std::prev(after);
    return lies_in(path, edit.path) ? &edit : nullptr;
  }

  Node look(const std::string& path) const {
    if (set != nullptr) {
      auto at = std::lower_bound(
          set->entries.begin(), set->entries.end(), path,
          [](const NewEntry& e, const std::string& p) { return path_less(e.path, p); });
      if (at != set->entries.end() && at->path == path) {
        return {true, S_ISLNK(at->mode), at->target, &*at};
      }
      if (covering(path) != nullptr) return {};
    }
    Result<std::optional<Stamp>> stamp = tree::look(top, path);
    if (!stamp || !*stamp) return {};
    Node node{.exists = true, .link = S_ISLNK((*stamp)->mode)};
    if (node.link) node.target = link_target(top, path);
    return node;
  }

  /// Whether the link leads out; `bent` is the last new entry on the way.
  bool leaves(const std::string& link, const std::string& target, Missing missing,
              const NewEntry** bent) const {
    std::vector<std::string> stack, rest;
    auto push = [](std::vector<std::string>& parts, const std::string& path, bool reversed) {
      std::vector<std::string> found;
      for (size_t start = 0; start <= path.size();) {
        const size_t slash = std::min(path.find('/', start), path.size());
        if (slash > start) found.push_back(path.substr(start, slash - start));
        start = slash + 1;
      }
      if (reversed) std::reverse(found.begin(), found.end());
      parts.insert(parts.end(), found.begin(), found.end());
    };
    if (target.starts_with('/')) return true;
    push(stack, link, false);
    stack.pop_back();
    push(rest, target, true);
    for (int hops = 0; !rest.empty();) {
      const std::string part = rest.back();
      rest.pop_back();
      if (part == ".") continue;
      if (part == "..") {
        if (stack.empty()) return true;
        stack.pop_back();
        continue;
      }
      stack.push_back(part);
      std::string path;
      for (const std::string& s : stack) path = join(path, s);
      const Node node = look(path);
      if (node.entry != nullptr) *bent = node.entry;
      if (!node.exists && missing == Missing::ends) return false;
      if (!node.link) continue;
      if (++hops > kMaxHops) return false;
      if (node.target.starts_with('/')) return true;
      stack.pop_back();
      push(rest, node.target, true);
    }
    return false;
  }
};

void drop_all(ChangeSet& set,
              const std::set<std::string, bool (*)(std::string_view, std::string_view)>& paths) {
  auto dropped = [&](const std::string& path) {
    auto after = paths.upper_bound(path);
    return after != paths.begin() && lies_in(path, *std::prev(after));
  };
  std::vector<NewEntry> entries;
  std::vector<Edit> edits;
  for (Edit& edit : set.edits) {
    if (edit.count > 0 && dropped(edit.path)) continue;
    const size_t first = entries.size();
    // A dropped folder may hold a dropped link, and sorted paths put the folder first.
    std::string top;
    for (size_t i = edit.first; i < edit.first + edit.count; ++i) {
      const std::string& path = set.entries[i].path;
      if (!top.empty() && lies_in(path, top)) continue;
      if (dropped(path)) {
        top = path;
        continue;
      }
      entries.push_back(std::move(set.entries[i]));
    }
    edit.first = first;
    edit.count = entries.size() - first;
    edits.push_back(std::move(edit));
  }
  set.entries = std::move(entries);
  set.edits = std::move(edits);
}

using Paths = std::set<std::string, bool (*)(std::string_view, std::string_view)>;

}  // namespace

std::string link_target(int top, const std::string& path) {
  UniqueFd fd = tree::open_beneath(top, path, O_PATH | O_NOFOLLOW);
  char target[4096];
  const ssize_t n = fd ? readlinkat(fd.get(), "", target, sizeof target) : -1;
  return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

void drop(ChangeSet& set, const std::string& path) {
  Paths paths(path_less);
  paths.insert(path);
  drop_all(set, paths);
}

Status refuse_links_out(ChangeSet& set, const Snapshot& before, int top) {
  std::vector<const std::string*> old_links;
  for (const auto& [path, stamp] : before.entries) {
    if (S_ISLNK(stamp.mode)) old_links.push_back(&path);
  }
  for (int round = 0;; ++round) {
    Paths out(path_less);
    const Tree after{&set, top}, now{nullptr, top};
    for (const NewEntry& entry : set.entries) {
      if (!S_ISLNK(entry.mode)) continue;
      const NewEntry* bent = nullptr;
      if (round > kMaxRounds || after.leaves(entry.path, entry.target, Missing::is_folder, &bent)) {
        out.insert(entry.path);
        set.refusals.push_back(
            {entry.path, "a link that leads out of the workspace, to " + entry.target});
      }
    }
    for (const std::string* link : old_links) {
      if (set.edits.empty() || after.covering(*link) != nullptr) continue;
      const std::string target = link_target(top, *link);
      const NewEntry* bent = nullptr;
      if (!after.leaves(*link, target, Missing::ends, &bent) || bent == nullptr) continue;
      const NewEntry* none = nullptr;
      if (now.leaves(*link, target, Missing::ends, &none)) continue;  // it always did
      if (!out.insert(bent->path).second) continue;
      set.refusals.push_back(
          {bent->path, "it would make the link " + *link + " lead out of the workspace"});
    }
    if (out.empty()) return Ok{};
    if (round > 2 * kMaxRounds) {
      return Error{Errc::refused, "workspace: too many links that lead to each other"};
    }
    drop_all(set, out);
  }
}

}  // namespace sandbox
