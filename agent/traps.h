#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/loop.h"

namespace agent {

/// How notes of a call begin that say where its script leaves out what the plan or the request says
/// (plan_agreement.h).
inline constexpr std::string_view kScriptNote = "look at the script: ";

/// What speaks against the figures of a run. Of its calls: joins that multiplied rows, scripts that
/// leave something out; of the tables that they used: rows that are totals, rows and keys that come
/// twice, columns of mixed units. A sentence each.
std::vector<std::string> traps_of(const Run& run, const std::vector<MadeCall>& calls);

/// Adds a line with those that an answer does not say itself to it, as ours and not the model's.
base::Result<RunResult> with_notes(const Run& run, base::Result<RunResult> result);

}  // namespace agent
