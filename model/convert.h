#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/quants.h"

namespace model {

struct ConvertOptions {
  /// Folder to GGUF: where the picture and sound embedders go. GGUF to folder: where they come
  /// from.
  std::filesystem::path mmproj = {};
  /// Adapters: the checkpoint they were made for; empty: the one the adapter names.
  std::filesystem::path base = {};
  /// Format of the matrices; none: as they are stored (a folder gets BF16).
  std::optional<TensorType> type = {};
  bool replace = false;  ///< existing files may be replaced
  int threads = 0;       ///< 0: one per CPU
  /// Called now and then with the values done and the values in all.
  std::function<void(uint64_t done, uint64_t total)> progress = {};
};

struct ConvertReport {
  std::vector<std::filesystem::path> written;
  std::vector<std::string> notes;  ///< what a person should know: left out, rounded, fallen back
  uint64_t tensors = 0;
  uint64_t bytes = 0;
};

/// Converts by what `in` is:
///   folder of a decoder or drafter -> GGUF file, with mmproj also a clip GGUF file
///   GGUF decoder or drafter        -> folder (config.json, model.safetensors, tokenizer.json)
///   PEFT folder                    -> GGUF adapter, and back
/// Tensors are streamed row by row; memory does not grow with the checkpoint. Errors: refused (a
/// file exists), corrupt, unsupported, usage, system; half-written files are removed.
base::Result<ConvertReport> convert(const std::filesystem::path& in,
                                    const std::filesystem::path& out,
                                    const ConvertOptions& options);

/// Writes the GGUF file `in` again with its matrices in `type`; metadata is copied. Vectors and
/// norms stay as they are; rows that are not whole blocks of `type` get a wider format, which the
/// report names. Errors: as convert().
base::Result<ConvertReport> quantize_gguf(const std::filesystem::path& in,
                                          const std::filesystem::path& out, TensorType type,
                                          const ConvertOptions& options);

}  // namespace model
