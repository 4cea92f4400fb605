#pragma once

#include <memory>
#include <string>

#include "tools/data/frame.h"

namespace tools::data {

/// One table or view of an SQLite database. The file is read as bytes after the path was checked
/// and opened from memory, read-only: SQLite itself opens no file, so no lock is taken, no journal
/// is made and nothing outside the workspace can be attached. table: empty: the only one there is.
/// Errors: not_found, refused, corrupt, unsupported, limit (256 MB, 4096 columns, a view that takes
/// too long), usage (no such table, or several: it names them). One sentence that begins with the
/// path.
base::Result<std::shared_ptr<Frame>> read_sqlite(const std::string& path, const std::string& table);

}  // namespace tools::data
