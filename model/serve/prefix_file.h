#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace model {

/// One state on disk (the format is in the .cpp).
struct PrefixHeader {
  uint64_t fingerprint = 0;            ///< Engine::fingerprint()
  uint64_t id = 0;                     ///< prefix_id() of parent and keys
  uint64_t parent = 0;                 ///< id of the state it goes on from, 0: none
  int begin = 0, end = 0;              ///< positions that are new
  std::vector<PositionKey> keys = {};  ///< [end - begin]
  uint64_t rows_bytes = 0;
};

constexpr int kMaxPrefixPositions = 1 << 20;

/// Never 0.
uint64_t prefix_id(uint64_t parent, std::span<const PositionKey> keys);

uint64_t prefix_file_bytes(size_t n_keys, uint64_t rows_bytes);

/// Writes under a temporary name (".tmp" at the end), then renames. Only the owner may read it.
/// Errors: system.
base::Status write_prefix(const std::filesystem::path& path, const PrefixHeader& header,
                          std::span<const std::byte> rows);

/// The part of fixed length, which says where the state stands; no keys, and nothing that hashes
/// would tell is checked. Errors: not_found, corrupt, system.
base::Result<PrefixHeader> read_prefix_outline(const std::filesystem::path& path);

/// All but the rows, checked. Errors: not_found, corrupt, system.
base::Result<PrefixHeader> read_prefix_header(const std::filesystem::path& path);

/// The rows, after checking that everything in the file belongs to `expected`. between: called
/// after every 64 MiB, may be empty. Errors: as above.
base::Result<std::vector<std::byte>> read_prefix_rows(const std::filesystem::path& path,
                                                      const PrefixHeader& expected,
                                                      const std::function<void()>& between = {});

}  // namespace model
