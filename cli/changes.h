#pragma once

#include <string>

namespace cli {

struct ChangesOptions {
  std::string workspace = ".", run = {};
  bool json = false, diff = false, keep_mine = false, redo = false;
};

/// What runs did to a workspace, printed; the exit code.
int show_changes(const ChangesOptions& options);
/// Gives back what one changed, and says so; the exit code.
int undo_run(const ChangesOptions& options);

}  // namespace cli
