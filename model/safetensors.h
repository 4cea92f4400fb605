#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "model/output_file.h"
#include "model/tensor.h"

namespace model {

/// The tensors of a safetensors file or of all shards of a checkpoint, mapped read-only; shapes are
/// turned round to GGUF's order. Tensor bytes point into the mappings and live as long as the
/// Safetensors. Types: F32, F16, BF16. Byte layout at the top of safetensors.cpp.
class Safetensors {
 public:
  /// path: a .safetensors file, or an index ("model.safetensors.index.json") whose shards lie
  /// beside it. Errors: not_found, system, corrupt, unsupported (a data type); the message names
  /// the file and the tensor.
  static base::Result<Safetensors> open(const std::filesystem::path& path);
  /// One file over bytes that outlive the result; for tests and fuzzing.
  static base::Result<Safetensors> parse(std::span<const std::byte> bytes, const std::string& name);

  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// nullptr where there is none.
  const StoredTensor* find(std::string_view name) const;

 private:
  Safetensors() = default;
  base::Status add(std::span<const std::byte> bytes, const std::string& name);
  std::vector<base::MappedFile> files_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

/// Shards of an index by tensor name, file names as written, checked to lie in the same folder.
/// Errors: corrupt.
base::Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view json,
                                                                         const std::string& name);

/// Writes one safetensors file: declare every tensor, then write their bytes in that order.
class SafetensorsWriter {
 public:
  /// shape: GGUF's order, as in StoredTensor. type: F32, F16 or BF16.
  void add_tensor(const std::string& name, std::span<const uint64_t> shape, TensorType type);
  /// Opens a temporary file beside `path` and writes the header.
  /// Errors: refused (the file exists and may not be replaced), system.
  base::Status begin(const std::filesystem::path& path, bool replace);
  /// The next bytes of the tensors, in any portions. Errors: system.
  base::Status write(std::span<const std::byte> bytes);
  /// Gives the file its name. Errors: internal (bytes are missing or too many), system.
  base::Status finish();

 private:
  struct Entry {
    std::string name;
    std::vector<uint64_t> shape;
    TensorType type;
    uint64_t bytes;
  };
  std::vector<Entry> entries_;
  OutputFile file_;
  uint64_t left_ = 0;
};

}  // namespace model
