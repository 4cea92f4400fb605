#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace base {

/// A whole regular file mapped read-only. Moves, never copies.
class MappedFile {
 public:
  /// Errors: not_found, usage (not a regular file), system.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace base
