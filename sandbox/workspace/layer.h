#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/workspace/snapshot.h"
#include "sandbox/workspace/tree.h"

namespace sandbox {

/// What a run wrote to the workspace, held apart from it.
struct Layer {
  /// Folder with the new content, as overlayfs (userxattr) keeps it; nobody else can reach it.
  /// None: nothing but folders is new.
  base::UniqueFd upper;
  Snapshot before;         ///< the workspace before the run
  bool only_adds = false;  ///< plain new files: nothing of the workspace is changed or removed
};

/// Reads a layer whose entries a hostile program made: opens what its modes forbid, and gives the
/// modes back at the end.
class LayerReader {
 public:
  explicit LayerReader(const Layer& layer) : top_(layer.upper.get()), folders_(layer.upper.get()) {}
  LayerReader(const LayerReader&) = delete;
  LayerReader& operator=(const LayerReader&) = delete;
  ~LayerReader();

  /// Opens a folder, whose parents were opened before. "" is the top. Errors: system.
  base::Result<base::UniqueFd> folder(const std::string& path);
  /// Opens a regular file whose folder was opened before. Errors: system.
  base::Result<base::UniqueFd> file(const std::string& path);

 private:
  int top_;
  tree::Folders folders_;
  std::vector<std::pair<std::string, mode_t>> unlocked_;
};

}  // namespace sandbox
