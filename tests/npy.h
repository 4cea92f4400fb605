#pragma once

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/file.h"

/// Reads an .npy file of version 1 with little-endian f32, i32 or u8 values in C order; for goldens
/// only.
template <class T>
std::vector<T> read_npy(const std::filesystem::path& path) {
  base::Result<std::string> bytes = base::read_file(path, size_t{1} << 28);
  if (!bytes) throw std::runtime_error(bytes.error().message);
  const std::string& s = *bytes;
  if (s.size() < 10 || s.compare(1, 5, "NUMPY") != 0)
    throw std::runtime_error(path.string() + ": not .npy");
  const size_t header = static_cast<unsigned char>(s[8]) + 256u * static_cast<unsigned char>(s[9]);
  const std::string kind = std::is_same_v<T, float>     ? "<f4"
                           : std::is_same_v<T, uint8_t> ? "|u1"
                                                        : "<i4";
  if (s.substr(10, header).find(kind) == std::string::npos)
    throw std::runtime_error(path.string() + ": expected " + kind);
  std::vector<T> values((s.size() - 10 - header) / sizeof(T));
  std::memcpy(values.data(), s.data() + 10 + header, values.size() * sizeof(T));
  return values;
}
