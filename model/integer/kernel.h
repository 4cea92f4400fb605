#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/quants.h"

namespace model {

constexpr int kIntegerGroup = 32;      ///< values of x that share a scale
constexpr int kIntegerPanelRows = 16;  ///< rows of W that are decoded together
constexpr int kNibbleColumns = 128;
constexpr int kMostNibbleColumns = 4096;  ///< their sums fit into 32 bits

/// Rows of activations rounded to integers: x = scale * value, a scale for each group of 32. The
/// values are bytes or words: words lose next to nothing, bytes are multiplied twice as fast.
struct IntegerRows {
  int rows = 0;
  int width = 0;                   ///< a multiple of 32
  const int8_t* bytes = nullptr;   ///< [rows, width], -127..127; or null
  const int16_t* words = nullptr;  ///< [rows, width], -32767..32767; or null
  const float* scales = nullptr;   ///< [rows, width / 32]
  const float* sums = nullptr;  ///< [rows, width / 32], scale times the sum of the group's values
  const float* half_sums = nullptr;  ///< [rows, width / 16], of each half of a group

  IntegerRows from(int row) const {
    const size_t r = static_cast<size_t>(row), w = static_cast<size_t>(width);
    return {.rows = rows - row,
            .width = width,
            .bytes = bytes == nullptr ? nullptr : bytes + r * w,
            .words = words == nullptr ? nullptr : words + r * w,
            .scales = scales + r * (w / 32),
            .sums = sums + r * (w / 32),
            .half_sums = half_sums + r * (w / 16)};
  }
};

/// Sixteen rows of W as small integers: w = scale * value - min, a scale and a min for each group
/// of 32 columns (of 16 for Q6_K). Values are 0 .. 2^bits - 1; those of Q8_0 (bits 8) are signed,
/// unless the kernel wants its bytes otherwise.
struct IntegerPanel {
  int width = 0;
  int bits = 0;
  int group = 0;
  uint8_t* bytes = nullptr;  ///< [width / 4, 16, 4], for rows of x in bytes; or null
  int16_t* words = nullptr;  ///< [width / 2, 16, 2], for rows of x in words; or null
  float* scales = nullptr;   ///< [width / group, 16]
  float* mins = nullptr;     ///< [width / group, 16]
};

/// Whether the formats' values are small integers with scales; other types have no integer product.
bool has_integer_form(TensorType type);
/// Bits and group of a panel of such a type.
int integer_bits(TensorType type);
int integer_group(TensorType type);

/// Products of stored weights and rounded activations for one instruction set. Integer sums are
/// exact; what comes out for a row of x does not depend on the other rows.
struct IntegerKernel {
  const char* name;
  bool (*supported)();

  /// Rounds groups of 32 values of x, each to multiples of its largest / 127 in bytes, or / 32767
  /// in words; one of the two is null. For each group scales and sums, and half_sums for its
  /// halves, as in IntegerRows. A group with a value that is not finite gets a scale that is not.
  void (*round)(const float* x, int groups, int8_t* bytes, int16_t* words, float* scales,
                float* sums, float* half_sums);

  /// y[t * y_stride + i] = dot of row i of W, for i in [begin, end), and row t of x, all rows of x.
  /// data: row 0 of W, `stride` bytes a row. Reads each stored byte once for every few rows of x.
  void (*multiply_rows)(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                        const IntegerRows& x, float* y, size_t y_stride);

  /// Decodes columns [column, column + panel.width) of `rows` (1..16) rows of W into a panel; rows
  /// past the last repeat it. Both are multiples of the format's block.
  void (*decode)(TensorType type, const std::byte* data, size_t stride, int rows, int column,
                 const IntegerPanel& panel);

  /// y[t * y_stride + i] (+)= dot of row i of the panels, for i in [0, rows), and columns [column,
  /// column + panel.width) of row t of x. All panels but the last are full, and they have one
  /// width.
  void (*multiply)(std::span<const IntegerPanel> panels, int rows, const IntegerRows& x, int column,
                   bool accumulate, float* y, size_t y_stride);

  /// sums[i - begin] = sum over j of u[i][j] * (256 * high[j] + low[j]), for rows i in [begin, end)
  /// of weights u of four bits, 0..15 (VocabularyScreen). width: a multiple of kNibbleColumns, at
  /// most kMostNibbleColumns. In each 64 bytes of a row the low halves are 64 columns, the high
  /// halves the 64 after them. high: [width], -127..127; low: [width].
  void (*nibble_sums)(const uint8_t* rows, int width, int begin, int end, const int8_t* high,
                      const int8_t* low, int32_t* sums);
};

extern const IntegerKernel kIntegerReference;
#if defined(__x86_64__)
extern const IntegerKernel kIntegerAvx2;
extern const IntegerKernel kIntegerAvx512Vnni;
#endif
#if defined(__aarch64__)
extern const IntegerKernel kIntegerNeon;
#endif

/// Every kernel of this build, the reference first and then from slow to fast.
std::span<const IntegerKernel* const> all_integer_kernels();
/// The fastest one that is supported here.
const IntegerKernel& best_integer_kernel();

}  // namespace model
