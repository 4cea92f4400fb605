#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

/// Contents of regular files, by descriptor, from offset 0; the descriptor's own offset moves.
namespace sandbox::content {

/// Whether both have the same `size` bytes; what follows is not looked at. Errors: system.
base::Result<bool> equal(int a, int b, uint64_t size);

/// Nobody who does not know it can make two files with one hash.
using HashKey = std::array<uint64_t, 2>;
HashKey random_key();
/// Of the hashes in the journal. It is no secret: somebody who can also restore time and inode
/// could hide an edit of 2^32 tries from an undo, and only from it.
constexpr HashKey kRecordKey{0x7465737365726120, 0x756e646f6a6f7572};

/// SipHash-2-4 of the first `size` bytes. Errors: system.
/// Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012.
base::Result<uint64_t> hash(int fd, uint64_t size, const HashKey& key);
uint64_t hash(std::string_view text, const HashKey& key);

/// Copies all of `from`, at most `max_bytes`; holes stay holes. `to` is empty.
/// Errors: limit (`from` is larger), system (also: the disk is full).
base::Status copy(int from, int to, uint64_t max_bytes);

/// The first `max_bytes`. Errors: system.
base::Result<std::string> read(int fd, size_t max_bytes);

}  // namespace sandbox::content
