#pragma once

#include <memory>

#include "tools/data/frame.h"

namespace tools::data {

/// An array of objects, or one object a line (ndjson, jsonl), as a Frame: columns in order of first
/// appearance, nested values as their JSON text. A column of texts gets the type its texts have, as
/// in a CSV file. Errors: not_found, corrupt, limit (over 256 MB), system; one sentence that begins
/// with the path.
base::Result<std::shared_ptr<Frame>> read_json(const std::string& path);

}  // namespace tools::data
