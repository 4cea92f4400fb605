#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>

#include "base/result.h"
#include "model/gguf.h"
#include "model/thread_pool.h"

namespace model {

/// What becomes of a tensor on its way into another GGUF file.
struct Rewrite {
  TensorType type = TensorType::bf16;
  /// Writes the values of a row of the new tensor; called from several threads.
  std::function<void(uint64_t row, std::span<float> values)> row;
};

/// Writes the GGUF file `base` again as `out`: its metadata as they are and its tensors as `change`
/// says; nullopt: as stored. most: what general.file_type is to say; none: what it says.
/// Errors: refused (`out` exists and `replace` is false), not_found (no such folder), system.
base::Status rewrite_gguf(const Gguf& base, const std::filesystem::path& out, bool replace,
                          std::optional<TensorType> most,
                          const std::function<std::optional<Rewrite>(const StoredTensor&)>& change,
                          ThreadPool& pool);

/// Writes the checkpoint `base` with the adapter merged into the layers it changes. type: of the
/// layers that change, or a wider one where their rows are not whole blocks of it; none: as they
/// are stored, in their own blocks, which rounds them again.
/// The adapter's embedders, if it has any, go to `mmproj` where one is named.
/// Errors: as Checkpoint::open, Lora::open and rewrite_gguf; unsupported (`base` is a folder);
/// usage (embedders, but no mmproj; or a file to write is one to read or the other to write).
base::Status merge_adapter(const std::filesystem::path& base, const std::filesystem::path& adapter,
                           const std::filesystem::path& out, const std::filesystem::path& mmproj,
                           std::optional<TensorType> type, bool replace, ThreadPool& pool);

}  // namespace model
