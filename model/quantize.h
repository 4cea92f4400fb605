#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "model/quants.h"

namespace model {

/// Encodes `values`, whole blocks of `type`, into row_bytes(type, values.size()) bytes at `to`.
/// Values are finite. F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 give the bytes of ggml's
/// reference quantizers; the K formats have a search of their own (quantize.cpp) for the smallest
/// squared error.
void quantize_row(TensorType type, std::span<const float> values, std::byte* to);

/// The wanted type if rows of `width` values are whole blocks of it, else the narrowest wider one.
TensorType fitting(TensorType wanted, uint64_t width);

/// "Q4_K", "bf16", …: any case. nullopt for a name that is none.
std::optional<TensorType> tensor_type(std::string_view name);

}  // namespace model
