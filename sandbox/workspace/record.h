#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// What is done to one name. Trees have the paths relative to it, the top first; empty: nothing is
/// there. What lies in a tree and is the business of another step is not in it.
struct Step {
  std::string path;
  std::vector<Stamped> old_tree{};  ///< what it takes away, and expects to find
  std::vector<Stamped> new_tree{};  ///< what it puts there
  /// Of a move: where in the workspace new_tree lies before. It has no old_tree.
  std::string from{};
  /// Where in the journal's folders a tree lies that is not in the workspace; "": at its path.
  std::string store{};
};

/// Step::store of a tree that lies in `level` others which are stored, too, with something between
/// them that is not. No path begins with the journal's own name.
std::string store_within(int level, const std::string& path);

/// A folder that a step does not put or take away as a whole, or in which other steps do something.
struct FolderStep {
  /// Its path before and after. None: it does not exist then.
  std::optional<std::string> before{}, after{};
  uint32_t from_mode = 0, to_mode = 0;  ///< permission bits
  int64_t from_mtime_ns = 0, to_mtime_ns = 0;
  bool set_mode = false, set_mtime = false;
};

/// Where a run stands. Those with _back are being rolled back.
enum class RunState {
  applying,
  applying_back,
  kept,  ///< nothing was changed, because of a conflict; the new versions are in ID/new
  committed,
  checking,  ///< before an undo or redo: closed folders may have been opened for a look
  undoing,
  undoing_back,
  undone,
  redoing,
  redoing_back,
};

std::string_view state_name(RunState state);

/// All that the journal knows of a run; the file `run` or `pending` in the run's folder.
struct Record {
  std::string id;
  std::string label;
  int64_t time_ms = 0;  ///< since 1970
  RunState state = RunState::applying;
  uint64_t bytes = 0;  ///< what is kept for it, without this record
  size_t n_changes = 0;
  std::vector<Change> changes{};
  std::vector<Step> steps{}, undo_steps{};
  std::vector<FolderStep> folders{}, undo_folders{};
};

/// Two lines of JSON: the fields up to n_changes, and the rest.
std::string serialize(const Record& record);

/// `origin` names the file in messages. header_only: leaves out what the second line holds.
/// Errors: corrupt, also for a path that leaves the workspace or leads into the journal.
base::Result<Record> parse_record(std::string_view text, const std::string& origin,
                                  bool header_only);

}  // namespace sandbox
