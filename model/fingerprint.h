#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>

namespace model {

/// Hash of bytes, the same on every machine; any change of a few bytes changes it. Not for secrets.
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed = 0);

/// Hash of what decides the keys and values an engine computes: of each file (or the files of each
/// folder; empty paths are skipped) its name, size, time of change and first MiB, of the kernels
/// this machine multiplies with, and of `more`.
uint64_t fingerprint(std::initializer_list<std::filesystem::path> paths,
                     std::initializer_list<uint64_t> more);

}  // namespace model
