#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/layer.h"

namespace sandbox {

enum class ChangeKind {
  added,
  changed,
  removed,
  moved,  ///< a file that was removed, and one with equal content that was added; or the very file
          ///< or folder
  mode,   ///< same content, other mode or time
};

/// `added`, `changed`, …
std::string_view kind_name(ChangeKind kind);

/// What happened to one path of the workspace.
struct Change {
  ChangeKind kind = ChangeKind::changed;
  std::string path;
  std::string from{};                   ///< where a moved file was
  uint64_t old_size = 0, new_size = 0;  ///< bytes; 0 for folders
  uint32_t old_mode = 0, new_mode = 0;  ///< with the type bits; 0: there was, or is, none

  bool operator==(const Change&) const = default;
};

/// Something that a program made or did that does not reach the workspace.
struct Refusal {
  std::string path;
  std::string why;

  bool operator==(const Refusal&) const = default;
};

/// A path that somebody else changed after the snapshot.
struct Conflict {
  std::string path;
  std::string why;

  bool operator==(const Conflict&) const = default;
};

/// `A, B and 3 more`, each `path: why`, for a message.
std::string describe(const std::vector<Conflict>& conflicts);

/// The most that one run may bring into the workspace.
struct Quota {
  uint64_t bytes = 1ull << 30;  ///< sum of the sizes of new files; a hole counts like data
  uint64_t files = 10'000;      ///< new files, folders and links
};

/// One entry of the layer that is to come into the workspace.
struct NewEntry {
  std::string path;
  uint32_t mode = 0;  ///< as it will be, with the type bits
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  std::string target{};  ///< of a link
  bool moved = false;    ///< what is at its place comes by one of ChangeSet::moves
};

/// What is done to one name of the workspace. Those of find_changes() never lie in each other.
struct Edit {
  std::string path;
  size_t first = 0, count = 0;  ///< the new tree in ChangeSet::entries; none: it is removed
  bool replaces = false;        ///< something was there before
  std::string store{};          ///< Step::store
};

/// The very file or folder gets another name. A folder comes with all in it that is not the
/// business of another move or edit.
struct Move {
  std::string from, to;
};

/// A folder that stays and gets another mode or time, or in which something is done.
struct FolderEdit {
  /// Its path before and after. None: it does not exist then.
  std::optional<std::string> before{}, after{};
  uint32_t mode = 0;  ///< permission bits
  int64_t mtime_ns = 0;
  bool keep_time = false;  ///< the time it has, plus what the edits in it do to that
};

/// What a layer means for the workspace.
struct ChangeSet {
  std::vector<Change> changes;    ///< for people: every file, by path
  std::vector<Refusal> refusals;  ///< by path
  std::vector<Conflict> conflicts;

  // For Journal::commit().
  std::vector<NewEntry> entries;
  std::vector<Edit> edits;
  std::vector<Move> moves;
  std::vector<FolderEdit> folders;

  bool empty() const { return edits.empty() && moves.empty() && folders.empty(); }
};

/// Compares the layer with the workspace. Nothing is changed.
///
/// Refused, so that the original stays: protected names at any depth, and the removal or
/// replacement of a folder that holds one, as a whole; links that would leave the workspace by
/// whatever way once all is in place, or make one leave that did not; devices, FIFOs and sockets;
/// names that are not UTF-8 or hold control characters, paths longer than 4000 bytes; what lies in
/// a folder that could not be read before, or on another file system. Set-uid, set-gid and sticky
/// bits that were not there before are dropped and reported, the file is kept. A folder that was
/// removed and made anew is the same folder with other content. Hard links become files of their
/// own. A file that was moved and has the same content, mode, time and attributes is the very file.
/// Errors: limit (over the quota; it names it), refused (too many entries, too deep), system.
base::Result<ChangeSet> find_changes(const Layer& layer, const std::filesystem::path& workspace,
                                     const policies::Protect& protect, const Quota& quota);

/// How the tree at `path` differs from what it was: nothing, or the paths. Both lists have paths
/// relative to `path`. Of a folder only its mode counts, and that it is the same one; what lies in
/// it is compared by itself.
std::vector<Conflict> compare(const std::string& path, const std::vector<Stamped>& now,
                              const std::vector<Stamped>& expected, bool with_ctime);

/// Why what is at `path` may not be taken away: "it holds .git, which is protected"; or "".
std::string why_kept(const Snapshot& before, const std::string& path);

/// As Snapshot::tree(), with paths relative to `path`.
std::vector<Stamped> relative_tree(const Snapshot& snapshot, const std::string& path);

}  // namespace sandbox
