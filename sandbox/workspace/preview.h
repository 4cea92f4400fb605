#pragma once

#include <filesystem>
#include <string>

#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/diff.h"

namespace sandbox {

/// One side of a diff: the text of a file, or where a link leads; "" for anything else and where
/// nothing is. At most bounds.input_bytes and one more, so that unified_diff() says that it is too
/// large. Errors: system.
base::Result<std::string> read_side(int top, const std::string& path, const DiffBounds& bounds);

/// The path that the old side of a change has.
const std::string& old_path(const Change& change);
/// The diff of a change, given both sides.
std::string change_diff(const Change& change, std::string_view old_text, std::string_view new_text,
                        const DiffBounds& bounds);

/// What a change that is still in its layer would do to a file's lines. Errors: not_found (the
/// workspace), system.
base::Result<std::string> preview(const Layer& layer, const std::filesystem::path& workspace,
                                  const Change& change, const DiffBounds& bounds = {});

}  // namespace sandbox
