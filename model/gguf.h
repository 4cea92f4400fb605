#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "model/tensor.h"

namespace model {

/// Metadata values, widened: integers and bools to int64/uint64, f32 to double.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view,
                               std::vector<double>, std::vector<std::string_view>>;

/// A GGUF file of version 2 or 3, mapped read-only: metadata parsed, tensors located, nothing
/// copied. Strings and tensor bytes point into the mapping and live as long as the Gguf. Source:
/// ggml docs/gguf.md; byte layout at the top of gguf.cpp.
class Gguf {
 public:
  /// Errors: not_found, system, corrupt (names what is wrong), unsupported (version, tensor type).
  static base::Result<Gguf> open(const std::filesystem::path& path);
  /// The same over bytes that outlive the result; for tests and fuzzing.
  static base::Result<Gguf> parse(std::span<const std::byte> bytes, const std::string& name);

  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// Keys in the order of the file.
  const std::vector<std::string>& keys() const { return keys_; }
  /// The bytes of a value with its type before them, to copy them as they are; empty where there is
  /// no such key.
  std::span<const std::byte> raw_value(std::string_view key) const;
  /// nullptr where there is none.
  const StoredTensor* find(std::string_view name) const;

  std::optional<uint64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> string(std::string_view key) const;
  const std::vector<std::string_view>* strings(std::string_view key) const;
  const std::vector<double>* numbers(std::string_view key) const;

 private:
  Gguf() = default;
  std::optional<base::MappedFile> file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<std::string> keys_;
  std::map<std::string, std::span<const std::byte>, std::less<>> raw_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

}  // namespace model
