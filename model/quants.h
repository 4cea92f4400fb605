#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace model {

/// Storage formats of tensors; the numbers are GGUF's.
enum class TensorType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  bf16 = 30,
};

/// Values are stored in blocks: `values` numbers in `bytes` bytes.
struct BlockLayout {
  std::string_view name;
  int values;
  int bytes;
};

/// nullopt for a type this build cannot read.
std::optional<BlockLayout> block_layout(TensorType type);

/// Bytes of a row of `n` values; n is a multiple of the block's values.
size_t row_bytes(TensorType type, uint64_t n);

/// Decodes out.size() values, a multiple of the block's values, from `row`.
/// Source: the formats are described block by block in quants.cpp.
void dequantize_row(TensorType type, const std::byte* row, std::span<float> out);

float f16_to_f32(uint16_t half);
/// Round to nearest even; overflow becomes infinity.
uint16_t f32_to_f16(float value);

}  // namespace model
