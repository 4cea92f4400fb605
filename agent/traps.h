#pragma once

#include <string>
#include <vector>

#include "agent/loop.h"

namespace agent {

/// What is wrong with the tables that the calls of a run used and may have gone into its figures:
/// joins that multiplied rows; rows that are totals, rows and keys that come twice, columns of
/// mixed units. A sentence each.
std::vector<std::string> traps_of(const Run& run, const std::vector<MadeCall>& calls);

/// Adds a line with those that an answer does not say itself to it, as ours and not the model's.
base::Result<RunResult> with_notes(const Run& run, base::Result<RunResult> result);

}  // namespace agent
