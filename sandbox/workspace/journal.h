#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/area.h"
#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/diff.h"
#include "sandbox/workspace/record.h"

namespace sandbox {

/// The runs that changed a workspace, and the way back.
///
/// A commit is all or nothing: a process that is killed at any moment leaves a workspace that is,
/// after the next call, exactly as before the run or exactly as after it. Originals are kept by
/// rename, so undo gives back the very files, with their modes, times, attributes and hard links.
/// What somebody changed meanwhile is a conflict: nothing is changed then and nothing is lost.
///
/// The state lies in WORKSPACE/.tessera/undo; docs/undo.md describes it. Each call takes a lock
/// there, first finishes or takes back what a killed process left, and then does its work. Any
/// number of processes and threads may have a Journal of the same workspace.
class Journal {
 public:
  struct Options : AreaOptions {
    size_t keep_runs = 50;             ///< what commit() prunes to
    uint64_t keep_bytes = 1ull << 30;  ///< the same, over all runs; the newest is always kept
  };

  struct Info {
    std::string id;  ///< `0001`, …: by age
    std::string label;
    int64_t time_ms = 0;
    RunState state = RunState::committed;
    size_t n_changes = 0;
    uint64_t bytes = 0;  ///< of disk that is kept for it
  };

  struct Run {
    Info info;
    std::vector<Change> changes;
  };

  struct Committed {
    std::string id;                   ///< "" if there was nothing to commit
    std::vector<std::string> pruned;  ///< ids of runs that were forgotten to make room
  };

  struct Undone {
    std::string id;
    std::vector<Conflict> kept;  ///< left as it is, because somebody changed it after the run
  };

  /// Errors: not_found (no such folder), corrupt (a journal that is damaged or of another folder),
  /// system.
  static base::Result<Journal> open(const std::filesystem::path& workspace, Options options);
  static base::Result<Journal> open(const std::filesystem::path& workspace) {
    return open(workspace, Options());
  }

  /// Brings the changes into the workspace. label: one line for people. time_ms: since 1970.
  /// Errors: refused (a conflict; nothing was changed, the new versions are kept, and the message
  /// says where), limit, corrupt, system.
  base::Result<Committed> commit(const ChangeSet& set, const Layer& layer, std::string_view label,
                                 int64_t time_ms);

  /// The oldest first. Errors: corrupt, system.
  base::Result<std::vector<Info>> list();

  /// "" is the newest. Errors: not_found, corrupt, system.
  base::Result<Run> run(const std::string& id);

  /// What a change did to a file's lines. The new side is the file as it is now, or what an undo
  /// took away. Errors: not_found, corrupt, system.
  base::Result<std::string> diff(const std::string& id, const Change& change,
                                 const DiffBounds& bounds = {});

  /// Makes the workspace as it was before the run; "" is the newest that is not undone. Files that
  /// somebody added to a folder of the run stay, and so does the folder. keep_mine: leaves alone
  /// what was changed after the run, where else it is an error. What is taken away is kept for
  /// redo(). Errors: refused (changed meanwhile; nothing was undone), not_found, usage (undone
  /// already), corrupt, system.
  base::Result<Undone> undo(const std::string& id, bool keep_mine = false);

  /// Takes an undo back; "" is the newest that is undone. Errors: as undo().
  base::Result<Undone> redo(const std::string& id);

  /// Forgets the oldest runs until the bounds hold; the newest is always kept. Returns their ids.
  /// Errors: corrupt, system.
  base::Result<std::vector<std::string>> prune(size_t keep_runs, uint64_t keep_bytes);

 private:
  Journal(std::filesystem::path workspace, Options options)
      : workspace_(std::move(workspace)), options_(std::move(options)) {}

  /// Undoes a committed run or redoes an undone one.
  base::Result<Undone> turn(const std::string& id, RunState from, bool keep_mine);

  std::filesystem::path workspace_;
  Options options_;
};

}  // namespace sandbox
