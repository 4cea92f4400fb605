#pragma once

#include <filesystem>

#include "base/result.h"
#include "model/gguf.h"
#include "model/thread_pool.h"
#include "model/training/parameter.h"

namespace model::training {

/// Writes the checkpoint `base` with the tensors of a full tuning in place of its own: matrices as
/// `type`, norms as F32. Replaces `out`. Errors: not_found (no such folder), system.
base::Status write_tuned(const Gguf& base, const std::filesystem::path& out,
                         const Parameters& parameters, TensorType type, ThreadPool& pool);

}  // namespace model::training
