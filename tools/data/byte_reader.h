#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tools::data {

/// The bytes of a file from its current position on; those of a gzip file (by its first two bytes)
/// are unpacked on the way. Nothing but the packed and one piece of the unpacked bytes is held.
class ByteReader {
 public:
  /// name: what errors call the file.
  ByteReader(base::UniqueFd file, std::string name);
  ~ByteReader();
  ByteReader(ByteReader&&) noexcept;
  ByteReader& operator=(ByteReader&&) noexcept;

  /// Fills `buffer` as far as there are bytes; less than `size` only at the end. Errors: corrupt
  /// (the gzip data is broken or cut off), system.
  base::Result<size_t> read(char* buffer, size_t size);

 private:
  struct Gzip;
  base::Result<size_t> read_file(char* buffer, size_t size);
  base::Result<size_t> unpack(char* buffer, size_t size);

  base::UniqueFd file_;
  std::string name_;
  bool looked_ = false;
  char first_[2] = {};
  size_t n_first_ = 0;
  std::unique_ptr<Gzip> gzip_;
};

/// The whole of a text file, unpacked, of at most `max_bytes`. Errors: as read_whole; corrupt.
base::Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes);

}  // namespace tools::data
