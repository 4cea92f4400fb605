#pragma once

#include <string>

#include "base/result.h"

namespace tools::file {

/// Makes a file, with its folders, or gives it a new content. The new content is there at once or
/// not at all. Returns what changed: a unified diff, or one sentence.
/// Errors: usage (path, a folder), refused (a link, no permission), limit (16 MB), system.
base::Result<std::string> write_file(int top, const std::string& path, const std::string& content);

/// Replaces the text `old_text`, which must be there exactly once, or with `all` any number of
/// times. Returns the diff. Errors: usage (not there, with the nearest line; there more than once,
/// with the lines), not_found, limit, as write_file().
base::Result<std::string> edit_file(int top, const std::string& path, const std::string& old_text,
                                    const std::string& new_text, bool all);

}  // namespace tools::file
