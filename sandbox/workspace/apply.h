#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/workspace/record.h"
#include "sandbox/workspace/tree.h"

namespace sandbox {

/// Called before each step that the disk can see; a test ends the process there.
using StepHook = std::function<void(std::string_view what)>;

/// Steps to carry out, and where their trees are.
struct Plan {
  int workspace = -1;
  int journal = -1;   ///< the folder that holds `from` and `aside`
  std::string from;   ///< new trees, each at its Step::store or path
  std::string aside;  ///< where what is taken away goes, each the same
  std::string way;    ///< where moves that cannot go straight are in between; may be missing
  std::vector<Step> steps;
  std::vector<FolderStep> folders;
  tree::Closed closed = tree::Closed::skip;  ///< how the old trees were listed
  bool exchange = true;                      ///< false: as on a file system without RENAME_EXCHANGE
  const StepHook* hook = nullptr;
};

/// Carries the plan out in the order of schedule(), from wherever an earlier try stopped. What is
/// taken away is looked at once it is out of reach; if somebody had changed it, it is put back, and
/// the conflict is returned with the rest undone: roll_back() is next. Errors: system; roll_back()
/// is next, too.
base::Result<std::vector<Conflict>> apply(const Plan& plan);

/// An original that did not get its name back.
struct Left {
  std::string path;         ///< which somebody else has now
  std::string place;        ///< where it lies: beneath the journal, or
  bool in_journal = false;  ///< beneath the workspace
};

/// Undoes what apply() did so far. What somebody put in the way meanwhile stays, and what it keeps
/// from coming back is returned. Errors: system.
base::Result<std::vector<Left>> roll_back(const Plan& plan);

/// Puts back the modes of folders in the plan's trees that were opened for a look or a move and
/// stayed open because the process was ended. Errors: system.
base::Status close_trees(const Plan& plan);

/// The same, and those of the plan's folders as they are at its end. Errors: system.
base::Status relock(const Plan& plan);

}  // namespace sandbox
