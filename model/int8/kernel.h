#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/quants.h"

namespace model {

constexpr int kInt8Group = 32;      ///< values of x that share a scale
constexpr int kInt8PanelRows = 16;  ///< rows of W that are decoded together

/// Rows of activations rounded to int8: x = scale * value, a scale for each group of 32.
struct Int8Rows {
  int rows = 0;
  int width = 0;                   ///< a multiple of 32
  const int8_t* values = nullptr;  ///< [rows, width], -127..127
  const float* scales = nullptr;   ///< [rows, width / 32]
  const float* sums = nullptr;  ///< [rows, width / 32], scale times the sum of the group's values
  const float* half_sums = nullptr;  ///< [rows, width / 16], of each half of a group

  Int8Rows from(int row) const {
    const size_t r = static_cast<size_t>(row), w = static_cast<size_t>(width);
    return {rows - row,          width,
            values + r * w,      scales + r * (w / 32),
            sums + r * (w / 32), half_sums + r * (w / 16)};
  }
};

/// Sixteen rows of W as small integers: w = scale * value - min, a scale and a min for each group
/// of 32 columns (of 16 for Q6_K). Values are 0 .. 2^bits - 1; those of Q8_0 (bits 8) are as the
/// kernel wants them.
struct Int8Panel {
  int width = 0;
  int bits = 0;
  int group = 0;
  uint8_t* values = nullptr;  ///< [width / 4, 16, 4]
  float* scales = nullptr;    ///< [width / group, 16]
  float* mins = nullptr;      ///< [width / group, 16]
};

/// Whether the formats' values are small integers with scales; other types have no int8 product.
bool has_int8_form(TensorType type);
/// Bits and group of a panel of such a type.
int int8_bits(TensorType type);
int int8_group(TensorType type);

/// Products of stored weights and int8 activations for one instruction set. Integer sums are exact;
/// what comes out for a row of x does not depend on the other rows.
struct Int8Kernel {
  const char* name;
  bool (*supported)();

  /// y[t * y_stride + i] = dot of row i of W, for i in [begin, end), and row t of x, all rows of x.
  /// data: row 0 of W, `stride` bytes a row. Reads each stored byte once for every few rows of x.
  void (*multiply_rows)(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                        const Int8Rows& x, float* y, size_t y_stride);

  /// Decodes columns [column, column + panel.width) of `rows` (1..16) rows of W into a panel; rows
  /// past the last repeat it. Both are multiples of the format's block.
  void (*decode)(TensorType type, const std::byte* data, size_t stride, int rows, int column,
                 const Int8Panel& panel);

  /// y[t * y_stride + i] (+)= dot of row i of the panel, for i in [0, rows), and columns [column,
  /// column + panel.width) of row t of x.
  void (*multiply)(const Int8Panel& panel, int rows, const Int8Rows& x, int column, bool accumulate,
                   float* y, size_t y_stride);
};

extern const Int8Kernel kInt8Reference;
#if defined(__x86_64__)
extern const Int8Kernel kInt8Avx2;
extern const Int8Kernel kInt8Avx512Vnni;
#endif
#if defined(__aarch64__)
extern const Int8Kernel kInt8Neon;
#endif

/// Every kernel of this build, the reference first and then from slow to fast.
std::span<const Int8Kernel* const> all_int8_kernels();
/// The fastest one that is supported here.
const Int8Kernel& best_int8_kernel();

}  // namespace model
