#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "model/huge_pages.h"

namespace model {

class ThreadPool;

/// A part of a PackedMatrix (or all of it); valid as long as the matrix.
struct PackedView {
  const uint16_t* panels = nullptr;  ///< first panel, at its first pair
  int n = 0;
  int k = 0;
  size_t panel_stride = 0;  ///< bf16 values from one panel to the next

  /// W[first : first + count, :]; first a multiple of 32. A slice of the vocabulary, for instance.
  PackedView rows(int first, int count) const;
  /// W[:, first : first + count]; first a multiple of 32.
  PackedView columns(int first, int count) const;
};

/// A constant matrix W [n, k] in bf16, laid out for multiplication from the right: y = x W^T.
///
/// One layout serves every kernel. Rows of W are grouped in panels of 16, padded with zeros to an
/// even number of panels and to a multiple of 32 columns; a panel holds, pair of columns after pair
/// of columns, the 16 pairs W[16 p + r, 2 c], W[16 p + r, 2 c + 1]. So 64 bytes are one operand of
/// vdpbf16ps, 1 KiB is one tile of AMX, and AVX2 widens by a shift and a mask.
class PackedMatrix {
 public:
  /// Writes row `row` of the source, as f32, to `out`. Called from several threads when a pool is
  /// given.
  using RowSource = std::function<void(int row, std::span<float> out)>;

  PackedMatrix() = default;

  /// w: [n, k] f32, row_stride floats from row to row. Rounded to nearest even.
  static PackedMatrix pack(const float* w, int n, int k, int row_stride,
                           ThreadPool* pool = nullptr);
  /// Packs W^T for use as right-hand side of x W: w is [k, n] f32, the result has n() = n, k() = k.
  static PackedMatrix pack_transposed(const float* w, int n, int k, int row_stride,
                                      ThreadPool* pool = nullptr);
  /// The same two for sources that are not in memory as f32 (quantized or bf16 tensors of a
  /// checkpoint): n rows of length k, and k rows of length n.
  static PackedMatrix pack(const RowSource& source, int n, int k, ThreadPool* pool = nullptr);
  static PackedMatrix pack_transposed(const RowSource& source, int n, int k,
                                      ThreadPool* pool = nullptr);

  int n() const { return view_.n; }
  int k() const { return view_.k; }
  size_t bytes() const { return bytes_; }
  const PackedView& view() const { return view_; }
  operator const PackedView&() const { return view_; }

 private:
  PackedMatrix(int n, int k);

  std::unique_ptr<uint16_t, FreeAligned> values_;
  size_t bytes_ = 0;
  PackedView view_;
};

}  // namespace model
