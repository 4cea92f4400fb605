#include "sandbox/workspace/moves.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

// Only files whose size occurs on both sides are read, once each for a hash; a pair with equal
// hashes is then compared byte by byte.

namespace sandbox {

using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

namespace {

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Status find_moves(std::vector<Change>& changes, int top, LayerReader& reader) {
  auto is = [](const Change& c, ChangeKind kind) {
    return c.kind == kind && S_ISREG(kind == ChangeKind::removed ? c.old_mode : c.new_mode);
  };
  std::set<uint64_t> added_sizes;
  for (const Change& c : changes) {
    if (is(c, ChangeKind::added) && c.new_size > 0) added_sizes.insert(c.new_size);
  }
  std::set<uint64_t> removed_sizes;
  std::multimap<std::pair<uint64_t, uint64_t>, size_t> removed;  // size and hash
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& c = changes[i];
    if (!is(c, ChangeKind::removed) || !added_sizes.contains(c.old_size)) continue;
    UniqueFd fd = tree::open_beneath(top, c.path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fd) continue;  // then it stays a removal
    Result<uint64_t> hash = content::hash(fd.get());
    if (!hash) return hash.error();
    removed.insert({{c.old_size, *hash}, i});
    removed_sizes.insert(c.old_size);
  }
  std::set<size_t> gone;
  std::map<size_t, uint64_t> hashes;
  for (const bool same_name : {true, false}) {
    for (size_t i = 0; i < changes.size(); ++i) {
      Change& c = changes[i];
      if (!is(c, ChangeKind::added) || !removed_sizes.contains(c.new_size)) continue;
      Result<UniqueFd> fd = reader.file(c.path);
      if (!fd) return fd.error();
      auto hash = hashes.find(i);
      if (hash == hashes.end()) {
        Result<uint64_t> fresh = content::hash(fd->get());
        if (!fresh) return fresh.error();
        hash = hashes.insert({i, *fresh}).first;
      }
      const auto [first, last] = removed.equal_range({c.new_size, hash->second});
      for (auto at = first; at != last; ++at) {
        const Change& from = changes[at->second];
        if (same_name && name_of(from.path) != name_of(c.path)) continue;
        UniqueFd old = tree::open_beneath(top, from.path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
        if (!old) continue;
        Result<bool> equal = content::equal(old.get(), fd->get());
        if (!equal) return equal.error();
        if (!*equal) continue;
        c.kind = ChangeKind::moved;
        c.from = from.path;
        c.old_size = from.old_size;
        c.old_mode = from.old_mode;
        gone.insert(at->second);
        removed.erase(at);
        break;
      }
    }
  }
  std::vector<Change> kept;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!gone.contains(i)) kept.push_back(std::move(changes[i]));
  }
  changes = std::move(kept);
  return Ok{};
}

}  // namespace sandbox
