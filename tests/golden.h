#pragma once

#include <filesystem>

/// tests/golden/, wherever the tests run.
inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(TESSERA_GOLDEN_DIR) / name;
}
