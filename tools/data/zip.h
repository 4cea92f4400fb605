#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tools::data {

/// A ZIP archive in memory: enough of the format for office documents (stored and deflated entries,
/// no encryption, no ZIP64).
class ZipReader {
 public:
  /// bytes: outlive the reader. name: what errors call the archive. Errors: corrupt, unsupported.
  static base::Result<ZipReader> open(std::string_view bytes, std::string name);
  bool has(std::string_view entry) const;
  /// The unpacked entry, checked against its CRC. Errors: not_found, corrupt, limit (more than
  /// `max_bytes`).
  base::Result<std::string> read(std::string_view entry, uint64_t max_bytes) const;

 private:
  struct Entry {
    std::string name{};
    uint16_t method = 0, flags = 0;
    uint32_t crc = 0, packed = 0, unpacked = 0, offset = 0;
  };
  std::string_view bytes_;
  std::string name_;
  std::vector<Entry> entries_;
};

/// Builds a ZIP archive of deflated entries; the same entries give the same bytes.
class ZipWriter {
 public:
  void add(const std::string& entry, std::string_view bytes);
  /// Entries that come in pieces: begin, any number of write, end.
  void begin(const std::string& entry);
  void write(std::string_view bytes);
  void end();
  /// The archive; call it once, last.
  std::string finish();
  uint64_t size() const { return archive_.size(); }

  ZipWriter();
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

 private:
  struct State;
  State* state_;
  std::string archive_;
};

}  // namespace tools::data
