#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace tools::file {

enum class Kind { file, folder, link, other };

/// One entry of a folder as it is, or as it will be after a plan.
struct Entry {
  std::string path{};
  Kind kind = Kind::file;
  uint64_t bytes = 0;       ///< of a file
  int64_t mtime_ns = 0;     ///< since 1970, UTC
  bool read_only = false;   ///< a folder in which we may not change names
  std::string target = {};  ///< of a link
  std::string origin = {};  ///< after a plan: where its content lay before; empty: it is new
  bool operator==(const Entry&) const = default;
};

/// All that lies in a folder, at any depth, each folder before what is in it.
struct Listing {
  std::vector<Entry> entries;
};

struct ListBounds {
  size_t entries = 200'000;
  int depth = 64;
};

/// Lists what lies beneath `top`; the folder `.tessera` is left out, links are not followed.
/// Errors: limit (more than `bounds`), system. A folder that cannot be read is listed as empty and
/// read-only.
base::Result<Listing> list(int top, const ListBounds& bounds = {});

/// The names nearest to `wanted` among paths, at most three: `"a.csv", "b.csv"`; or "".
std::string nearest(const std::vector<std::string>& paths, const std::string& wanted);

}  // namespace tools::file
