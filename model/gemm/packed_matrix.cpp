#include "model/gemm/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "model/gemm/bf16.h"
#include "model/gemm/kernel.h"
#include "model/huge_pages.h"
#include "model/thread_pool.h"

// Packing happens once per tensor, so it is written for memory order rather than for speed: a
// source row is read once and its values are stored where the layout wants them. With W given by
// rows a thread owns whole panels; with W^T it owns pairs of columns, so that no two threads write
// into the same 64 bytes.

namespace model {
namespace {

// W[row, column] in a view.
size_t offset_of(const PackedView& view, int row, int column) {
  return static_cast<size_t>(row / kPanelRows) * view.panel_stride +
         static_cast<size_t>(column / 2) * (2 * kPanelRows) +
         static_cast<size_t>(row % kPanelRows) * 2 + static_cast<size_t>(column % 2);
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
  std::memset(values_.get(), 0, bytes_);
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
  return pack(
      [=](int row, std::span<float> out) {
        std::copy_n(w + static_cast<ptrdiff_t>(row) * row_stride, out.size(), out.data());
      },
      n, k, pool);
}

PackedMatrix PackedMatrix::pack_transposed(const float* w, int n, int k, int row_stride,
                                           ThreadPool* pool) {
  return pack_transposed(
      [=](int row, std::span<float> out) {
        std::copy_n(w + static_cast<ptrdiff_t>(row) * row_stride, out.size(), out.data());
      },
      n, k, pool);
}

}  // namespace model
