#include "sandbox/workspace/moves.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <optional>
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

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

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

}  // namespace

Status find_moves(std::vector<Change>& changes, int top, LayerReader& reader) {
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
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& c = changes[i];
    if (!is(c, ChangeKind::removed) || !added_sizes.contains(c.old_size)) continue;
    Result<UniqueFd> fd = tree::open_file(folders, c.path);
    if (!fd) continue;  // then it stays a removal
    Result<uint64_t> hash = content::hash(fd->get(), c.old_size, key);
    if (!hash) return hash.error();
    removed.add(*hash, name_of(c.path), i);
    removed_sizes.insert(c.old_size);
  }
  auto move = [&](Change& c, size_t index) {
    const Change& from = changes[index];
    c.kind = ChangeKind::moved;
    c.from = from.path;
    c.old_size = from.old_size;
    c.old_mode = from.old_mode;
  };
  std::vector<std::pair<size_t, uint64_t>> renamed;
  for (size_t i = 0; i < changes.size(); ++i) {
    Change& c = changes[i];
    if (!is(c, ChangeKind::added) || !removed_sizes.contains(c.new_size)) continue;
    Result<UniqueFd> fd = reader.file(c.path);
    if (!fd) return fd.error();
    Result<uint64_t> hash = content::hash(fd->get(), c.new_size, key);
    if (!hash) return hash.error();
    if (const std::optional<size_t> from = removed.take(*hash, name_of(c.path))) {
      move(c, *from);
    } else {
      renamed.push_back({i, *hash});
    }
  }
  for (const auto& [i, hash] : renamed) {
    if (const std::optional<size_t> from = removed.take(hash)) move(changes[i], *from);
  }
  std::vector<Change> kept;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!removed.taken(i)) kept.push_back(std::move(changes[i]));
  }
  changes = std::move(kept);
  return Ok{};
}

}  // namespace sandbox
