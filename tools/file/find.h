#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/file/listing.h"

namespace tools::file {

struct FindOptions {
  std::string glob = "**";    ///< as Pattern::glob, over the path
  std::string type = "file";  ///< file, folder, link, any
  uint64_t min_bytes = 0;
  uint64_t max_bytes = UINT64_MAX;
  std::string since{};         ///< changed on this day (2024-05-31, UTC) or later
  std::string until{};         ///< or earlier
  std::string contains{};      ///< text in the content, of files up to 64 MB
  bool ignore_case = false;    ///< of the glob
  std::string order = "name";  ///< name, date (newest first), size (largest first)
  size_t limit = 200;
};

struct Found {
  struct Hit {
    Entry entry{};
    size_t line = 0;     ///< of the first place with `contains`, from 1 on
    std::string text{};  ///< that line, at most 200 bytes
  };
  std::vector<Hit> hits;
  size_t total = 0;  ///< with those beyond the limit
};

/// Errors: usage (a field), limit (too many files), system.
base::Result<Found> find(int top, const FindOptions& options);

/// "a/b.csv  1234 bytes  2024-05-31", a line each, and how many more.
std::string found_text(const Found& found);

}  // namespace tools::file
