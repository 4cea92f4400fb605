#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace model {

/// A file too large for memory, written front to back under a temporary name beside its own, which
/// it gets when it is whole. Dropped before commit(), it leaves nothing behind.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Errors: refused (`path` exists and `replace` is false), not_found (no such folder), system.
  base::Status open(const std::filesystem::path& path, bool replace);
  /// Appends. Errors: system.
  base::Status write(std::span<const std::byte> bytes);
  uint64_t size() const { return size_; }
  /// Flushes to the disk and takes the name; without `replace`, never that of a file that appeared
  /// meanwhile. Errors: refused, system.
  base::Status commit();

 private:
  std::filesystem::path path_;
  std::string temporary_;
  base::UniqueFd fd_;
  bool replace_ = false;
  uint64_t size_ = 0;
};

}  // namespace model
