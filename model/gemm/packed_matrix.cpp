#include "model/gemm/packed_matrix.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "model/clones.h"
#include "model/gemm/bf16.h"
#include "model/gemm/kernel.h"
#include "model/huge_pages.h"
#include "model/thread_pool.h"

// Weights are packed once, so that way is written for memory order: a source row is read once and
// its values are stored where the layout wants them. What is in memory as f32 is packed for every
// product of a training, so those loops are vectorised. With W given by rows a thread owns whole
// panels; with W^T it owns pairs of columns, so that no two threads write into the same 64 bytes.

namespace model {
namespace {

// W[row, column] in a view.
size_t offset_of(const PackedView& view, int row, int column) {
  return static_cast<size_t>(row / kPanelRows) * view.panel_stride +
         static_cast<size_t>(column / 2) * (2 * kPanelRows) +
         static_cast<size_t>(row % kPanelRows) * 2 + static_cast<size_t>(column % 2);
}

/// The bf16 nearest to x in the low half; as to_bf16, without a branch.
[[gnu::always_inline]] inline uint32_t rounded(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t nan = bits >> 16 | 0x40u, number = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? nan : number;
}

/// A panel of up to 16 rows of W.
TESSERA_CLONES void panel_of_rows(const float* w, int rows, int k, ptrdiff_t stride, uint16_t* to) {
  for (int c = 0; c < k; c += 2) {
    uint32_t pairs[kPanelRows] = {};
    for (int r = 0; r < rows; ++r) {
      const float* from = w + r * stride + c;
      pairs[r] = rounded(from[0]) | (c + 1 < k ? rounded(from[1]) << 16 : 0u);
    }
    std::memcpy(to + static_cast<ptrdiff_t>(c) * kPanelRows, pairs, sizeof(pairs));
  }
}

/// Columns c and c + 1 of W, rows of W^T: one pair in each panel. b: null after the last column.
TESSERA_CLONES void pair_of_columns(const float* a, const float* b, int n, size_t panel_stride,
                                    uint16_t* to) {
  for (int j = 0; j < n; j += kPanelRows, to += panel_stride) {
    uint32_t pairs[kPanelRows] = {};
    const int rows = std::min(kPanelRows, n - j);
    if (rows == kPanelRows && b != nullptr) {
      for (int r = 0; r < kPanelRows; ++r) pairs[r] = rounded(a[j + r]) | rounded(b[j + r]) << 16;
    } else {
      for (int r = 0; r < rows; ++r)
        pairs[r] = rounded(a[j + r]) | (b != nullptr ? rounded(b[j + r]) << 16 : 0u);
    }
    std::memcpy(to, pairs, sizeof(pairs));
  }
}

void for_ranges(ThreadPool* pool, int n, int grain, const std::function<void(int, int)>& task) {
  if (pool == nullptr) {
    task(0, n);
  } else {
    pool->parallel_for(n, grain, [&](int, int begin, int end) { task(begin, end); });
  }
}

}  // namespace

PackedView PackedView::rows(int first, int count) const {
  assert(first >= 0 && first % (2 * kPanelRows) == 0 && count >= 0 && first + count <= n);
  PackedView view = *this;
  view.panels += static_cast<size_t>(first / kPanelRows) * panel_stride;
  view.n = count;
  return view;
}

PackedView PackedView::columns(int first, int count) const {
  assert(first >= 0 && first % kColumnStep == 0 && count >= 0 && first + count <= k);
  PackedView view = *this;
  view.panels += static_cast<size_t>(first) * kPanelRows;
  view.k = count;
  return view;
}

PackedMatrix::PackedMatrix(int n, int k) {
  assert(n >= 0 && k >= 0);
  const size_t stride = static_cast<size_t>(round_up(k, kColumnStep)) * kPanelRows;
  bytes_ =
      static_cast<size_t>(round_up(n, 2 * kPanelRows) / kPanelRows) * stride * sizeof(uint16_t);
  const bool huge = bytes_ >= 2 * kHugePage;
  constexpr size_t kLine = 64;
  const size_t lines = std::max((bytes_ + kLine - 1) / kLine * kLine, kLine);
  values_.reset(static_cast<uint16_t*>(huge ? static_cast<void*>(huge_pages(bytes_))
                                            : std::aligned_alloc(kLine, lines)));
  if (!values_) throw std::bad_alloc();
  if (n % (2 * kPanelRows) != 0 || k % kColumnStep != 0) std::memset(values_.get(), 0, bytes_);
  view_ = {.panels = values_.get(), .n = n, .k = k, .panel_stride = stride};
}

PackedMatrix PackedMatrix::pack(const RowSource& source, int n, int k, ThreadPool* pool) {
  PackedMatrix packed(n, k);
  uint16_t* values = packed.values_.get();
  for_ranges(pool, n, 4 * kPanelRows, [&](int begin, int end) {
    std::vector<float> row(static_cast<size_t>(k));
    for (int r = begin; r < end; ++r) {
      source(r, row);
      uint16_t* to = values + offset_of(packed.view_, r, 0);
      for (int c = 0; c < k; ++c)
        to[c / 2 * 2 * kPanelRows + c % 2] = to_bf16(row[static_cast<size_t>(c)]);
    }
  });
  return packed;
}

PackedMatrix PackedMatrix::pack_transposed(const RowSource& source, int n, int k,
                                           ThreadPool* pool) {
  PackedMatrix packed(n, k);
  uint16_t* values = packed.values_.get();
  for_ranges(pool, k, 32, [&](int begin, int end) {
    std::vector<float> row(static_cast<size_t>(n));
    for (int c = begin; c < end; ++c) {
      source(c, row);
      uint16_t* to = values + offset_of(packed.view_, 0, c);
      for (int r = 0; r < n; ++r) {
        to[static_cast<size_t>(r / kPanelRows) * packed.view_.panel_stride + r % kPanelRows * 2] =
            to_bf16(row[static_cast<size_t>(r)]);
      }
    }
  });
  return packed;
}

PackedMatrix PackedMatrix::pack(const float* w, int n, int k, int row_stride, ThreadPool* pool) {
  PackedMatrix packed(n, k);
  uint16_t* values = packed.values_.get();
  const int panels = (n + kPanelRows - 1) / kPanelRows;
  for_ranges(pool, panels, 1, [&](int begin, int end) {
    for (int p = begin; p < end; ++p)
      panel_of_rows(w + static_cast<ptrdiff_t>(p) * kPanelRows * row_stride,
                    std::min(kPanelRows, n - p * kPanelRows), k, row_stride,
                    values + static_cast<size_t>(p) * packed.view_.panel_stride);
  });
  return packed;
}

PackedMatrix PackedMatrix::pack_transposed(const float* w, int n, int k, int row_stride,
                                           ThreadPool* pool) {
  PackedMatrix packed(n, k);
  uint16_t* values = packed.values_.get();
  const int pairs = (k + 1) / 2;
  for_ranges(pool, pairs, 16, [&](int begin, int end) {
    for (int p = begin; p < end; ++p) {
      const float* a = w + static_cast<ptrdiff_t>(2 * p) * row_stride;
      pair_of_columns(a, 2 * p + 1 < k ? a + row_stride : nullptr, n, packed.view_.panel_stride,
                      values + static_cast<size_t>(p) * 2 * kPanelRows);
    }
  });
  return packed;
}

}  // namespace model
