#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/gguf.h"
#include "model/output_file.h"
#include "model/quants.h"

namespace model {

/// general.file_type, as llama.cpp numbers what most matrices are.
uint32_t file_type(TensorType type);

/// Writes a GGUF file of version 3 front to back: metadata, then the declaration of every tensor,
/// then their bytes in that order. Nothing but the header is held in memory. The layout is
/// described in gguf.cpp.
class GgufWriter {
 public:
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, bool value);
  void add(std::string_view key, uint32_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, std::span<const int32_t> values);
  void add(std::string_view key, std::span<const float> values);
  void add(std::string_view key, std::span<const std::string_view> values);
  void add(std::string_view key, const std::vector<bool>& values);
  /// A value as Gguf::raw_value() gives it.
  void add_raw(std::string_view key, std::span<const std::byte> value);

  /// shape: contiguous axis first, whole blocks of `type`.
  void add_tensor(std::string_view name, std::span<const uint64_t> shape, TensorType type);

  /// Opens a temporary file beside `path` and writes the header.
  /// Errors: refused (the file exists and may not be replaced), not_found, system.
  base::Status begin(const std::filesystem::path& path, bool replace);
  /// The next bytes of the tensors, in any portions that do not cross from one tensor to the next.
  /// Errors: internal (more than was declared), system.
  base::Status write(std::span<const std::byte> bytes);
  /// Gives the file its name. Errors: internal (bytes are missing), refused, system.
  base::Status finish();
  uint64_t size() const { return file_.size(); }

 private:
  template <class T>
  void scalar(std::string& to, T value);
  void string(std::string& to, std::string_view value);
  std::string& entry(std::string_view key, uint32_t type);
  std::string& list(std::string_view key, uint32_t type, uint64_t n);

  std::string metadata_, declarations_;
  uint64_t n_metadata_ = 0;
  std::vector<uint64_t> sizes_;  // bytes of each tensor
  uint64_t offset_ = 0;
  OutputFile file_;
  size_t current_ = 0;    // tensor that the next byte belongs to
  uint64_t written_ = 0;  // of its bytes
};

}  // namespace model
