#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

/// Contents of regular files, by descriptor, from offset 0; the descriptor's own offset moves.
namespace sandbox::content {

/// Errors: system.
base::Result<bool> equal(int a, int b);

/// Errors: system.
base::Result<uint64_t> hash(int fd);

/// Copies all of `from`, at most `max_bytes`; holes stay holes. `to` is empty.
/// Errors: limit (`from` is larger), system (also: the disk is full).
base::Status copy(int from, int to, uint64_t max_bytes);

/// The first `max_bytes`. Errors: system.
base::Result<std::string> read(int fd, size_t max_bytes);

}  // namespace sandbox::content
