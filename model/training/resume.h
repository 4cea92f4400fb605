#pragma once

#include <filesystem>

#include "base/result.h"
#include "model/training/adamw.h"

namespace model::training {

/// Writes values and moments in full precision, whole or not at all. run: what identifies the
/// training (its data and options). Errors: system, not_found (no such folder).
base::Status save_state(const std::filesystem::path& path, const Parameters& parameters,
                        const AdamW& optimizer, uint64_t run);

/// Reads what save_state() wrote, into parameters and moments of the same training.
/// Errors: not_found, corrupt (not such a file), usage (of another training).
base::Status load_state(const std::filesystem::path& path, const Parameters& parameters,
                        AdamW& optimizer, uint64_t run);

}  // namespace model::training
