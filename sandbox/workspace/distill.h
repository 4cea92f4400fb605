#pragma once

#include <filesystem>

#include "sandbox/workspace/layer.h"

namespace sandbox {

/// Makes an upper layer, as find_changes() reads it, of a layer that began as a copy of the
/// workspace: takes out what is still the same, and puts a whiteout where something is missing.
/// Only content, modes, times and link targets count. What the program did inside a folder that
/// layer.before could not read is dropped. Errors: not_found (the workspace), system.
base::Status distill(Layer& layer, const std::filesystem::path& workspace);

}  // namespace sandbox
