#pragma once

#include <string>

#include "base/result.h"
#include "sandbox/workspace/apply.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// Up to so many files are written out one by one, more by flushing the whole file system.
constexpr size_t kFewEntries = 64;

/// Copies the new trees of `set`, but for what is moved, out of the layer to `folder`/PATH beneath
/// `journal`, with modes and times as they will be, and the layer's user.* attributes. Files are of
/// our own, but those that root commits belong to whom the program ran as; without a layer, to whom
/// the workspace belongs. Errors: limit (a file is larger than it
/// was), system (also: the disk is full). durable: all of it is on the disk when this returns.
/// hashes: gets content::hash() with kRecordKey of each of set.entries that is a file, else 0.
base::Status stage(const ChangeSet& set, const Layer& layer, int workspace, int journal,
                   const std::string& folder, bool durable, std::vector<uint64_t>& hashes,
                   const StepHook& hook);

}  // namespace sandbox
