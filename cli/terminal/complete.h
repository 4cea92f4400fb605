#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal/style.h"

namespace cli {

/// What the end of a line may become.
struct Completion {
  size_t begin = 0;                          ///< where in the line the candidates begin
  std::vector<std::string> candidates = {};  ///< sorted; each begins with what stands there

  /// What all of them begin with; of a single one that is no folder, a space behind it.
  std::string common() const;
};

/// Of a line of `tessera chat` up to the cursor: its command, or a file of the workspace, for
/// /data or as the last word of a request. Names that a terminal would not show as they are, hidden
/// ones that are not asked for, and what lies outside the folder are left out.
Completion complete(std::string_view line, const std::filesystem::path& workspace);

/// Words side by side in columns, for a person to choose from; of many only the first ones.
std::string in_columns(const std::vector<std::string>& words, const Look& look);

}  // namespace cli
