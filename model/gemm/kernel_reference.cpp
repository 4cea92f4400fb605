#include "model/gemm/bf16.h"
#include "model/gemm/kernel.h"

// The specification: f32 sums, in the order of k, of products of bf16 values. Packed x is row-major
// bf16.

namespace model {
namespace {

bool always() { return true; }

void pack_x(const float* x, int m, int k, int x_stride, std::byte* to) {
  uint16_t* out = reinterpret_cast<uint16_t*>(to);
  for (int i = 0; i < round_up(m, kRowBlock); ++i) {
    for (int c = 0; c < round_up(k, kColumnStep); ++c) {
      *out++ = i < m && c < k ? to_bf16(x[static_cast<ptrdiff_t>(i) * x_stride + c]) : uint16_t{0};
    }
  }
}

void multiply(const std::byte* x, int m, int k, const uint16_t* w, size_t panel_stride, int n,
              float* y, int y_stride, bool accumulate) {
  for (int i = 0; i < m; ++i) {
    const uint16_t* xi = reinterpret_cast<const uint16_t*>(x) + static_cast<ptrdiff_t>(i) * k;
    for (int j = 0; j < n; ++j) {
      const uint16_t* wj =
          w + static_cast<size_t>(j / kPanelRows) * panel_stride + j % kPanelRows * 2;
      float* yij = y + static_cast<ptrdiff_t>(i) * y_stride + j;
      float sum = accumulate ? *yij : 0.0f;
      for (int c = 0; c < k; ++c) {
        sum += from_bf16(xi[c]) *
               from_bf16(wj[static_cast<ptrdiff_t>(c / 2) * 2 * kPanelRows + c % 2]);
      }
      *yij = sum;
    }
  }
}

}  // namespace

const GemmKernel kReferenceKernel = {"reference", always, false, 2, pack_x, multiply};

}  // namespace model
