#include "model/int8/matmul.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "model/clones.h"

namespace model {
namespace {

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

/// Groups of 32 values, each rounded to the nearest multiple of its largest / 127.
TESSERA_CLONES void round_groups(const float* x, int groups, int8_t* values, float* scales,
                                 float* sums, float* half_sums) {
  for (int g = 0; g < groups; ++g, x += 32, values += 32) {
    float largest = 0, strange = 0;
    for (int j = 0; j < 32; ++j) {
      largest = std::max(largest, std::abs(x[j]));
      strange += x[j] - x[j];  // 0, or NaN where x is not finite
    }
    const float scale = largest / 127, inverse = largest > 0 ? 127 / largest : 0;
    int32_t total[2] = {0, 0};
    for (int h = 0; h < 2; ++h)
      for (int j = 16 * h; j < 16 * h + 16; ++j) {
        // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
        const int32_t bits = std::bit_cast<int32_t>(x[j] * inverse + 12582912.0f) - 0x4b400000;
        values[j] = static_cast<int8_t>(bits);
        total[h] += bits;
      }
    scales[g] = scale + strange;
    half_sums[2 * g] = scales[g] * static_cast<float>(total[0]);
    half_sums[2 * g + 1] = scales[g] * static_cast<float>(total[1]);
    sums[g] = scales[g] * static_cast<float>(total[0] + total[1]);
  }
}

/// Rows of W a worker takes at a time: several ranges for each, whole panels.
int grain_of(int out, const ThreadPool& pool) {
  const int share = out / (4 * pool.n_threads());
  return std::clamp(share / kInt8PanelRows * kInt8PanelRows, kInt8PanelRows, 512);
}

constexpr const Int8Kernel* kKernels[] = {
    &kInt8Reference,
#if defined(__x86_64__)
    &kInt8Avx2,
    &kInt8Avx512Vnni,
#endif
#if defined(__aarch64__)
    &kInt8Neon,
#endif
};

}  // namespace

std::span<const Int8Kernel* const> all_int8_kernels() { return kKernels; }

const Int8Kernel& best_int8_kernel() {
  static const Int8Kernel& best = []() -> const Int8Kernel& {
    const Int8Kernel* found = &kInt8Reference;
    for (const Int8Kernel* kernel : kKernels)
      if (kernel->supported()) found = kernel;
    return *found;
  }();
  return best;
}

const Int8Rows& Int8Activations::assign(const float* x, int rows, int width, ThreadPool& pool) {
  assert(width % kInt8Group == 0);
  const int groups = width / kInt8Group;
  if (values_.size() < area(rows, width)) {
    values_.resize(area(rows, width));
    scales_.resize(area(rows, groups));
    sums_.resize(area(rows, groups));
    half_sums_.resize(area(rows, 2 * groups));
  }
  pool.parallel_for(rows, 8, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r)
      round_groups(x + area(r, width), groups, values_.data() + area(r, width),
                   scales_.data() + area(r, groups), sums_.data() + area(r, groups),
                   half_sums_.data() + area(r, 2 * groups));
  });
  rows_ = {rows, width, values_.data(), scales_.data(), sums_.data(), half_sums_.data()};
  return rows_;
}

void multiply_int8_rows(const Int8Kernel& kernel, const Matrix& w, const Int8Rows& x, float* y,
                        ThreadPool& pool) {
  assert(has_int8_form(w.type) && x.width == w.in);
  const size_t stride = row_bytes(w.type, static_cast<uint64_t>(w.in));
  pool.parallel_for(w.out, grain_of(w.out, pool), [&](int, int begin, int end) {
    kernel.multiply_rows(w.type, w.data, stride, begin, end, x, y, static_cast<size_t>(w.out));
  });
}

void multiply_int8_panels(const Int8Kernel& kernel, const Matrix& w, const Int8Rows& x, float* y,
                          ThreadPool& pool) {
  assert(has_int8_form(w.type) && x.width == w.in);
  constexpr int kColumns =
      1024;  // a panel of this width and four rows of x stay in the first cache
  const size_t stride = row_bytes(w.type, static_cast<uint64_t>(w.in));
  const int group = int8_group(w.type);
  const size_t panel_scales = area(kColumns / group, kInt8PanelRows);
  pool.parallel_for(w.out, kInt8PanelRows, [&](int worker, int begin, int end) {
    std::byte* scratch =
        pool.scratch(worker, area(kColumns, kInt8PanelRows) + 2 * panel_scales * sizeof(float));
    Int8Panel panel = {.bits = int8_bits(w.type), .group = group};
    panel.values = reinterpret_cast<uint8_t*>(scratch);
    panel.scales = reinterpret_cast<float*>(scratch + area(kColumns, kInt8PanelRows));
    panel.mins = panel.scales + panel_scales;
    for (int column = 0; column < w.in; column += kColumns) {
      panel.width = std::min(kColumns, w.in - column);
      kernel.decode(w.type, w.row(begin), stride, end - begin, column, panel);
      kernel.multiply(panel, end - begin, x, column, column > 0, y + begin,
                      static_cast<size_t>(w.out));
    }
  });
}

void multiply_int8_rows(const Matrix& w, const Int8Rows& x, float* y, ThreadPool& pool) {
  multiply_int8_rows(best_int8_kernel(), w, x, y, pool);
}

void multiply_int8_panels(const Matrix& w, const Int8Rows& x, float* y, ThreadPool& pool) {
  multiply_int8_panels(best_int8_kernel(), w, x, y, pool);
}

}  // namespace model
